// The relay in C as a subject: compiled into a temporary folder at run time, never needed, never installed.

import type { ChildProcess } from 'node:child_process';
import { realClock } from '../../base/clock.ts';
import type { Bench } from '../bench.ts';
import type { Generator } from '../generator.ts';
import { cpuSeconds, end, start } from '../processes.ts';
import { C_RELAY_SOURCE } from './c-relay-source.ts';
import { type MediaSubject, sideOf, usePairs } from './subject.ts';

const READY_MS = 10_000;

/** Undefined, and said so, where there is no compiler. */
export async function cRelay(bench: Bench, generator: Generator): Promise<MediaSubject | undefined> {
  const program = bench.compiled('C relay', C_RELAY_SOURCE);
  if (program === undefined) return undefined;
  return new CRelay(bench, generator, program);
}

class CRelay implements MediaSubject {
  readonly name = 'C relay';
  readonly #bench: Bench;
  readonly #generator: Generator;
  readonly #program: string;
  #child: ChildProcess | undefined;

  constructor(bench: Bench, generator: Generator, program: string) {
    this.#bench = bench;
    this.#generator = generator;
    this.#program = program;
    bench.onStop(() => this.stop());
  }

  cpuSeconds(): number {
    return this.#child?.pid ? cpuSeconds(this.#child.pid) : 0;
  }

  async hold(calls: number): Promise<string | undefined> {
    await this.stop();
    const { media } = await this.#bench.places();
    const child = start(this.#program, [], { cores: this.#bench.pinning?.subject, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child = child;
    const pairs = [];
    let lines = '';
    // Past the gateway's own first ports: some of them rest, none is open.
    for (let call = 0; call < calls; call++) {
      const pair = { a: media.first + 4 * call, b: media.first + 4 * call + 2 };
      pairs.push(pair);
      const [sideA, sideB] = [await sideOf(this.#bench, call, 0), await sideOf(this.#bench, call, 1)];
      lines += `${pair.a} ${sideA} ${pair.b} ${sideB}\n`;
    }
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = realClock.after(READY_MS, () => resolve('the C relay was not ready'));
    child.stdout?.once('data', () => resolve(undefined));
    child.once('exit', () => resolve('the C relay ended'));
    child.stdin?.on('error', () => {});
    child.stdin?.end(lines);
    const complaint = await promise;
    timer.cancel();
    if (complaint === undefined) await usePairs(this.#generator, pairs);
    return complaint;
  }

  async release(): Promise<void> {
    await this.#generator.ask({ ask: 'release', deadlineMs: 0 });
  }

  async stop(): Promise<void> {
    if (this.#child) await end(this.#child);
    this.#child = undefined;
  }
}
