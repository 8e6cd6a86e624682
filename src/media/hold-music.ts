// The tune that held sides hear when the call brings none of its own: eight bars of broken chords, made by rule, so that nothing
// needs to be shipped or licensed. Computed once per thread, when first asked for.

import { amplitudeOf, SAMPLE_RATE } from './tone.ts';

const NOTE_MS = 250;
const LEVEL_DB = -22;
const ATTACK_SAMPLES = 80;
/** Semitones from A4 (440 Hz): one chord per bar. C, a, F, G, C, e, F, G. */
const BARS: readonly (readonly number[])[] = [
  [-9, -5, -2, 3],
  [-12, -9, -5, 0],
  [-16, -12, -9, -4],
  [-14, -10, -7, -2],
  [-9, -5, -2, 3],
  [-17, -14, -10, -5],
  [-16, -12, -9, -4],
  [-14, -10, -7, -2],
];
/** Order of the chord's notes in a bar. */
const PATTERN = [0, 1, 2, 3, 2, 1, 2, 1];

let tune: Int16Array | undefined;

/** Mono samples at 8,000 Hz, 16 s, to be looped. */
export function holdMusic(): Int16Array {
  tune ??= compose();
  return tune;
}

function compose(): Int16Array {
  const noteSamples = (NOTE_MS * SAMPLE_RATE) / 1_000;
  const samples = new Int16Array(BARS.length * PATTERN.length * noteSamples);
  let at = 0;
  for (const chord of BARS) {
    for (const step of PATTERN) {
      addNote(samples, at, noteSamples, 440 * 2 ** (chord[step]! / 12));
      at += noteSamples;
    }
  }
  return samples;
}

/** A struck note: quick attack, decay to nothing at its end, so that notes join without clicks. */
function addNote(samples: Int16Array, start: number, count: number, frequency: number): void {
  const amplitude = amplitudeOf(LEVEL_DB);
  for (let index = 0; index < count; index++) {
    const attack = Math.min(1, index / ATTACK_SAMPLES);
    const envelope = attack * (1 - index / count);
    const phase = (2 * Math.PI * frequency * index) / SAMPLE_RATE;
    samples[start + index] = Math.round(amplitude * envelope * (Math.sin(phase) + 0.3 * Math.sin(2 * phase)));
  }
}
