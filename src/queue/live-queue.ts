// One queue as it is now: who waits, in which order, and which agents wait for somebody to come. Pure bookkeeping; what callers hear and
// how they are joined is in enqueue.ts and dequeue.ts. Everything here happens at once, so that nobody is given to two agents.
//
//   add ─▶ waiting ──next()──▶ reserved ──▶ gone (bridged, hung up, redirected)
//             ▲                    │
//             └──── putBack ───────┘  the agent was lost first: the caller has its old place again

import type { Clock } from '../base/clock.ts';
import type { Queue } from '../base/voice-records.ts';
import type { Call } from '../call/call.ts';
import type { Reservation } from './reservation.ts';

/** A call in a queue. */
export class Waiting {
  readonly call: Call;
  readonly number: number;
  readonly enqueuedWall: number;
  readonly #clock: Clock;
  readonly #enqueuedAt: number;
  #reservedAt: number | undefined;
  #reservation: Reservation | undefined;
  state: 'waiting' | 'reserved' | 'gone' = 'waiting';
  /** Told when an agent takes it. */
  onReserved: () => void = () => {};

  constructor(call: Call, number: number, clock: Clock) {
    this.call = call;
    this.number = number;
    this.#clock = clock;
    this.#enqueuedAt = clock.now();
    this.enqueuedWall = clock.wall();
  }

  /** Whole seconds in the queue, until it was taken out. */
  get waitSeconds(): number {
    return Math.floor(((this.#reservedAt ?? this.#clock.now()) - this.#enqueuedAt) / 1000);
  }

  get reservation(): Reservation | undefined {
    return this.#reservation;
  }

  /** Ends the counting of its time; the reservation follows. */
  hold(): void {
    this.state = 'reserved';
    this.#reservedAt = this.#clock.now();
  }

  /** The agent that it is held for says what is to be done. False: it is gone. */
  reserve(reservation: Reservation): boolean {
    if (this.state !== 'reserved') return false;
    this.#reservation = reservation;
    this.onReserved();
    return true;
  }

  /** Waits again. */
  free(): void {
    this.state = 'waiting';
    this.#reservedAt = undefined;
    this.#reservation = undefined;
  }
}

export class LiveQueue {
  record: Queue;
  readonly #clock: Clock;
  /** In order of arrival. */
  readonly #line: Waiting[] = [];
  /** Agents that wait for somebody, in order of arrival. */
  readonly #agents = new Set<(waiting: Waiting | undefined) => void>();
  #arrivals = 0;
  #reserved = 0;
  #isClosed = false;
  /** Sessions that use this object (queues.ts). */
  users = 0;

  constructor(record: Queue, clock: Clock) {
    this.record = record;
    this.#clock = clock;
  }

  /** Those who wait and are not being connected. */
  get size(): number {
    return this.#line.length;
  }
  get reserved(): number {
    return this.#reserved;
  }
  get agents(): number {
    return this.#agents.size;
  }
  /** Its record was removed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }
  get line(): readonly Waiting[] {
    return this.#line;
  }

  /** Seconds that those who wait now have waited, on the average. */
  get averageSeconds(): number {
    if (this.#line.length === 0) return 0;
    return Math.round(this.#line.reduce((sum, { waitSeconds }) => sum + waitSeconds, 0) / this.#line.length);
  }

  /** From 1; 0 when it does not wait. */
  positionOf(waiting: Waiting): number {
    return this.#line.indexOf(waiting) + 1;
  }

  /** Puts a call at the end. */
  add(call: Call): Waiting {
    const waiting = new Waiting(call, ++this.#arrivals, this.#clock);
    this.#offer(waiting);
    return waiting;
  }

  /** It waits no more, and is not to be connected. Idempotent. */
  remove(waiting: Waiting): void {
    if (waiting.state === 'reserved') this.#reserved--;
    if (waiting.state === 'waiting') this.#leaveLine(waiting);
    waiting.state = 'gone';
  }

  /** The agent that it was reserved for cannot take it. */
  putBack(waiting: Waiting): void {
    if (waiting.state !== 'reserved') return;
    this.#reserved--;
    waiting.free();
    this.#offer(waiting);
  }

  /**
   * The first in line, reserved for who asks, at once or as soon as there is one. Undefined when `signal` aborts first or the queue is
   * closed.
   */
  next(signal: AbortSignal): Promise<Waiting | undefined> {
    const first = this.#line[0];
    if (first) {
      this.#leaveLine(first);
      this.#hold(first);
      return Promise.resolve(first);
    }
    if (signal.aborted || this.#isClosed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const agent = (waiting: Waiting | undefined) => {
        this.#agents.delete(agent);
        signal.removeEventListener('abort', onAbort);
        resolve(waiting);
      };
      const onAbort = () => agent(undefined);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#agents.add(agent);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const agent of [...this.#agents]) agent(undefined);
  }

  #offer(waiting: Waiting): void {
    const [agent] = this.#agents;
    if (agent) {
      this.#hold(waiting);
      return agent(waiting);
    }
    const behind = this.#line.findIndex(({ number }) => number > waiting.number);
    this.#line.splice(behind < 0 ? this.#line.length : behind, 0, waiting);
  }

  #hold(waiting: Waiting): void {
    waiting.hold();
    this.#reserved++;
  }

  #leaveLine(waiting: Waiting): void {
    const index = this.#line.indexOf(waiting);
    if (index >= 0) this.#line.splice(index, 1);
  }
}

/** twiml.md 7.3: to the document of the noun and to the action of the Dial. */
export const dequeuedParams = (queue: LiveQueue, waiting: Waiting, agentSid: string): ReadonlyMap<string, string> =>
  new Map([
    ['QueueSid', queue.record.sid],
    ['QueueTime', String(waiting.waitSeconds)],
    ['DequeingCallSid', agentSid],
  ]);
