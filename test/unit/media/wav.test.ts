// WAVE files: every encoding that <Play> meets, conversion to mono 8 kHz judged by tone and level, hostile headers, and the writer.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { linearToALaw, linearToMuLaw } from '../../../src/media/g711.ts';
import { rootMeanSquare, toneShare } from '../../../src/media/goertzel.ts';
import { Resampler, toSample } from '../../../src/media/resample.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { openWavFile, parseWav, readMuLaw, readWav, type WavSink, WavWriter } from '../../../src/media/wav.ts';

interface Header {
  readonly tag?: number;
  readonly channels?: number;
  readonly rate?: number;
  readonly bits?: number;
  readonly dataSize?: number;
  /** Bytes behind the 16 of the fmt chunk. */
  readonly extension?: Buffer;
  /** Whole chunks between fmt and data. */
  readonly between?: Buffer;
}

function wav(data: Buffer, header: Header = {}): Buffer {
  const { tag = 1, channels = 1, rate = 8_000, bits = 16, extension = Buffer.alloc(0) } = header;
  const format = Buffer.alloc(16);
  format.writeUInt16LE(tag, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rate, 4);
  format.writeUInt32LE(Math.min(0xffff_ffff, (rate * channels * bits) / 8), 8);
  format.writeUInt16LE(((channels * bits) / 8) & 0xffff, 12);
  format.writeUInt16LE(bits, 14);
  const chunk = (name: string, body: Buffer, size = body.length) => {
    const head = Buffer.alloc(8, name, 'latin1');
    head.writeUInt32LE(size, 4);
    return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
  };
  const body = Buffer.concat([
    chunk('fmt ', Buffer.concat([format, extension])),
    header.between ?? Buffer.alloc(0),
    chunk('data', data, header.dataSize ?? data.length),
  ]);
  const riff = Buffer.from('RIFF0000WAVE', 'latin1');
  riff.writeUInt32LE(body.length + 4, 4);
  return Buffer.concat([riff, body]);
}

/** A sine of 0.5 of full scale as values of -1 to 1. */
const sine = (frequency: number, rate: number, seconds: number): number[] =>
  Array.from({ length: Math.round(rate * seconds) }, (_, n) => 0.5 * Math.sin((2 * Math.PI * frequency * n) / rate));
const pcm16 = (values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeInt16LE(toSample(value), index * 2);
  return bytes;
};
const samplesOf = (bytes: Uint8Array) => {
  const read = readWav(bytes);
  if (!read.ok) throw new Error(read.error.detail);
  return read.value.samples;
};
/** Without the edges, where a resampled sine fades in and out. */
const middle = (samples: Int16Array) => samples.subarray(400, samples.length - 400);
const HALF_SCALE_RMS = 16_384 / Math.SQRT2;

describe('encodings', () => {
  const values = sine(1_000, 8_000, 0.5);
  const float = Buffer.alloc(values.length * 4);
  const int24 = Buffer.alloc(values.length * 3);
  const int32 = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) {
    float.writeFloatLE(value, index * 4);
    int24.writeIntLE(Math.round(value * 8_388_607), index * 3, 3);
    int32.writeInt32LE(Math.round(value * 2_147_483_647), index * 4);
  }
  const rows: readonly (readonly [name: string, bytes: Buffer, tolerance: number])[] = [
    ['16-bit PCM', wav(pcm16(values)), 0],
    ['8-bit PCM, unsigned', wav(Buffer.from(values.map((v) => Math.round(v * 127) + 128)), { bits: 8 }), 256],
    ['24-bit PCM', wav(int24, { bits: 24 }), 1],
    ['32-bit PCM', wav(int32, { bits: 32 }), 1],
    ['32-bit float', wav(float, { tag: 3, bits: 32 }), 1],
    ['A-law', wav(Buffer.from(values.map((v) => linearToALaw(toSample(v)))), { tag: 6, bits: 8 }), 512],
    ['µ-law', wav(Buffer.from(values.map((v) => linearToMuLaw(toSample(v)))), { tag: 7, bits: 8 }), 512],
  ];
  test.each(rows)('%s is read as the samples it holds', (_, bytes, tolerance) => {
    const samples = samplesOf(bytes);
    expect(samples).toHaveLength(values.length);
    const worst = Math.max(...samples.map((sample, index) => Math.abs(sample - toSample(values[index]!))));
    expect(worst).toBeLessThanOrEqual(tolerance);
  });

  test('WAVE_FORMAT_EXTENSIBLE: the format is in the sub-format; a foreign one is refused', () => {
    const extension = Buffer.from(`1600${'1000'}${'04000000'}${'0100'}000000001000800000aa00389b71`, 'hex');
    expect(samplesOf(wav(pcm16(values), { tag: 0xfffe, extension }))).toHaveLength(values.length);
    const foreign = Buffer.from(`1600${'1000'}${'04000000'}${'0100'}ff0000001000800000aa00389b71`, 'hex');
    expect(readWav(wav(pcm16(values), { tag: 0xfffe, extension: foreign }))).toMatchObject({
      ok: false,
      error: { code: 'unsupported' },
    });
    expect(readWav(wav(pcm16(values), { tag: 0xfffe }))).toMatchObject({ ok: false, error: { code: 'unsupported' } });
  });

  test('channels are averaged', () => {
    const stereo = pcm16(values.flatMap((value) => [value, -value]));
    expect(rootMeanSquare(samplesOf(wav(stereo, { channels: 2 })))).toBe(0);
    const left = pcm16(values.flatMap((value) => [value, 0]));
    expect(rootMeanSquare(samplesOf(wav(left, { channels: 2 })))).toBeCloseTo(HALF_SCALE_RMS / 2, -1);
  });

  test('other chunks before the samples are skipped, odd sizes padded', () => {
    const list = Buffer.from('LIST\x05\x00\x00\x00INFOx\x00', 'latin1');
    expect(samplesOf(wav(pcm16(values), { between: list }))).toHaveLength(values.length);
  });
});

