// Files of recordings: ranges of plain and encrypted ones, cutting, repairing, mixing down. Encryption is judged by reading the bytes.

import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { pieceOffset, SealedSink } from '../../../src/media/sealed-file.ts';
import { openWavFile, WAV_HEADER_BYTES, type WavSink, WavWriter, wavHeader } from '../../../src/media/wav-writer.ts';
import { DamagedFile, openStoredFile, type StoredFile } from '../../../src/recording/stored-file.ts';
import { cutWav, monoOf, repairWav } from '../../../src/recording/wav-content.ts';

const folder = mkdtempSync(join(tmpdir(), 'hookswitch-stored-'));
afterAll(() => rmSync(folder, { recursive: true }));
const key = new Uint8Array(32).fill(7);
let files = 0;
const newPath = () => join(folder, `${++files}.wav`);

/** 2.5 s of a ramp, which shows where each sample came from. */
const ramp = (channels: 1 | 2) =>
  Int16Array.from({ length: 20_000 * channels }, (_, index) => (index % 30_000) - 15_000);

class MemorySink implements WavSink {
  bytes: Buffer = Buffer.alloc(0);
  append(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, bytes]);
  }
  patch(bytes: Uint8Array, position: number): void {
    this.bytes.set(bytes, position);
  }
  close(): void {}
}

/** A recording as the media worker writes it. */
function written(isSealed: boolean, channels: 1 | 2, samples = ramp(channels)): string {
  const path = newPath();
  if (!isSealed) {
    const writer = openWavFile(path, channels);
    if (!writer.ok) throw new Error(writer.error);
    writer.value.write(samples);
    writer.value.close();
    return path;
  }
  const sink = new MemorySink();
  const layout = { headBytes: WAV_HEADER_BYTES, pieceBytes: 16_000 * channels };
  const writer = new WavWriter(new SealedSink(sink, key, layout), channels);
  writer.write(samples);
  writer.close();
  writeFileSync(path, sink.bytes);
  return path;
}

async function contentOf(file: StoredFile, start = 0, end = file.sizeBytes): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of file.read(start, end)) parts.push(part);
  return Buffer.concat(parts);
}

async function opened(path: string): Promise<StoredFile> {
  const file = await openStoredFile(path, key);
  if (!file) throw new Error('no file');
  return file;
}

async function wholeOf(path: string): Promise<Buffer> {
  const file = await opened(path);
  const content = await contentOf(file);
  await file.close();
  return content;
}

