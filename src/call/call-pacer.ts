// Calls per second of an account (rest-api.md 20): what comes too fast waits, evenly spaced, and is never refused for that, but for a
// backlog of more than a day.
//
//   POST  1 2 3 4        ─▶  1 ···· 2 ···· 3 ···· 4      one second apart at one call per second
//
// Pure but for the clock; a call that is canceled leaves its place empty.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';

export class CallPacer {
  readonly #clock: Clock;
  readonly #callsPerSecond: () => number | null;
  /** By account: when the next call may leave, in milliseconds of the clock. */
  readonly #next = new Map<string, number>();

  /** `callsPerSecond` null: no bound. */
  constructor(clock: Clock, callsPerSecond: () => number | null) {
    this.#clock = clock;
    this.#callsPerSecond = callsPerSecond;
  }

  /** Takes the next place of the account: how long to wait for it, or undefined when the backlog is too long. */
  reserve(accountSid: string): number | undefined {
    const rate = this.#callsPerSecond();
    if (rate === null) return 0;
    const now = this.#clock.now();
    const place = Math.max(now, this.#next.get(accountSid) ?? now);
    if (place - now > limits.callBacklogMs) return undefined;
    this.#forget(now);
    this.#next.set(accountSid, place + 1_000 / rate);
    return place - now;
  }

  /** Accounts whose next call would not wait need no entry. */
  #forget(now: number): void {
    for (const [accountSid, next] of this.#next) {
      if (next > now) return;
      this.#next.delete(accountSid);
    }
  }
}
