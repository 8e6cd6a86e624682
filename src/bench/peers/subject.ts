// Anything that carries RTP between two sides of a call, as the media cases see it.

import type { Bench, Subject } from '../bench.ts';
import { portOfSide } from '../generator/protocol.ts';
import type { Generator } from '../generator.ts';

export interface MediaSubject extends Subject {
  /** Carries so many calls from now on; gives what went wrong, if anything. */
  hold(calls: number): Promise<string | undefined>;
  /** Carries none any more. */
  release(): Promise<void>;
  stop(): Promise<void>;
}

export const HOST = '127.0.0.1';

/** Where the generator receives what the relay sends to side A (0) or B (1) of a call. */
export async function sideOf(bench: Bench, call: number, side: 0 | 1): Promise<number> {
  const { rtp, nativeRtp } = await bench.places();
  return portOfSide(bench.hasNativeRtp ? nativeRtp : rtp, call, side);
}

/** Tells the generator the ports of the relay, a pair for each call. */
export async function usePairs(
  generator: Generator,
  pairs: readonly { readonly a: number; readonly b: number }[],
): Promise<void> {
  await generator.ask({ ask: 'release', deadlineMs: 0 });
  await generator.ask({
    ask: 'pairs',
    pairs: pairs.map(({ a, b }) => ({ a: { host: HOST, port: a }, b: { host: HOST, port: b } })),
  });
}

/** No relay at all: both sides send to one another. What is measured then is the generator's own part of every time. */
export class Direct implements MediaSubject {
  readonly name = 'no relay';
  readonly #bench: Bench;
  readonly #generator: Generator;

  constructor(bench: Bench, generator: Generator) {
    this.#bench = bench;
    this.#generator = generator;
  }

  cpuSeconds(): number {
    return 0;
  }

  async hold(calls: number): Promise<undefined> {
    const pairs = [];
    for (let call = 0; call < calls; call++) {
      pairs.push({ a: await sideOf(this.#bench, call, 1), b: await sideOf(this.#bench, call, 0) });
    }
    await usePairs(this.#generator, pairs);
  }

  async release(): Promise<void> {
    await this.#generator.ask({ ask: 'release', deadlineMs: 0 });
  }

  async stop(): Promise<void> {}
}
