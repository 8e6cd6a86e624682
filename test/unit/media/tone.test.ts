// Tones: level in dBm0 against the reference of G.711, phase over frames, Q.23 frequencies, and the detector that judges them.

import { expect, test } from 'vitest';
import { digitTone } from '../../../src/media/dtmf-tones.ts';
import { muLawToLinear } from '../../../src/media/g711.ts';
import { rootMeanSquare, toneShare } from '../../../src/media/goertzel.ts';
import { ToneGenerator, toneSamples } from '../../../src/media/tone.ts';

test('a tone of 0 dBm0 has the level of the G.711 reference sequence', () => {
  const reference = Int16Array.from([0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e], (o) => muLawToLinear[o]!);
  const ratio = rootMeanSquare(toneSamples([1_000], 0, 1_000)) / rootMeanSquare(reference);
  expect(Math.abs(20 * Math.log10(ratio))).toBeLessThan(0.2);
});

test('10 dB less is a tenth of the energy', () => {
  const ratio = rootMeanSquare(toneSamples([425], -10, 1_000)) / rootMeanSquare(toneSamples([425], -20, 1_000));
  expect(20 * Math.log10(ratio)).toBeCloseTo(10, 1);
});

test('the phase goes on from one frame to the next', () => {
  const whole = new Int16Array(800);
  new ToneGenerator([440, 480], -13).fill(whole);
  const generator = new ToneGenerator([440, 480], -13);
  const frames = new Int16Array(800);
  for (let start = 0; start < 800; start += 160) generator.fill(frames, start, start + 160);
  expect(frames).toEqual(whole);
});

test('a sum beyond full scale is limited, not wrapped', () => {
  const samples = toneSamples([400, 410, 420, 430], 3.14, 1_000);
  let largestStep = 0;
  for (let index = 1; index < samples.length; index++) {
    largestStep = Math.max(largestStep, Math.abs(samples[index]! - samples[index - 1]!));
  }
  expect(Math.max(...samples)).toBe(32_767);
  expect(largestStep).toBeLessThan(50_000);
});

test('frequencies that cannot be played are left out: NaN, negative, above 4 kHz, too many', () => {
  expect(rootMeanSquare(toneSamples([Number.NaN, -5, 0, 4_000, 9_999, Number.POSITIVE_INFINITY], -10, 20))).toBe(0);
  const many = toneSamples(
    Array.from({ length: 1_000 }, () => 1_000),
    -40,
    100,
  );
  expect(rootMeanSquare(many) / rootMeanSquare(toneSamples([1_000], -40, 100))).toBeCloseTo(8, 0);
});

const pairs: readonly (readonly [string, number, number])[] = [
  ['1', 697, 1209],
  ['2', 697, 1336],
  ['3', 697, 1477],
  ['A', 697, 1633],
  ['4', 770, 1209],
  ['5', 770, 1336],
  ['6', 770, 1477],
  ['B', 770, 1633],
  ['7', 852, 1209],
  ['8', 852, 1336],
  ['9', 852, 1477],
  ['c', 852, 1633],
  ['*', 941, 1209],
  ['0', 941, 1336],
  ['#', 941, 1477],
  ['D', 941, 1633],
];
for (const [digit, low, high] of pairs) {
  test(`Q.23: ${digit} is ${low} + ${high} Hz`, () => {
    expect(digitTone(digit)).toEqual([low, high]);
    const samples = toneSamples(digitTone(digit)!, -9, 100);
    expect(toneShare(samples, low)).toBeCloseTo(0.5, 1);
    expect(toneShare(samples, high)).toBeCloseTo(0.5, 1);
  });
}

test('Q.23: nothing else is a digit', () => {
  for (const text of ['', 'E', 'w', '12', 'é']) expect(digitTone(text)).toBeUndefined();
});

test('toneShare: 1 for the tone, little for another, 0 for silence and for no samples', () => {
  const samples = toneSamples([1_000], -20, 500);
  expect(toneShare(samples, 1_000)).toBeGreaterThan(0.999);
  expect(toneShare(samples, 700)).toBeLessThan(0.001);
  expect(toneShare(new Int16Array(100), 1_000)).toBe(0);
  expect(toneShare(new Int16Array(0), 1_000)).toBe(0);
  const mixed = toneSamples([1_000, 700], -20, 500);
  expect(toneShare(mixed, 1_000)).toBeCloseTo(0.5, 2);
});
