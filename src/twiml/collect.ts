// Collecting digits while a prompt plays (Gather). The first digit stops the prompt; every digit restarts the wait (twiml.md 5.4).
//
//   prompt ▓▓▓▓▓▓▓▓▓▓ wait ·······▷ timeout          prompt ▓▓▓▓ 1 ····· 2 ····· # ▷ finishKey
//                                                                ╰ prompt stops, wait restarts at every key

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { linkedController } from '../base/signal.ts';
import type { Collected, CollectOptions } from './call-control.ts';

export interface CollectServices {
  readonly clock: Clock;
  /** Subscribes to the caller's digits. */
  readonly onDigit: (listener: (digit: string) => void) => () => void;
  /** Plays the prompt until its end or until the signal aborts. */
  readonly playPrompt: (signal: AbortSignal) => Promise<unknown>;
}

/** The digits typed so far, and when they are complete. */
export class DigitInput {
  readonly #options: CollectOptions;
  #digits = '';
  #finishedOnKey = '';

  constructor(options: CollectOptions) {
    this.#options = options;
  }

  /** Takes a key; the reason when it was the last one. */
  push(digit: string): 'finishKey' | 'numDigits' | undefined {
    if (digit === this.#options.finishOnKey) {
      this.#finishedOnKey = digit;
      return 'finishKey';
    }
    this.#digits += digit;
    return this.#digits.length >= Math.min(this.#options.numDigits, limits.gatherDigits) ? 'numDigits' : undefined;
  }

  collected(reason: Collected['reason']): Collected {
    return { digits: this.#digits, finishedOnKey: this.#finishedOnKey, reason };
  }
}

/** Digits typed before this is called are not seen (twiml.md 16, point 7). */
export async function collectDigits(
  options: CollectOptions,
  services: CollectServices,
  signal: AbortSignal,
): Promise<Collected> {
  const prompt = linkedController(signal);
  const input = new DigitInput(options);
  let timer: Timer | undefined;
  let unsubscribe = () => {};
  let onAbort = () => {};
  let isOver = false;
  return new Promise<Collected>((resolve, reject) => {
    const finish = (reason: Collected['reason']) => {
      isOver = true;
      resolve(input.collected(reason));
    };
    const wait = () => {
      timer?.cancel();
      // A prompt may end after the result: its wait must not linger.
      if (isOver) return;
      timer = services.clock.after(options.timeoutMs, () => finish('timeout'));
    };
    onAbort = () => finish('aborted');
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    unsubscribe = services.onDigit((digit) => {
      prompt.controller.abort();
      const reason = input.push(digit);
      if (reason) return finish(reason);
      wait();
    });
    services.playPrompt(prompt.controller.signal).then(() => {
      if (timer === undefined) wait();
    }, reject);
  }).finally(() => {
    unsubscribe();
    timer?.cancel();
    signal.removeEventListener('abort', onAbort);
    prompt.controller.abort();
    prompt.dispose();
  });
}
