// All live calls of this node: made here, counted here, forgotten here when they end.

import type { Clock, Timer } from '../base/clock.ts';
import { Emitter, type Unsubscribe } from '../base/emitter.ts';
import type { CallEvent } from '../base/events.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { oldestFirst } from '../base/oldest-first.ts';
import { Call, type CallOptions } from './call.ts';

export interface CallsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: RandomSource;
  readonly maxCalls: number;
}

export class Calls {
  readonly #options: CallsOptions;
  readonly #live = new Map<string, Call>();
  /** Live ones that wait for their turn: they take no place of others. */
  readonly #waiting = new Set<Call>();
  /** The latest that ended: their last requests to the application and what comes of them still belong to them. */
  readonly #ended = new Map<string, Call>();
  readonly #oldestEnded = oldestFirst(this.#ended);
  readonly #events: Emitter<{ readonly event: CallEvent; readonly call: Call }>;
  /** When each has lasted as long as a call may, the oldest first. */
  readonly #endAt = new Map<Call, number>();
  #hardEnd: Timer | undefined;
  #onEmpty: (() => void)[] = [];

  constructor(options: CallsOptions) {
    this.#options = options;
    this.#events = new Emitter((fault) => options.log.error({ err: fault }, 'a listener of call events failed'));
  }

  /** Every event of every call, in order per call. Listeners are isolated from one another. */
  onEvent(listener: (event: CallEvent, call: Call) => void): Unsubscribe {
    return this.#events.on(({ event, call }) => listener(event, call));
  }

  get size(): number {
    return this.#live.size;
  }

  /** Calls that wait for their turn to start (rest-api.md 20). */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Ends those that wait: nobody will start them any more. */
  endWaiting(reason: string): void {
    for (const call of [...this.#waiting]) call.hangUp(reason);
  }

  get isFull(): boolean {
    return this.#live.size - this.#waiting.size >= Math.min(this.#options.maxCalls, limits.calls);
  }

  /** A new call. The caller attaches its leg at once. */
  create(options: Omit<CallOptions, 'sid'>): Call {
    const { clock, log, random } = this.#options;
    const emit = (event: CallEvent) => {
      if (event.type === 'status' && this.#waiting.delete(call)) this.#begin(call);
      this.#events.emit({ event, call });
      if (event.type === 'ended') this.#retire(call);
    };
    const call: Call = new Call({ ...options, sid: newSid('CA', random) }, { clock, log, emit });
    this.#live.set(call.sid, call);
    // Its time begins when it starts.
    if (options.queueTimeMs !== undefined) this.#waiting.add(call);
    else this.#begin(call);
    return call;
  }

  /** One timer for all, since each may last equally long: it waits for the oldest. */
  #begin(call: Call): void {
    this.#endAt.set(call, this.#options.clock.now() + limits.callTimeLimitMs);
    this.#hardEnd ??= this.#options.clock.after(limits.callTimeLimitMs, () => this.#endLate());
  }

  #endLate(): void {
    const { clock } = this.#options;
    this.#hardEnd = undefined;
    for (const [call, endAt] of this.#endAt) {
      const waitMs = endAt - clock.now();
      if (waitMs > 0) {
        this.#hardEnd = clock.after(waitMs, () => this.#endLate());
        return;
      }
      this.#endAt.delete(call);
      if (call.mayLiveLonger) continue;
      call.notify('warning', 32015, 'the call reached its maximum duration');
      call.hangUp('maximum duration');
    }
  }

  #retire(call: Call): void {
    this.#live.delete(call.sid);
    this.#waiting.delete(call);
    this.#endAt.delete(call);
    if (this.#endAt.size === 0) this.#stopHardEnd();
    this.#ended.set(call.sid, call);
    if (this.#ended.size > limits.endedCalls) this.#ended.delete(this.#oldestEnded()![0]);
    if (this.#live.size === 0) for (const done of this.#onEmpty.splice(0)) done();
  }

  #stopHardEnd(): void {
    this.#hardEnd?.cancel();
    this.#hardEnd = undefined;
  }

  get(sid: string): Call | undefined {
    return this.#live.get(sid);
  }

  /** A live call, or one of the latest that ended. */
  find(sid: string): Call | undefined {
    return this.#live.get(sid) ?? this.#ended.get(sid);
  }

  all(): Iterable<Call> {
    return this.#live.values();
  }

  /** Resolves when no call is alive. */
  empty(): Promise<void> {
    if (this.#live.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }
}
