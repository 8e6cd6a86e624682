// The speech port: text in, samples out. twiml/ sees only this; select.ts decides which engine stands behind it.

import type { Result } from '../base/result.ts';

export interface SpeechRequest {
  /** At most limits.speechInputChars are spoken. Hostile: it comes from a web application, which may repeat a caller's input. */
  readonly text: string;
  /** The text holds SSML elements (twiml.md 5.1); engines that cannot do them speak the text between. */
  readonly ssml: boolean;
  /** BCP-47 as in TwiML: `en-US`. Unknown ones are spoken in the engine's default. */
  readonly language: string;
  /** As in TwiML: `man`, `woman`, `Polly.Joanna`, … Unknown ones are the engine's default for the language. */
  readonly voice: string;
  /** An engine that should speak could not; what comes is of another one, or the tone. Called with the reason, before the audio is there. */
  readonly onPassedOver?: ((detail: string) => void) | undefined;
}

export interface SpeechFailure {
  /** `unavailable`: this engine cannot work on this machine, ever. `empty`: nothing to say. */
  readonly code: 'unavailable' | 'empty' | 'failed' | 'timeout' | 'busy' | 'aborted';
  readonly detail: string;
}

export interface SpeechEngine {
  readonly name: string;
  /** Mono samples at 8,000 Hz, at most limits.speechSeconds long. Never rejects. */
  synthesize(request: SpeechRequest, signal: AbortSignal): Promise<Result<Int16Array, SpeechFailure>>;
  /** Ends helper processes. Idempotent. */
  close(): void;
}

/** What engines need to read their audio files; media/audio-file.ts has it (`decodeAudio`). */
export type AudioDecoder = (
  bytes: Uint8Array,
  contentType: string | null,
) => Promise<Result<Int16Array, { readonly code: string; readonly detail: string }>>;

export const SPEECH_SAMPLE_RATE = 8_000;
