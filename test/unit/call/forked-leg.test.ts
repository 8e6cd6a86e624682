import { describe, expect, test } from 'vitest';
import { type Branch, bestFailure, ForkedLeg } from '../../../src/call/forked-leg.ts';
import type { LegEvent } from '../../../src/call/leg-driver.ts';
import { FakeLeg } from '../../support/call-fakes.ts';

function forked(legs: readonly FakeLeg[], fallbacks: readonly (FakeLeg | undefined)[] = []) {
  const branches = legs.map((leg, index): Branch => {
    const fallback = fallbacks[index];
    return { leg, fallback: fallback && (() => fallback) };
  });
  const leg = new ForkedLeg(branches);
  const events: LegEvent[] = [];
  leg.onEvent((event) => events.push(event));
  return { leg, events, types: () => events.map((event) => event.type) };
}

const pair = () => [new FakeLeg('a'), new FakeLeg('b')] as const;

describe('a leg of several branches', () => {
  test('sip-interface.md 3: all ring at once; the first answer wins, the other is cancelled', () => {
    const [a, b] = pair();
    const { leg, types } = forked([a, b]);
    leg.start();
    expect([a.done, b.done]).toEqual([['start'], ['start']]);
    a.rings();
    b.rings();
    b.answers();
    expect(a.done).toEqual(['start', 'hangUp']);
    // RFC 3326: the phone that lost is told that the call was answered elsewhere.
    expect(a.hungUpFor).toBe('elsewhere');
    expect(types()).toEqual(['ringing', 'ringing', 'answered']);
    expect(leg.endpoint).toBe('b');
    b.presses('5');
    b.hangsUp();
    b.presses('6');
    expect(types()).toEqual(['ringing', 'ringing', 'answered', 'digit', 'ended']);
  });

  test('an answer that crosses the CANCEL of its branch is ended, and nobody hears of it', () => {
    const [a, b] = pair();
    a.cancelsAtOnce = false;
    const { leg, types } = forked([a, b]);
    leg.start();
    b.answers();
    a.answers();
    expect(a.phase).toBe('ended');
    expect(types()).toEqual(['answered']);
  });

  test('an answer after the whole leg was given up is ended; the leg fails with 487', () => {
    const [a, b] = pair();
    a.cancelsAtOnce = false;
    const { leg, events } = forked([a, b]);
    leg.start();
    leg.hangUp();
    expect(events).toEqual([]);
    a.answers();
    expect(a.phase).toBe('ended');
    expect(events).toMatchObject([{ type: 'failed', status: 487 }]);
  });

  test('interop.md: a branch that failed does not stop the others', () => {
    const [a, b] = pair();
    const { leg, types } = forked([a, b]);
    leg.start();
    a.fails(408, 'timeout');
    b.answers();
    expect(types()).toEqual(['answered']);
  });

  test('a branch that fails while it is started does not end the rest', () => {
    const [a, b] = pair();
    const { leg, types } = forked([a, b]);
    a.onStart = () => a.fails(503, 'transport');
    leg.start();
    b.answers();
    expect(types()).toEqual(['answered']);
  });

  test('RFC 3261 16.7: all failed: one failure, the best', () => {
    const [a, b] = pair();
    const { leg, events } = forked([a, b]);
    leg.start();
    a.fails(486);
    b.fails(503);
    expect(events).toMatchObject([{ type: 'failed', status: 486 }]);
  });

  for (const status of [488, 415]) {
    test(`design.md 10: SRTP refused with ${status}: plain RTP is tried, and the refusal is not told`, () => {
      const savp = new FakeLeg('savp');
      const avp = new FakeLeg('avp');
      const { leg, types } = forked([savp], [avp]);
      leg.start();
      savp.fails(status);
      expect(avp.done).toEqual(['start']);
      avp.answers();
      expect(types()).toEqual(['answered']);
      expect(leg.endpoint).toBe('avp');
    });
  }

  test('design.md 10: the fallback is tried once, and not for another refusal', () => {
    const savp = new FakeLeg('savp');
    const avp = new FakeLeg('avp');
    const first = forked([savp], [avp]);
    first.leg.start();
    savp.fails(488);
    avp.fails(488);
    expect(first.events).toMatchObject([{ type: 'failed', status: 488 }]);
    const busy = new FakeLeg('busy');
    const unused = new FakeLeg('unused');
    const second = forked([busy], [unused]);
    second.leg.start();
    busy.fails(486);
    expect(unused.done).toEqual([]);
    expect(second.events).toMatchObject([{ type: 'failed', status: 486 }]);
  });

  test('no fallback after it was given up', () => {
    const savp = new FakeLeg('savp');
    const avp = new FakeLeg('avp');
    savp.cancelsAtOnce = false;
    const { leg, events } = forked([savp], [avp]);
    leg.start();
    leg.hangUp();
    savp.fails(488);
    expect(avp.done).toEqual([]);
    expect(events).toHaveLength(1);
  });

  test('early media of one branch only; another may take its place when it failed', () => {
    const [a, b] = pair();
    const { leg, events } = forked([a, b]);
    leg.start();
    a.rings(true);
    b.rings(true);
    expect(events).toMatchObject([{ earlyMedia: true }, { earlyMedia: false }]);
    expect(leg.endpoint).toBe('a');
    a.fails(486);
    expect(leg.endpoint).toBeUndefined();
    b.rings(true);
    expect(events.at(-1)).toMatchObject({ earlyMedia: true });
    expect(leg.endpoint).toBe('b');
  });

  test('given up before it was started: failed with 487, once', () => {
    const [a, b] = pair();
    const { leg, events } = forked([a, b]);
    leg.hangUp();
    leg.hangUp();
    expect(events).toMatchObject([{ type: 'failed', status: 487, cause: 'canceled' }]);
    expect([a.done, b.done]).toEqual([[], []]);
  });

  test('commands of an answered call go to the winner', async () => {
    const [a, b] = pair();
    const { leg } = forked([a, b]);
    leg.start();
    expect(await leg.offerDirection('sendonly')).toBe(false);
    expect(await leg.probe()).toBe(false);
    b.answers();
    leg.limitDirection('sendonly');
    expect(await leg.offerDirection('sendonly')).toBe(true);
    expect(await leg.probe()).toBe(true);
    leg.hangUp();
    expect(b.done).toEqual(['start', 'limit sendonly', 'offer sendonly', 'probe', 'hangUp']);
  });
});

describe('RFC 3261 16.7 step 6: the best of several failures', () => {
  const failure = (status: number, cause: 'response' | 'timeout' | 'transport' = 'response') =>
    ({ type: 'failed', status, cause, detail: '', headers: [] }) as const;

  for (const [statuses, best] of [
    [[503, 486, 404], 486],
    [[404, 480], 404],
    [[486, 603], 603],
    [[408, 480], 480],
    [[408, 503], 503],
    [[500, 404], 404],
  ] as const) {
    test(`${statuses.join(', ')}: ${best}`, () => {
      expect(bestFailure(statuses.map((status) => failure(status))).status).toBe(best);
    });
  }

  test('a word of the peer beats silence', () => {
    expect(bestFailure([failure(408, 'timeout'), failure(503, 'transport'), failure(500)]).status).toBe(500);
  });
});
