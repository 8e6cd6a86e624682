// REFER and its NOTIFYs between two user agents, on a good network and on a lossy one; and what strangers get (RFC 3515, RFC 6665, RFC 5057).

import { describe, expect, test } from 'vitest';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import type { OutgoingInviteOptions } from '../../../src/sip/ua/ua.ts';
import { Events, type Gateway, sipWorld, type World } from '../../support/sip-world.ts';

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const CAROL = 'sip:carol@192.0.2.9';

const to = (host: string): OutgoingInviteOptions => ({
  target: { kind: 'uri', uri: makeSipUri({ user: 'bob', host }) },
  from: { displayName: undefined, user: 'alice', host: 'demo.sip.localhost' },
  sdp: SDP,
  headers: [],
  credentials: undefined,
  maxForwards: 70,
});

async function established(world: World) {
  const alice = await world.gateway('alice');
  const bob = await world.gateway('bob');
  const calling = alice.ua.invite(to(bob.address));
  const a = new Events(calling);
  await world.pass(5_000);
  const { session: called } = bob.invites[0]!;
  const b = new Events(called);
  called.accept({ sdp: SDP });
  await world.pass(10_000);
  expect(calling.state).toBe('established');
  return { alice, bob, calling, a, called, b };
}

async function isIdle(world: World, ...gateways: Gateway[]): Promise<void> {
  await world.pass(400_000);
  for (const { ua, transactions } of gateways) {
    expect(ua.counts()).toMatchObject({ dialogs: 0, sessions: 0 });
    expect(transactions.counts()).toMatchObject({ nonInviteClient: 0, nonInviteServer: 0, timers: 0 });
  }
  expect(world.clock.pendingTimers).toBe(0);
}

describe('REFER within a dialog', () => {
  test('RFC 3515 2.4: REFER, 202, NOTIFY 100, 180, 200; afterwards a NOTIFY gets 481, and the call goes on', async () => {
    const world = sipWorld();
    const { alice, bob, calling, called, b } = await established(world);
    const sent = calling.refer(CAROL);
    await world.pass(50);
    const { request, notifier } = b.last('refer');
    expect(request.headers.get('refer-to')).toBe(`<${CAROL}>`);
    expect(request.headers.get('referred-by')).toBe('<sip:alice@demo.sip.localhost>');
    notifier.accept();
    await world.pass(50);
    void notifier.progress(180);
    await world.pass(50);
    const finished = notifier.finish(200);
    await world.pass(50);
    await finished;
    expect(await sent.result).toEqual({ status: 202, notified: 200, end: 'notified' });
    const late = called.request('NOTIFY', {
      headers: [
        { name: 'Event', value: 'refer' },
        { name: 'Subscription-State', value: 'terminated' },
      ],
    });
    await world.pass(50);
    expect((await late).status).toBe(481);
    expect([calling.state, called.state]).toEqual(['established', 'established']);
    calling.end();
    await isIdle(world, alice, bob);
  });

  test('RFC 3515 2.4.6: either side, one after the other, the second with an id', async () => {
    const world = sipWorld();
    const { alice, bob, calling, a, called, b } = await established(world);
    for (const [referrer, referee] of [
      [calling, b],
      [called, a],
      [calling, b],
    ] as const) {
      const sent = referrer.refer(CAROL);
      await world.pass(50);
      const { notifier } = referee.last('refer');
      notifier.accept();
      void notifier.finish(404);
      await world.pass(50);
      expect(await sent.result).toEqual({ status: 202, notified: 404, end: 'notified' });
    }
    expect([a.types(), b.types()].map((types) => types.filter((type) => type === 'refer').length)).toEqual([1, 2]);
    calling.end();
    await isIdle(world, alice, bob);
  });

  test('the referrer hangs up meanwhile; the referee does', async () => {
    for (const who of ['referrer', 'referee'] as const) {
      const world = sipWorld();
      const { alice, bob, calling, called, b } = await established(world);
      const sent = calling.refer(CAROL);
      await world.pass(50);
      b.last('refer').notifier.accept();
      await world.pass(50);
      (who === 'referrer' ? calling : called).end();
      await world.pass(50);
      expect(await sent.result).toEqual({ status: 202, notified: 100, end: 'sessionEnded' });
      await isIdle(world, alice, bob);
    }
  });

  test('a REFER that nobody takes is declined after 5 s', async () => {
    const world = sipWorld();
    const { alice, bob, calling } = await established(world);
    const sent = calling.refer(CAROL);
    await world.pass(6_000);
    expect(await sent.result).toEqual({ status: 603, notified: undefined, end: 'refused' });
    calling.end();
    await isIdle(world, alice, bob);
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`a lossy network (seed ${seed}): every REFER has one result, the same on both sides, and nothing is left`, async () => {
      const world = sipWorld({ seed, loss: 0.25, duplication: 0.1, minDelayMs: 5, maxDelayMs: 200 });
      const { alice, bob, calling, b } = await established(world);
      const sent = calling.refer(CAROL);
      await world.pass(4_000);
      b.last('refer').notifier.accept();
      void b.last('refer').notifier.finish(200);
      await world.pass(70_000);
      expect(await sent.result).toEqual({ status: 202, notified: 200, end: 'notified' });
      calling.end();
      await isIdle(world, alice, bob);
    });
  }
});

describe('from strangers', () => {
  test.each([
    ['RFC 3261 21.4.6: REFER outside of a dialog', 'REFER', undefined, 405],
    ['RFC 3261 12.2.2: REFER in a dialog that is not ours', 'REFER', 'nobody', 481],
    ['RFC 6665 4.1.3: NOTIFY without a subscription', 'NOTIFY', undefined, 481],
    ['RFC 3261 12.2.2: NOTIFY in a dialog that is not ours', 'NOTIFY', 'nobody', 481],
  ])('[sip 5.2 refer-stray] %s', async (_title, method, toTag, status) => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const phone = world.phone('phone');
    phone.knows(gateway.address, 'gateway');
    const call = phone.call('gateway', 'bob', 'demo.sip.localhost');
    call.toTag = toTag;
    phone.do(call, method, {
      headers: [
        { name: 'Refer-To', value: `<${CAROL}>` },
        { name: 'Event', value: 'refer' },
      ],
    });
    await world.pass(50);
    expect(phone.response(status).cseq.method).toBe(method);
    if (status === 405) expect(phone.response(405).headers.get('allow')).not.toContain('REFER');
    expect(gateway.invites).toEqual([]);
    await isIdle(world, gateway);
  });

  test('RFC 3515 2.4.2: no Refer-To, or two, is 400', async () => {
    const world = sipWorld();
    const { alice, bob, calling, b } = await established(world);
    const field = { name: 'Refer-To', value: `<${CAROL}>` };
    for (const headers of [[], [field, field]]) {
      const answered = calling.request('REFER', { headers });
      await world.pass(50);
      expect((await answered).status).toBe(400);
    }
    expect(b.types()).not.toContain('refer');
    calling.end();
    await isIdle(world, alice, bob);
  });
});
