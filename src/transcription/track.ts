// One track of a live transcription: cut into sentences by the pauses in it, each an utterance for the recogniser. Texts come in the order
// in which they were spoken, though the recogniser may be quicker with a later one.
//
//   frames ─▶ speech activity ──│ utterance │──pause──│ utterance │──▶ finish ─▶ text, text …

import { limits } from '../base/limits.ts';
import type { Recogniser, RecogniserFailure, Utterance } from '../base/recogniser.ts';
import { muLawToLinear } from '../media/g711.ts';
import { SpeechActivity } from '../media/speech-activity.ts';

export interface TrackListener {
  onText(text: string, confidence: number | null): void;
  onPartial(text: string): void;
  onFailure(failure: RecogniserFailure): void;
}

export interface TrackOptions {
  readonly languageCode: string;
  readonly hints: readonly string[];
  readonly speechModel: string | undefined;
  readonly partialResults: boolean;
}

const FRAME_MS = 20;
/** Kept from before speech was known to be speech. */
const KEPT_FRAMES = 20;
const PAUSE_FRAMES = limits.transcriptionPauseMs / FRAME_MS;

export class TranscribedTrack {
  readonly #recogniser: Recogniser;
  readonly #options: TrackOptions;
  readonly #listener: TrackListener;
  readonly #activity = new SpeechActivity();
  readonly #samples = new Int16Array(160);
  readonly #kept: Uint8Array[] = [];
  #utterance: Utterance | undefined;
  #frames = 0;
  #silentFrames = 0;
  /** The texts of earlier utterances come first. */
  #told: Promise<void> = Promise.resolve();
  #pending = 0;
  #isOver = false;

  constructor(recogniser: Recogniser, options: TrackOptions, listener: TrackListener) {
    this.#recogniser = recogniser;
    this.#options = options;
    this.#listener = listener;
  }

  /** 20 ms of PCMU. */
  push(payload: Uint8Array): void {
    if (this.#isOver) return;
    for (let index = 0; index < this.#samples.length; index++)
      this.#samples[index] = muLawToLinear[payload[index] ?? 0xff]!;
    this.#activity.push(this.#samples);
    if (!this.#utterance) {
      this.#kept.push(payload.slice());
      if (this.#kept.length > KEPT_FRAMES) this.#kept.shift();
      if (this.#activity.isSpeaking) this.#begin();
      return;
    }
    this.#utterance.push(payload);
    this.#frames++;
    this.#silentFrames = this.#activity.isSpeaking ? 0 : this.#silentFrames + 1;
    const isLong = this.#frames * FRAME_MS >= limits.utteranceMs - KEPT_FRAMES * FRAME_MS;
    if (this.#silentFrames >= PAUSE_FRAMES || isLong) this.#finish();
  }

  #begin(): void {
    // A recogniser that falls behind does not get more and more to do.
    if (this.#pending >= limits.transcriptionUtterances) return;
    const { languageCode: language, hints, speechModel: model, partialResults } = this.#options;
    const onPartial = partialResults ? (text: string) => this.#listener.onPartial(text) : undefined;
    this.#utterance = this.#recogniser.begin({ language, hints, model, onPartial });
    for (const payload of this.#kept.splice(0)) this.#utterance.push(payload);
    this.#frames = 0;
    this.#silentFrames = 0;
  }

  #finish(): void {
    const utterance = this.#utterance;
    if (!utterance) return;
    this.#utterance = undefined;
    this.#pending++;
    const heard = utterance.finish();
    this.#told = this.#told.then(async () => {
      const outcome = await heard;
      this.#pending--;
      if (!outcome.ok) this.#listener.onFailure(outcome.error);
      else if (outcome.value.text !== '') this.#listener.onText(outcome.value.text, outcome.value.confidence);
    });
  }

  /** No more audio; resolves when the text of the last words was told. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#finish();
    await this.#told;
  }
}
