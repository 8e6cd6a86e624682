// Finds a single steady tone: the beep of a machine, the answer of a fax. Pure, one per track, 20 ms at a time.
//
//   x[n] + x[n−2] = 2·cos ω · x[n−1]  holds for every sine: the best cos ω over a frame gives its frequency, and the Goertzel
//   algorithm says how much of the frame's energy is there. Speech has several harmonics, and keeps none of them for long.

import { rootMeanSquare, toneShare } from './goertzel.ts';
import { amplitudeOf, SAMPLE_RATE } from './tone.ts';

const LOWEST_HZ = 350;
const HIGHEST_HZ = 2_300;
/** Of the frame's energy; 20 ms tell 50 Hz apart. */
const LEAST_SHARE = 0.85;
/** Quieter than this is the noise of a line. */
const LEAST_RMS = amplitudeOf(-40) / Math.SQRT2;
/** How far a steady tone may seem to wander. */
const WANDER_HZ = 20;
/** It may miss one frame: a lost packet, a click. */
const MISSED_FRAMES = 1;

/** A tone that is heard, or was until now. */
export interface HeardTone {
  readonly frequency: number;
  readonly durationMs: number;
}

const FRAME_MS = 20;

export class SingleTone {
  #frequency = 0;
  #frames = 0;
  #missed = 0;

  /** The tone that sounds, with this frame as its last; undefined when there is none. */
  get current(): HeardTone | undefined {
    return this.#frames === 0 ? undefined : { frequency: this.#frequency, durationMs: this.#frames * FRAME_MS };
  }

  /** One frame, null: it is missing. Returns the tone that ended with it. */
  push(samples: Int16Array | null): HeardTone | undefined {
    const frequency = samples ? frequencyOf(samples) : undefined;
    const goesOn = frequency !== undefined && Math.abs(frequency - this.#frequency) <= WANDER_HZ;
    if (this.#frames > 0 && goesOn) {
      this.#frames += 1 + this.#missed;
      this.#missed = 0;
      return undefined;
    }
    if (this.#frames > 0 && frequency === undefined && this.#missed < MISSED_FRAMES) {
      this.#missed++;
      return undefined;
    }
    const ended = this.current;
    this.#frequency = frequency ?? 0;
    this.#frames = frequency === undefined ? 0 : 1;
    this.#missed = 0;
    return ended;
  }
}

/** Frequency of the one tone that the samples are; undefined when they are anything else. */
export function frequencyOf(samples: Int16Array): number | undefined {
  if (rootMeanSquare(samples) < LEAST_RMS) return undefined;
  let product = 0;
  let energy = 0;
  for (let index = 2; index < samples.length; index++) {
    const middle = samples[index - 1]!;
    product += (samples[index]! + samples[index - 2]!) * middle;
    energy += middle * middle;
  }
  const cosine = product / (2 * energy);
  if (!(Math.abs(cosine) < 1)) return undefined;
  const frequency = (Math.acos(cosine) * SAMPLE_RATE) / (2 * Math.PI);
  if (frequency < LOWEST_HZ || frequency > HIGHEST_HZ) return undefined;
  return toneShare(samples, frequency) >= LEAST_SHARE ? frequency : undefined;
}
