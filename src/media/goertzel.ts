// The Goertzel algorithm: how much of a signal is one frequency. Used by tests and the scripted phone ("who hears whom"),
// and the base of in-band digit detection. Pure.

/**
 * Share of the signal's energy at `frequency` (Hz), 0 to 1. A pure sine gives nearly 1, noise nearly 0, silence 0.
 * The resolution is about `sampleRate / samples.length` Hz.
 */
export function toneShare(samples: Int16Array, frequency: number, sampleRate = 8_000): number {
  const count = samples.length;
  if (count === 0) return 0;
  const step = (2 * Math.PI * frequency) / sampleRate;
  const coefficient = 2 * Math.cos(step);
  let previous = 0;
  let beforePrevious = 0;
  let energy = 0;
  for (let index = 0; index < count; index++) {
    const sample = samples[index]!;
    const state = sample + coefficient * previous - beforePrevious;
    beforePrevious = previous;
    previous = state;
    energy += sample * sample;
  }
  if (energy === 0) return 0;
  const power = previous * previous + beforePrevious * beforePrevious - coefficient * previous * beforePrevious;
  // A sine of amplitude A over N samples: |X|² = (A·N/2)², energy = A²·N/2, hence the factor 2/N.
  return Math.min(1, Math.max(0, (2 * power) / (count * energy)));
}

/** Root mean square of the samples, 0 to 32,768. */
export function rootMeanSquare(samples: Int16Array): number {
  if (samples.length === 0) return 0;
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  return Math.sqrt(energy / samples.length);
}
