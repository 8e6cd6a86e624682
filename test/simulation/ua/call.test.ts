// Two user agents, or one and a scripted peer, over the simulated network: the course of INVITE sessions.

import { describe, expect, test } from 'vitest';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import type { OutgoingInviteOptions } from '../../../src/sip/ua/ua.ts';
import { Events, type Gateway, sipWorld, type World } from '../../support/sip-world.ts';

const OFFER = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n';
const ANSWER = 'v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\n';

const to = (host: string, options: Partial<OutgoingInviteOptions> = {}): OutgoingInviteOptions => ({
  target: { kind: 'uri', uri: makeSipUri({ user: 'bob', host }) },
  from: { displayName: 'Alice', user: 'alice', host: undefined },
  sdp: OFFER,
  headers: [],
  credentials: undefined,
  maxForwards: 69,
  ...options,
});

/** Everything is over when the transactions have timed out too. */
async function expectIdle(world: World, ...gateways: Gateway[]): Promise<void> {
  await world.pass(120_000);
  for (const gateway of gateways) {
    expect(gateway.ua.counts()).toMatchObject({ dialogs: 0, sessions: 0 });
    expect(gateway.transactions.counts()).toEqual({
      inviteClient: 0,
      inviteServer: 0,
      nonInviteClient: 0,
      nonInviteServer: 0,
      timers: 0,
    });
  }
  expect(world.clock.pendingTimers).toBe(0);
}

/** An established call between two user agents. */
async function established(world: World) {
  const alice = await world.gateway('alice');
  const bob = await world.gateway('bob');
  const calling = alice.ua.invite(to(bob.address));
  const a = new Events(calling);
  await world.pass(100);
  const invite = bob.invites[0]!;
  const b = new Events(invite.session);
  invite.session.accept({ sdp: ANSWER });
  await world.pass(100);
  return { alice, bob, calling, a, called: invite.session, b };
}

