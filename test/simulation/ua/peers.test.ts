// What peers do to an INVITE session: forks, glare, reliable provisionals, challenges, dead targets, lost connections.

import { describe, expect, test } from 'vitest';
import { digestResponse, ha1, parseCredentials } from '../../../src/sip/grammar/digest.ts';
import type { Request } from '../../../src/sip/grammar/message.ts';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import type { OutgoingInviteOptions } from '../../../src/sip/ua/ua.ts';
import { Events, type Gateway, sipWorld, type World } from '../../support/sip-world.ts';

const OFFER = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n';
const ANSWER = 'v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\n';

const to = (host: string, options: Partial<OutgoingInviteOptions> = {}): OutgoingInviteOptions => ({
  target: { kind: 'uri', uri: makeSipUri({ user: 'bob', host }) },
  from: { displayName: undefined, user: 'alice', host: 'demo.sip.localhost' },
  sdp: OFFER,
  headers: [],
  credentials: undefined,
  maxForwards: 70,
  ...options,
});

async function expectIdle(world: World, ...gateways: Gateway[]): Promise<void> {
  await world.pass(120_000);
  for (const gateway of gateways) {
    expect(gateway.ua.counts()).toMatchObject({ dialogs: 0, sessions: 0 });
    expect(Object.values(gateway.transactions.counts()).every((count) => count === 0)).toBe(true);
  }
  expect(world.clock.pendingTimers).toBe(0);
}

/** A gateway that calls a scripted phone. */
async function calling(options: Partial<OutgoingInviteOptions> = {}) {
  const world = sipWorld();
  const gateway = await world.gateway('gateway');
  const phone = world.phone('bob');
  phone.knows(gateway.address, 'gateway');
  const session = gateway.ua.invite(to(phone.address, options));
  const events = new Events(session);
  await world.pass(50);
  return { world, gateway, phone, session, events, invite: phone.request('INVITE') };
}

/** A scripted phone that called the gateway; the call is established. */
async function called() {
  const world = sipWorld();
  const gateway = await world.gateway('gateway');
  const phone = world.phone('bob');
  phone.knows(gateway.address, 'gateway');
  const call = phone.call('gateway', '1000', 'demo.sip.localhost');
  phone.do(call, 'INVITE', { sdp: OFFER });
  await world.pass(20);
  const { session } = gateway.invites[0]!;
  const events = new Events(session);
  session.accept({ sdp: ANSWER });
  await world.pass(20);
  phone.follow(call, phone.response(200, 'INVITE'));
  phone.do(call, 'ACK');
  await world.pass(20);
  return { world, gateway, phone, call, session, events };
}

