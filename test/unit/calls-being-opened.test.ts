// Calls that do not ring yet are bounded, and one that hangs does not count for ever.

import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { CallsBeingOpened } from '../../src/calls-being-opened.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

test('full at the limit, and not below it', () => {
  const clock = new VirtualClock();
  const opened = new CallsBeingOpened(clock);
  const ends = Array.from({ length: limits.callsBeingOpened }, () => {
    expect(opened.isFull).toBe(false);
    return opened.begin();
  });
  expect(opened.isFull).toBe(true);
  const [first] = ends;
  first?.();
  first?.();
  expect(opened.isFull).toBe(false);
  opened.begin();
  expect(opened.isFull).toBe(true);
});

test('a call that hangs is given up', () => {
  const clock = new VirtualClock();
  const opened = new CallsBeingOpened(clock);
  const ends = Array.from({ length: limits.callsBeingOpened }, () => opened.begin());
  clock.advance(limits.callOpeningMs);
  expect(opened.isFull).toBe(false);
  for (const end of ends) end();
  for (let count = 0; count < limits.callsBeingOpened - 1; count++) opened.begin();
  expect(opened.isFull).toBe(false);
});
