// What a start warns of: each limit of the machine against settings that would meet it, and silence where all fits.

import { expect, test } from 'vitest';
import { type Machine, readMachine } from '../../src/machine.ts';
import { startupChecks } from '../../src/startup-checks.ts';

const GIB = 1_073_741_824;
const settings = { mediaPorts: { first: 10_000, last: 20_000 }, maxCalls: 5_000, mediaWorkers: 1 };
const machine: Machine = {
  cores: 2,
  openFiles: 65_536,
  ephemeral: { first: 32_768, last: 60_999 },
  trackedFlows: 65_536,
  receiveBufferBytes: 8_388_608,
  memoryBytes: 8 * GIB,
  heapBytes: 4 * GIB,
  raisesPriority: true,
};

const texts = (changed: Partial<Machine>, other: Partial<typeof settings> = {}): string[] =>
  startupChecks({ ...settings, ...other }, { ...machine, ...changed })
    .filter(({ level }) => level === 'warning')
    .map(({ text }) => text);

test('a machine where all fits: how many calls, and no warning', () => {
  expect(startupChecks(settings, machine)).toEqual([
    { level: 'ok', text: '2500 bridged calls fit at once (bounded by media ports)' },
    { level: 'ok', text: 'threads that carry audio go before other work of this machine' },
  ]);
});

test('a kernel that keeps little of a burst: what to raise, and no warning', () => {
  const checks = startupChecks(settings, { ...machine, receiveBufferBytes: 212_992 });
  expect(checks.at(-1)).toEqual({
    level: 'ok',
    text: expect.stringMatching(/keeps 208 kB of a burst; "sysctl net\.core\.rmem_max=\d+"/),
  });
});

test('a system that keeps priorities to itself: what to give, and no warning', () => {
  expect(startupChecks(settings, { ...machine, raisesPriority: false })[1]).toEqual({
    level: 'ok',
    text: expect.stringMatching(/CAP_SYS_NICE/),
  });
});

test('a system without these readings: no warning', () => {
  const without = {
    openFiles: undefined,
    ephemeral: undefined,
    trackedFlows: undefined,
    receiveBufferBytes: undefined,
  };
  expect(texts(without)).toEqual([]);
});

test.each<[string, Partial<Machine>, Partial<typeof settings>, RegExp]>([
  ['open files', { openFiles: 1_024 }, {}, /^the limit of 1024 open files .* "ulimit -n 10300"$/],
  ['ephemeral ports', { ephemeral: { first: 15_000, last: 60_999 } }, {}, /range 15000-60999: .* below 15000$/],
  [
    'connection tracking',
    { trackedFlows: 8_192 },
    {},
    /tracks 8192 connections, 2500 calls have up to 12000: .*=12000"/,
  ],
  ['heap', { heapBytes: GIB / 4 }, {}, /may grow to 256 MiB, 2500 calls want 334: .*--max-old-space-size=334/],
  ['memory', { memoryBytes: GIB / 2 }, {}, /^there are 512 MiB of memory, 2500 calls want 668: /],
  ['threads', {}, { mediaWorkers: 3 }, /^3 media threads and the signalling share 2 cores: .* to 1 at most$/],
])('%s: a warning with the fix', (_what, changed, other, text) => {
  expect(texts(changed, other)).toEqual([expect.stringMatching(text)]);
});

test('maxCalls bounds what is asked of the machine', () => {
  expect(texts({ openFiles: 1_024, trackedFlows: 8_192, heapBytes: GIB / 4 }, { maxCalls: 200 })).toEqual([]);
});

test('the machine of the tests can be read', () => {
  const read = readMachine();
  expect(read.cores).toBeGreaterThan(0);
  expect(Math.min(read.memoryBytes, read.heapBytes)).toBeGreaterThan(1_000_000);
});
