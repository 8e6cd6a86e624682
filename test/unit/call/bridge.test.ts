import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Bridge } from '../../../src/call/bridge.ts';
import { CallBench } from '../../support/call-fakes.ts';
import { settle } from '../../support/virtual-clock.ts';

async function joined() {
  const bench = new CallBench();
  const a = bench.inbound();
  await a.call.answer();
  const b = bench.outbound();
  b.call.start();
  b.leg.answers();
  a.leg.done.length = 0;
  b.leg.done.length = 0;
  const bridge = new Bridge(a.call, b.call, bench);
  bridge.start();
  return { bench, a, b, bridge };
}

describe('a bridge', () => {
  test('joins the endpoints and tells both calls', async () => {
    const { bench, a, b } = await joined();
    expect(bench.engine.done).toEqual(['bridge leg1 leg2', 'comfort leg1 none', 'comfort leg2 none']);
    expect([bench.story(a.call).at(-1), bench.story(b.call).at(-1)]).toEqual(['bridged', 'bridged']);
    expect([a.leg.done, b.leg.done]).toEqual([[], []]);
  });

  for (const direction of ['sendonly', 'inactive'] as const) {
    test(`design.md 6: a hold (${direction}) is relayed as sendonly, and the held side gets silence`, async () => {
      const { bench, a, b } = await joined();
      bench.engine.done.length = 0;
      a.leg.offers(direction);
      expect(b.leg.done).toEqual(['limit sendonly', 'offer sendonly']);
      expect(bench.engine.done).toEqual(['comfort leg2 silence']);
      a.leg.offers('sendrecv');
      expect(b.leg.done.slice(2)).toEqual(['limit sendrecv', 'offer sendrecv']);
      expect(bench.engine.done.at(-1)).toBe('comfort leg2 none');
      expect(bench.story(a.call).slice(-2)).toEqual(['media hold', 'media resume']);
    });
  }

  test('a hold that only changes its kind is not offered again', async () => {
    const { a, b } = await joined();
    a.leg.offers('sendonly');
    a.leg.offers('inactive');
    expect(b.leg.done.filter((one) => one.startsWith('offer'))).toEqual(['offer sendonly']);
  });

  test('a peer that answered with a hold is a hold from the start', async () => {
    const bench = new CallBench();
    const a = bench.inbound();
    await a.call.answer();
    const b = bench.outbound();
    b.call.start();
    b.leg.remoteDirection = 'sendonly';
    b.leg.answers();
    new Bridge(a.call, b.call, bench).start();
    expect(a.leg.done).toEqual(['answer', 'limit sendonly', 'offer sendonly']);
  });

  test('the end of one call ends the bridge once; the other is taken off hold and kept alive', async () => {
    const { bench, a, b, bridge } = await joined();
    b.leg.offers('sendonly');
    bench.engine.done.length = 0;
    b.leg.hangsUp();
    expect(await bridge.ended).toEqual({ call: b.call, how: 'ended' });
    expect(bench.engine.done).toEqual(['unbridge leg1 leg2', 'comfort leg1 silence']);
    expect(a.leg.done.slice(-2)).toEqual(['limit sendrecv', 'offer sendrecv']);
    bridge.release(a.call);
    expect(bench.story(a.call).filter((one) => one === 'unbridged')).toHaveLength(1);
    expect(bench.engine.counts().bridges).toBe(0);
  });

  test('a released call and the one left hear nothing of each other any more', async () => {
    const { a, b, bridge, bench } = await joined();
    bridge.release(b.call);
    expect(await bridge.ended).toEqual({ call: b.call, how: 'released' });
    expect([a.call.isAnswered, b.call.isAnswered]).toEqual([true, true]);
    a.leg.offers('sendonly');
    expect(b.leg.done).toEqual(['limit sendrecv']);
    expect(bench.engine.counts().bridges).toBe(0);
  });

  test('a call that is over already: the bridge ends at once, nothing is left on the other', async () => {
    const bench = new CallBench();
    const a = bench.inbound();
    await a.call.answer();
    const b = bench.outbound();
    b.call.start();
    b.leg.answers();
    a.leg.hangsUp();
    const bridge = new Bridge(a.call, b.call, bench);
    bridge.start();
    expect(await bridge.ended).toEqual({ call: a.call, how: 'ended' });
    b.leg.offers('sendonly');
    expect(bench.story(b.call)).not.toContain('bridged');
    expect(bench.clock.pendingTimers).toBe(1);
    expect(bench.engine.counts().bridges).toBe(0);
  });
});

describe('design.md 5.4: a held leg is asked every 5 minutes whether it is there', () => {
  test('it answers: it is asked again, until it resumes', async () => {
    const { bench, a } = await joined();
    a.leg.offers('sendonly');
    const probes = () => a.leg.done.filter((one) => one === 'probe').length;
    await bench.clock.advanceAsync(limits.heldProbeMs - 1);
    expect(probes()).toBe(0);
    await bench.clock.advanceAsync(1);
    await bench.clock.advanceAsync(limits.heldProbeMs);
    expect(probes()).toBe(2);
    a.leg.offers('sendrecv');
    await bench.clock.advanceAsync(3 * limits.heldProbeMs);
    expect(probes()).toBe(2);
    // Only the hard end of the oldest call.
    expect(bench.clock.pendingTimers).toBe(1);
  });

  test('it does not: it is hung up', async () => {
    const { bench, a, bridge } = await joined();
    a.leg.probeOutcome = false;
    a.leg.offers('inactive');
    await bench.clock.advanceAsync(limits.heldProbeMs);
    await settle();
    expect(a.call.isOver).toBe(true);
    expect(await bridge.ended).toEqual({ call: a.call, how: 'ended' });
  });

  test('the probe dies with the bridge', async () => {
    const { bench, a, bridge } = await joined();
    a.leg.offers('sendonly');
    bridge.release(a.call);
    expect(bench.clock.pendingTimers).toBe(1);
  });
});
