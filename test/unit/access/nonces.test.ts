// The table of used nonces: bounded, and what it forgets is stale, never free again.

import { expect, test } from 'vitest';
import { createNonces } from '../../../src/access/nonces.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const SOURCE = '192.0.2.1';
const REALM = 'sip.example.com';

function table(tracked: number) {
  const clock = new VirtualClock();
  const nonces = createNonces(clock, cryptoRandom, Buffer.alloc(32, 7), { lifetimeMs: 60_000, tracked });
  const issued: string[] = [];
  const useNext = () => {
    clock.advance(10);
    const nonce = nonces.issue(REALM, SOURCE);
    issued.push(nonce);
    return nonces.use(nonce, 1);
  };
  return { clock, nonces, issued, useNext };
}

test('a full table lets the oldest go, a sixteenth at a time, and what it let go is stale', () => {
  const { nonces, issued, useNext } = table(32);
  for (let index = 0; index < 100; index++) {
    expect(useNext()).toBe(true);
    expect(nonces.size).toBeLessThanOrEqual(32);
  }
  expect(nonces.size).toBeGreaterThanOrEqual(30);
  for (const nonce of issued) expect(nonces.use(nonce, 1)).toBe(false);
  // What is still known takes its next count, what was forgotten takes none.
  expect(issued.map((nonce) => nonces.use(nonce, 2))).toEqual(issued.map((_, index) => index >= 100 - nonces.size));
});

test('a table of one nonce keeps the last one', () => {
  const { nonces, issued, useNext } = table(1);
  for (let index = 0; index < 3; index++) expect(useNext()).toBe(true);
  expect(nonces.size).toBe(1);
  expect(issued.map((nonce) => nonces.use(nonce, 2))).toEqual([false, false, true]);
});

test('nonces that are too old leave, those beside them stay', () => {
  const { clock, nonces, issued, useNext } = table(1_000);
  for (let index = 0; index < 10; index++) useNext();
  clock.advance(59_950);
  useNext();
  clock.advance(1_000);
  useNext();
  expect(nonces.size).toBe(2);
  expect(nonces.verify(issued[0]!, REALM, SOURCE).isFresh).toBe(false);
  expect(nonces.use(issued[10]!, 2)).toBe(true);
});
