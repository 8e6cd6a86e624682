// Ends a transfer in which nothing has moved for a while. Only the waiting for the other side counts: a slow reader of ours is not a
// silent store.

import type { Clock, Timer } from '../base/clock.ts';

export class StallWatch {
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #abort = new AbortController();
  readonly #outer: AbortSignal;
  readonly #onOuter = () => this.#abort.abort();
  #timer: Timer | undefined;
  #isStalled = false;

  /** Runs from now on; ends with `outer` too. */
  constructor(clock: Clock, silenceMs: number, outer: AbortSignal) {
    this.#clock = clock;
    this.#silenceMs = silenceMs;
    this.#outer = outer;
    if (outer.aborted) this.#abort.abort();
    else outer.addEventListener('abort', this.#onOuter, { once: true });
    this.#run();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  get isStalled(): boolean {
    return this.#isStalled;
  }

  #run(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#silenceMs, () => {
      this.#isStalled = true;
      this.#abort.abort();
    });
  }

  /** Does not count until something is waited for again. */
  rest(): void {
    this.#timer?.cancel();
  }

  end(): void {
    this.rest();
    this.#outer.removeEventListener('abort', this.#onOuter);
  }

  /** The same chunks, on their way to the other side: it is silent when it takes none, and when it does not answer behind the last. */
  async *sending(chunks: AsyncIterable<unknown>): AsyncIterable<Buffer> {
    for await (const bytes of chunks) {
      this.#run();
      yield bytes as Buffer;
    }
    this.#run();
  }

  /** The same chunks, as they come from the other side; each wait for one of them is watched. */
  async *passing(chunks: AsyncIterable<unknown>): AsyncIterable<Buffer> {
    const aborted = new Promise<never>((_, reject) => {
      const stop = () => reject(new Error('aborted'));
      if (this.signal.aborted) stop();
      else this.signal.addEventListener('abort', stop, { once: true });
    });
    aborted.catch(() => {});
    const iterator = chunks[Symbol.asyncIterator]();
    try {
      while (true) {
        this.#run();
        const next = await Promise.race([iterator.next(), aborted]);
        this.rest();
        if (next.done) return;
        yield next.value as Buffer;
      }
    } finally {
      this.rest();
    }
  }
}