describe('calls (RFC 3261 13, 15)', () => {
  test('INVITE, 180, 200, ACK, BYE by the caller', async () => {
    const world = sipWorld();
    const alice = await world.gateway('alice');
    const bob = await world.gateway('bob');
    const session = alice.ua.invite(to(bob.address, { headers: [{ name: 'X-Test', value: 'a b' }] }));
    const a = new Events(session);
    await world.pass(100);
    const [invite] = bob.invites;
    expect(invite!.sdp).toBe(OFFER);
    expect(invite!.request.headers.get('x-test')).toBe('a b');
    expect(invite!.request.headers.get('max-forwards')).toBe('69');
    expect(invite!.domain.domainName).toBe('demo.sip.localhost');
    const b = new Events(invite!.session);
    invite!.session.progress(180);
    await world.pass(100);
    expect(a.last('progress')).toMatchObject({ status: 180, sdp: undefined });
    expect(session.state).toBe('early');
    invite!.session.accept({ sdp: ANSWER });
    await world.pass(100);
    expect(a.last('accepted').sdp).toBe(ANSWER);
    expect(b.types()).toEqual(['acknowledged']);
    expect([session.state, invite!.session.state]).toEqual(['established', 'established']);
    expect(alice.ua.counts()).toMatchObject({ dialogs: 1, sessions: 1 });
    session.end({ headers: [{ name: 'X-Why', value: 'enough' }] });
    await world.pass(100);
    expect(a.last('ended').by).toBe('local');
    expect(b.last('ended').by).toBe('remote');
    expect(b.last('ended').request!.headers.get('x-why')).toBe('enough');
    await expectIdle(world, alice, bob);
  });

  test('BYE by the called side, and of both at once', async () => {
    for (const both of [false, true]) {
      const world = sipWorld();
      const { alice, bob, calling, a, called, b } = await established(world);
      called.end();
      if (both) calling.end();
      await world.pass(100);
      expect([a.types().at(-1), b.types().at(-1)]).toEqual(['ended', 'ended']);
      expect([...a.all, ...b.all].filter((event) => event.type === 'ended')).toHaveLength(2);
      await expectIdle(world, alice, bob);
    }
  });

  test('CANCEL while ringing: 487 to the caller, canceled at the called side (9.1, 9.2)', async () => {
    const world = sipWorld();
    const alice = await world.gateway('alice');
    const bob = await world.gateway('bob');
    const session = alice.ua.invite(to(bob.address));
    const a = new Events(session);
    await world.pass(100);
    const b = new Events(bob.invites[0]!.session);
    bob.invites[0]!.session.progress(180);
    await world.pass(100);
    session.end();
    await world.pass(100);
    expect(a.last('rejected')).toMatchObject({ status: 487, cause: 'canceled' });
    expect(b.types()).toEqual(['canceled']);
    await expectIdle(world, alice, bob);
  });

  test('CANCEL before anything was answered is reported at once, and sent after the first provisional (9.1)', async () => {
    const world = sipWorld({ drops: () => false });
    const alice = await world.gateway('alice');
    const phone = world.phone('bob');
    phone.knows(alice.address, 'alice');
    const session = alice.ua.invite(to(phone.address));
    const a = new Events(session);
    await world.pass(100);
    session.end();
    await world.pass(10);
    expect(a.last('rejected')).toMatchObject({ status: 487, cause: 'canceled' });
    expect(phone.requests('CANCEL')).toHaveLength(0);
    phone.answer(phone.request('INVITE'), 180);
    await world.pass(20);
    expect(phone.requests('CANCEL')).toHaveLength(1);
    phone.answer(phone.request('CANCEL'), 200);
    phone.answer(phone.request('INVITE'), 487);
    await expectIdle(world, alice);
  });

  test('a 200 that crosses our CANCEL is acknowledged and ended with BYE (13.2.2.4)', async () => {
    const world = sipWorld();
    const alice = await world.gateway('alice');
    const phone = world.phone('bob');
    phone.knows(alice.address, 'alice');
    const session = alice.ua.invite(to(phone.address));
    const a = new Events(session);
    await world.pass(50);
    phone.answer(phone.request('INVITE'), 180);
    await world.pass(50);
    session.end();
    phone.answer(phone.request('INVITE'), 200, { sdp: ANSWER });
    await world.pass(50);
    expect(a.last('rejected')).toMatchObject({ status: 487, cause: 'canceled' });
    expect(phone.requests('ACK')).toHaveLength(1);
    phone.answer(phone.request('BYE'), 200);
    phone.answer(phone.request('CANCEL'), 200);
    await expectIdle(world, alice);
  });

  test.each([
    [486, 'Busy Here'],
    [603, 'Decline'],
    [302, 'Moved Temporarily'],
  ])('a %i is reported with its response; a redirect is not followed', async (status, reason) => {
    const world = sipWorld();
    const alice = await world.gateway('alice');
    const bob = await world.gateway('bob');
    const a = new Events(alice.ua.invite(to(bob.address)));
    await world.pass(50);
    const b = new Events(bob.invites[0]!.session);
    bob.invites[0]!.session.reject(status, { headers: [{ name: 'X-Cause', value: 'test' }] });
    await world.pass(50);
    expect(a.last('rejected')).toMatchObject({ status, cause: 'response', detail: reason });
    expect(a.last('rejected').response!.headers.get('x-cause')).toBe('test');
    expect(b.types()).toEqual([]);
    await expectIdle(world, alice, bob);
  });

  test('end of a UAS session before it was accepted answers 480, or the given status', async () => {
    for (const [options, status] of [
      [{}, 480],
      [{ status: 503 }, 503],
    ] as const) {
      const world = sipWorld();
      const alice = await world.gateway('alice');
      const bob = await world.gateway('bob');
      const a = new Events(alice.ua.invite(to(bob.address)));
      await world.pass(50);
      const b = new Events(bob.invites[0]!.session);
      bob.invites[0]!.session.end(options);
      await world.pass(50);
      expect(a.last('rejected').status).toBe(status);
      expect(b.types()).toEqual(['ended']);
      await expectIdle(world, alice, bob);
    }
  });

  test('late offer: the offer in the 200, our answer in the ACK (13.2.1)', async () => {
    const world = sipWorld();
    const alice = await world.gateway('alice');
    const bob = await world.gateway('bob');
    const session = alice.ua.invite(to(bob.address, { sdp: undefined }));
    const a = new Events(session);
    await world.pass(50);
    expect(bob.invites[0]!.sdp).toBeUndefined();
    const b = new Events(bob.invites[0]!.session);
    bob.invites[0]!.session.accept({ sdp: OFFER });
    await world.pass(1_000);
    expect(a.types()).toEqual(['accepted']);
    expect(b.types()).toEqual([]);
    session.acknowledge(ANSWER);
    await world.pass(50);
    expect(b.last('acknowledged').sdp).toBe(ANSWER);
    session.end();
    await expectIdle(world, alice, bob);
  });

  test('a late offer that is ended without an answer is still acknowledged before the BYE', async () => {
    const world = sipWorld();
    const alice = await world.gateway('alice');
    const bob = await world.gateway('bob');
    const session = alice.ua.invite(to(bob.address, { sdp: undefined }));
    new Events(session);
    await world.pass(50);
    const b = new Events(bob.invites[0]!.session);
    bob.invites[0]!.session.accept({ sdp: OFFER });
    await world.pass(50);
    session.end();
    await world.pass(50);
    expect(b.types()).toEqual(['acknowledged', 'ended']);
    await expectIdle(world, alice, bob);
  });

  test('a 200 that is never acknowledged is repeated for 64*T1, then BYE (13.3.1.4) [sip 1.4 no-ack]', async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const phone = world.phone('bob');
    const call = phone.call('gateway', '1000', 'demo.sip.localhost');
    phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(50);
    const events = new Events(gateway.invites[0]!.session);
    gateway.invites[0]!.session.accept({ sdp: ANSWER });
    await world.pass(31_900);
    expect(phone.responses(200, 'INVITE').length).toBeGreaterThan(8);
    expect(events.types()).toEqual([]);
    await world.pass(200);
    expect(events.types()).toEqual(['notAcknowledged', 'ended']);
    expect(events.last('ended').by).toBe('timeout');
    expect(phone.requests('BYE').length).toBeGreaterThan(0);
    await expectIdle(world, gateway);
  });

  test('end before the ACK came: the BYE waits for the ACK (15)', async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const phone = world.phone('bob');
    phone.knows(gateway.address, 'gateway');
    const call = phone.call('gateway', '1000', 'demo.sip.localhost');
    phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(50);
    const { session } = gateway.invites[0]!;
    const events = new Events(session);
    session.accept({ sdp: ANSWER });
    session.end();
    await world.pass(2_000);
    expect(events.types()).toEqual(['ended']);
    expect(phone.requests('BYE')).toHaveLength(0);
    phone.follow(call, phone.response(200, 'INVITE'));
    phone.do(call, 'ACK');
    await world.pass(20);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('481 to an in-dialog request ends the session', async () => {
    const world = sipWorld();
    const alice = await world.gateway('alice');
    const phone = world.phone('bob');
    phone.knows(alice.address, 'alice');
    const session = alice.ua.invite(to(phone.address));
    const a = new Events(session);
    await world.pass(50);
    phone.answer(phone.request('INVITE'), 200, { sdp: ANSWER });
    await world.pass(50);
    const asked = session.request('OPTIONS');
    await world.pass(20);
    phone.answer(phone.request('OPTIONS'), 481);
    await world.pass(20);
    expect(await asked).toMatchObject({ status: 481 });
    expect(a.last('ended').by).toBe('remote');
    await expectIdle(world, alice);
  });

  test('INFO both ways, in-dialog OPTIONS, unknown in-dialog requests', async () => {
    const world = sipWorld();
    const { alice, bob, calling, called, b } = await established(world);
    const info = calling.request('INFO', { contentType: 'application/dtmf-relay', body: Buffer.from('Signal=5') });
    const options = called.request('OPTIONS');
    const strange = called.request('PUBLISH');
    await world.pass(50);
    expect((await info).status).toBe(200);
    expect((await options).status).toBe(200);
    expect((await strange).status).toBe(405);
    expect(b.last('info')).toMatchObject({ contentType: 'application/dtmf-relay' });
    expect(b.last('info').body.toString()).toBe('Signal=5');
    calling.end();
    await expectIdle(world, alice, bob);
  });

  test('REFER is handed up, its NOTIFY comes back', async () => {
    const world = sipWorld();
    const { alice, bob, calling, a, called, b } = await established(world);
    const refer = calling.request('REFER', { headers: [{ name: 'Refer-To', value: '<sip:carol@192.0.2.9>' }] });
    await world.pass(20);
    b.last('refer').respond(202);
    await world.pass(20);
    expect((await refer).status).toBe(202);
    const notify = called.request('NOTIFY', {
      headers: [
        { name: 'Event', value: 'refer' },
        { name: 'Subscription-State', value: 'active' },
      ],
      contentType: 'message/sipfrag',
      body: Buffer.from('SIP/2.0 100 Trying'),
    });
    await world.pass(20);
    expect((await notify).status).toBe(200);
    expect(a.last('notify').request.body.toString()).toBe('SIP/2.0 100 Trying');
    const stray = calling.request('NOTIFY', { headers: [{ name: 'Event', value: 'refer' }] });
    await world.pass(20);
    expect((await stray).status).toBe(481);
    // RFC 5057 5.1: a refused NOTIFY is no end of the call.
    expect(calling.state).toBe('established');
    calling.end();
    await expectIdle(world, alice, bob);
  });

  test('stop ends every session', async () => {
    const world = sipWorld();
    const { alice, bob, b } = await established(world);
    const stopped = alice.ua.stop();
    await world.pass(5_000);
    await stopped;
    expect(alice.ua.counts()).toEqual({ dialogs: 0, sessions: 0, registrations: { bindings: 0, aors: 0 } });
    expect(b.last('ended').by).toBe('remote');
    await expectIdle(world, bob);
  });

  test('draining: new INVITEs get 503 with Retry-After, calls go on', async () => {
    const world = sipWorld();
    const { alice, bob, calling } = await established(world);
    bob.ua.setDraining(true);
    const refused = new Events(alice.ua.invite(to(bob.address)));
    await world.pass(50);
    expect(refused.last('rejected').status).toBe(503);
    expect(Number(refused.last('rejected').response!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(calling.state).toBe('established');
    calling.end();
    await expectIdle(world, alice, bob);
  });
});

describe('lossy networks', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    '20 %% loss, duplicates and reordering, seed %i: the call comes about and ends',
    async (seed) => {
      const world = sipWorld({ seed, loss: 0.2, duplication: 0.1, minDelayMs: 5, maxDelayMs: 120 });
      await world.network.explain(async () => {
        const alice = await world.gateway('alice');
        const bob = await world.gateway('bob');
        const session = alice.ua.invite(to(bob.address));
        const a = new Events(session);
        await world.pass(8_000);
        const invite = bob.invites[0]!;
        const b = new Events(invite.session);
        invite.session.progress(180);
        invite.session.accept({ sdp: ANSWER });
        await world.pass(15_000);
        expect(bob.invites).toHaveLength(1);
        expect(a.types().filter((type) => type === 'accepted')).toHaveLength(1);
        expect(b.types()).toEqual(['acknowledged']);
        const reinvited = session.reinvite(OFFER);
        await world.pass(10_000);
        b.last('offer').accept(ANSWER);
        await world.pass(15_000);
        expect(await reinvited).toEqual({ ok: true, value: ANSWER });
        session.end();
        await world.pass(35_000);
        expect(b.types().at(-1)).toBe('ended');
        await expectIdle(world, alice, bob);
      });
    },
  );
});
