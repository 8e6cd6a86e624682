// What the agent says: pieces of text and files, made ready in their order while the one before plays, played without gaps, and cut
// off when the caller interrupts. It knows what has been heard of them.
//
//   add ─▶ waiting ─▶ making (one ahead) ─▶ fed to the play, with a mark behind it ─▶ played
//   cut: the play is cleared; what was fed and waits is gone; what was heard is told

import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Result } from '../../base/result.ts';
import { encode } from '../../media/g711.ts';
import type { InputKinds } from './options.ts';
import type { VoiceFailure } from './voice.ts';

export interface SpokenItem {
  /** Empty for a file. */
  readonly text: string;
  readonly interruptible: InputKinds;
  readonly preemptible: boolean;
  /** Rounds; 0 = until it is cut. */
  readonly loop: number;
  readonly make: (signal: AbortSignal) => Promise<Result<Int16Array, VoiceFailure>>;
}

export interface SpeechOutOptions {
  readonly clock: Clock;
  readonly feed: (audio: Uint8Array) => void;
  readonly mark: (name: string) => void;
  readonly clear: () => void;
  readonly onFailed: (failure: VoiceFailure) => void;
  /** A text has been heard to its end. */
  readonly onPlayed: (text: string) => void;
  readonly onSpeaking: (isSpeaking: boolean) => void;
}

interface Fed {
  readonly item: SpokenItem;
  readonly mark: string;
  readonly audio: Uint8Array;
  rounds: number;
}

export class SpeechOut {
  readonly #options: SpeechOutOptions;
  readonly #waiting: SpokenItem[] = [];
  #fed: Fed[] = [];
  #making: { readonly item: SpokenItem; readonly controller: AbortController } | undefined;
  #serial = 0;
  #isSpeaking = false;
  /** Of the talk that plays or was the last to: since when, and what of it was heard to its end. */
  #startedAt = 0;
  #heard = '';
  /** When the first of `#fed` began to play. */
  #itemStartedAt = 0;

  constructor(options: SpeechOutOptions) {
    this.#options = options;
  }

  get isSpeaking(): boolean {
    return this.#isSpeaking;
  }

  /** Items that are not played yet. */
  get count(): number {
    return this.#waiting.length + this.#fed.length + (this.#making ? 1 : 0);
  }

  /** What plays now, else what will next. */
  get current(): SpokenItem | undefined {
    return this.#fed[0]?.item ?? this.#making?.item ?? this.#waiting[0];
  }

  /** Behind all that is there. False: too much waits. */
  add(item: SpokenItem): boolean {
    if (this.count >= limits.relayItems) return false;
    this.#waiting.push(item);
    this.#makeNext();
    return true;
  }

  /** Ends all of it at once; tells what the caller heard of the talk, and for how long. */
  cut(): { readonly utterance: string; readonly durationMs: number } {
    const now = this.#options.clock.now();
    const utterance = (this.#heard + this.#heardOfCurrent(now)).trim();
    const durationMs = this.#isSpeaking ? now - this.#startedAt : 0;
    this.#waiting.length = 0;
    this.#making?.controller.abort();
    this.#making = undefined;
    this.#fed = [];
    this.#options.clear();
    this.#setSpeaking(false);
    return { utterance, durationMs };
  }

  /** The play has come to a mark. Marks of what was cut are unknown by then. */
  reached(mark: string): void {
    const first = this.#fed[0];
    if (first?.mark !== mark) return;
    const { item } = first;
    if (item.loop === 0 || first.rounds < item.loop) return this.#again(first);
    this.#fed.shift();
    this.#itemStartedAt = this.#options.clock.now();
    this.#heard += item.text;
    if (item.text !== '') this.#options.onPlayed(item.text);
    this.#makeNext();
    if (this.count === 0) this.#setSpeaking(false);
  }

  #again(fed: Fed): void {
    fed.rounds++;
    this.#options.feed(fed.audio);
    this.#options.mark(fed.mark);
  }

  /** One is made ahead of the one that plays: gapless, and little is lost when it is cut. */
  #makeNext(): void {
    if (this.#making || this.#fed.length > 1) return;
    const item = this.#waiting.shift();
    if (!item) return;
    const controller = new AbortController();
    const making = { item, controller };
    this.#making = making;
    void item.make(controller.signal).then((made) => {
      if (this.#making !== making) return;
      this.#making = undefined;
      if (made.ok) this.#feed(item, made.value);
      else this.#options.onFailed(made.error);
      this.#makeNext();
      if (this.count === 0) this.#setSpeaking(false);
    });
  }

  #feed(item: SpokenItem, samples: Int16Array): void {
    if (samples.length === 0) return;
    const audio = new Uint8Array(samples.length);
    encode('PCMU', samples, audio);
    this.#serial++;
    if (!this.#isSpeaking) {
      this.#startedAt = this.#options.clock.now();
      this.#heard = '';
      this.#setSpeaking(true);
    }
    if (this.#fed.length === 0) this.#itemStartedAt = this.#options.clock.now();
    const fed: Fed = { item, audio, mark: String(this.#serial), rounds: 1 };
    this.#fed.push(fed);
    this.#options.feed(audio);
    this.#options.mark(fed.mark);
  }

  /** A share of the text as large as the share of its audio that was played, to the end of a word. */
  #heardOfCurrent(now: number): string {
    const first = this.#fed[0];
    if (!first || first.item.text === '') return '';
    const { text } = first.item;
    const share = ((now - this.#itemStartedAt) * 8) / first.audio.length;
    if (share >= 1) return text;
    const end = text.lastIndexOf(' ', Math.floor(text.length * share));
    return end > 0 ? text.slice(0, end) : '';
  }

  #setSpeaking(isSpeaking: boolean): void {
    if (this.#isSpeaking === isSpeaking) return;
    this.#isSpeaking = isSpeaking;
    this.#options.onSpeaking(isSpeaking);
  }
}
