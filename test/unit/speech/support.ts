// Shared by the speech tests: requests, and what counts as speech.

import { expect } from 'vitest';
import type { Result } from '../../../src/base/result.ts';
import { rootMeanSquare } from '../../../src/media/goertzel.ts';
import type { SpeechFailure, SpeechRequest } from '../../../src/speech/engine.ts';

export const request = (text: string, more: Partial<SpeechRequest> = {}): SpeechRequest => ({
  text,
  ssml: false,
  language: 'en-US',
  voice: 'man',
  ...more,
});

export const noAbort = (): AbortSignal => new AbortController().signal;

/** Length in seconds of something that can be heard. */
export function audibleSeconds(spoken: Result<Int16Array, SpeechFailure>): number {
  if (!spoken.ok) throw new Error(`${spoken.error.code}: ${spoken.error.detail}`);
  expect(rootMeanSquare(spoken.value)).toBeGreaterThan(300);
  return spoken.value.length / 8_000;
}
