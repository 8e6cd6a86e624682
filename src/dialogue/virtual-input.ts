// What the caller of a virtual call does, and who hears it: keys go to the innermost verb that listens, speech to whoever listens for it.
// Stands in for the media engine and for the recogniser, which is told the words.

import type { Recogniser, Utterance, UtteranceOptions } from '../base/recogniser.ts';
import { err, ok } from '../base/result.ts';

type OnKey = (key: string) => void;
type OnSpeech = (isSpeaking: boolean) => void;

/** Milliseconds that a text takes to be said: about 900 characters a minute. */
export const speechMs = (text: string): number => 300 + Math.round((text.trim().length * 1_000) / 15);

export class VirtualInput {
  readonly #keyListeners: OnKey[] = [];
  readonly #speechListeners = new Set<OnSpeech>();
  readonly #utterances = new Set<VirtualUtterance>();
  /** What is being said now. */
  #words: string | undefined;

  /** A key that nobody listens for is lost, as on a real call. */
  press(key: string): void {
    this.#keyListeners.at(-1)?.(key);
  }

  onKey(listener: OnKey): () => void {
    this.#keyListeners.push(listener);
    return () => {
      const at = this.#keyListeners.lastIndexOf(listener);
      if (at >= 0) this.#keyListeners.splice(at, 1);
    };
  }

  onSpeech(listener: OnSpeech): () => void {
    this.#speechListeners.add(listener);
    if (this.#words !== undefined) listener(true);
    return () => this.#speechListeners.delete(listener);
  }

  /** `words`: empty for sounds that are none. */
  beginSpeech(words: string): void {
    this.#words = words;
    for (const utterance of this.#utterances) utterance.hear(words);
    for (const listener of [...this.#speechListeners]) listener(true);
  }

  endSpeech(): void {
    this.#words = undefined;
    for (const utterance of this.#utterances) utterance.tellPartial();
    for (const listener of [...this.#speechListeners]) listener(false);
  }

  /** Knows what was said. */
  readonly recogniser: Recogniser = {
    name: 'script',
    isConfigured: true,
    begin: (options) => {
      const utterance = new VirtualUtterance(options, (one) => this.#utterances.delete(one));
      this.#utterances.add(utterance);
      if (this.#words !== undefined) utterance.hear(this.#words);
      return utterance;
    },
    close: () => this.#utterances.clear(),
  };
}

class VirtualUtterance implements Utterance {
  readonly #options: UtteranceOptions;
  readonly #onOver: (self: VirtualUtterance) => void;
  readonly #heard: string[] = [];
  #isAbandoned = false;

  constructor(options: UtteranceOptions, onOver: (self: VirtualUtterance) => void) {
    this.#options = options;
    this.#onOver = onOver;
  }

  hear(words: string): void {
    if (words !== '') this.#heard.push(words);
  }

  tellPartial(): void {
    if (this.#heard.length > 0) this.#options.onPartial?.(this.#heard.join(' '));
  }

  push(): void {}

  async finish() {
    this.#onOver(this);
    if (this.#isAbandoned) return err({ code: 'aborted' as const, detail: 'nobody wants the text' });
    return ok({ text: this.#heard.join(' '), confidence: CONFIDENCE });
  }

  abandon(): void {
    this.#isAbandoned = true;
    this.#onOver(this);
  }
}

/** What a recogniser says of words that it understood well. */
const CONFIDENCE = 0.95;
