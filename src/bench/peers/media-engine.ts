// Our media engine alone, without a gateway, with two workers: bridges inside one of them or across both. In a gateway the second leg of
// a call goes to the worker of the first one; so only here can both be compared.

import type { ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock } from '../../base/clock.ts';
import type { Bench } from '../bench.ts';
import type { Generator } from '../generator.ts';
import { cpuSeconds, end, start } from '../processes.ts';
import type { EngineQuestion } from './media-engine-main.ts';
import { type MediaSubject, sideOf, usePairs } from './subject.ts';

/** Hundreds of sockets are opened. */
const READY_MS = 30_000;
const MAIN = fileURLToPath(new URL(`./media-engine-main${extname(import.meta.url)}`, import.meta.url));

export class MediaEngineSubject implements MediaSubject {
  readonly name: string;
  readonly #bench: Bench;
  readonly #generator: Generator;
  readonly #isAcross: boolean;
  #child: ChildProcess | undefined;

  constructor(bench: Bench, generator: Generator, name: string, isAcross: boolean) {
    this.name = name;
    this.#bench = bench;
    this.#generator = generator;
    this.#isAcross = isAcross;
    bench.onStop(() => this.stop());
  }

  cpuSeconds(): number {
    return this.#child?.pid ? cpuSeconds(this.#child.pid) : 0;
  }

  async hold(calls: number): Promise<string | undefined> {
    await this.stop();
    const { media } = await this.#bench.places();
    const sides: { a: number; b: number }[] = [];
    for (let call = 0; call < calls; call++) {
      sides.push({ a: await sideOf(this.#bench, call, 0), b: await sideOf(this.#bench, call, 1) });
    }
    const question: EngineQuestion = { portRange: media, isAcross: this.#isAcross, sides };
    const child = start(process.execPath, [MAIN], {
      ...{ cores: this.#bench.pinning?.subject, stdio: ['pipe', 'pipe', 'ignore'] },
    });
    this.#child = child;
    child.stdin?.on('error', () => {});
    child.stdin?.end(JSON.stringify(question));
    const answer = await lineOf(child);
    if (!answer.startsWith('[')) return `the media engine was not ready: ${answer}`;
    await usePairs(this.#generator, JSON.parse(answer) as { a: number; b: number }[]);
    return undefined;
  }

  async release(): Promise<void> {
    await this.#generator.ask({ ask: 'release', deadlineMs: 0 });
    await this.stop();
  }

  async stop(): Promise<void> {
    if (this.#child) await end(this.#child);
    this.#child = undefined;
  }
}

/** The first line that the child prints, or why there is none. */
async function lineOf(child: ChildProcess): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const timer = realClock.after(READY_MS, () => resolve('it says nothing'));
  let text = '';
  child.stdout?.on('data', (piece: Buffer) => {
    text += piece.toString();
    const at = text.indexOf('\n');
    if (at >= 0) resolve(text.slice(0, at));
  });
  child.once('exit', () => resolve('it ended'));
  const line = await promise;
  timer.cancel();
  return line;
}
