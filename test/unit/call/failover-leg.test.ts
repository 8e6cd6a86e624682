// Targets of a trunk one after the other (sip-interface.md 2.4): which answers move on, which are the answer.

import { describe, expect, test } from 'vitest';
import { FailoverLeg, failsOver } from '../../../src/call/failover-leg.ts';
import type { LegEvent } from '../../../src/call/leg-driver.ts';
import { FakeLeg } from '../../support/call-fakes.ts';

function bench(count: number, redirected: FakeLeg | undefined = undefined) {
  const legs = Array.from({ length: count }, (_, index) => new FakeLeg(`e${index}`));
  const events: LegEvent[] = [];
  const told: number[] = [];
  const indexes: (number | undefined)[] = [];
  const alternatives: boolean[] = [];
  const answered: number[] = [];
  const leg = new FailoverLeg({
    attempts: legs.map((one) => (hasAlternatives) => {
      alternatives.push(hasAlternatives);
      return one;
    }),
    redirect: () => redirected,
    onTargetFailed({ status }, index) {
      told.push(status);
      indexes.push(index);
    },
    onTargetAnswered: (index) => answered.push(index),
  });
  leg.onEvent((event) => events.push(event));
  return { leg, legs: legs as [FakeLeg, FakeLeg, FakeLeg], events, told, alternatives, indexes, answered };
}

describe('[sip 2.4 target-rest] who is told of', () => {
  test('each attempt that failed, by its place, and the one that answered', () => {
    const { leg, legs, indexes, answered } = bench(3);
    leg.start();
    legs[0].fails(503);
    legs[1].fails(408, 'timeout');
    legs[2].answers();
    expect([indexes, answered]).toEqual([[0, 1], [2]]);
  });

  test('what a redirect led to is none of the targets', () => {
    const elsewhere = new FakeLeg('r');
    const { leg, legs, indexes } = bench(2, elsewhere);
    leg.start();
    legs[0].fails(302);
    elsewhere.fails(503);
    expect(indexes).toEqual([undefined]);
    expect(legs[1].done).toEqual(['start']);
  });
});

describe('sip-interface.md 2.4', () => {
  const stays = [400, 404, 405, 410, 416, 482, 484, 486, 600, 603, 604, 606];
  const moves = [
    300, 302, 401, 402, 403, 406, 407, 408, 415, 420, 480, 481, 483, 485, 487, 488, 491, 500, 501, 503, 504,
  ];
  test.each(stays)('[sip 2.4 no-failover] %s is the answer', (status) => {
    expect(failsOver(status)).toBe(false);
    const { leg, legs, events, told } = bench(2);
    leg.start();
    legs[0].fails(status);
    expect(events).toMatchObject([{ type: 'failed', status }]);
    expect([told, legs[1].done]).toEqual([[], []]);
  });

  test.each(moves)('[sip 2.4 failover] %s moves on', (status) => {
    expect(failsOver(status)).toBe(true);
    const { leg, legs, events, told } = bench(2);
    leg.start();
    legs[0].fails(status);
    expect(events).toEqual([]);
    expect([told, legs[1].done]).toEqual([[status], ['start']]);
  });

  test.each(['timeout', 'transport', 'dns'] as const)('[sip 2.4 failover] %s moves on', (cause) => {
    const { leg, legs } = bench(2);
    leg.start();
    legs[0].fails(cause === 'timeout' ? 408 : 503, cause);
    expect(legs[1].done).toEqual(['start']);
  });

  test('all but the last know that another one waits', () => {
    const { leg, legs, alternatives } = bench(3);
    leg.start();
    legs[0].fails(503);
    legs[1].fails(503);
    expect(alternatives).toEqual([true, true, false]);
  });

  test('when all failed, a word of one beats the silence of another', () => {
    const { leg, legs, events } = bench(3);
    leg.start();
    legs[0].fails(408, 'timeout');
    legs[1].fails(480);
    legs[2].fails(503, 'transport');
    expect(events).toMatchObject([{ type: 'failed', status: 480 }]);
  });

  test('the one that answers is the leg from then on', () => {
    const { leg, legs, events } = bench(2);
    leg.start();
    legs[0].rings();
    legs[0].fails(500);
    legs[1].answers();
    expect(events.map((event) => event.type)).toEqual(['ringing', 'answered']);
    expect(leg.endpoint).toBe('e1');
    legs[1].hangsUp();
    expect(events.at(-1)).toMatchObject({ type: 'ended', by: 'remote' });
  });

  test('hanging up cancels the one that is tried, and no other is begun', () => {
    const { leg, legs, events } = bench(2);
    leg.start();
    leg.hangUp();
    expect(events).toMatchObject([{ type: 'failed', status: 487 }]);
    expect(legs[1].done).toEqual([]);
  });

  test('hung up before it was started: one end', () => {
    const { leg, events } = bench(2);
    leg.hangUp();
    leg.hangUp();
    expect(events).toMatchObject([{ type: 'failed', status: 487 }]);
  });

  test('[sip 2.4 redirect] one redirect per call; what it leads to fails over as well', () => {
    const elsewhere = new FakeLeg('r');
    const { leg, legs, told } = bench(2, elsewhere);
    leg.start();
    legs[0].fails(302);
    expect(elsewhere.done).toEqual(['start']);
    elsewhere.fails(302);
    expect(elsewhere.done).toEqual(['start']);
    expect([told, legs[1].done]).toEqual([[302], ['start']]);
  });
});
