import { describe, expect, test } from 'vitest';
import { ringTone } from '../../../src/call/ring-tones.ts';
import { Ringback } from '../../../src/call/ringback.ts';
import { CallBench } from '../../support/call-fakes.ts';

async function ringing(country?: string, answered = true) {
  const bench = new CallBench();
  const caller = bench.inbound();
  if (answered) await caller.call.answer();
  const first = bench.outbound();
  const second = bench.outbound();
  for (const { call } of [first, second]) call.start();
  const ringback = new Ringback(bench.engine, caller.call, country);
  return { bench, caller, first, second, ringback };
}

describe('sip-interface.md 1.6: what the caller hears while it rings', () => {
  test('an answered caller hears a tone, once, however many ring', async () => {
    const { bench, first, second, ringback } = await ringing();
    ringback.onRinging(first.call, false);
    ringback.onRinging(second.call, false);
    expect(bench.engine.done).toEqual(['play leg1']);
    ringback.stop();
    expect(bench.engine.counts()).toMatchObject({ plays: 0, bridges: 0 });
  });

  test('an unanswered caller hears the tone of its own phone', async () => {
    const { bench, first, ringback } = await ringing(undefined, false);
    ringback.onRinging(first.call, false);
    expect(bench.engine.done).toEqual([]);
  });

  test('early media takes the place of the tone; of the first that has some [twiml 6.2 ringback]', async () => {
    const { bench, first, second, ringback } = await ringing();
    ringback.onRinging(first.call, false);
    ringback.onRinging(second.call, true);
    ringback.onRinging(first.call, true);
    expect(bench.engine.done).toEqual(['play leg1', 'stopPlay leg1', 'bridge leg1 leg3']);
    ringback.stop();
    expect(bench.engine.counts()).toMatchObject({ plays: 0, bridges: 0 });
  });

  test('an unanswered caller gets 183 first; where that is not possible, nothing [twiml 4.3 early-media]', async () => {
    const { bench, caller, first, ringback } = await ringing(undefined, false);
    ringback.onRinging(first.call, true);
    expect([caller.leg.done, bench.engine.done]).toEqual([['earlyMedia'], ['bridge leg1 leg2']]);
    const other = await ringing(undefined, false);
    other.caller.leg.offersEarlyMedia = false;
    other.ringback.onRinging(other.first.call, true);
    expect(other.bench.engine.done).toEqual([]);
  });

  test('twiml.md 6.1: ringTone replaces early media [twiml 6.2 ringback]', async () => {
    const { bench, first, ringback } = await ringing('uk');
    ringback.onRinging(first.call, true);
    expect(bench.engine.done).toEqual(['play leg1']);
    expect([...bench.engine.playsNow.values()][0]!.options).toEqual({ sources: ringTone('uk'), loop: 0 });
  });

  test('the one that was heard fails: a tone again, then the early media of the next', async () => {
    const { bench, first, second, ringback } = await ringing();
    ringback.onRinging(first.call, true);
    first.leg.fails(486);
    expect(bench.engine.done.slice(1)).toEqual(['unbridge leg1 leg2', 'play leg1']);
    ringback.onRinging(second.call, true);
    expect(bench.engine.done.slice(3)).toEqual(['stopPlay leg1', 'bridge leg1 leg3']);
  });

  test('while the winner is screened early media ends and the tone returns [twiml 6.3 screening-ringback]', async () => {
    const { bench, first, ringback } = await ringing();
    ringback.onRinging(first.call, true);
    ringback.whileScreening();
    expect(bench.engine.done).toEqual(['bridge leg1 leg2', 'unbridge leg1 leg2', 'play leg1']);
    ringback.stop();
    first.leg.fails(486);
    expect(bench.engine.counts()).toMatchObject({ plays: 0, bridges: 0 });
  });
});
