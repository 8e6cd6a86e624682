// Decides whether one more request that would begin something new is worth queueing, by how long it would wait (the idea is CoDel's,
// RFC 8289: a queue that is long for a moment is a burst, one that stays long is overload). Pure but for the times handed in.
//
//   expected wait = requests before it × time from one served to the next
//
//   calm ──wait above target for overloadPatienceMs, or expected above overloadBurstFactor × target──▶ overloaded
//        ◀──nothing refused and waits below half the target for overloadCalmMs──                         bound = target
//
// One object for INVITEs and one for REGISTERs: each is served at its own pace.

import { limits } from '../../base/limits.ts';

/** What was measured so long ago hardly counts any more. */
const MEMORY_MS = 200;
const SHORTEST_PACE_MS = 0.01;
/** Before anything was measured. */
const FIRST_PACE_MS = 4;

export class Admission {
  readonly #targetMs: number;
  readonly #onChange: (isOverloaded: boolean) => void;
  #isOverloaded = false;
  // Time in which requests were served while others waited, and how many.
  #servingMs = FIRST_PACE_MS;
  #served = 1;
  #lastServedMs: number | undefined;
  #aboveSinceMs: number | undefined;
  #busySeenMs = Number.NEGATIVE_INFINITY;
  #lastWaitMs = 0;
  #changedMs = 0;

  constructor(targetMs: number, onChange: (isOverloaded: boolean) => void = () => {}) {
    this.#targetMs = targetMs;
    this.#onChange = onChange;
  }

  get isOverloaded(): boolean {
    return this.#isOverloaded;
  }

  /** How long the request that was served last had waited. */
  get lastWaitMs(): number {
    return this.#lastWaitMs;
  }

  /** Requests per second that are being served. */
  get perSecond(): number {
    return 1_000 / this.#paceMs;
  }

  get #paceMs(): number {
    return Math.max(this.#servingMs / this.#served, SHORTEST_PACE_MS);
  }

  get #boundMs(): number {
    return this.#isOverloaded ? this.#targetMs : this.#targetMs * limits.overloadBurstFactor;
  }

  /** Asked when a request has come and `waiting` are before it. False: it is refused. */
  admits(waiting: number, nowMs: number): boolean {
    // So few are no overload, whatever the pace was while the machine stood still.
    if (waiting < (this.#isOverloaded ? 2 : limits.overloadFew)) return true;
    if (waiting * this.#paceMs <= this.#boundMs) return true;
    this.#refused(nowMs);
    return false;
  }

  /**
   * Told when a request's turn has come, after `waitedMs`; `waiting` are behind it. False: it waited much longer than was expected, and
   * is refused before its sender repeats it (the pace may have dropped since it came).
   */
  serves(waitedMs: number, waiting: number, nowMs: number): boolean {
    this.#lastWaitMs = waitedMs;
    this.#measurePace(waiting, nowMs);
    // With nobody behind it, it was this machine that stood still, and one call more or less would not have changed that.
    if (waitedMs <= this.#targetMs || waiting === 0) this.#aboveSinceMs = undefined;
    else {
      this.#aboveSinceMs ??= nowMs;
      if (nowMs - this.#aboveSinceMs >= limits.overloadPatienceMs) this.#become(true, nowMs);
    }
    if (waitedMs > this.#targetMs / 2) this.#busySeenMs = nowMs;
    if (!this.#isOverloaded || waiting === 0 || waitedMs <= this.#staleMs(nowMs)) return true;
    this.#refused(nowMs);
    return false;
  }

  /** Who was let in before the overload was noticed is still served as a burst is. */
  #staleMs(nowMs: number): number {
    const { overloadStaleMs } = limits;
    const isNew = nowMs - this.#changedMs < overloadStaleMs;
    return isNew ? overloadStaleMs : Math.min(overloadStaleMs, 2 * this.#targetMs);
  }

  #measurePace(waiting: number, nowMs: number): void {
    // Only while others wait: an idle gateway is slow for want of work.
    if (this.#lastServedMs !== undefined) {
      const passedMs = nowMs - this.#lastServedMs;
      const kept = Math.max(0, 1 - passedMs / MEMORY_MS);
      this.#servingMs = this.#servingMs * kept + passedMs;
      this.#served = this.#served * kept + 1;
    }
    this.#lastServedMs = waiting > 0 ? nowMs : undefined;
  }

  #refused(nowMs: number): void {
    this.#busySeenMs = nowMs;
    this.#become(true, nowMs);
  }

  /** Looks whether the overload is over. */
  look(nowMs: number): void {
    if (this.#isOverloaded && nowMs - this.#busySeenMs >= limits.overloadCalmMs) this.#become(false, nowMs);
  }

  #become(isOverloaded: boolean, nowMs: number): void {
    if (this.#isOverloaded === isOverloaded) return;
    this.#isOverloaded = isOverloaded;
    this.#changedMs = nowMs;
    this.#aboveSinceMs = undefined;
    this.#onChange(isOverloaded);
  }
}
