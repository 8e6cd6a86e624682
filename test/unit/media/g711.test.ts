// G.711: expected values are those of the Recommendation's tables 1a and 2a (decoder output, scaled to 16 bits) and 5 and 6 (1 kHz).

import { expect, test } from 'vitest';
import {
  aLawToLinear,
  aLawToMuLaw,
  decode,
  encode,
  linearToALaw,
  linearToMuLaw,
  muLawToALaw,
  muLawToLinear,
  silenceOctet,
} from '../../../src/media/g711.ts';
import { rootMeanSquare, toneShare } from '../../../src/media/goertzel.ts';

/** Table 2a, column 7 (14-bit values) by character signal before inversion of nothing: the octet as sent. */
const muLawRows: readonly (readonly [octet: number, value: number])[] = [
  [0x80, 8031],
  [0x8f, 4191],
  [0x9f, 2079],
  [0xaf, 1023],
  [0xbf, 495],
  [0xcf, 231],
  [0xdf, 99],
  [0xef, 33],
  [0xfe, 2],
  [0xff, 0],
];
/** Table 1a, column 7 (13-bit values, times two), character signal before inversion of the even bits. */
const aLawRows: readonly (readonly [octet: number, value: number])[] = [
  [0b1111_1111, 4032],
  [0b1111_0000, 2112],
  [0b1110_0000, 1056],
  [0b1101_0000, 528],
  [0b1100_0000, 264],
  [0b1011_0000, 132],
  [0b1010_0000, 66],
  [0b1000_0000, 1],
];

test('G.711 table 2: µ-law octets expand to the quantized values, both signs', () => {
  for (const [octet, value] of muLawRows) {
    expect(muLawToLinear[octet]).toBe(value * 4);
    expect(Math.abs(muLawToLinear[octet & 0x7f]!)).toBe(value * 4);
    if (value > 0) expect(muLawToLinear[octet & 0x7f]).toBeLessThan(0);
  }
});

test('G.711 table 1: A-law octets, even bits inverted, expand to the quantized values, both signs', () => {
  for (const [character, value] of aLawRows) {
    expect(aLawToLinear[character ^ 0x55]).toBe(value * 8);
    expect(aLawToLinear[(character & 0x7f) ^ 0x55]).toBe(-value * 8);
  }
});

test('G.711: every octet survives expansion and compression (but µ-law negative zero, which is zero)', () => {
  for (let octet = 0; octet < 256; octet++) {
    expect(linearToALaw(aLawToLinear[octet]!)).toBe(octet);
    expect(linearToMuLaw(muLawToLinear[octet]!)).toBe(octet === 0x7f ? 0xff : octet);
  }
});

test('G.711: a segment begins at a power of two (µ-law: after the bias of 132), both signs', () => {
  for (let segment = 1; segment < 8; segment++) {
    const first = segment << 4;
    const aLawEdge = 128 << segment;
    expect(linearToALaw(aLawEdge) ^ 0x55).toBe(0x80 | first);
    expect(linearToALaw(aLawEdge - 1) ^ 0x55).toBe(0x80 | (first - 1));
    expect(linearToALaw(-aLawEdge - 1) ^ 0x55).toBe(first);
    expect(linearToALaw(-aLawEdge) ^ 0x55).toBe(first - 1);
    const muLawEdge = (128 << segment) - 132;
    expect(~linearToMuLaw(muLawEdge) & 0xff).toBe(first);
    expect(~linearToMuLaw(muLawEdge - 1) & 0xff).toBe(first - 1);
    expect(~linearToMuLaw(-muLawEdge) & 0xff).toBe(0x80 | first);
    expect(~linearToMuLaw(1 - muLawEdge) & 0xff).toBe(0x80 | (first - 1));
  }
});

test('G.711: what comes out rises with what goes in, and is off by half a step at most', () => {
  for (const [compress, expand, clip] of [
    [linearToALaw, aLawToLinear, 32_767],
    [linearToMuLaw, muLawToLinear, 32_635],
  ] as const) {
    let before = Number.NEGATIVE_INFINITY;
    for (let sample = -32_768; sample <= 32_767; sample++) {
      const value = expand[compress(sample)]!;
      if (value < before) expect.fail(`falls at ${sample}`);
      before = value;
      const halfStep = Math.max(8, (Math.abs(value) + 132) / 32);
      if (Math.abs(sample) <= clip && Math.abs(value - sample) > halfStep) expect.fail(`${sample} became ${value}`);
    }
  }
});

test('G.711 tables 5 and 6: the 1 kHz sequences are one tone of the same level in both codecs', () => {
  const sequences = {
    PCMA: [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4],
    PCMU: [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e],
  } as const;
  for (const codec of ['PCMA', 'PCMU'] as const) {
    const octets = Uint8Array.from({ length: 160 }, (_, index) => sequences[codec][index % 8]!);
    const samples = new Int16Array(160);
    expect(decode(codec, octets, samples)).toBe(160);
    expect(toneShare(samples, 1_000)).toBeGreaterThan(0.99);
    // 0 dBm0 is 3.14 dB (A-law) below a sine that fills the coder.
    expect(20 * Math.log10(rootMeanSquare(samples) / (32_768 / Math.SQRT2))).toBeCloseTo(-3.14, 0);
    const again = new Uint8Array(160);
    encode(codec, samples, again);
    expect(again).toEqual(octets);
  }
});

test('transcoding keeps sign and order, and a second pass over the pair changes nothing more', () => {
  for (let octet = 0; octet < 256; octet++) {
    const once = aLawToMuLaw[muLawToALaw[octet]!]!;
    const twice = aLawToMuLaw[muLawToALaw[once]!]!;
    expect(twice).toBe(once);
    expect(Math.sign(muLawToLinear[once]!) * Math.sign(muLawToLinear[octet]!)).toBeGreaterThanOrEqual(0);
  }
});

test('silence octets expand to (next to) nothing; decode writes no more than fits', () => {
  expect(muLawToLinear[silenceOctet.PCMU]).toBe(0);
  expect(Math.abs(aLawToLinear[silenceOctet.PCMA]!)).toBe(8);
  expect(decode('PCMU', new Uint8Array(10), new Int16Array(4))).toBe(4);
  expect(decode('PCMU', new Uint8Array(3), new Int16Array(4))).toBe(3);
});
