// How long a peer has been silent: the RTP timeout of one endpoint, told once per silence.

import { limits } from '../base/limits.ts';

export class Silence {
  #sinceMs = 0;
  #isExpected = false;
  #isTold = false;

  /** Silence is no fault from now on, or is one again. */
  expect(isExpected: boolean, nowMs: number): void {
    this.#isExpected = isExpected;
    this.restart(nowMs);
  }

  /** A sign of life, or something else from which the time is to be counted. */
  restart(nowMs: number): void {
    this.#sinceMs = nowMs;
    this.#isTold = false;
  }

  /** The last sign of life was then, as is learnt now. */
  heardAt(atMs: number): void {
    if (atMs > this.#sinceMs) this.restart(atMs);
  }

  /** True once, when the peer has been silent for too long; `counts`: we are to hear it at all. */
  isOver(nowMs: number, counts: boolean): boolean {
    if (this.#isTold || this.#isExpected || !counts || nowMs - this.#sinceMs < limits.rtpSilenceMs) return false;
    this.#isTold = true;
    return true;
  }
}
