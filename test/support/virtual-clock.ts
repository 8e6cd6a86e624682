// A clock that tests move by hand: timers fire in order of time, then of creation; a 32-second wait takes a microsecond.

import type { Clock, Timer } from '../../src/base/clock.ts';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #wallStart: number;
  readonly #pending = new Set<Pending>();

  constructor(wallStart = Date.UTC(2026, 0, 1)) {
    this.#wallStart = wallStart;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wallStart + this.#now;
  }

  after(delayMs: number, fire: () => void): Timer {
    const pending: Pending = { at: this.#now + Math.max(0, delayMs), order: this.#order++, fire };
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Time of the next timer, or undefined. */
  nextAt(): number | undefined {
    let next: number | undefined;
    for (const pending of this.#pending) if (next === undefined || pending.at < next) next = pending.at;
    return next;
  }

  /** Moves time on by `ms`, firing what is due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let first: Pending | undefined;
      for (const pending of this.#pending) {
        if (pending.at > end) continue;
        if (!first || pending.at < first.at || (pending.at === first.at && pending.order < first.order))
          first = pending;
      }
      if (!first) break;
      this.#pending.delete(first);
      this.#now = Math.max(this.#now, first.at);
      first.fire();
    }
    this.#now = end;
  }

  /** Like advance, but lets promises settle after each timer. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.nextAt();
      if (next === undefined || next > end) break;
      this.advance(Math.max(0, next - this.#now));
      await settle();
    }
    this.advance(end - this.#now);
    await settle();
  }
}

/** Runs the microtask queue and pending immediates a few times. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise<void>((resolve) => setImmediate(resolve));
}
