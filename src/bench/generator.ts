// The load generator as the bench sees it: a process of its own that answers questions.

import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { realClock } from '../base/clock.ts';
import type { Answers, FromGenerator, Question, ToGenerator } from './generator/protocol.ts';
import { end, type Pinning, start } from './processes.ts';

/** In the built package the files end in .js. */
const MAIN = fileURLToPath(
  new URL(`./generator/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);
/** Beyond what a question takes by itself. */
const LATE_MS = 60_000;

type Answer<Q extends Question> = Answers[Q['ask']];

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: Error) => void;
  readonly onEdge: (edge: 'begin' | 'end') => void;
}

export class Generator {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #number = 0;
  #errors = '';

  constructor(pinning: Pinning | undefined) {
    this.#child = start(process.execPath, [MAIN], {
      cores: pinning?.generator,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4_000);
    });
    this.#child.on('message', (message: FromGenerator) => this.#take(message));
    this.#child.on('error', (fault) => this.#fail(fault.message));
    this.#child.on('exit', () => this.#fail('the load generator ended'));
  }

  get child(): ChildProcess {
    return this.#child;
  }

  /** Rejects when the generator fails or says nothing for `atMostMs` and a minute. */
  ask<Q extends Question>(
    question: Q,
    atMostMs = 0,
    onEdge: (edge: 'begin' | 'end') => void = () => {},
  ): Promise<Answer<Q>> {
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      const timer = realClock.after(atMostMs + LATE_MS, () => this.#fail(`no answer to "${question.ask}"`));
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          timer.cancel();
          this.#pending.delete(number);
          then(value);
        };
      this.#pending.set(number, {
        resolve: settle(resolve as (value: unknown) => void),
        reject: settle(reject),
        onEdge,
      });
      const message: ToGenerator = { number, question };
      this.#child.send(message, (fault) => fault && this.#fail(fault.message));
    });
  }

  #take(message: FromGenerator): void {
    const pending = this.#pending.get(message.number);
    if (message.type === 'answer') pending?.resolve(message.value);
    else if (message.type === 'fault') pending?.reject(new Error(message.text));
    else pending?.onEdge(message.edge);
  }

  #fail(why: string): void {
    for (const { reject } of [...this.#pending.values()]) reject(new Error(`${why}\n${this.#errors}`.trim()));
  }

  async stop(): Promise<void> {
    await end(this.#child);
  }
}
