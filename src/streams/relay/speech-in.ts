// What the caller says: audio of the call and the speech detector make utterances, the recogniser makes text of them.
//
//   detector   ····┌───────speaking──┐···┌─speaking─┐··························
//   utterance   ┌──pre-roll───────────────────────────── end-of-speech wait ──┐ ─▶ recogniser ─▶ onText

import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Recogniser, RecogniserFailure, Utterance } from '../../base/recogniser.ts';

const FRAME_MS = 20;

export interface SpeechInOptions {
  readonly clock: Clock;
  readonly recogniser: Recogniser;
  /** As of now: the application may change it. */
  readonly how: () => {
    readonly language: string;
    readonly model: string | undefined;
    readonly hints: readonly string[];
  };
  readonly wantsPartials: boolean;
  readonly onText: (text: string, language: string, isLast: boolean) => void;
  readonly onFailed: (failure: RecogniserFailure) => void;
}

export class SpeechIn {
  readonly #options: SpeechInOptions;
  /** The latest frames, for the beginning of a word that the detector needed to hear it. */
  readonly #preRoll: Uint8Array[] = [];
  #utterance: Utterance | undefined;
  #end: Timer | undefined;
  /** Texts are given in the order in which they were said. */
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isClosed = false;

  constructor(options: SpeechInOptions) {
    this.#options = options;
  }

  /** 20 ms of the caller. */
  push(frame: Uint8Array): void {
    if (this.#utterance) return this.#utterance.push(frame);
    this.#preRoll.push(frame);
    if (this.#preRoll.length > limits.relayPreRollMs / FRAME_MS) this.#preRoll.shift();
  }

  /** The detector says that the caller begins or stops to speak. */
  speaking(isSpeaking: boolean): void {
    if (this.#isClosed || !this.#options.recogniser.isConfigured) return;
    this.#end?.cancel();
    if (!isSpeaking) {
      if (this.#utterance) this.#end = this.#options.clock.after(limits.relayEndOfSpeechMs, () => this.#finish());
      return;
    }
    if (this.#utterance || this.#waiting >= limits.relayUtterancesWaiting) return;
    this.#begin();
  }

  /** What is being said is of no interest. */
  abandon(): void {
    this.#end?.cancel();
    this.#utterance?.abandon();
    this.#utterance = undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.abandon();
    this.#preRoll.length = 0;
  }

  #begin(): void {
    const { recogniser, how, wantsPartials, onText } = this.#options;
    const { language, model, hints } = how();
    const utterance = recogniser.begin({
      language,
      model,
      hints,
      onPartial: wantsPartials
        ? (text) => {
            if (!this.#isClosed && text !== '') onText(text, language, false);
          }
        : undefined,
    });
    for (const frame of this.#preRoll) utterance.push(frame);
    this.#preRoll.length = 0;
    this.#utterance = utterance;
  }

  #finish(): void {
    const utterance = this.#utterance;
    if (!utterance) return;
    this.#utterance = undefined;
    const { language } = this.#options.how();
    this.#waiting++;
    const recognised = utterance.finish();
    this.#last = this.#last.then(async () => {
      const result = await recognised;
      this.#waiting--;
      if (this.#isClosed) return;
      if (!result.ok) this.#options.onFailed(result.error);
      else if (result.value.text.trim() !== '') this.#options.onText(result.value.text.trim(), language, true);
    });
  }
}
