// Collecting speech, or speech and digits, while a prompt plays (Gather, twiml.md 5.4). What is detected first wins; from then on the other
// kind is not heard.
//
//   prompt ▓▓▓▓▓▓▓▓ wait ····▷ timeout            prompt ▓▓▓│ "two" … "please" ······▷ text
//                                                            ╰ speech stops it       ╰ a pause of speechTimeout ends it
//   audio  ──▶ last 300 ms kept ──▶ with the first sound handed to the recogniser, then everything that comes

import type { Clock, Timer } from '../base/clock.ts';
import type { Recogniser, RecogniserFailure, Utterance } from '../base/recogniser.ts';
import { linkedController } from '../base/signal.ts';
import type { Collected, CollectOptions, SpeechOptions } from './call-control.ts';
import { type CollectServices, DigitInput } from './collect.ts';

export interface SpeechCollectServices extends CollectServices {
  readonly recogniser: Recogniser;
  /** Inbound audio in frames of 20 ms of PCMU, and when speech begins and stops. Returns what ends both. */
  readonly listen: (onAudio: (payload: Uint8Array) => void, onSpeech: (isSpeaking: boolean) => void) => () => void;
  readonly onFailure: (failure: RecogniserFailure) => void;
}

/** The beginning of a word is over when it is known to be one. */
const KEPT_FRAMES = 20;

/** Collects until digits are complete, an utterance is over, or nothing came in time. */
export async function collectInput(
  options: CollectOptions & { readonly speech: SpeechOptions },
  services: SpeechCollectServices,
  signal: AbortSignal,
): Promise<Collected> {
  const collector = new InputCollector(options, services, signal);
  try {
    return await collector.outcome;
  } finally {
    collector.close();
  }
}

type State = 'waiting' | 'digits' | 'speech' | 'recognising' | 'over';

class InputCollector {
  readonly #options: CollectOptions;
  readonly #speech: SpeechOptions;
  readonly #services: SpeechCollectServices;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #prompt: ReturnType<typeof linkedController>;
  readonly #outcome = Promise.withResolvers<Collected>();
  readonly #digits: DigitInput;
  readonly #cleanups: (() => void)[] = [];
  readonly #kept: Uint8Array[] = [];
  #state: State = 'waiting';
  #isPromptOver = false;
  #isSpeaking = false;
  #wait: Timer | undefined;
  #longest: Timer | undefined;
  #stopListening = () => {};
  #utterance: Utterance | undefined;

  constructor(
    options: CollectOptions & { readonly speech: SpeechOptions },
    services: SpeechCollectServices,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#speech = options.speech;
    this.#services = services;
    this.#signal = signal;
    this.#clock = services.clock;
    this.#prompt = linkedController(signal);
    this.#digits = new DigitInput(options);
    this.#start();
  }

  get outcome(): Promise<Collected> {
    return this.#outcome.promise;
  }

  #start(): void {
    const onAbort = () => this.#finish({ ...this.#digits.collected('aborted') });
    if (this.#signal.aborted) return onAbort();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    this.#cleanups.push(() => this.#signal.removeEventListener('abort', onAbort));
    if (this.#options.hearsDigits) this.#cleanups.push(this.#services.onDigit((digit) => this.#onDigit(digit)));
    this.#stopListening = this.#services.listen(
      (payload) => this.#onAudio(payload),
      (isSpeaking) => this.#onSpeech(isSpeaking),
    );
    const onPromptOver = () => {
      this.#isPromptOver = true;
      if (this.#state !== 'waiting') return;
      if (this.#isSpeaking) this.#beginUtterance();
      else this.#waitFor(this.#options.timeoutMs, () => this.#finish(this.#digits.collected('timeout')));
    };
    this.#services.playPrompt(this.#prompt.controller.signal).then(onPromptOver, (fault: unknown) => {
      this.#outcome.reject(fault);
    });
  }

  #onDigit(digit: string): void {
    if (this.#state !== 'waiting' && this.#state !== 'digits') return;
    if (this.#state === 'waiting') {
      this.#state = 'digits';
      this.#stopListening();
      this.#prompt.controller.abort();
    }
    const reason = this.#digits.push(digit);
    if (reason) return this.#finish(this.#digits.collected(reason));
    this.#waitFor(this.#options.timeoutMs, () => this.#finish(this.#digits.collected('timeout')));
  }

  #onAudio(payload: Uint8Array): void {
    if (this.#state === 'speech') return this.#utterance?.push(payload);
    if (this.#state !== 'waiting') return;
    this.#kept.push(payload.slice());
    if (this.#kept.length > KEPT_FRAMES) this.#kept.shift();
  }

  #onSpeech(isSpeaking: boolean): void {
    this.#isSpeaking = isSpeaking;
    if (this.#state === 'waiting' && isSpeaking && (this.#isPromptOver || this.#speech.bargeIn)) {
      return this.#beginUtterance();
    }
    if (this.#state !== 'speech') return;
    this.#wait?.cancel();
    if (!isSpeaking) this.#waitFor(this.#speech.pauseMs, () => void this.#endUtterance());
  }

  #beginUtterance(): void {
    this.#state = 'speech';
    this.#prompt.controller.abort();
    this.#wait?.cancel();
    const { language, hints, model, onPartial, maxMs } = this.#speech;
    this.#utterance = this.#services.recogniser.begin({ language, hints, model, onPartial });
    for (const payload of this.#kept.splice(0)) this.#utterance.push(payload);
    this.#longest = this.#clock.after(maxMs, () => void this.#endUtterance());
  }

  async #endUtterance(): Promise<void> {
    const utterance = this.#utterance;
    if (this.#state !== 'speech' || !utterance) return;
    this.#state = 'recognising';
    this.#wait?.cancel();
    this.#longest?.cancel();
    this.#stopListening();
    const heard = await utterance.finish();
    // Over by an abort meanwhile: nobody is told of a failure that we caused.
    if (this.#signal.aborted) return;
    if (!heard.ok) this.#services.onFailure(heard.error);
    if (!heard.ok || heard.value.text === '') return this.#finish(this.#digits.collected('timeout'));
    this.#finish({ ...this.#digits.collected('speech'), speech: heard.value });
  }

  #waitFor(delayMs: number, then: () => void): void {
    this.#wait?.cancel();
    this.#wait = this.#clock.after(delayMs, then);
  }

  #finish(collected: Collected): void {
    this.#state = 'over';
    this.#outcome.resolve(collected);
  }

  close(): void {
    this.#state = 'over';
    this.#wait?.cancel();
    this.#longest?.cancel();
    this.#stopListening();
    this.#utterance?.abandon();
    for (const cleanup of this.#cleanups) cleanup();
    this.#prompt.controller.abort();
    this.#prompt.dispose();
  }
}
