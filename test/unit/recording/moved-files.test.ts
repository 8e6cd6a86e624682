// Recordings that are in a store of objects, read as if they lay here: any form and any part, plain and encrypted, with the least that
// must be fetched.

import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { decodeMp3 } from '../../../src/media/mp3.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { wavHeader } from '../../../src/media/wav-writer.ts';
import { MovedFiles } from '../../../src/recording/moved-files.ts';
import { Mover } from '../../../src/recording/mover.ts';
import { type StoredFile, StoredWriter } from '../../../src/recording/stored-file.ts';
import { MemoryObjects } from '../../support/memory-objects.ts';
import { aRequest, RecordingBench, wavOf } from '../../support/recording-bench.ts';
import { until } from '../../support/until.ts';

const DEADLINE_MS = 5_000;
let bench: RecordingBench;
let store: MemoryObjects;
let mover: Mover;
let files: MovedFiles;

function begin(encrypts: boolean): void {
  bench = new RecordingBench(encrypts);
  store = new MemoryObjects();
  const repair = (name: string) => bench.files.repairNamed(name);
  mover = new Mover({ dataDir: bench.folder, store, repair, clock: bench.clock, log: silentLog });
  files = new MovedFiles(bench.files, store, mover);
}
beforeEach(() => begin(false));
afterEach(async () => {
  await mover.stop();
  bench.discard();
});

/** Three seconds of two tones. */
const left = toneSamples([440], -10, 3_000);
const right = toneSamples([1_000], -10, 3_000);
const both = Int16Array.from({ length: left.length * 2 }, (_, index) => (index % 2 ? right : left)[index >> 1]!);
const whole = wavOf(both, 2);

/** A finished recording of two channels that has moved. */
async function moved(encrypts: boolean) {
  begin(encrypts);
  const { live } = bench.started(aRequest({ channels: 2 }));
  const record = { ...live.record, status: 'completed' as const };
  const path = join(bench.folder, record.media!);
  mkdirSync(dirname(path), { recursive: true });
  const key = encrypts ? bench.files.keyOf(record.sid) : undefined;
  const writer = await StoredWriter.create(path, key, { headBytes: 44, pieceBytes: 32_000 });
  await writer.append(whole.subarray(44));
  await writer.commit(wavHeader(2, whole.length - 44));
  await mover.start();
  mover.bring(record.media!);
  await settled();
  expect([...here()]).toEqual([]);
  store.reads.length = 0;
  return record;
}

const settled = () =>
  until(
    () => mover.count === 0,
    DEADLINE_MS,
    () => 'all has moved',
  );
const here = (): string[] =>
  readdirSync(bench.folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.'));

async function bytesOf(file: StoredFile, start: number, end: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of file.read(start, end)) parts.push(part);
  return Buffer.concat(parts);
}

async function opened(record: Parameters<MovedFiles['open']>[0], format: 'wav' | 'mp3', channels: 1 | 2) {
  const file = await files.open(record, format, channels);
  if (!file.ok) throw new Error(file.error.detail);
  return file.value;
}

describe.each([
  ['plain', false],
  ['encrypted', true],
] as const)('%s', (_, encrypts) => {
  test('any part is the part of the whole, and not more is fetched than holds it', async () => {
    const record = await moved(encrypts);
    expect(store.textOf(record.media!)?.startsWith('RIFF')).toBe(!encrypts);
    const file = await opened(record, 'wav', 2);
    expect(file.sizeBytes).toBe(whole.length);
    for (const [start, end] of [
      [0, 44],
      [40, 50],
      [44, 45],
      [32_043, 32_045],
      [100, 70_000],
      [whole.length - 1, whole.length],
      [0, whole.length],
      [whole.length, whole.length + 10],
    ] as const) {
      store.reads.length = 0;
      expect((await bytesOf(file, start, end)).equals(whole.subarray(start, end))).toBe(true);
      const fetched = store.reads.reduce((sum, [from, to]) => sum + to - from, 0);
      expect(store.reads.length).toBeLessThanOrEqual(1);
      // At most a piece more at each end.
      expect(fetched).toBeLessThanOrEqual(encrypts ? end - start + 64_200 : end - start);
    }
    await file.close();
  });

  test('one channel of two, and MP3s, which are made once and move too', async () => {
    const record = await moved(encrypts);
    const mono = await opened(record, 'wav', 1);
    const mixed = await bytesOf(mono, 0, mono.sizeBytes);
    expect(mixed.readUInt16LE(22)).toBe(1);
    expect(mixed.readInt16LE(44 + 2_000)).toBe((left[1_000]! + right[1_000]!) >> 1);
    await mono.close();

    const [one, same] = await Promise.all([opened(record, 'mp3', 2), opened(record, 'mp3', 2)]);
    const bytes = await bytesOf(one, 0, one.sizeBytes);
    expect((await bytesOf(same, 0, same.sizeBytes)).equals(bytes)).toBe(true);
    const decoded = await decodeMp3(bytes);
    expect(decoded.ok && decoded.value.length).toBeGreaterThan(left.length * 0.9);
    await one.close();
    await same.close();
    await settled();
    expect(here()).toEqual([]);
    const base = record.media!.replace('.wav', '');
    expect(store.names()).toEqual([`${base}.mp3`, `${base}.wav`]);
    expect(store.textOf(`${base}.mp3`)?.startsWith('HSSEAL1')).toBe(encrypts);
    const again = await opened(record, 'mp3', 2);
    expect((await bytesOf(again, 10, 99)).equals(bytes.subarray(10, 99))).toBe(true);
    await again.close();

    await files.remove(record);
    expect(await files.open(record, 'wav', 2)).toMatchObject({ ok: false, error: { code: 'missing' } });
    expect(await files.open(record, 'mp3', 2)).toMatchObject({ ok: false, error: { code: 'missing' } });
    await settled();
    expect(store.names()).toEqual([]);
  });
});