describe('sample rates', () => {
  test.each([8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000])(
    'a 1 kHz tone at %i Hz keeps frequency, level and duration',
    (rate) => {
      const samples = samplesOf(wav(pcm16(sine(1_000, rate, 0.5)), { rate }));
      expect(Math.abs(samples.length - 4_000)).toBeLessThanOrEqual(1);
      expect(toneShare(middle(samples), 1_000)).toBeGreaterThan(0.999);
      expect(rootMeanSquare(middle(samples)) / HALF_SCALE_RMS).toBeCloseTo(1, 2);
    },
  );

  test.each([1_000, 4_000, 6_000, 7_999, 8_001, 44_101, 191_999])(
    'unusual rate %i Hz: a 300 Hz tone stays one',
    (rate) => {
      const samples = samplesOf(wav(pcm16(sine(300, rate, 0.5)), { rate }));
      expect(Math.abs(samples.length - 4_000)).toBeLessThanOrEqual(8);
      expect(toneShare(middle(samples), 300)).toBeGreaterThan(0.999);
    },
  );

  test.each([
    [16_000, 5_000],
    [44_100, 4_400],
    [44_100, 7_000],
    [48_000, 15_000],
  ])('what 8 kHz cannot carry is filtered out, not folded back: %i Hz file, %i Hz tone', (rate, frequency) => {
    const samples = samplesOf(wav(pcm16(sine(frequency, rate, 0.5)), { rate }));
    expect(20 * Math.log10(rootMeanSquare(middle(samples)) / HALF_SCALE_RMS)).toBeLessThan(-50);
  });

  test('the telephone band passes: 3,400 Hz loses less than 3 dB', () => {
    const samples = samplesOf(wav(pcm16(sine(3_400, 44_100, 0.5)), { rate: 44_100 }));
    expect(20 * Math.log10(rootMeanSquare(middle(samples)) / HALF_SCALE_RMS)).toBeGreaterThan(-3);
  });

  test('slice by slice gives the same as at once', () => {
    const values = Float32Array.from(sine(440, 22_050, 0.3));
    const once = new Resampler(22_050);
    const whole = [...once.push(values), ...once.finish()];
    const sliced = new Resampler(22_050);
    const parts: number[] = [];
    for (let start = 0, size = 1; start < values.length; start += size, size = (size * 7) % 257) {
      parts.push(...sliced.push(values.subarray(start, start + size)));
    }
    parts.push(...sliced.finish());
    expect(parts).toEqual(whole);
    expect(whole).toHaveLength(2_400);
  });
});

