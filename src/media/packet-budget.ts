// How many packets a peer may send: a token bucket, so that one peer cannot use up the worker that it shares with others.

import { limits } from '../base/limits.ts';

export class PacketBudget {
  #tokens: number = limits.mediaPacketBurst;
  #atMs = Number.NEGATIVE_INFINITY;

  /** False when the packet is one too many. */
  take(nowMs: number): boolean {
    const refill = ((nowMs - this.#atMs) * limits.mediaPacketsPerSecond) / 1_000;
    this.#tokens = Math.min(limits.mediaPacketBurst, this.#tokens + refill);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