test('a process died behind the move and before the end of the record: the length is known all the same', async () => {
  const record = await moved(true);
  expect(await files.repair(record)).toBe(3_000);
  expect(await files.sizeOf(record)).toBe(store.bytesOf(record.media!).length);
  await files.remove(record);
  await settled();
  expect(await files.repair(record)).toBeUndefined();
  expect(await files.sizeOf(record)).toBeNull();
});

test.each([
  ['plain', false],
  ['encrypted', true],
] as const)('a file (%s) whose header nobody finished moves with a right one', async (_, encrypts) => {
  begin(encrypts);
  const { live } = bench.started(aRequest({ channels: 2 }));
  const path = join(bench.folder, live.record.media!);
  mkdirSync(dirname(path), { recursive: true });
  const key = encrypts ? bench.files.keyOf(live.record.sid) : undefined;
  const writer = await StoredWriter.create(path, key, { headBytes: 44, pieceBytes: 32_000 });
  await writer.append(whole.subarray(44));
  await writer.commit(wavHeader(2, 0));
  await mover.start();
  await settled();
  expect(here()).toEqual([]);
  const file = await opened(live.record, 'wav', 2);
  expect((await bytesOf(file, 0, whole.length)).equals(whole)).toBe(true);
});

test('the store is away: what is there is said to fail, not to be gone', async () => {
  const record = await moved(false);
  store.fault = { code: 'unavailable', detail: 'silent' };
  for (const format of ['wav', 'mp3'] as const)
    expect(await files.open(record, format, 2)).toEqual({ ok: false, error: { code: 'failed', detail: 'silent' } });
  await expect(files.repair(record)).rejects.toThrow('silent');
  expect(await files.sizeOf(record)).toBeNull();
});

test('removed while its MP3 is made: nothing of it stays, here or there', async () => {
  const record = await moved(false);
  const opening = files.open(record, 'mp3', 2);
  await until(
    () => here().some((name) => name.endsWith('.source')),
    DEADLINE_MS,
    () => 'the copy is there',
  );
  await files.remove(record);
  expect(await opening).toMatchObject({ ok: false });
  await settled();
  expect(here()).toEqual([]);
  expect(store.names()).toEqual([]);
});

test('the store goes away while an MP3 is made: it is given all the same, and moves later', async () => {
  const record = await moved(false);
  const opening = files.open(record, 'mp3', 2);
  await until(
    () => here().some((name) => name.endsWith('.source')),
    DEADLINE_MS,
    () => 'it is being made',
  );
  store.fault = { code: 'unavailable', detail: 'silent' };
  const file = await opening;
  if (!file.ok) throw new Error(file.error.detail);
  expect(file.value.sizeBytes).toBeGreaterThan(1_000);
  await file.value.close();
  store.fault = undefined;
  await until(
    () => {
      bench.clock.advance(600_000);
      return store.names().length === 2;
    },
    DEADLINE_MS,
    () => 'it has moved',
  );
});

test('an object that was changed in the store does not open, and ends a reader', async () => {
  const record = await moved(true);
  const media = record.media!;
  const sealed = store.bytesOf(media);
  sealed[40_000]! ^= 1;
  store.write(media, sealed);
  const file = await opened(record, 'wav', 2);
  await expect(bytesOf(file, 0, whole.length)).rejects.toThrow('does not open');
});

test('nothing of a copy stays when an MP3 cannot be made', async () => {
  const record = await moved(true);
  const sealed = store.bytesOf(record.media!);
  sealed[40_000]! ^= 1;
  store.write(record.media!, sealed);
  expect(await files.open(record, 'mp3', 2)).toMatchObject({ ok: false, error: { code: 'failed' } });
  await settled();
  expect(here()).toEqual([]);
  expect(store.names()).toEqual([record.media!]);
});
