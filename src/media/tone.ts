// Sums of sine waves at 8,000 Hz, for tones, ringback and in-band digits. Pure; the phase carries on from one frame to the next.

/** Samples per second of everything inside the media plane. */
export const SAMPLE_RATE = 8_000;
/** Samples of one 20 ms frame. */
export const FRAME_SAMPLES = 160;

/** G.711 table 1 note: a sine that fills the A-law coder has +3.14 dBm0. */
const FULL_SCALE_DBM0 = 3.14;
const MAX_FREQUENCIES = 8;

/** Peak amplitude of a sine of `levelDb` dBm0, at most full scale. */
export const amplitudeOf = (levelDb: number): number => 32_767 * 10 ** (Math.min(0, levelDb - FULL_SCALE_DBM0) / 20);

/** A generator of the sum of sine waves; each of them has the given level, the sum is limited to 16 bits. */
export class ToneGenerator {
  /** Radians per sample and current phase of each wave. */
  readonly #steps: Float64Array;
  readonly #phases: Float64Array;
  readonly #amplitude: number;

  /** Frequencies in Hz; those not between 0 and 4,000, and any beyond the eighth, are left out. */
  constructor(frequencies: readonly number[], levelDb: number) {
    const audible = frequencies.filter((frequency) => frequency > 0 && frequency < SAMPLE_RATE / 2);
    this.#steps = Float64Array.from(
      audible.slice(0, MAX_FREQUENCIES),
      (frequency) => (2 * Math.PI * frequency) / SAMPLE_RATE,
    );
    this.#phases = new Float64Array(this.#steps.length);
    this.#amplitude = amplitudeOf(levelDb);
  }

  /** Writes samples into `out` from index `from` up to `to` (exclusive). */
  fill(out: Int16Array, from = 0, to: number = out.length): void {
    const steps = this.#steps;
    const phases = this.#phases;
    for (let index = from; index < to; index++) {
      let sum = 0;
      for (let wave = 0; wave < steps.length; wave++) {
        const phase = phases[wave]!;
        sum += Math.sin(phase);
        phases[wave] = (phase + steps[wave]!) % (2 * Math.PI);
      }
      out[index] = Math.max(-32_768, Math.min(32_767, Math.round(sum * this.#amplitude)));
    }
  }
}

/** One finished tone as samples. */
export function toneSamples(frequencies: readonly number[], levelDb: number, durationMs: number): Int16Array {
  const samples = new Int16Array(Math.max(0, Math.round((durationMs * SAMPLE_RATE) / 1_000)));
  new ToneGenerator(frequencies, levelDb).fill(samples);
  return samples;
}