describe.each([
  ['plain', false],
  ['encrypted', true],
] as const)('%s file', (_, isSealed) => {
  test.each([1, 2] as const)('%d channel(s): any range is that part of the whole', async (channels) => {
    const path = written(isSealed, channels);
    const whole = readFileSync(written(false, channels));
    const file = await opened(path);
    expect(file.sizeBytes).toBe(whole.length);
    const piece = 16_000 * channels;
    const ranges = [
      [0, whole.length],
      [0, 1],
      [43, 45],
      [44, 44 + piece],
      [44 + piece - 1, 44 + piece + 1],
      [44 + 2 * piece, whole.length],
      [whole.length - 1, whole.length],
      [10, whole.length + 99],
    ] as const;
    for (const [start, end] of ranges)
      expect((await contentOf(file, start, end)).equals(whole.subarray(start, end)), `${start}-${end}`).toBe(true);
    await file.close();
  });

  test.each([1, 2] as const)('%d channel(s): cut to a part, header and all', async (channels) => {
    const path = written(isSealed, channels);
    expect(await cutWav(path, key, channels, { firstMs: 500, lastMs: 2_250 }, isSealed)).toBe(1_750);
    const content = await wholeOf(path);
    const samples = ramp(channels);
    expect(content.length).toBe(44 + 14_000 * channels * 2);
    expect(content.subarray(0, 44).equals(Buffer.from(wavHeader(channels, content.length - 44)))).toBe(true);
    expect(content.readInt16LE(44)).toBe(samples[4_000 * channels]);
    expect(content.readInt16LE(content.length - 2)).toBe(samples[18_000 * channels - 1]);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  test('[rest 10 repair] a file whose writer died: the header says what is in it', async () => {
    const path = written(isSealed, 1);
    // As after kill -9: the header of the last whole second, and the last piece not written to its end.
    truncateSync(path, readFileSync(path).length - 101);
    const durationMs = await repairWav(path, key, 1);
    const content = await wholeOf(path);
    expect(durationMs).toBe(isSealed ? 2_000 : (content.length - 44) / 16 - ((content.length - 44) % 2) / 16);
    expect(content.readUInt32LE(40)).toBe((durationMs ?? 0) * 16);
    expect(content.readInt16LE(44 + 31_998)).toBe(ramp(1)[15_999]);
  });

  test('nothing but a header is nothing', async () => {
    expect(await repairWav(written(isSealed, 1, new Int16Array(0)), key, 1)).toBeUndefined();
    expect(await repairWav(join(folder, 'none.wav'), key, 1)).toBeUndefined();
  });
});

describe('encryption at rest', () => {
  test('nothing of the sound stands in the file', async () => {
    const plain = readFileSync(written(false, 1));
    const sealed = readFileSync(written(true, 1));
    for (let at = 44; at + 32 <= plain.length; at += 1_600)
      expect(sealed.includes(plain.subarray(at, at + 32))).toBe(false);
    expect(sealed.includes('RIFF')).toBe(false);
  });

  test('another key, a changed byte, pieces that changed places: DamagedFile, and no sound', async () => {
    const path = written(true, 1);
    const layout = { headBytes: 44, pieceBytes: 16_000 };
    const bytes = readFileSync(path);
    const first = pieceOffset(layout, 1);
    const second = pieceOffset(layout, 2);
    const third = pieceOffset(layout, 3);
    const changed = Buffer.from(bytes);
    changed[second + 50]! ^= 1;
    const swapped = Buffer.concat([
      bytes.subarray(0, first),
      bytes.subarray(second, third),
      bytes.subarray(first, second),
      bytes.subarray(third),
    ]);
    for (const wrong of [changed, swapped]) {
      const at = newPath();
      writeFileSync(at, wrong);
      const file = await opened(at);
      await expect(contentOf(file, 44 + 16_000, file.sizeBytes)).rejects.toThrow(DamagedFile);
      await file.close();
    }
    const file = await openStoredFile(path, new Uint8Array(32));
    await expect(contentOf(file!)).rejects.toThrow(DamagedFile);
    await file?.close();
    await expect(openStoredFile(path, undefined)).rejects.toThrow(DamagedFile);
  });

  test('a file that is cut short while it is read ends in an error', async () => {
    const path = written(true, 1);
    const file = await opened(path);
    truncateSync(path, 20_000);
    await expect(contentOf(file)).rejects.toThrow(DamagedFile);
    await file.close();
  });
});

describe('two channels as one', () => {
  test('the mean of both; odd ranges are those of the smaller file', async () => {
    const samples = Int16Array.from({ length: 40_000 }, (_, index) =>
      index % 2 === 0 ? index % 9_000 : -(index % 7_000),
    );
    const file = monoOf(await opened(written(false, 2, samples)));
    const whole = await contentOf(file);
    expect(whole.length).toBe(44 + 40_000);
    expect(file.sizeBytes).toBe(whole.length);
    expect(whole.readUInt16LE(22)).toBe(1);
    for (const frame of [0, 1, 12_345, 19_999])
      expect(whole.readInt16LE(44 + frame * 2)).toBe((samples[frame * 2]! + samples[frame * 2 + 1]!) >> 1);
    for (const [start, end] of [
      [0, 10],
      [40, 47],
      [45, 46],
      [1_001, 30_001],
      [40_043, 40_044],
      [44, 99_999],
    ] as const)
      expect((await contentOf(file, start, end)).equals(whole.subarray(start, end)), `${start}-${end}`).toBe(true);
    await file.close();
  });
});
