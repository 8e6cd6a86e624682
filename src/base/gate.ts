// A bounded number of jobs at once, a bounded queue before it, and "busy" beyond that: speech, file decoding.

import type { Clock } from './clock.ts';

/** How long a job may wait for its place: where those inside hang, the queue would add up their time. */
export interface Patience {
  readonly clock: Clock;
  readonly ms: number;
}

export class Gate {
  readonly #places: number;
  readonly #queueLength: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(places: number, queueLength: number) {
    this.#places = places;
    this.#queueLength = queueLength;
  }

  /** Waits for a place, `busy` when `patience` is over. The caller must `leave()` after `entered`, and only then. */
  async enter(signal: AbortSignal, patience?: Patience): Promise<'entered' | 'busy' | 'aborted'> {
    if (signal.aborted) return 'aborted';
    if (this.#inside < this.#places) {
      this.#inside += 1;
      return 'entered';
    }
    if (this.#waiting.length >= this.#queueLength) return 'busy';
    return new Promise((resolve) => {
      const enter = () => {
        timer?.cancel();
        signal.removeEventListener('abort', abort);
        resolve('entered');
      };
      const giveUp = (why: 'busy' | 'aborted') => {
        timer?.cancel();
        signal.removeEventListener('abort', abort);
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        resolve(why);
      };
      const abort = () => giveUp('aborted');
      const timer = patience?.clock.after(patience.ms, () => giveUp('busy'));
      this.#waiting.push(enter);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#inside -= 1;
  }
}
