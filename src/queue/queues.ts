// The queues of this node: which are in use, and their records in the store. An unknown name becomes a queue when a caller is put into it
// (twiml.md 7.2). What finds, makes or removes a record does so one after another per account: a queue is never removed under a caller.

import type { Clock } from '../base/clock.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Repository } from '../base/repository.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Queue } from '../base/voice-records.ts';
import type { Call } from '../call/call.ts';
import { LiveQueue, type Waiting } from './live-queue.ts';

export interface QueuesOptions {
  readonly store: Repository<Queue>;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

/** A caller in its queue. */
export interface Place {
  readonly queue: LiveQueue;
  readonly waiting: Waiting;
}

const FIRST = { size: 1, cursor: null, page: 0 } as const;

export class Queues {
  readonly #options: QueuesOptions;
  /** By sid: those in use. */
  readonly #live = new Map<string, LiveQueue>();
  /** By account: the end of its last turn. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: QueuesOptions) {
    this.#options = options;
  }

  /** For /debug/counts: all zero when idle. */
  counts() {
    const all = [...this.#live.values()];
    const sum = (of: (queue: LiveQueue) => number) => all.reduce((total, queue) => total + of(queue), 0);
    return {
      queues: all.length,
      waiting: sum(({ size }) => size),
      reserved: sum(({ reserved }) => reserved),
      agents: sum(({ agents }) => agents),
    };
  }

  /** The queue in use; undefined when nobody is there. */
  live(queueSid: string): LiveQueue | undefined {
    return this.#live.get(queueSid);
  }

  /**
   * Puts a call at the end of the queue of that name, which is made if there is none. `maxSize`: of the document, else that of the
   * queue counts. The place is to be given up by `leave`.
   */
  join(
    call: Call,
    name: string,
    maxSize: number | undefined,
  ): Promise<Result<Place, 'queue-full' | 'error' | 'system-error'>> {
    const { accountSid } = call.options;
    return this.#inTurn(accountSid, async () => {
      try {
        const found = (await this.#find(accountSid, name)) ?? (await this.#make(accountSid, name, maxSize));
        if (!found) {
          call.notify('warning', 12200, `the account has ${limits.queuesPerAccount} queues: no more are made`);
          return err('error' as const);
        }
        const queue = this.#use(found);
        if (queue.size >= (maxSize ?? found.maxSize)) {
          this.#drop(queue);
          return err('queue-full' as const);
        }
        return ok({ queue, waiting: queue.add(call) });
      } catch (fault) {
        this.#options.log.error({ err: fault, callSid: call.sid }, 'a caller cannot be put into a queue');
        return err('system-error' as const);
      }
    });
  }

  leave({ queue, waiting }: Place): void {
    queue.remove(waiting);
    this.#drop(queue);
  }

  /** The queue of that name for an agent, to be given back by `release`. Undefined: there is none. Rejects when the store does. */
  open(accountSid: string, name: string): Promise<LiveQueue | undefined> {
    return this.#inTurn(accountSid, async () => {
      const found = await this.#find(accountSid, name);
      return found && this.#use(found);
    });
  }

  release(queue: LiveQueue): void {
    this.#drop(queue);
  }

  // ------------------------------------------------------------------ records

  /** Rejects when the store does. */
  create(accountSid: string, friendlyName: string, maxSize: number): Promise<Result<Queue, 'duplicate' | 'full'>> {
    return this.#inTurn(accountSid, async () => {
      if (await this.#find(accountSid, friendlyName)) return err('duplicate' as const);
      const made = await this.#make(accountSid, friendlyName, maxSize);
      return made ? ok(made) : err('full' as const);
    });
  }

  update(
    { sid, accountSid }: Queue,
    change: Partial<Pick<Queue, 'friendlyName' | 'maxSize'>>,
  ): Promise<Result<Queue, 'duplicate' | 'missing'>> {
    return this.#inTurn(accountSid, async () => {
      const { store, clock } = this.#options;
      const before = await store.get(sid);
      if (!before) return err('missing' as const);
      const other = change.friendlyName === undefined ? undefined : await this.#find(accountSid, change.friendlyName);
      if (other && other.sid !== sid) return err('duplicate' as const);
      const record = { ...before, ...change, dateUpdated: clock.wall() };
      if (!(await store.update(record))) return err('missing' as const);
      const queue = this.#live.get(sid);
      if (queue) queue.record = record;
      return ok(record);
    });
  }

  remove({ sid, accountSid }: Queue): Promise<Result<void, 'busy' | 'missing'>> {
    return this.#inTurn(accountSid, async () => {
      const queue = this.#live.get(sid);
      if (queue && queue.size + queue.reserved > 0) return err('busy' as const);
      if (!(await this.#options.store.remove(sid))) return err('missing' as const);
      queue?.close();
      this.#live.delete(sid);
      return ok(undefined);
    });
  }

  async #find(accountSid: string, friendlyName: string): Promise<Queue | undefined> {
    // In use: no need to ask the store.
    for (const { record } of this.#live.values())
      if (record.accountSid === accountSid && record.friendlyName === friendlyName) return record;
    return (await this.#options.store.list({ accountSid, friendlyName }, FIRST)).records[0];
  }

  /** Undefined: the account has as many as it may. */
  async #make(accountSid: string, friendlyName: string, maxSize: number | undefined): Promise<Queue | undefined> {
    const { store, clock, random } = this.#options;
    if ((await store.count({ accountSid })) >= limits.queuesPerAccount) return undefined;
    const now = clock.wall();
    const record: Queue = {
      sid: newSid('QU', random),
      accountSid,
      friendlyName,
      maxSize: maxSize ?? limits.queueSizeDefault,
      dateCreated: now,
      dateUpdated: now,
    };
    try {
      await store.insert(record);
      return record;
    } catch (fault) {
      // Another node was faster.
      const theirs = await this.#find(accountSid, friendlyName);
      if (theirs) return theirs;
      throw fault;
    }
  }

  // ------------------------------------------------------------------ use

  #use(record: Queue): LiveQueue {
    const queue = this.#live.get(record.sid) ?? new LiveQueue(record, this.#options.clock);
    this.#live.set(record.sid, queue);
    queue.users++;
    return queue;
  }

  #drop(queue: LiveQueue): void {
    queue.users--;
    if (queue.users === 0 && this.#live.get(queue.record.sid) === queue) this.#live.delete(queue.record.sid);
  }

  async #inTurn<T>(accountSid: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(accountSid) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#turns.set(accountSid, mine);
    try {
      return await mine;
    } finally {
      if (this.#turns.get(accountSid) === mine) this.#turns.delete(accountSid);
    }
  }
}
