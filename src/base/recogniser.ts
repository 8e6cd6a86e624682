// The port to speech recognition: audio in, text out, one utterance at a time. speech/ has the engines; Gather, Record, Transcription and
// ConversationRelay ask. Who asks says where an utterance begins and ends: engines cut nothing.
//
//   begin ──▶ push push push … ──▶ finish ──▶ text          onPartial: what it may become, while it is spoken

import type { Result } from './result.ts';

export interface UtteranceOptions {
  /** BCP-47: `en-US`. */
  readonly language: string;
  /** Words that are likely to be said. */
  readonly hints: readonly string[];
  /** As the document says; engines that know it not use their own. */
  readonly model: string | undefined;
  /** Called with the text so far, when it changes; engines that cannot do it never call. */
  readonly onPartial?: ((text: string) => void) | undefined;
}

export interface RecognisedText {
  /** Empty: nothing was understood. */
  readonly text: string;
  /** 0 to 1; null where the engine does not say. */
  readonly confidence: number | null;
}

export interface RecogniserFailure {
  /** `none`: no engine is configured. `busy`: too many utterances at once. */
  readonly code: 'none' | 'busy' | 'failed' | 'timeout' | 'aborted';
  readonly detail: string;
}

export interface Utterance {
  /** PCMU at 8,000 Hz, any length; copied. At most limits.utteranceMs are taken, the rest is dropped. */
  push(audio: Uint8Array): void;
  /** No more audio: the text of all of it. Once. Never rejects. */
  finish(): Promise<Result<RecognisedText, RecogniserFailure>>;
  /** Nobody wants the text any more; `finish` resolves as `aborted`. Idempotent. */
  abandon(): void;
}

export interface Recogniser {
  /** For log lines: `http stt.example.com`, `none`. */
  readonly name: string;
  /** False: every utterance fails with `none`. */
  readonly isConfigured: boolean;
  begin(options: UtteranceOptions): Utterance;
  close(): void;
}
