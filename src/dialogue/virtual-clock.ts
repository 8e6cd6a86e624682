// Time that passes only when nothing else can happen: while a request to the application is under way the clock stands still, then it
// jumps to the next timer. An hour of waiting takes some microseconds.
//
//   run: ──▶ let promises settle ──▶ I/O under way? ──yes──▶ wait for it (real time) ─┐
//            ▲                          │ no                                          │
//            │                          ▼                                             │
//            └────────────── jump to the next timer and fire it ◀────────────────────┘

import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, Timer } from '../base/clock.ts';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  readonly #wallStart: number;
  readonly #pending = new Set<Pending>();
  #now = 0;
  #order = 0;
  #inFlight = 0;
  #wake: () => void = () => {};

  /** `wallStart`: what wall time the calls begin at. */
  constructor(wallStart: number) {
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

  /** Time stands still until `io` has settled. */
  async during<T>(io: Promise<T>): Promise<T> {
    this.#inFlight += 1;
    try {
      return await io;
    } finally {
      this.#inFlight -= 1;
      this.#wake();
    }
  }

  /** Lets time pass until `work` has settled. Rejects when it waits for something that can never happen. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const onEnd = () => {
      isOver = true;
      this.#wake();
    };
    work.then(onEnd, onEnd);
    for (;;) {
      // All promises that can settle do so before the next turn of the event loop.
      await turn();
      if (isOver) return work;
      if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (!this.#fireNext()) throw new Error('the call waits for something that cannot happen any more');
    }
  }

  #fireNext(): boolean {
    let first: Pending | undefined;
    for (const pending of this.#pending) {
      if (!first || pending.at < first.at || (pending.at === first.at && pending.order < first.order)) first = pending;
    }
    if (!first) return false;
    this.#pending.delete(first);
    this.#now = Math.max(this.#now, first.at);
    first.fire();
    return true;
  }
}
