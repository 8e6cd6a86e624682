// What a relay session hears and speaks with: the port to speech engines and to audio files.

import type { Recogniser } from '../../base/recogniser.ts';
import type { Result } from '../../base/result.ts';

export interface VoiceFailure {
  readonly errorCode: number;
  readonly detail: string;
}

export interface RelayVoice {
  /** Mono samples at 8,000 Hz. */
  speak(
    text: string,
    how: {
      readonly language: string;
      readonly voice: string | undefined;
      /** The speech service failed, and something else speaks in its place. */
      readonly onPassedOver?: ((detail: string) => void) | undefined;
    },
    signal: AbortSignal,
  ): Promise<Result<Int16Array, VoiceFailure>>;
  /** An audio file by its URL, the same way. */
  load(url: string, callSid: string, signal: AbortSignal): Promise<Result<Int16Array, VoiceFailure>>;
  readonly recogniser: Recogniser;
}