describe('broken and hostile files', () => {
  const good = wav(pcm16(sine(440, 8_000, 0.1)));

  test('a file that ends early is played as far as it goes', () => {
    const read = readWav(good.subarray(0, good.length - 801));
    expect(read).toMatchObject({ ok: true, value: { isTruncated: true } });
    expect(read.ok && read.value.samples.length).toBe(399);
  });

  test.each([0, 0xffff_ffff, 0x7fff_f000])('a writer that streams: data size %i means to the end', (dataSize) => {
    const read = readWav(wav(pcm16(sine(440, 8_000, 0.1)), { dataSize }));
    expect(read).toMatchObject({ ok: true, value: { isTruncated: false } });
    expect(read.ok && read.value.samples.length).toBe(800);
  });

  test.each<readonly [string, Header, string]>([
    ['no channels', { channels: 0 }, 'unsupported'],
    ['65,535 channels', { channels: 65_535 }, 'unsupported'],
    ['0 Hz', { rate: 0 }, 'unsupported'],
    ['4 GHz', { rate: 0xffff_ffff }, 'unsupported'],
    ['0 bits', { bits: 0 }, 'unsupported'],
    ['64 bits', { bits: 64 }, 'unsupported'],
    ['ADPCM', { tag: 2, bits: 4 }, 'unsupported'],
    ['MP3 inside', { tag: 0x55, bits: 0 }, 'unsupported'],
  ])('%s is refused', (_, header, code) => {
    expect(readWav(wav(Buffer.alloc(100), header))).toMatchObject({ ok: false, error: { code } });
  });

  test('no bytes, another file, no fmt, no data, no samples', () => {
    expect(readWav(new Uint8Array(0))).toMatchObject({ ok: false, error: { code: 'notAudio' } });
    expect(readWav(Buffer.from('RIFFxxxxAVI LIST'))).toMatchObject({ ok: false, error: { code: 'notAudio' } });
    expect(readWav(good.subarray(0, 12))).toMatchObject({ ok: false, error: { code: 'notAudio' } });
    expect(readWav(good.subarray(0, 36))).toMatchObject({ ok: false, error: { code: 'notAudio' } });
    expect(readWav(wav(Buffer.alloc(0)))).toMatchObject({ ok: false, error: { code: 'empty' } });
    expect(readWav(wav(Buffer.alloc(1)))).toMatchObject({ ok: false, error: { code: 'empty' } });
  });

  test('every cut and every flipped header byte gives a result', () => {
    const short = wav(pcm16(sine(440, 8_000, 0.01)));
    for (let length = 0; length < short.length; length++) readWav(short.subarray(0, length));
    for (let index = 0; index < 44; index++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const bytes = Buffer.from(short);
        bytes[index] = value;
        const read = readWav(bytes);
        if (read.ok) expect(read.value.samples.length).toBeLessThan(8_000);
        else expect(read.error.detail).not.toBe('');
      }
    }
  });

  test('a million empty chunks are not walked', () => {
    const chunks = Buffer.alloc(8_000_000, 'junk\0\0\0\0', 'latin1');
    const bytes = Buffer.concat([Buffer.from('RIFF0000WAVE'), chunks, good.subarray(12)]);
    expect(readWav(bytes)).toMatchObject({ ok: false, error: { code: 'notAudio' } });
  });

  test('a low rate does not blow a small file up beyond the longest duration', () => {
    const bytes = wav(Buffer.alloc(limits.mediaDecodedSeconds * 1_000 + 5_000), { rate: 1_000, bits: 8 });
    const layout = parseWav(bytes);
    expect(layout).toMatchObject({
      ok: true,
      value: { frames: limits.mediaDecodedSeconds * 1_000, isTruncated: true },
    });
  });
});

describe('raw µ-law', () => {
  const tone = toneSamples([1_000], -10, 100);
  const octets = Buffer.from(Array.from(tone, linearToMuLaw));

  test('audio/basic: octets without a header', () => {
    expect(toneShare(readMuLaw(octets), 1_000)).toBeGreaterThan(0.99);
  });

  test('.au: the header is left out, and cannot point outside of the file', () => {
    const file = Buffer.concat([Buffer.from('.snd'), Buffer.alloc(28), octets]);
    file.writeUInt32BE(32, 4);
    expect(readMuLaw(file)).toHaveLength(octets.length);
    file.writeUInt32BE(0xffff_ffff, 4);
    expect(readMuLaw(file)).toHaveLength(0);
  });
});

describe('writer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wav-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('what is written is read back, sizes patched on close', () => {
    const path = join(folder, 'tone.wav');
    const opened = openWavFile(path);
    if (!opened.ok) throw new Error(opened.error);
    const tone = toneSamples([700], -10, 2_345);
    for (let start = 0; start < tone.length; start += 160) opened.value.write(tone.subarray(start, start + 160));
    expect(opened.value.durationMs).toBe(2_345);
    opened.value.close();
    opened.value.close();
    opened.value.write(tone);
    const bytes = readFileSync(path);
    expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
    expect(bytes.readUInt32LE(40)).toBe(tone.length * 2);
    expect(samplesOf(bytes)).toEqual(tone);
  });

  test('a file that was never closed still plays', () => {
    const path = join(folder, 'open.wav');
    const opened = openWavFile(path);
    if (!opened.ok) throw new Error(opened.error);
    opened.value.write(toneSamples([700], -10, 3_000));
    expect(samplesOf(readFileSync(path))).toHaveLength(24_000);
    opened.value.close();
  });

  test('two channels are two channels', () => {
    const path = join(folder, 'stereo.wav');
    const opened = openWavFile(path, 2);
    if (!opened.ok) throw new Error(opened.error);
    opened.value.write(Int16Array.of(100, 200, 300, 400));
    opened.value.close();
    expect(readWav(readFileSync(path))).toMatchObject({ ok: true, value: { channels: 2 } });
    expect([...samplesOf(readFileSync(path))]).toEqual([150, 350]);
  });

  test('a folder that is not there is a value, not a throw', () => {
    expect(openWavFile(join(folder, 'no', 'such', 'folder.wav')).ok).toBe(false);
  });

  test.each([0, 1, 2, 3])('the sink fails at call %i: remembered, nothing thrown, closed all the same', (failAt) => {
    const calls: string[] = [];
    const call = (name: string) => {
      calls.push(name);
      if (calls.length - 1 === failAt) throw new Error('no space left');
    };
    const sink: WavSink = { append: () => call('append'), patch: () => call('patch'), close: () => call('close') };
    const writer = new WavWriter(sink);
    writer.write(new Int16Array(8_000));
    writer.write(new Int16Array(10));
    writer.close();
    expect(writer.failure).toBe('no space left');
    expect(calls.at(-1)).toBe('close');
  });
});
