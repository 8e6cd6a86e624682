// Captures on disk: who may read them, how long they stay, how many fit.

import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
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
  const files = new CaptureFiles({ directory, retention: () => retention, clock, log: silentLog });
  onTestFinished(() => files.stop());
  /** A capture as if written so many days ago. */
  const written = async (name: string, bytes: number, daysAgo: number) => {
    await files.write(name, Buffer.alloc(bytes));
    const at = new Date(NOW - daysAgo * DAY_MS);
    utimesSync(join(directory, `${name}.pcap`), at, at);
  };
  const names = () => readdirSync(directory).sort();
  return { files, directory, clock, written, names };
}

describe('[sip 9 capture-retention]', () => {
  test('a sweep removes what is too old, then the oldest until the rest fits', async () => {
    const { files, written, names } = world({ days: 7, bytes: 1_000 });
    await files.start();
    await written(sid('a'), 60, 8);
    await written(sid('b'), 600, 6);
    await written(sid('c'), 60, 5);
    await written(sid('d'), 800, 1);
    await files.sweep();
    expect(names()).toEqual([`${sid('c')}.pcap`, `${sid('d')}.pcap`]);
  });

  test('the sweep comes by itself, each hour', async () => {
    const { files, written, names, clock } = world({ days: 7, bytes: 10_000 });
    await files.start();
    await written(sid('a'), 10, 8);
    clock.advance(limits.captureSweepMs);
    await files.sweep();
    expect(names()).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
  });

  test('what a crash left half-written goes too; what is none of ours stays', async () => {
    const { files, directory, names } = world();
    await files.start();
    for (const name of [`${sid('a')}.pcap.part`, 'notes.txt']) {
      writeFileSync(join(directory, name), 'x');
      const at = new Date(NOW - 9 * DAY_MS);
      utimesSync(join(directory, name), at, at);
    }
    await files.sweep();
    expect(names()).toEqual(['notes.txt']);
  });
});

describe('[sip 9 capture-files]', () => {
  test('only the owner may read folder and files', async () => {
    const { files, directory } = world();
    await files.start();
    await files.write(sid('a'), Buffer.from('x'));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, `${sid('a')}.pcap`)).mode & 0o777).toBe(0o600);
  });

  test.each(['../../etc/passwd', 'CA', '', `${sid('a')}/../x`])('%s names no capture', async (id) => {
    const { files } = world();
    await files.start();
    await files.write(id, Buffer.from('x'));
    expect(await files.read(id)).toBeUndefined();
  });

  test('a disk that takes nothing is a rejection, and no file is seen', async () => {
    const { files, directory, names } = world();
    await files.start();
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'a file in place of the folder');
    await expect(files.write(sid('a'), Buffer.from('x'))).rejects.toThrow();
    expect(await files.read(sid('a'))).toBeUndefined();
    rmSync(directory);
    await files.start();
    expect(names()).toEqual([]);
  });
});