describe('forking (RFC 3261 13.2.2.4)', () => {
  test('the first 2xx is kept, another one is acknowledged and gets BYE', async () => {
    const { world, gateway, phone, session, events, invite } = await calling();
    phone.answer(invite, 180, { tag: 'a' });
    phone.answer(invite, 180, { tag: 'b' });
    phone.answer(invite, 200, { tag: 'b', sdp: ANSWER });
    phone.answer(invite, 200, { tag: 'c', sdp: ANSWER });
    await world.pass(50);
    expect(events.types()).toEqual(['progress', 'progress', 'accepted']);
    const tagOf = (request: Request) => request.to.params.get('tag');
    expect(phone.requests('ACK').map(tagOf).sort()).toEqual(['b', 'c']);
    expect(phone.requests('BYE').map(tagOf)).toEqual(['c']);
    phone.answer(phone.request('BYE'), 200);
    expect(session.state).toBe('established');
    expect(gateway.ua.counts().dialogs).toBe(1);
    session.end();
    await world.pass(20);
    expect(phone.requests('BYE').map(tagOf)).toEqual(['c', 'b']);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('a repeated 200 gets the same ACK again, also when its transaction is long over', async () => {
    const { world, gateway, phone, session, invite } = await calling();
    phone.answer(invite, 200, { sdp: ANSWER });
    await world.pass(50);
    phone.answer(invite, 200, { sdp: ANSWER });
    await world.pass(50);
    expect(phone.requests('ACK')).toHaveLength(2);
    expect(phone.requests('ACK')[1]).toEqual(phone.requests('ACK')[0]);
    await world.pass(60_000);
    expect(gateway.transactions.counts().inviteClient).toBe(0);
    phone.answer(invite, 200, { sdp: ANSWER });
    phone.answer(invite, 200, { sdp: ANSWER, tag: 'late-fork' });
    await world.pass(50);
    expect(phone.requests('ACK')).toHaveLength(4);
    expect(phone.requests('BYE').map((bye) => bye.to.params.get('tag'))).toEqual(['late-fork']);
    phone.answer(phone.request('BYE'), 200);
    session.end();
    await world.pass(20);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('only so many early dialogs are kept; the answer of a later one still counts', async () => {
    const { world, gateway, phone, session, invite } = await calling();
    for (let fork = 0; fork < 40; fork++) phone.answer(invite, 180, { tag: `fork${fork}` });
    await world.pass(50);
    expect(gateway.ua.counts().dialogs).toBeLessThanOrEqual(12);
    phone.answer(invite, 200, { tag: 'fork39', sdp: ANSWER });
    await world.pass(50);
    expect(session.state).toBe('established');
    expect(gateway.ua.counts().dialogs).toBe(1);
    session.end();
    await world.pass(20);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });
});

describe('targets (RFC 3263 4.3, sip-interface.md 2.4)', () => {
  const twoTargets = async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const dead = world.phone('dead');
    const live = world.phone('live');
    for (const phone of [dead, live]) phone.knows(gateway.address, 'gateway');
    world.names.set('carrier.example', [dead.address, live.address]);
    const session = gateway.ua.invite(to('carrier.example'));
    return { world, gateway, dead, live, session, events: new Events(session) };
  };

  test('four seconds of silence: the next address, with a new branch and CSeq [sip 2.4 silent-address]', async () => {
    const { world, gateway, dead, live, session, events } = await twoTargets();
    await world.pass(3_900);
    expect(live.requests('INVITE')).toHaveLength(0);
    await world.pass(200);
    const [first, second] = [dead.request('INVITE'), live.request('INVITE')];
    expect(second.callId).toBe(first.callId);
    expect(second.via.branch).not.toBe(first.via.branch);
    expect(second.cseq.sequence).toBe(first.cseq.sequence + 1);
    live.answer(second, 200, { sdp: ANSWER });
    await world.pass(50);
    expect(events.types()).toEqual(['accepted']);
    // The target that was given up answers after all.
    dead.answer(first, 200, { sdp: ANSWER, tag: 'late' });
    await world.pass(50);
    expect(dead.requests('ACK')).toHaveLength(1);
    dead.answer(dead.request('BYE'), 200);
    session.end();
    await world.pass(50);
    live.answer(live.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('[sip 2.4 redirect-refused] publicOnly: a name that leads to private addresses alone is not called', async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    // The addresses of simulations are those of RFC 5737: nobody's, and no public ones.
    const inside = world.phone('inside');
    world.names.set('inside.example', [inside.address, '10.0.0.7']);
    const options = to('inside.example');
    if (options.target.kind !== 'uri') throw new Error('no URI');
    const events = new Events(gateway.ua.invite({ ...options, target: { ...options.target, publicOnly: true } }));
    await world.pass(100);
    expect(events.last('rejected')).toMatchObject({
      cause: 'dns',
      detail: 'inside.example leads to a private address',
    });
    expect(inside.requests('INVITE')).toEqual([]);
    await expectIdle(world, gateway);
  });

  test('a target that rings late is cancelled', async () => {
    const { world, gateway, dead, live, session } = await twoTargets();
    await world.pass(4_100);
    dead.answer(dead.requests('INVITE')[0]!, 180);
    await world.pass(50);
    expect(dead.requests('CANCEL')).toHaveLength(1);
    dead.answer(dead.request('CANCEL'), 200);
    dead.answer(dead.requests('INVITE')[0]!, 487);
    live.answer(live.request('INVITE'), 486);
    await world.pass(50);
    expect(session.state).toBe('ended');
    await expectIdle(world, gateway);
  });

  test('503 goes on to the next address; the last one decides', async () => {
    const { world, gateway, dead, live, events } = await twoTargets();
    await world.pass(50);
    dead.answer(dead.request('INVITE'), 503);
    await world.pass(50);
    live.answer(live.request('INVITE'), 486);
    await world.pass(50);
    expect(events.last('rejected')).toMatchObject({ status: 486, cause: 'response' });
    await expectIdle(world, gateway);
  });

  test('a refused connection goes on; nobody there at all is a transport failure', async () => {
    const { world, gateway, dead, live, events } = await twoTargets();
    gateway.transport.refusing.add(dead.address).add(live.address);
    await world.pass(50);
    expect(events.last('rejected')).toMatchObject({ status: 503, cause: 'transport' });
    await expectIdle(world, gateway);
  });

  test('one silent target: 408 after 64*T1 [sip 2.4 no-response]', async () => {
    const { world, gateway, events } = await calling();
    await world.pass(31_000);
    expect(events.types()).toEqual([]);
    await world.pass(2_000);
    expect(events.last('rejected')).toMatchObject({ status: 408, cause: 'timeout' });
    await expectIdle(world, gateway);
  });

  test('a name that leads nowhere is a DNS failure', async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const events = new Events(gateway.ua.invite(to('nowhere.example')));
    await world.pass(50);
    expect(events.last('rejected')).toMatchObject({ cause: 'dns' });
    await expectIdle(world, gateway);
  });

  test('sips is sent as sip over TLS: never as a sips Request-URI (sip-interface.md 0) [sip 0 sips]', async () => {
    const { invite } = await calling({
      target: { kind: 'uri', uri: makeSipUri({ scheme: 'sips', user: 'bob', host: '192.0.2.2' }) },
    });
    expect(invite.uri.scheme).toBe('sip');
  });
});

describe('digest towards the peer (RFC 3261 22, RFC 7616)', () => {
  const credentials = { username: 'carrier-user', password: 'carrier secret' };

  test.each([
    [407, 'Proxy-Authenticate', 'Proxy-Authorization', 'MD5'],
    [401, 'WWW-Authenticate', 'Authorization', 'SHA-256'],
  ] as const)(
    '%i is answered once with a right response [sip 2.3 digest-407] [sip 2.3 digest-401]',
    async (status, asks, answers, algorithm) => {
      const { world, gateway, phone, session, events, invite } = await calling({ credentials });
      const challenge = `Digest realm="carrier",qop="auth",nonce="n1",opaque="o1",algorithm=${algorithm}`;
      phone.answer(invite, status, { headers: [{ name: asks, value: challenge }] });
      await world.pass(50);
      const second = phone.request('INVITE');
      expect(second.cseq.sequence).toBe(invite.cseq.sequence + 1);
      expect(second.callId).toBe(invite.callId);
      expect(second.from.params.get('tag')).toBe(invite.from.params.get('tag'));
      const parsed = parseCredentials(second.headers.get(answers)!);
      if (!parsed.ok) throw new Error(parsed.error.detail);
      const { uri, nonce, nc, cnonce, qop, response, opaque } = parsed.value;
      expect({ qop, nc, opaque }).toEqual({ qop: 'auth', nc: '00000001', opaque: 'o1' });
      const hashed = ha1({ algorithm, ...credentials, realm: 'carrier' });
      expect(response).toBe(digestResponse({ algorithm, ha1: hashed, method: 'INVITE', uri, nonce, nc, cnonce, qop }));
      phone.answer(second, 200, { sdp: ANSWER });
      await world.pass(50);
      expect(events.types()).toEqual(['accepted']);
      // RFC 3261 22.1: the ACK carries the credentials of its INVITE; the BYE has the next nonce count.
      expect(phone.request('ACK').headers.get(answers)).toBe(second.headers.get(answers));
      session.end();
      await world.pass(50);
      const bye = parseCredentials(phone.request('BYE').headers.get(answers)!);
      expect(bye.ok && bye.value.nc).toBe('00000002');
      phone.answer(phone.request('BYE'), 200);
      await expectIdle(world, gateway);
    },
  );

  test('a second refusal ends it; stale=true is one more try', async () => {
    const { world, gateway, phone, events } = await calling({ credentials });
    const asks = (nonce: string, more = '') =>
      phone.answer(phone.request('INVITE'), 401, {
        headers: [{ name: 'WWW-Authenticate', value: `Digest realm="r",qop="auth",nonce="${nonce}"${more}` }],
      });
    asks('n1');
    await world.pass(50);
    asks('n2', ',stale=true');
    await world.pass(50);
    expect(new Set(phone.requests('INVITE').map((request) => request.cseq.sequence)).size).toBe(3);
    asks('n3');
    await world.pass(50);
    expect(events.last('rejected')).toMatchObject({ status: 401, cause: 'response' });
    await expectIdle(world, gateway);
  });

  test('without credentials the challenge is the outcome (sip-interface.md 2.3) [sip 2.3 digest-none]', async () => {
    const { world, gateway, phone, events, invite } = await calling();
    phone.answer(invite, 407, { headers: [{ name: 'Proxy-Authenticate', value: 'Digest realm="r",nonce="n"' }] });
    await world.pass(50);
    expect(events.last('rejected').status).toBe(407);
    expect(phone.requests('INVITE')).toHaveLength(1);
    await expectIdle(world, gateway);
  });

  test('of several challenges for a realm the strongest known one is answered (RFC 8760 2.3)', async () => {
    const { phone, world, invite } = await calling({ credentials });
    phone.answer(invite, 407, {
      headers: [
        { name: 'Proxy-Authenticate', value: 'Digest realm="r",qop="auth",nonce="a"' },
        { name: 'Proxy-Authenticate', value: 'Digest realm="r",qop="auth",nonce="b",algorithm=SHA-256' },
        { name: 'Proxy-Authenticate', value: 'Digest realm="r",qop="auth",nonce="c",algorithm=UNHEARD-OF' },
      ],
    });
    await world.pass(50);
    const values = phone.request('INVITE').headers.getAll('proxy-authorization');
    expect(values).toHaveLength(1);
    const parsed = parseCredentials(values[0]!);
    expect(parsed.ok && parsed.value.algorithm).toBe('SHA-256');
  });
});

describe('re-INVITE and UPDATE (RFC 3261 14, RFC 3311)', () => {
  test('our offer is answered; 491 is retried after 2.1 to 4 s by the owner of the Call-ID', async () => {
    const { world, gateway, phone, session, invite } = await calling();
    phone.answer(invite, 200, { sdp: ANSWER });
    await world.pass(50);
    const reinvited = session.reinvite(OFFER);
    await world.pass(20);
    const first = phone.request('INVITE');
    phone.answer(first, 491);
    await world.pass(2_050);
    expect(phone.request('INVITE').cseq).toEqual(first.cseq);
    await world.pass(2_000);
    const second = phone.request('INVITE');
    expect(second.cseq.sequence).toBe(first.cseq.sequence + 1);
    phone.answer(second, 200, { sdp: ANSWER });
    await world.pass(20);
    expect(await reinvited).toEqual({ ok: true, value: ANSWER });
    session.end();
    await world.pass(20);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 glare] the offer is made for each attempt: after a collision it knows what was agreed meanwhile', async () => {
    const { world, gateway, phone, call, session, events } = await called();
    const offers: string[] = [];
    const reinvited = session.reinvite(() => {
      offers.push(`v=0\r\ns=${offers.length}\r\n`);
      return offers.at(-1);
    });
    await world.pass(20);
    phone.answer(phone.request('INVITE'), 491);
    await world.pass(20);
    phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(20);
    events.last('offer').accept(ANSWER);
    await world.pass(20);
    phone.do(call, 'ACK');
    await world.pass(4_100);
    expect(offers).toHaveLength(2);
    expect(phone.request('INVITE').body.toString()).toBe(offers[1]);
    phone.answer(phone.request('INVITE'), 200, { sdp: ANSWER });
    await world.pass(20);
    expect(await reinvited).toEqual({ ok: true, value: ANSWER });
    phone.do(call, 'BYE');
    await expectIdle(world, gateway);
  });

  test('a re-INVITE for which there is no offer any more is not sent', async () => {
    const { world, gateway, phone, call, session } = await called();
    expect(await session.reinvite(() => undefined)).toMatchObject({ ok: false, error: { status: 488 } });
    expect(phone.requests('INVITE')).toHaveLength(0);
    phone.do(call, 'BYE');
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 glare] two re-INVITEs at once: both get 491, both come about in the end', async () => {
    const world = sipWorld();
    const alice = await world.gateway('alice');
    const bob = await world.gateway('bob');
    const session = alice.ua.invite(to(bob.address));
    const a = new Events(session);
    await world.pass(50);
    const other = bob.invites[0]!.session;
    const b = new Events(other);
    other.accept({ sdp: ANSWER });
    await world.pass(50);
    const both = [session.reinvite('v=0\r\ns=a\r\n'), other.reinvite('v=0\r\ns=b\r\n')];
    for (let second = 0; second < 12; second++) {
      await world.pass(1_000);
      for (const events of [a, b])
        for (const event of events.all.splice(0)) if (event.type === 'offer') event.accept(ANSWER);
    }
    expect(await Promise.all(both)).toEqual([
      { ok: true, value: ANSWER },
      { ok: true, value: ANSWER },
    ]);
    const count491 = [...world.network.sentBy('alice'), ...world.network.sentBy('bob')].filter((line) =>
      line.startsWith('491'),
    );
    expect(count491.length).toBeGreaterThanOrEqual(2);
    session.end();
    await expectIdle(world, alice, bob);
  });

  test('their offer: accept, 200 repeated until the ACK', async () => {
    const { world, gateway, phone, call, session, events } = await called();
    phone.do(call, 'INVITE', { sdp: 'v=0\r\ns=hold\r\n' });
    await world.pass(20);
    expect(events.last('offer')).toMatchObject({ method: 'INVITE', sdp: 'v=0\r\ns=hold\r\n' });
    events.last('offer').accept('v=0\r\ns=held\r\n');
    await world.pass(600);
    const answers = phone.responses(200, 'INVITE').filter((response) => response.cseq.sequence === call.sequence);
    expect(answers).toHaveLength(2);
    expect(answers[0]!.body.toString()).toBe('v=0\r\ns=held\r\n');
    phone.do(call, 'ACK');
    await world.pass(5_000);
    expect(phone.responses(200, 'INVITE').filter((response) => response.cseq.sequence === call.sequence)).toHaveLength(
      2,
    );
    phone.do(call, 'BYE');
    await world.pass(20);
    expect(session.state).toBe('ended');
    await expectIdle(world, gateway);
  });

  test('their re-INVITE without offer: ours in the 200, theirs in the ACK', async () => {
    const { world, gateway, phone, call, session, events } = await called();
    phone.do(call, 'INVITE');
    await world.pass(20);
    expect(events.last('offer').sdp).toBeUndefined();
    events.last('offer').accept(OFFER);
    await world.pass(20);
    phone.do(call, 'ACK', { sdp: ANSWER });
    await world.pass(20);
    expect(events.last('reinviteAcknowledged').sdp).toBe(ANSWER);
    session.end();
    await world.pass(20);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 glare] a second offer while theirs is open gets 500 with Retry-After; while ours is open 491 (14.2)', async () => {
    const { world, gateway, phone, call, session, events } = await called();
    phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(20);
    phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(20);
    expect(Number(phone.response(500).headers.get('retry-after'))).toBeLessThanOrEqual(10);
    events.last('offer').refuse(488);
    await world.pass(20);
    expect(phone.responses(488)).toHaveLength(1);
    const reinvited = session.reinvite(OFFER);
    await world.pass(20);
    phone.do(call, 'INVITE', { sdp: OFFER });
    phone.do(call, 'UPDATE', { sdp: OFFER });
    await world.pass(20);
    expect(phone.responses(491).map((response) => response.cseq.method)).toEqual(['INVITE', 'UPDATE']);
    phone.answer(phone.request('INVITE'), 200, { sdp: ANSWER });
    await world.pass(20);
    expect(await reinvited).toEqual({ ok: true, value: ANSWER });
    phone.do(call, 'BYE');
    await expectIdle(world, gateway);
  });

  test('CANCEL of their re-INVITE: 487, the call goes on', async () => {
    const { world, gateway, phone, call, session, events } = await called();
    const reinvite = phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(20);
    phone.do(call, 'CANCEL', { branch: reinvite.via.branch! });
    await world.pass(20);
    expect(phone.responses(487)).toHaveLength(1);
    events.last('offer').accept(ANSWER); // Too late, and harmless.
    expect(session.state).toBe('established');
    phone.do(call, 'BYE');
    await expectIdle(world, gateway);
  });

  test('UPDATE with an offer is answered; without one it only refreshes (RFC 3311, RFC 4028)', async () => {
    const { world, gateway, phone, call, events } = await called();
    phone.do(call, 'UPDATE', {
      headers: [
        { name: 'Supported', value: 'timer' },
        { name: 'Session-Expires', value: '1800;refresher=uac' },
      ],
    });
    await world.pass(20);
    expect(phone.response(200, 'UPDATE').headers.get('session-expires')).toBe('1800;refresher=uac');
    expect(events.types()).toEqual(['acknowledged']);
    phone.do(call, 'UPDATE', { sdp: OFFER });
    await world.pass(20);
    events.last('offer').accept(ANSWER);
    await world.pass(20);
    expect(phone.response(200, 'UPDATE').body.toString()).toBe(ANSWER);
    phone.do(call, 'BYE');
    await expectIdle(world, gateway);
  });

  test('a re-INVITE whose 200 is never acknowledged ends the call with BYE', async () => {
    const { world, gateway, phone, call, events } = await called();
    phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(20);
    events.last('offer').accept(ANSWER);
    await world.pass(33_000);
    expect(events.last('ended').by).toBe('timeout');
    expect(phone.requests('BYE').length).toBeGreaterThan(0);
    await expectIdle(world, gateway);
  });

  test('their BYE while their re-INVITE is open: 200, and 487 for the re-INVITE (15.1.2)', async () => {
    const { world, gateway, phone, call, events } = await called();
    phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(20);
    const invite = call.sequence;
    phone.do(call, 'BYE');
    await world.pass(20);
    expect(phone.response(487).cseq.sequence).toBe(invite);
    expect(events.last('ended').by).toBe('remote');
    await expectIdle(world, gateway);
  });

  test('an in-dialog request with a lower CSeq gets 500 (12.2.2)', async () => {
    const { world, gateway, phone, call } = await called();
    phone.do(call, 'INFO', { sequence: call.sequence - 1 });
    await world.pass(20);
    expect(phone.responses(500, 'INFO')).toHaveLength(1);
    phone.do(call, 'BYE');
    await expectIdle(world, gateway);
  });
});

describe('reliable provisional responses (RFC 3262)', () => {
  test('required by the caller: 180 is repeated until the PRACK, the 200 waits for it', async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const phone = world.phone('bob');
    const call = phone.call('gateway', '1000', 'demo.sip.localhost');
    phone.do(call, 'INVITE', { sdp: OFFER, headers: [{ name: 'Require', value: '100rel' }] });
    await world.pass(20);
    const { session } = gateway.invites[0]!;
    const events = new Events(session);
    session.progress(183, { sdp: ANSWER });
    session.progress(180);
    session.accept({ sdp: ANSWER });
    await world.pass(1_600);
    expect(phone.responses(183)).toHaveLength(3);
    expect(phone.responses(180)).toHaveLength(0);
    expect(phone.responses(200, 'INVITE')).toHaveLength(0);
    const first = phone.response(183);
    expect(first.headers.get('require')).toBe('100rel');
    const inviteSequence = call.sequence;
    phone.follow(call, first);
    const rack = (rseq: number) => ({ headers: [{ name: 'RAck', value: `${rseq} ${inviteSequence} INVITE` }] });
    const rseq = Number(first.headers.get('rseq'));
    phone.do(call, 'PRACK', rack(rseq + 7));
    await world.pass(20);
    expect(phone.responses(481, 'PRACK')).toHaveLength(1);
    phone.do(call, 'PRACK', rack(rseq));
    await world.pass(20);
    expect(phone.responses(200, 'PRACK')).toHaveLength(1);
    expect(Number(phone.response(180).headers.get('rseq'))).toBe(rseq + 1);
    phone.do(call, 'PRACK', rack(rseq + 1));
    await world.pass(20);
    expect(phone.responses(200, 'INVITE')).toHaveLength(1);
    phone.do(call, 'ACK', { sequence: inviteSequence });
    await world.pass(20);
    expect(events.types()).toEqual(['acknowledged']);
    phone.do(call, 'BYE');
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 prack-offer] an offer in the PRACK is answered in its 2xx, or refused with 488; the call goes on (5)', async () => {
    for (const isTaken of [true, false]) {
      const world = sipWorld();
      const gateway = await world.gateway('gateway');
      const phone = world.phone('bob');
      const call = phone.call('gateway', '1000', 'demo.sip.localhost');
      phone.do(call, 'INVITE', { sdp: OFFER, headers: [{ name: 'Require', value: '100rel' }] });
      await world.pass(20);
      const { session } = gateway.invites[0]!;
      const events = new Events(session);
      session.progress(183, { sdp: ANSWER });
      await world.pass(20);
      const first = phone.response(183);
      const inviteSequence = call.sequence;
      phone.follow(call, first);
      const rack = { name: 'RAck', value: `${first.headers.get('rseq')} ${inviteSequence} INVITE` };
      phone.do(call, 'PRACK', { sdp: OFFER, headers: [rack] });
      await world.pass(20);
      const offer = events.last('offer');
      expect([offer.method, offer.sdp]).toEqual(['PRACK', OFFER]);
      if (isTaken) offer.accept(ANSWER);
      else offer.refuse(488);
      await world.pass(20);
      const answered = phone.response(isTaken ? 200 : 488, 'PRACK');
      expect(answered.body.toString()).toBe(isTaken ? ANSWER : '');
      // Either way the 183 is acknowledged, and the next offer may come.
      phone.do(call, 'UPDATE', { sdp: OFFER });
      await world.pass(20);
      events.last('offer').accept(ANSWER);
      await world.pass(20);
      expect(phone.response(200, 'UPDATE').body.toString()).toBe(ANSWER);
      session.accept({ sdp: ANSWER });
      await world.pass(20);
      phone.do(call, 'ACK', { sequence: inviteSequence });
      await world.pass(20);
      expect(phone.responses(183)).toHaveLength(1);
      phone.do(call, 'BYE');
      await expectIdle(world, gateway);
    }
  });

  test('no PRACK within 64*T1: the INVITE fails with 504', async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const phone = world.phone('bob');
    const call = phone.call('gateway', '1000', 'demo.sip.localhost');
    phone.do(call, 'INVITE', { sdp: OFFER, headers: [{ name: 'Require', value: '100rel' }] });
    await world.pass(20);
    const events = new Events(gateway.invites[0]!.session);
    gateway.invites[0]!.session.progress(180);
    await world.pass(33_000);
    expect(phone.responses(504).length).toBeGreaterThan(0);
    expect(events.last('ended').by).toBe('timeout');
    await expectIdle(world, gateway);
  });

  test('a peer that sends one unasked gets its PRACK, once and in order', async () => {
    const { world, gateway, phone, session, events, invite } = await calling();
    expect(invite.headers.get('supported') ?? '').not.toContain('100rel');
    const reliable = (rseq: number) =>
      phone.answer(invite, 183, {
        headers: [
          { name: 'Require', value: '100rel' },
          { name: 'RSeq', value: String(rseq) },
        ],
      });
    reliable(10);
    reliable(10);
    reliable(12);
    await world.pass(50);
    expect(phone.requests('PRACK').map((prack) => prack.headers.get('rack'))).toEqual([
      `10 ${invite.cseq.sequence} INVITE`,
    ]);
    phone.answer(phone.request('PRACK'), 200);
    reliable(11);
    await world.pass(50);
    expect(phone.request('PRACK').headers.get('rack')).toBe(`11 ${invite.cseq.sequence} INVITE`);
    phone.answer(phone.request('PRACK'), 200);
    expect(events.types()).toEqual(['progress', 'progress']);
    session.end();
    await world.pass(50);
    phone.answer(phone.request('CANCEL'), 200);
    phone.answer(invite, 487);
    await expectIdle(world, gateway);
  });
});

