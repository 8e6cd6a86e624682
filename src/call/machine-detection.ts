// Who answered: a person, a machine or a fax (rest-api.md 9.1, twiml.md 13). A person says little and waits; a machine talks on, then
// beeps. Pure: frames of 20 ms in, a verdict out.
//
//   person    ···"Hello?"··············│ human            silence of SpeechEndThreshold behind less than SpeechThreshold
//   machine   ···"You have reached th│ machine_start      more than SpeechThreshold (Enable)
//             ···"… after the tone." ▄▄▄│ machine_end_beep     (DetectMessageEnd: a tone, when it is over)
//             ···"… call you back." ······│ machine_end_silence  SpeechEndThreshold, and the time a beep takes to come
//             ···"… and furthermore …     │ machine_end_other    MachineDetectionTimeout is over, and it still talks
//   fax       ······▀▀▀▀▀▀│ fax                                2,100 Hz (answer) or 1,100 Hz (call) for 400 ms: T.30 4.3
//   nobody    ··········│ unknown                            SilenceTimeout, or MachineDetectionTimeout

import type { AnsweredBy, DetectionSettings } from '../base/machine-detection-api.ts';
import { type HeardTone, SingleTone } from '../media/single-tone.ts';
import { SpeechActivity } from '../media/speech-activity.ts';

const FRAME_MS = 20;
/** Shorter is a click or a vowel. */
const BEEP_LEAST_MS = 160;
/** What sounds longer is taken for a beep before it ends. */
const BEEP_MOST_MS = 3_000;
/** A beep comes at most so long after the silence that ends a greeting. */
const BEEP_WAIT_MS = 1_500;
const FAX_HZ = [2_100, 1_100];
const FAX_TOLERANCE_HZ = 25;
const FAX_LEAST_MS = 400;

export class MachineDetector {
  readonly #settings: DetectionSettings;
  readonly #activity = new SpeechActivity();
  readonly #tone = new SingleTone();
  #nowMs = 0;
  /** Where the silence began that SilenceTimeout measures. */
  #quietFromMs = 0;
  #speechFromMs: number | undefined;
  #voicedUntilMs = 0;
  #isMachine = false;

  constructor(settings: DetectionSettings) {
    this.#settings = settings;
  }

  /** Milliseconds of audio so far, missing frames included. */
  get durationMs(): number {
    return this.#nowMs;
  }

  /** One frame of what the callee says, null: it is missing. The verdict, once; frames after it mean nothing. */
  push(samples: Int16Array | null): AnsweredBy | undefined {
    this.#nowMs += FRAME_MS;
    this.#activity.push(samples);
    const ended = this.#tone.push(samples);
    const current = this.#tone.current;
    const verdict = this.#hearTone(ended, current);
    if (verdict) return verdict;
    if (!current && this.#activity.isSpeaking && this.#activity.isVoiced) {
      this.#speechFromMs ??= this.#nowMs - FRAME_MS;
      this.#voicedUntilMs = this.#nowMs;
    }
    return this.#judge(current !== undefined && current.durationMs >= BEEP_LEAST_MS);
  }

  #hearTone(ended: HeardTone | undefined, current: HeardTone | undefined): AnsweredBy | undefined {
    const tone = current ?? ended;
    if (!tone || tone.durationMs < BEEP_LEAST_MS) return undefined;
    const isFaxTone = FAX_HZ.some((frequency) => Math.abs(frequency - tone.frequency) <= FAX_TOLERANCE_HZ);
    if (isFaxTone && tone.durationMs >= FAX_LEAST_MS) return 'fax';
    if (current && current.durationMs < BEEP_MOST_MS) return undefined;
    // A phone that beeps when it picks up says nothing about who is there.
    if (this.#speechFromMs === undefined) {
      this.#quietFromMs = this.#nowMs;
      return undefined;
    }
    return this.#settings.mode === 'Enable' ? 'machine_start' : 'machine_end_beep';
  }

  #judge(isToneHeard: boolean): AnsweredBy | undefined {
    const { timeoutMs, silenceTimeoutMs, speechThresholdMs, speechEndThresholdMs, mode } = this.#settings;
    if (this.#nowMs >= timeoutMs) return this.#isMachine ? 'machine_end_other' : 'unknown';
    if (isToneHeard) return undefined;
    if (this.#speechFromMs === undefined)
      return this.#nowMs - this.#quietFromMs >= silenceTimeoutMs ? 'unknown' : undefined;
    if (this.#voicedUntilMs - this.#speechFromMs > speechThresholdMs) this.#isMachine = true;
    if (this.#isMachine && mode === 'Enable') return 'machine_start';
    const silenceMs = this.#nowMs - this.#voicedUntilMs;
    if (!this.#isMachine) return silenceMs >= speechEndThresholdMs ? 'human' : undefined;
    return silenceMs >= speechEndThresholdMs + BEEP_WAIT_MS ? 'machine_end_silence' : undefined;
  }
}
