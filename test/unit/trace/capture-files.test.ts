// Captures on disk: who may read them, how long they stay, how many fit.

import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { CaptureFiles } from '../../../src/trace/capture-files.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DAY_MS = 24 * 3_600_000;
const NOW = Date.UTC(2026, 5, 1);
const sid = (digit: string) => `CA${digit.repeat(32)}`;

function world(retention = { days: 7, bytes: 1_000 }) {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-captures-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new VirtualClock(NOW);
  const directory = join(folder, 'captures');
  const open = (): CaptureFiles => {
    const files = new CaptureFiles({ directory, retention: () => retention, clock, log: silentLog });
    onTestFinished(() => files.stop());
    return files;
  };
  const files = open();
  const names = () => readdirSync(directory).sort();
  const segments = () => names().filter((name) => name.endsWith('.captures'));
  /** As if nothing in the folder had been touched for so long. */
  const age = (days: number) => {
    const at = new Date(NOW - days * DAY_MS);
    for (const name of names()) utimesSync(join(directory, name), at, at);
  };
  /** Which of these captures are kept. */
  const kept = async (...digits: string[]) => {
    const found = await Promise.all(digits.map((digit) => files.read(sid(digit))));
    return digits.filter((_, index) => found[index] !== undefined);
  };
  return { files, open, directory, clock, names, segments, age, kept };
}

const capture = (digit: string, bytes: number) => ({ rootSid: sid(digit), capture: Buffer.alloc(bytes, digit) });

describe('[sip 9 capture-retention]', () => {
  test('a sweep removes the oldest until the rest fits', async () => {
    // A segment takes a sixteenth of all: each of these has one of its own.
    const { files, segments, kept } = world({ days: 7, bytes: 1_000 });
    await files.start();
    await files.write([capture('a', 600)]);
    await files.write([capture('b', 100)]);
    await files.write([capture('c', 700)]);
    await files.sweep();
    expect(await kept('a', 'b', 'c')).toEqual(['b', 'c']);
    expect(segments()).toHaveLength(2);
  });

  test('the sweep comes by itself, each hour, and takes what is too old', async () => {
    const { files, names, age, clock } = world({ days: 7, bytes: 10_000 });
    await files.start();
    await files.write([capture('a', 10)]);
    age(8);
    clock.advance(limits.captureSweepMs);
    await files.sweep();
    expect(names().filter((name) => !name.endsWith('.index'))).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
    await files.write([capture('b', 10)]);
    expect(await files.read(sid('b'))).toEqual(Buffer.alloc(10, 'b'));
  });

  test('what is too old is not given, even before a sweep', async () => {
    const { files, clock } = world({ days: 7, bytes: 10_000 });
    await files.start();
    await files.write([capture('a', 10)]);
    clock.advance(7 * DAY_MS - 1);
    expect(await files.read(sid('a'))).toBeDefined();
    clock.advance(2);
    expect(await files.read(sid('a'))).toBeUndefined();
  });

  test('files of an earlier version go with time; what is none of ours stays', async () => {
    const { files, directory, names, age } = world();
    await files.start();
    for (const name of [`${sid('a')}.pcap`, `${sid('b')}.pcap.part`, 'notes.txt']) {
      writeFileSync(join(directory, name), 'x');
    }
    age(9);
    await files.sweep();
    expect(names()).toEqual(['notes.txt']);
  });
});

describe('segments', () => {
  const room = { days: 7, bytes: 1_000_000 };

  test('captures of many calls share one file, each is found again', async () => {
    const { files, segments, kept } = world(room);
    await files.start();
    await files.write([capture('a', 100), capture('b', 0)]);
    await files.write([capture('c', 300)]);
    expect(segments()).toHaveLength(1);
    expect(await kept('a', 'b', 'c', 'd')).toEqual(['a', 'b', 'c']);
    expect(await files.read(sid('c'))).toEqual(Buffer.alloc(300, 'c'));
  });

  test('of a family that is written again the later capture counts, in the same segment and in the next', async () => {
    const { files, segments, clock } = world(room);
    await files.start();
    for (const text of ['one', 'two']) await files.write([{ rootSid: sid('a'), capture: Buffer.from(text) }]);
    expect(String(await files.read(sid('a')))).toBe('two');
    clock.advance(limits.captureSegmentMs);
    await files.write([{ rootSid: sid('a'), capture: Buffer.from('three') }]);
    expect(segments()).toHaveLength(2);
    expect(String(await files.read(sid('a')))).toBe('three');
  });

  test('a full segment is followed by another', async () => {
    const { files, segments, kept } = world(room);
    await files.start();
    for (const digit of ['a', 'b', 'c']) await files.write([capture(digit, room.bytes / 16)]);
    expect(segments()).toHaveLength(3);
    expect(await kept('a', 'b', 'c')).toEqual(['a', 'b', 'c']);
  });

  test('they are found after a restart', async () => {
    const { files, open } = world(room);
    await files.start();
    await files.write([capture('a', 100), capture('b', 200)]);
    await files.stop();
    const next = open();
    await next.start();
    await next.write([capture('c', 10)]);
    expect(await next.read(sid('b'))).toEqual(Buffer.alloc(200, 'b'));
    expect(await next.read(sid('c'))).toEqual(Buffer.alloc(10, 'c'));
  });

  test.each([
    ['half a capture', 40],
    ['half a header', 170],
    ['a whole capture too many', 100 + 54],
  ])('a crash that left %s loses no other', async (_, cut) => {
    const { files, open, directory, segments } = world(room);
    await files.start();
    await files.write([capture('a', 100), capture('b', 100)]);
    const [segment] = segments();
    // No stop: the index is not written.
    truncateSync(join(directory, segment!), 2 * (100 + 54) - cut);
    const next = open();
    expect(await next.read(sid('a'))).toEqual(cut > 160 ? undefined : Buffer.alloc(100, 'a'));
    expect(await next.read(sid('b'))).toBeUndefined();
  });

  test('damaged bytes are no capture', async () => {
    const { files, open, directory, segments } = world(room);
    await files.start();
    await files.write([capture('a', 100)]);
    await files.stop();
    const file = join(directory, segments()[0]!);
    const bytes = readFileSync(file);
    bytes[120] = 0;
    writeFileSync(file, bytes);
    expect(await open().read(sid('a'))).toBeUndefined();
  });
});

describe('[sip 9 capture-files]', () => {
  test('only the owner may read folder and files', async () => {
    const { files, directory, names } = world();
    await files.start();
    await files.write([capture('a', 1)]);
    await files.stop();
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(names()).toHaveLength(2);
    for (const name of names()) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  test.each(['../../etc/passwd', 'CA', '', `${sid('a')}/../x`])('%s names no capture', async (id) => {
    const { files, names } = world();
    await files.start();
    await files.write([{ rootSid: id, capture: Buffer.from('x') }]);
    expect(await files.read(id)).toBeUndefined();
    expect(names()).toEqual([]);
  });

  test('a disk that takes nothing is a rejection, and no file is seen', async () => {
    const { files, directory, names } = world();
    await files.start();
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file in place of the folder');
    await expect(files.write([capture('a', 1)])).rejects.toThrow();
    expect(await files.read(sid('a'))).toBeUndefined();
    rmSync(directory);
    await files.start();
    expect(names()).toEqual([]);
  });
});
