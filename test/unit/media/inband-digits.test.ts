// The receiver of in-band digits against the limits of ITU-T Q.24: what must be a digit, and what must not.

import { describe, expect, test } from 'vitest';
import { digitTone } from '../../../src/media/dtmf-tones.ts';
import { decode, encode } from '../../../src/media/g711.ts';
import { InbandDigitReceiver } from '../../../src/media/inband-digits.ts';

const RATE = 8_000;
const FULL_SCALE_DB = 3.14;
const PACKET = 160;
const amplitudeOf = (levelDb: number): number => 32_767 * 10 ** ((levelDb - FULL_SCALE_DB) / 20);

interface Tone {
  readonly ms: number;
  readonly lowDb?: number;
  readonly highDb?: number;
  /** Deviation of each frequency. */
  readonly low?: number;
  readonly high?: number;
}

function press(digit: string, { ms, lowDb = -9, highDb = -9, low = 0, high = 0 }: Tone): number[] {
  const [lowHz, highHz] = digitTone(digit)!;
  return Array.from({ length: Math.round((ms * RATE) / 1_000) }, (_, index) => {
    const at = (2 * Math.PI * index) / RATE;
    return (
      amplitudeOf(lowDb) * Math.sin(at * lowHz * (1 + low)) +
      amplitudeOf(highDb) * Math.sin(at * highHz * (1 + high) + 1)
    );
  });
}

const silence = (ms: number): number[] => new Array<number>(Math.round((ms * RATE) / 1_000)).fill(0);

function noise(count: number, levelDb: number, seed = 1): number[] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  const deviation = amplitudeOf(levelDb) / Math.SQRT2;
  return Array.from(
    { length: count },
    () => deviation * Math.sqrt(-2 * Math.log(next() + 1e-9)) * Math.cos(2 * Math.PI * next()),
  );
}

/** What is heard in `signal`, which passes G.711 in packets of 20 ms, `offset` samples after a packet began. */
function heard(signal: readonly number[], offset = 0) {
  const receiver = new InbandDigitReceiver();
  const all = [...silence(30), ...new Array<number>(offset).fill(0), ...signal, ...silence(100)];
  const digits = [];
  for (let at = 0; at < all.length; at += PACKET) {
    const samples = Int16Array.from({ length: PACKET }, (_, index) =>
      Math.max(-32_768, Math.min(32_767, Math.round(all[at + index] ?? 0))),
    );
    const packet = new Uint8Array(PACKET);
    encode('PCMU', samples, packet);
    const back = new Int16Array(PACKET);
    decode('PCMU', packet, back);
    digits.push(...receiver.push(back, (at / RATE) * 1_000));
  }
  expect(receiver.isOpen).toBe(false);
  return digits;
}

const textOf = (signal: readonly number[], offset = 0): string =>
  heard(signal, offset)
    .map(({ digit }) => digit)
    .join('');
const ALL = [...'0123456789*#ABCD'];
/** Every place of a tone within the receiver's windows. */
const OFFSETS = Array.from({ length: 17 }, (_, index) => index * 3);

describe('what is a digit', () => {
  test('[sip 0 dtmf-inband] all sixteen, 40 ms long with 40 ms pauses, wherever they begin', () => {
    const signal = ALL.flatMap((digit) => [...press(digit, { ms: 40 }), ...silence(40)]);
    for (const offset of OFFSETS) expect(textOf(signal, offset)).toBe(ALL.join(''));
  });

  test('the duration is told', () => {
    const [digit] = heard(press('5', { ms: 200 }));
    expect(digit!.durationMs).toBeGreaterThan(180);
    expect(digit!.durationMs).toBeLessThan(225);
  });

  test.each([
    ['both frequencies 1.5 % high', { low: 0.015, high: 0.015 }],
    ['both 1.5 % low', { low: -0.015, high: -0.015 }],
    ['one high, one low', { low: 0.015, high: -0.015 }],
    ['high tone 4 dB stronger', { lowDb: -13, highDb: -9 }],
    ['high tone 8 dB weaker', { lowDb: -6, highDb: -14 }],
    ['as loud as it gets', { lowDb: -3, highDb: -3 }],
    ['-25 dBm0', { lowDb: -25, highDb: -25 }],
  ])('%s', (_name, tone) => {
    for (const digit of ALL)
      for (const offset of OFFSETS) expect(textOf(press(digit, { ms: 50, ...tone }), offset)).toBe(digit);
  });

  test('noise 15 dB below the tones', () => {
    for (const [index, digit] of ALL.entries()) {
      const tone = press(digit, { ms: 60 });
      const disturbed = noise(tone.length, -21, index + 1).map((value, at) => value + tone[at]!);
      expect(textOf(disturbed)).toBe(digit);
    }
  });

  test('an interruption of 10 ms does not make two of one press', () => {
    for (const offset of OFFSETS)
      expect(textOf([...press('7', { ms: 60 }), ...silence(10), ...press('7', { ms: 60 })], offset)).toBe('7');
  });

  test('the same digit twice, 40 ms apart', () => {
    for (const offset of OFFSETS)
      expect(textOf([...press('7', { ms: 45 }), ...silence(40), ...press('7', { ms: 45 })], offset)).toBe('77');
  });

  test('a press that is still on when the packets stop ends by the clock', () => {
    const receiver = new InbandDigitReceiver();
    const samples = Int16Array.from(press('3', { ms: 80 }));
    for (let packet = 0; packet < 4; packet++)
      expect(receiver.push(samples.subarray(packet * PACKET, (packet + 1) * PACKET), packet * 20)).toEqual([]);
    expect(receiver.poll(100)).toEqual([]);
    expect(receiver.poll(200).map(({ digit }) => digit)).toEqual(['3']);
    expect(receiver.poll(300)).toEqual([]);
  });
});

