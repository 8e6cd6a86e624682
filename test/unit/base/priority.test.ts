// The priority of threads that carry audio.

import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { mayRaisePriority, raisePriority } from '../../../src/base/priority.ts';

test('trying leaves the priority as it was', () => {
  const before = getPriority();
  mayRaisePriority();
  expect(getPriority()).toBe(before);
});

test('a thread raises its own priority where it may, and no other one', async () => {
  const before = getPriority();
  const module = new URL('../../../src/base/priority.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(module)}).then(({ raisePriority }) => {
    const { readFileSync } = require('node:fs');
    const isRaised = raisePriority(-3);
    const stat = readFileSync('/proc/thread-self/stat', 'utf8').replace(/^.*\\) /s, '').split(' ');
    require('node:worker_threads').parentPort.postMessage({ isRaised, nice: Number(stat[16]) });
  });`;
  const worker = new Worker(code, { eval: true });
  const { promise, resolve, reject } = Promise.withResolvers<{ isRaised: boolean; nice: number }>();
  worker.once('message', resolve);
  worker.once('error', reject);
  const { isRaised, nice } = await promise;
  await worker.terminate();
  expect(isRaised).toBe(mayRaisePriority());
  expect(nice).toBe(isRaised ? -3 : before);
  const main = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  expect(Number(main[16])).toBe(before);
});

test('what the system refuses is an answer, no exception', () => {
  expect(raisePriority(Number.NaN)).toBe(false);
});
