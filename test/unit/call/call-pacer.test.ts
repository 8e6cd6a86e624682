// Calls per second of an account (rest-api.md 20).

import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { CallPacer } from '../../../src/call/call-pacer.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const times = <T>(count: number, take: () => T): T[] => Array.from({ length: count }, take);

test('what comes too fast waits, evenly spaced [rest 20 cps-queue]', () => {
  const pacer = new CallPacer(new VirtualClock(), () => 2);
  expect(times(4, () => pacer.reserve('AC1'))).toEqual([0, 500, 1_000, 1_500]);
});

test('each account for itself', () => {
  const pacer = new CallPacer(new VirtualClock(), () => 1);
  expect([pacer.reserve('AC1'), pacer.reserve('AC2'), pacer.reserve('AC1')]).toEqual([0, 0, 1_000]);
});

test('time that passes is not saved up: no burst after a rest', async () => {
  const clock = new VirtualClock();
  const pacer = new CallPacer(clock, () => 1);
  pacer.reserve('AC1');
  await clock.advance(10_000);
  expect(times(3, () => pacer.reserve('AC1'))).toEqual([0, 1_000, 2_000]);
});

test('no bound, no wait', () => {
  const pacer = new CallPacer(new VirtualClock(), () => null);
  expect(times(3, () => pacer.reserve('AC1'))).toEqual([0, 0, 0]);
});

test('a backlog of more than a day is refused, and takes no place [rest 20 backlog]', () => {
  const pacer = new CallPacer(new VirtualClock(), () => 0.01);
  const waits = times(limits.callBacklogMs / 100_000 + 1, () => pacer.reserve('AC1'));
  expect(waits.at(-1)).toBe(limits.callBacklogMs);
  expect(times(2, () => pacer.reserve('AC1'))).toEqual([undefined, undefined]);
});

test('a changed setting counts for the next call', () => {
  let rate: number | null = 1;
  const pacer = new CallPacer(new VirtualClock(), () => rate);
  expect([pacer.reserve('AC1'), pacer.reserve('AC1')]).toEqual([0, 1_000]);
  rate = null;
  expect(pacer.reserve('AC1')).toBe(0);
});
