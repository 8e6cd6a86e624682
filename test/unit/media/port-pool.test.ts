// The port pool: pairs, their division among workers, resting.

import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { PortPool, pairsOf } from '../../../src/media/port-pool.ts';
import { seededRandom } from '../../support/network.ts';

const random = seededRandom(3).bytes;
const ADDRESS = '127.0.0.1';

test('RFC 3550 11: RTP ports are even and have their RTCP port within the range', () => {
  assert.deepEqual(pairsOf({ first: 10_001, last: 10_008 }, 0, 1), [10_002, 10_004, 10_006]);
  assert.deepEqual(pairsOf({ first: 10_000, last: 10_000 }, 0, 1), []);
});

test('design.md 6: workers share the range without overlap and without rest', () => {
  const range = { first: 10_000, last: 10_020 };
  const shares = [0, 1, 2].map((index) => pairsOf(range, index, 3));
  const sizes = shares.map((share) => share.length);
  assert.deepEqual(sizes, [4, 3, 3]);
  assert.deepEqual(shares.flat().sort(), pairsOf(range, 0, 1));
});

test('every pair is given once, then there is none', () => {
  const pool = new PortPool(pairsOf({ first: 10_000, last: 10_009 }, 0, 1), random);
  const taken = [1, 2, 3, 4, 5].map(() => pool.take(ADDRESS, 0));
  assert.deepEqual([...taken].sort(), [10_000, 10_002, 10_004, 10_006, 10_008]);
  assert.equal(pool.take(ADDRESS, 0), undefined);
  assert.deepEqual(pool.counts(0), { inUse: 5, resting: 0, free: 0 });
});

test('design.md 6: a closed pair rests for ten seconds', () => {
  const pool = new PortPool([10_000], random);
  pool.take(ADDRESS, 0);
  pool.release(ADDRESS, 10_000, 100);
  assert.deepEqual(pool.counts(100), { inUse: 0, resting: 1, free: 0 });
  assert.equal(pool.take(ADDRESS, 100 + limits.portRestMs - 1), undefined);
  assert.equal(pool.take(ADDRESS, 100 + limits.portRestMs), 10_000);
});

test('a pair that was used last is used again last', () => {
  const pool = new PortPool([10_000, 10_002, 10_004], random);
  const first = pool.take(ADDRESS, 0)!;
  pool.release(ADDRESS, first, 0);
  const later = limits.portRestMs + 1;
  const next = [1, 2, 3].map(() => pool.take(ADDRESS, later));
  assert.equal(next[2], first);
});

test('RFC 6056: the first port is not always the same', () => {
  const ports = pairsOf({ first: 10_000, last: 12_000 }, 0, 1);
  const firsts = new Set(Array.from({ length: 20 }, () => new PortPool(ports, random).take(ADDRESS, 0)));
  assert.ok(firsts.size > 10, [...firsts].join(' '));
});

test('each local address has ports of its own', () => {
  const pool = new PortPool([10_000], random);
  assert.equal(pool.take('192.0.2.1', 0), 10_000);
  assert.equal(pool.take('192.0.2.2', 0), 10_000);
  assert.deepEqual(pool.counts(0), { inUse: 2, resting: 0, free: 0 });
});

test('what was not taken is not given back: neither twice, nor a foreign port or address', () => {
  const pool = new PortPool([10_000, 10_002], random);
  const port = pool.take(ADDRESS, 0)!;
  pool.release(ADDRESS, port, 0);
  pool.release(ADDRESS, port, 5_000);
  pool.release(ADDRESS, 9, 0);
  pool.release('192.0.2.1', port, 0);
  assert.deepEqual(pool.counts(0), { inUse: 0, resting: 1, free: 1 });
  assert.deepEqual(pool.counts(limits.portRestMs), { inUse: 0, resting: 0, free: 2 });
});

test('an empty range gives nothing', () => {
  const pool = new PortPool([], random);
  assert.equal(pool.take(ADDRESS, 0), undefined);
  assert.deepEqual(pool.counts(0), { inUse: 0, resting: 0, free: 0 });
});

test('the count of resting pairs follows thousands of calls', () => {
  const pool = new PortPool(pairsOf({ first: 10_000, last: 20_000 }, 0, 1), random);
  const releasedAt: number[] = [];
  for (let now = 0; now < 60_000; now += 10) {
    pool.release(ADDRESS, pool.take(ADDRESS, now)!, now);
    releasedAt.push(now);
    if (now % 1_000 !== 0) continue;
    const resting = releasedAt.filter((at) => at + limits.portRestMs > now).length;
    assert.deepEqual(pool.counts(now), { inUse: 0, resting, free: 5_000 - resting });
  }
  assert.equal(pool.counts(60_000 + limits.portRestMs).resting, 0);
});
