// The relay in C as a subject: compiled into a temporary folder at run time, never needed, never installed.

import type { Bench } from '../bench.ts';
import type { Generator } from '../generator.ts';
import { C_RELAY_SOURCE } from './c-relay-source.ts';
import { ProcessSubject } from './process-subject.ts';
import { type MediaSubject, sideOf, usePairs } from './subject.ts';

const READY_MS = 10_000;

/** Undefined, and said so, where there is no compiler. */
export async function cRelay(bench: Bench, generator: Generator): Promise<MediaSubject | undefined> {
  const program = bench.compiled('C relay', C_RELAY_SOURCE);
  if (program === undefined) return undefined;
  return new CRelay(bench, generator, program);
}

class CRelay extends ProcessSubject {
  readonly #program: string;

  constructor(bench: Bench, generator: Generator, program: string) {
    super(bench, generator, 'C relay');
    this.#program = program;
  }

  async hold(calls: number): Promise<string | undefined> {
    const { media } = await this.bench.places();
    const pairs = [];
    let lines = '';
    // Past the gateway's own first ports: some of them rest, none is open.
    for (let call = 0; call < calls; call++) {
      const pair = { a: media.first + 4 * call, b: media.first + 4 * call + 2 };
      pairs.push(pair);
      const [sideA, sideB] = [await sideOf(this.bench, call, 0), await sideOf(this.bench, call, 1)];
      lines += `${pair.a} ${sideA} ${pair.b} ${sideB}\n`;
    }
    const line = await this.begin(this.#program, [], lines, READY_MS);
    if (line === undefined) return 'the C relay ended, or was not ready in time';
    await usePairs(this.generator, pairs);
    return undefined;
  }
}
