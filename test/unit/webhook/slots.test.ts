import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { OriginSlots } from '../../../src/webhook/slots.ts';

const ORIGIN = 'https://h.test';

describe('design.md 5.4: 256 in flight per origin, 1,024 waiting', () => {
  test('the next one waits for a release; another origin does not', async () => {
    const slots = new OriginSlots();
    const { signal } = new AbortController();
    for (let i = 0; i < limits.webhooksInFlightPerOrigin; i++) expect(await slots.acquire(ORIGIN, signal)).toBe(true);
    let isOurs: boolean | undefined;
    const waiting = slots.acquire(ORIGIN, signal).then((value) => {
      isOurs = value;
    });
    expect(await slots.acquire('https://other.test', signal)).toBe(true);
    expect(isOurs).toBeUndefined();
    expect([slots.inFlight, slots.queued]).toEqual([limits.webhooksInFlightPerOrigin + 1, 1]);
    slots.release(ORIGIN);
    await waiting;
    expect(isOurs).toBe(true);
    expect([slots.inFlight, slots.queued]).toEqual([limits.webhooksInFlightPerOrigin + 1, 0]);
  });

  test('a full queue refuses, an abort leaves the queue, all releases give zero', async () => {
    const slots = new OriginSlots();
    const { signal } = new AbortController();
    const ended = new AbortController();
    for (let i = 0; i < limits.webhooksInFlightPerOrigin; i++) await slots.acquire(ORIGIN, signal);
    const waiting = Array.from({ length: limits.webhooksQueuedPerOrigin }, () => slots.acquire(ORIGIN, ended.signal));
    expect(slots.isFull(ORIGIN)).toBe(true);
    expect(await slots.acquire(ORIGIN, signal)).toBe(false);
    ended.abort();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([false]));
    expect(slots.isFull(ORIGIN)).toBe(false);
    for (let i = 0; i < limits.webhooksInFlightPerOrigin; i++) slots.release(ORIGIN);
    expect([slots.inFlight, slots.queued]).toEqual([0, 0]);
  });

  test('an aborted signal gets nothing', async () => {
    const slots = new OriginSlots();
    expect(await slots.acquire(ORIGIN, AbortSignal.abort())).toBe(false);
  });
});
