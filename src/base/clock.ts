// Time as a port. Timers run on the monotonic clock; wall time is only for what is stored or shown (UTC).
// Simulation tests hand in a virtual clock; nothing outside this file calls setTimeout, Date.now or performance.now.

export interface Timer {
  /** Cancels the timer; a no-op once it has fired. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds, fractions allowed; the zero point is arbitrary. */
  now(): number;
  /** Wall time, milliseconds since 1970 UTC. */
  wall(): number;
  /** Runs `fire` once, `delayMs` (>= 0, at most 2^31-1) from now. Does not keep the process alive. */
  after(delayMs: number, fire: () => void): Timer;
}

const MAX_DELAY_MS = 2 ** 31 - 1;

/** A class: a closure for each of the timers of a call would cost more memory than what it closes over. */
class RealTimer implements Timer {
  readonly #handle: NodeJS.Timeout;

  constructor(handle: NodeJS.Timeout) {
    this.#handle = handle;
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

export const realClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, fire) {
    const handle = setTimeout(fire, Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
    handle.unref();
    return new RealTimer(handle);
  },
};

/** Resolves after `delayMs`, or at once when `signal` is aborted (house style 2.6: a wait ends, it is not killed). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const onAbort = () => {
      timer.cancel();
      resolve();
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