describe('flows (design.md 5.3)', () => {
  test('a phone that comes by a new TCP connection gets its requests there', async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const phone = world.phone('bob');
    phone.isReliable = true;
    phone.knows(gateway.address, 'gateway');
    const call = phone.call('gateway', '1000', 'demo.sip.localhost');
    phone.do(call, 'INVITE', { sdp: OFFER });
    await world.pass(20);
    const { session } = gateway.invites[0]!;
    new Events(session);
    session.accept({ sdp: ANSWER });
    await world.pass(20);
    phone.follow(call, phone.response(200, 'INVITE'));
    phone.do(call, 'ACK');
    await world.pass(20);
    gateway.transport.flowTo('bob', true).cut();
    phone.do(call, 'INFO');
    await world.pass(20);
    expect(session.flow!.isAlive).toBe(true);
    session.end();
    await world.pass(20);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('a connection that breaks under an INVITE is a transport failure at once', async () => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const phone = world.phone('bob');
    const uri = makeSipUri({ user: 'bob', host: phone.address, params: { transport: 'tcp' } });
    const events = new Events(gateway.ua.invite(to('192.0.2.2', { target: { kind: 'uri', uri } })));
    await world.pass(50);
    expect(phone.requests('INVITE')).toHaveLength(1);
    gateway.transport.flowTo('bob', true).cut();
    await world.pass(50);
    expect(events.last('rejected')).toMatchObject({ status: 503, cause: 'transport' });
    await expectIdle(world, gateway);
  });
});

