// A subject that is one process of its own, started anew for each number of calls.

import type { ChildProcess } from 'node:child_process';
import { realClock } from '../../base/clock.ts';
import type { Bench } from '../bench.ts';
import type { Generator } from '../generator.ts';
import { cpuSeconds, end, start } from '../processes.ts';
import type { MediaSubject } from './subject.ts';

export abstract class ProcessSubject implements MediaSubject {
  readonly name: string;
  protected readonly bench: Bench;
  protected readonly generator: Generator;
  #child: ChildProcess | undefined;

  constructor(bench: Bench, generator: Generator, name: string) {
    this.name = name;
    this.bench = bench;
    this.generator = generator;
    bench.onStop(() => this.stop());
  }

  abstract hold(calls: number): Promise<string | undefined>;

  /** Ends the process before it, if any, and gives the first line of the new one; undefined: it ended, or said nothing for so long. */
  protected async begin(
    program: string,
    args: readonly string[],
    input: string,
    readyMs: number,
  ): Promise<string | undefined> {
    await this.stop();
    const child = start(program, args, { cores: this.bench.pinning?.subject, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child = child;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const timer = realClock.after(readyMs, () => resolve(undefined));
    let text = '';
    child.stdout?.on('data', (piece: Buffer) => {
      text += piece.toString();
      const at = text.indexOf('\n');
      if (at >= 0) resolve(text.slice(0, at));
    });
    child.once('exit', () => resolve(undefined));
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    const line = await promise;
    timer.cancel();
    return line;
  }

  cpuSeconds(): number {
    return this.#child?.pid ? cpuSeconds(this.#child.pid) : 0;
  }

  async release(): Promise<void> {
    await this.generator.ask({ ask: 'release', deadlineMs: 0 });
  }

  async stop(): Promise<void> {
    if (this.#child) await end(this.#child);
    this.#child = undefined;
  }
}
