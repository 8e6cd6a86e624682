// Our media engine alone, without a gateway, with two workers: bridges inside one of them or across both. In a gateway the second leg of
// a call goes to the worker of the first one; so only here can both be compared.

import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../bench.ts';
import type { Generator } from '../generator.ts';
import type { EngineQuestion } from './media-engine-main.ts';
import { ProcessSubject } from './process-subject.ts';
import { sideOf, usePairs } from './subject.ts';

/** Hundreds of sockets are opened. */
const READY_MS = 30_000;
const MAIN = fileURLToPath(new URL(`./media-engine-main${extname(import.meta.url)}`, import.meta.url));

export class MediaEngineSubject extends ProcessSubject {
  readonly #isAcross: boolean;

  constructor(bench: Bench, generator: Generator, name: string, isAcross: boolean) {
    super(bench, generator, name);
    this.#isAcross = isAcross;
  }

  async hold(calls: number): Promise<string | undefined> {
    const { media } = await this.bench.places();
    const sides: { a: number; b: number }[] = [];
    for (let call = 0; call < calls; call++) {
      sides.push({ a: await sideOf(this.bench, call, 0), b: await sideOf(this.bench, call, 1) });
    }
    const question: EngineQuestion = { portRange: media, isAcross: this.#isAcross, sides };
    const line = await this.begin(process.execPath, [MAIN], JSON.stringify(question), READY_MS);
    if (line === undefined) return 'the media engine ended, or was not ready in time';
    await usePairs(this.generator, JSON.parse(line) as { a: number; b: number }[]);
    return undefined;
  }

  /** The one that is measured next has the core for itself. */
  override async release(): Promise<void> {
    await super.release();
    await this.stop();
  }
}
