// Whom a virtual call is given to while a verb waits (Dial, Enqueue, Connect …), and how the script decides what becomes of that.

import type { Clock } from '../base/clock.ts';
import { sleep } from '../base/clock.ts';
import { linkedController } from '../base/signal.ts';
import type { Outcome } from './script.ts';

export type OutcomeKind = Outcome['kind'];

/** How long somebody who answers talks, when the script does not say. */
export const TALK_MS = 10_000;

interface Waiting {
  readonly name: string;
  readonly allowed: readonly OutcomeKind[];
  readonly resolve: (outcome: Outcome) => void;
}

/** The innermost verb that waits for an outcome gets it. */
export class Engagements {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined when it was taken; else why not. */
  decide(outcome: Outcome): string | undefined {
    const innermost = this.#waiting.at(-1);
    if (!innermost) return 'nothing waits for an outcome';
    const { name, allowed } = innermost;
    if (!allowed.includes(outcome.kind)) return `the outcome of ${name} is one of: ${allowed.join(', ')}`;
    innermost.resolve(outcome);
    return undefined;
  }

  /** Resolves with the script's decision; undefined when `timeoutMs` is over or the signal aborts first. Infinity: no timeout. */
  async wait(
    name: string,
    allowed: readonly OutcomeKind[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Outcome | undefined> {
    const { controller, dispose } = linkedController(signal);
    const decided = Promise.withResolvers<Outcome | undefined>();
    const entry: Waiting = { name, allowed, resolve: decided.resolve };
    this.#waiting.push(entry);
    const onAbort = () => decided.resolve(undefined);
    controller.signal.addEventListener('abort', onAbort, { once: true });
    if (controller.signal.aborted) onAbort();
    if (Number.isFinite(timeoutMs)) void sleep(this.#clock, timeoutMs, controller.signal).then(onAbort);
    try {
      return await decided.promise;
    } finally {
      this.#waiting.splice(this.#waiting.indexOf(entry), 1);
      controller.abort();
      dispose();
    }
  }
}
