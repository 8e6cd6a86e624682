// The last engine: no speech at all. A short tone in its place, never silence, and a log line that says how to get speech.

import type { Log } from '../base/log.ts';
import { ok } from '../base/result.ts';
import { SPEECH_SAMPLE_RATE, type SpeechEngine } from './engine.ts';

const TONE_HZ = 440;
const TONE_MS = 400;
/** -16 dB below full scale. */
const TONE_PEAK = 5_000;

const tone = Int16Array.from({ length: (TONE_MS * SPEECH_SAMPLE_RATE) / 1_000 }, (_, index) =>
  Math.round(TONE_PEAK * Math.sin((2 * Math.PI * TONE_HZ * index) / SPEECH_SAMPLE_RATE)),
);

const HINTS = {
  /** Nothing is there that could speak. */
  missing:
    'no speech engine: a tone is played. Install espeak-ng (apt-get install espeak-ng), or the npm package espeak-ng, or configure a speech service',
  /** A service is configured, and did not speak this text. */
  service:
    'the speech service gave nothing: a tone is played. The warning of this service says why; with the setting speech: auto, espeak-ng speaks in its place',
} as const;

/** `why`: what the log says each time. */
export const createNoSpeech = (log: Log, why: keyof typeof HINTS): SpeechEngine => ({
  name: 'none',
  async synthesize(request) {
    log.warn({ characters: request.text.length }, HINTS[why]);
    return ok(tone.slice());
  },
  close() {},
});