describe('faults of the listener stay with their session', () => {
  test('a listener that throws loses its event, not the call', async () => {
    const { world, gateway, phone, session, invite } = await (async () => {
      const made = sipWorld();
      const started = await made.gateway('gateway');
      const callee = made.phone('bob');
      callee.knows(started.address, 'gateway');
      const calls = started.ua.invite(to(callee.address));
      calls.onEvent(() => {
        throw new Error('listener fault');
      });
      await made.pass(50);
      return { world: made, gateway: started, phone: callee, session: calls, invite: callee.request('INVITE') };
    })();
    phone.answer(invite, 180);
    phone.answer(invite, 200, { sdp: ANSWER });
    await world.pass(50);
    expect(session.state).toBe('established');
    expect(phone.requests('ACK')).toHaveLength(1);
    session.end();
    await world.pass(50);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test.each([
    ['that throws', () => Promise.reject(new Error('no ports')), 500],
    ['that has none', () => Promise.resolve(undefined), 503],
  ] as const)('an offer function %s: rejected, and no INVITE is sent', async (_name, sdp, status) => {
    const world = sipWorld();
    const gateway = await world.gateway('gateway');
    const phone = world.phone('bob');
    const events = new Events(gateway.ua.invite(to(phone.address, { sdp })));
    await world.pass(50);
    expect(events.last('rejected').status).toBe(status);
    expect(phone.received).toEqual([]);
    await expectIdle(world, gateway);
  });
});
