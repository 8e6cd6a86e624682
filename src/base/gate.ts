// A bounded number of jobs at once, a bounded queue before it, and "busy" beyond that: speech, file decoding.

export class Gate {
  readonly #places: number;
  readonly #queueLength: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(places: number, queueLength: number) {
    this.#places = places;
    this.#queueLength = queueLength;
  }

  /** Waits for a place. The caller must `leave()` after `entered`, and only then. */
  async enter(signal: AbortSignal): Promise<'entered' | 'busy' | 'aborted'> {
    if (signal.aborted) return 'aborted';
    if (this.#inside < this.#places) {
      this.#inside += 1;
      return 'entered';
    }
    if (this.#waiting.length >= this.#queueLength) return 'busy';
    return new Promise((resolve) => {
      const enter = () => {
        signal.removeEventListener('abort', abort);
        resolve('entered');
      };
      const abort = () => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        resolve('aborted');
      };
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