describe('what is none', () => {
  test.each([
    ['23 ms', { ms: 23 }],
    ['low frequency 3.5 % off', { ms: 80, low: 0.035 }],
    ['high frequency 3.5 % off', { ms: 80, high: -0.035 }],
    ['high tone 12 dB stronger', { ms: 80, lowDb: -21, highDb: -9 }],
    ['high tone 14 dB weaker', { ms: 80, lowDb: -6, highDb: -20 }],
    ['-36 dBm0', { ms: 80, lowDb: -36, highDb: -36 }],
  ])('%s', (_name, tone) => {
    for (const digit of ALL) for (const offset of OFFSETS) expect(textOf(press(digit, tone), offset)).toBe('');
  });

  test('one tone alone, call progress tones, noise, silence', () => {
    const sine = (hz: number) =>
      Array.from({ length: RATE }, (_, at) => 8_000 * Math.sin((2 * Math.PI * hz * at) / RATE));
    for (const hz of [350, 425, 440, 480, 697, 941, 1_000, 1_209, 1_633, 2_100]) expect(textOf(sine(hz))).toBe('');
    const dialTone = sine(350).map((value, at) => value + sine(440)[at]!);
    expect(textOf(dialTone.slice(0, 2_000))).toBe('');
    for (let seed = 1; seed < 6; seed++) expect(textOf(noise(RATE * 2, -10, seed))).toBe('');
    expect(textOf(silence(1_000))).toBe('');
  });

  test('talk-off: 150 s of vowels that glide over all the pairs (no pause, no consonant) give two digits at most', () => {
    let digits = '';
    for (let voice = 0; voice < 30; voice++) digits += textOf(speech(5, voice));
    expect(digits.length).toBeLessThanOrEqual(2);
  });
});

/** Formants of vowels, in Hz. */
const BANDWIDTHS = [80, 110, 160] as const;

/** A rough voice: a pulse train of moving pitch through three resonators whose frequencies wander over the digits' range. */
function speech(seconds: number, seed: number): number[] {
  const jitter = noise(seconds * RATE, -20, seed + 100);
  const filters = [0, 1, 2].map(() => ({ first: 0, second: 0 }));
  let phase = 0;
  const samples = Array.from({ length: seconds * RATE }, (_, at) => {
    const time = at / RATE;
    phase += (90 + 12 * seed * 0.3 + 40 * Math.sin(time * 2.1 + seed)) / RATE;
    const isPulse = phase >= 1;
    if (isPulse) phase -= 1;
    let value = (isPulse ? 1 : 0) + (jitter[at]! / 32_768) * 0.05;
    for (const [index, filter] of filters.entries()) {
      const hz = [600, 1_300, 2_500][index]! * (1 + 0.35 * Math.sin(time * (1.3 + index) + seed * 1.7));
      const radius = 1 - (Math.PI * BANDWIDTHS[index]!) / RATE;
      const next =
        value + 2 * radius * Math.cos((2 * Math.PI * hz) / RATE) * filter.first - radius ** 2 * filter.second;
      filter.second = filter.first;
      filter.first = next;
      value = next * (1 - radius);
    }
    return value;
  });
  const peak = Math.max(...samples.map(Math.abs));
  return samples.map((sample) => (sample / peak) * 16_000);
}
