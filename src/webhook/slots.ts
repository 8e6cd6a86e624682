// At most 256 requests in flight per origin and a bounded queue behind them (design.md 5.4). A slot is held for one exchange.

import { limits } from '../base/limits.ts';

interface Origin {
  inFlight: number;
  readonly waiting: Set<() => void>;
}

export class OriginSlots {
  readonly #origins = new Map<string, Origin>();
  #inFlight = 0;
  #queued = 0;

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queued;
  }

  isFull(origin: string): boolean {
    return (this.#origins.get(origin)?.waiting.size ?? 0) >= limits.webhooksQueuedPerOrigin;
  }

  /** Resolves with true when the slot is ours (then `release` it), false when the queue is full or `signal` was aborted. */
  acquire(origin: string, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted || this.isFull(origin)) return Promise.resolve(false);
    let entry = this.#origins.get(origin);
    if (!entry) {
      entry = { inFlight: 0, waiting: new Set() };
      this.#origins.set(origin, entry);
    }
    if (entry.inFlight < limits.webhooksInFlightPerOrigin) {
      entry.inFlight++;
      this.#inFlight++;
      return Promise.resolve(true);
    }
    return this.#wait(entry, signal);
  }

  release(origin: string): void {
    const entry = this.#origins.get(origin);
    if (!entry) return;
    // A waiting request takes over the slot, first come first served.
    const next = entry.waiting.values().next();
    if (!next.done) {
      next.value();
      return;
    }
    entry.inFlight--;
    this.#inFlight--;
    if (entry.inFlight === 0) this.#origins.delete(origin);
  }

  #wait(entry: Origin, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = (isOurs: boolean) => {
        entry.waiting.delete(take);
        this.#queued--;
        signal.removeEventListener('abort', onAbort);
        resolve(isOurs);
      };
      const take = () => leave(true);
      const onAbort = () => leave(false);
      entry.waiting.add(take);
      this.#queued++;
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
