// The two write queues of design.md 7. Records (calls, notifications) are latest-wins per sid and flushed within 100 ms or before any
// read; bindings are latest-wins per AOR, and each save waits for its own commit.
//
//   save ─┬─ 15 ms ─┬▶ one transaction ─▶ all saves of the window resolve
//   save ─┘         │   (a save that comes while one is being written waits for the next)

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Operation } from './operations.ts';
import { PendingRecords } from './pending-records.ts';
import { type BindingChange, StoreFault } from './store.ts';
import type { TableName } from './tables.ts';

type Ask = (operation: Operation) => Promise<unknown>;

/**
 * Later writes of one sid replace earlier ones that were not written yet. Never rejects: a failed write is kept and tried again, unless
 * the database will never take it.
 */
export class RecordBatch {
  readonly #ask: Ask;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #pending = new PendingRecords();
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();
  #dropped = 0;

  constructor(ask: Ask, clock: Clock, log: Log) {
    this.#ask = ask;
    this.#clock = clock;
    this.#log = log;
  }

  put(table: TableName, record: { readonly sid: string }): void {
    this.#add(record.sid, { do: 'put', table, record });
  }

  erase(table: TableName, sid: string): void {
    this.#add(sid, { do: 'erase', table, key: sid });
  }

  /** What was put of the sid and could not be written is not tried again: a removed record must not come back. */
  forget(sid: string): void {
    this.#pending.delete(sid);
  }

  #add(sid: string, operation: Operation): void {
    this.#countDropped(this.#pending.set(sid, operation));
    this.#timer ??= this.#clock.after(limits.storeBatchMs, () => void this.flush());
  }

  /**
   * Writes everything that waits. Resolves when it is written, or when writing failed (logged, tried again later). One at a time:
   * a failed write that is kept must not overwrite a later one of the same sid that went through meanwhile.
   */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#drain());
    return this.#writing;
  }

  get size(): number {
    return this.#pending.size;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #drain(): Promise<void> {
    while (this.#pending.size > 0) {
      const group = this.#pending.first(limits.storeBatchRecords);
      const results = await Promise.allSettled(group.map(([, operation]) => this.#ask(operation)));
      const kept: unknown[] = [];
      for (const [index, [sid, operation]] of group.entries()) {
        const result = results[index];
        const reason: unknown = result?.status === 'rejected' ? result.reason : undefined;
        if (reason !== undefined && !isFinal(reason)) {
          kept.push(reason);
          continue;
        }
        if (reason !== undefined) this.#refused(operation, reason);
        this.#pending.done(sid, operation);
      }
      if (kept.length > 0) return this.#tryAgainLater(kept);
    }
  }

  #refused(operation: Operation, reason: unknown): void {
    const table = 'table' in operation ? operation.table : undefined;
    this.#log.error({ table, reason: reasonOf(reason) }, 'store refuses a record, it is dropped');
  }

  #tryAgainLater(reasons: readonly unknown[]): void {
    this.#log.error(
      { records: reasons.length, waiting: this.#pending.size, reason: reasonOf(reasons[0]) },
      'store could not write records, will try again',
    );
    this.#timer ??= this.#clock.after(limits.storeRetryMs, () => void this.flush());
  }

  #countDropped(dropped: number): void {
    if (dropped === 0) return;
    const thousands = Math.floor(this.#dropped / 1_000);
    const isFirst = this.#dropped === 0;
    this.#dropped += dropped;
    if (isFirst || Math.floor(this.#dropped / 1_000) > thousands)
      this.#log.error({ dropped: this.#dropped }, 'store drops records: the queue is full');
  }
}

const reasonOf = (reason: unknown): unknown => (reason instanceof Error ? reason.message : reason);

/** Trying again would give the same answer, and hold up what stands behind it. */
const isFinal = (reason: unknown): boolean =>
  reason instanceof StoreFault && reason.code !== 'unavailable' && reason.code !== 'full';

interface Save {
  readonly resolve: () => void;
  readonly reject: (fault: unknown) => void;
}

/** Group commit of bindings: one transaction for all saves of a window. */
export class BindingBatch {
  readonly #ask: Ask;
  readonly #clock: Clock;
  readonly #pending = new Map<string, { change: BindingChange; readonly saves: Save[] }>();
  #timer: Timer | undefined;

  constructor(ask: Ask, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  save(change: BindingChange): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#pending.get(change.aor);
      if (waiting) {
        waiting.change = change;
        waiting.saves.push({ resolve, reject });
      } else this.#pending.set(change.aor, { change, saves: [{ resolve, reject }] });
      this.#timer ??= this.#clock.after(limits.storeBindingCommitMs, () => void this.flush());
    });
  }

  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const group = [...this.#pending.values()];
    this.#pending.clear();
    await Promise.all(
      group.map(({ change, saves }) =>
        this.#ask({ do: 'saveBindings', change }).then(
          () => {
            for (const save of saves) save.resolve();
          },
          (fault) => {
            for (const save of saves) save.reject(fault);
          },
        ),
      ),
    );
  }
}
