// Session timers (RFC 4028) on a virtual clock: who refreshes, when, by what, and what happens when nobody does.

import { describe, expect, test } from 'vitest';
import type { HeaderField, Request, Response } from '../../../src/sip/grammar/message.ts';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import { Events, type Gateway, sipWorld, type World } from '../../support/sip-world.ts';

const OFFER = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n';
const ANSWER = 'v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\n';

const fields = (...pairs: readonly (readonly [string, string])[]): HeaderField[] =>
  pairs.map(([name, value]) => ({ name, value }));
const expires = (message: Request | Response) => message.headers.get('session-expires');

async function expectIdle(world: World, gateway: Gateway): Promise<void> {
  await world.pass(150_000);
  expect(gateway.ua.counts()).toMatchObject({ dialogs: 0, sessions: 0 });
  expect(world.clock.pendingTimers).toBe(0);
}

/** A phone calls the gateway with these headers; the gateway answers. */
async function phoneCalls(world: World, headers: readonly HeaderField[], sessionTimerSeconds = 0) {
  const gateway = await world.gateway('gateway', undefined, undefined, { sessionTimerSeconds });
  const phone = world.phone('phone');
  phone.knows(gateway.address, 'gateway');
  const call = phone.call('gateway', 'bob', gateway.address);
  phone.do(call, 'INVITE', { sdp: OFFER, headers });
  await world.pass(50);
  const invite = gateway.invites[0];
  if (!invite) return { gateway, phone, call, session: undefined, events: undefined };
  const events = new Events(invite.session);
  invite.session.accept({ sdp: ANSWER });
  await world.pass(50);
  const response = phone.response(200, 'INVITE');
  phone.follow(call, response);
  phone.do(call, 'ACK');
  await world.pass(50);
  return { gateway, phone, call, session: invite.session, events, response };
}

/** The gateway calls a phone, which answers with these headers. */
async function gatewayCalls(world: World, headers: readonly HeaderField[], sessionTimerSeconds = 0) {
  const gateway = await world.gateway('gateway', undefined, undefined, { sessionTimerSeconds });
  const phone = world.phone('phone');
  phone.knows(gateway.address, 'gateway');
  const session = gateway.ua.invite({
    target: { kind: 'uri', uri: makeSipUri({ user: 'bob', host: phone.address }) },
    from: { displayName: undefined, user: 'alice', host: undefined },
    sdp: OFFER,
    headers: [],
    credentials: undefined,
    maxForwards: 69,
  });
  const events = new Events(session);
  await world.pass(50);
  const request = phone.request('INVITE');
  if (headers.length > 0 || sessionTimerSeconds === 0) {
    phone.answer(request, 200, { sdp: ANSWER, headers });
    await world.pass(50);
  }
  return { gateway, phone, session, events, request };
}

const SE = (value: string) => ['Session-Expires', value] as const;
const TIMER = ['Supported', 'timer'] as const;
const ALLOW_UPDATE = ['Allow', 'INVITE, ACK, BYE, CANCEL, UPDATE'] as const;

describe('as UAS, what the peer asked for (RFC 4028 9, table 2)', () => {
  test.each([
    ['left to us: the peer refreshes', [SE('1800'), TIMER], '1800;refresher=uac', 'timer'],
    ['the peer refreshes', [SE('600;refresher=uac'), TIMER], '600;refresher=uac', 'timer'],
    ['we refresh', [SE('600;refresher=uas'), TIMER], '600;refresher=uas', 'timer'],
    ['put in by a proxy, the peer knows no timer: we refresh', [SE('600')], '600;refresher=uas', undefined],
    ['an interval below our minimum from a proxy is taken', [SE('60')], '60;refresher=uas', undefined],
    ['not asked for', [TIMER], undefined, undefined],
    ['unreadable', [SE('soon'), TIMER], undefined, undefined],
  ] as const)('[sip 1.6 session-timer-uas] %s', async (_name, headers, expected, required) => {
    const world = sipWorld();
    const { gateway, response, session } = await phoneCalls(world, fields(...headers));
    expect(expires(response!)).toBe(expected);
    expect(response!.headers.get('require')).toBe(required);
    session!.end();
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 session-timer-422] too small an interval: 422 with Min-SE 90, and no session', async () => {
    const world = sipWorld();
    const { gateway, phone } = await phoneCalls(world, fields(SE('60'), TIMER));
    const refused = phone.response(422, 'INVITE');
    expect([refused.reason, refused.headers.get('min-se')]).toEqual(['Session Timer Too Small', '90']);
    expect(gateway.invites).toHaveLength(0);
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 session-timer-422] the same for a refresh inside the dialog; the call goes on', async () => {
    const world = sipWorld();
    const { gateway, phone, call, session } = await phoneCalls(world, fields(SE('600;refresher=uac'), TIMER));
    phone.do(call, 'UPDATE', { headers: fields(SE('30;refresher=uac'), TIMER) });
    await world.pass(50);
    expect(phone.response(422, 'UPDATE').headers.get('min-se')).toBe('90');
    expect(session!.state).toBe('established');
    session!.end();
    await expectIdle(world, gateway);
  });
});

describe('the peer refreshes', () => {
  test('[sip 1.6 session-timer-peer] its UPDATEs keep the call; without them it ends 32 s before the interval', async () => {
    const world = sipWorld();
    const { gateway, phone, call, session, events } = await phoneCalls(world, fields(SE('600;refresher=uac'), TIMER));
    await world.pass(400_000);
    phone.do(call, 'UPDATE', { headers: fields(SE('600;refresher=uac'), TIMER) });
    await world.pass(100);
    expect(expires(phone.response(200, 'UPDATE'))).toBe('600;refresher=uac');
    await world.pass(566_000);
    expect(session!.state).toBe('established');
    await world.pass(3_000);
    expect(events!.last('ended')).toMatchObject({ by: 'timeout' });
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 session-timer-peer] a short interval ends after two thirds of it', async () => {
    const world = sipWorld();
    const { gateway, phone, session } = await phoneCalls(world, fields(SE('90;refresher=uac'), TIMER));
    await world.pass(59_000);
    expect(session!.state).toBe('established');
    await world.pass(2_000);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('a re-INVITE refreshes as well; one without Session-Expires switches the timer off (10)', async () => {
    const world = sipWorld();
    const { gateway, phone, call, session, events } = await phoneCalls(world, fields(SE('600;refresher=uac'), TIMER));
    phone.do(call, 'INVITE', { sdp: OFFER, headers: fields(TIMER) });
    await world.pass(50);
    events!.last('offer').accept(ANSWER);
    await world.pass(50);
    expect(expires(phone.response(200, 'INVITE'))).toBeUndefined();
    phone.do(call, 'ACK');
    await world.pass(3_600_000);
    expect(session!.state).toBe('established');
    session!.end();
    await world.pass(50);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 session-timer-uac] the 2xx to our INVITE says so: its silence ends the call', async () => {
    const world = sipWorld();
    const { gateway, phone, session, request } = await gatewayCalls(
      world,
      fields(SE('600;refresher=uas'), ['Require', 'timer']),
    );
    expect(request.headers.get('supported')).toBe('timer');
    expect(expires(request)).toBeUndefined();
    await world.pass(567_000);
    expect(session.state).toBe('established');
    await world.pass(2_000);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });
});

describe('we refresh', () => {
  test('[sip 1.6 session-timer-ours] at half time, by UPDATE where the peer allows it, again and again', async () => {
    const world = sipWorld();
    const { gateway, phone, session } = await phoneCalls(world, fields(SE('600;refresher=uas'), TIMER, ALLOW_UPDATE));
    for (const round of [1, 2, 3]) {
      await world.pass(299_500);
      expect(phone.requests('UPDATE')).toHaveLength(round - 1);
      await world.pass(600);
      const update = phone.request('UPDATE');
      expect(phone.requests('UPDATE')).toHaveLength(round);
      expect([expires(update), update.body.length]).toEqual(['600;refresher=uac', 0]);
      phone.answer(update, 200, { headers: fields(SE('600;refresher=uac'), ['Require', 'timer']) });
      await world.pass(1);
    }
    session!.end();
    await world.pass(50);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 session-timer-ours] by a re-INVITE with the same description where the peer has no UPDATE', async () => {
    const world = sipWorld();
    const { gateway, phone, session, events } = await phoneCalls(
      world,
      fields(SE('600;refresher=uas'), TIMER, ['Allow', 'INVITE, ACK, BYE, CANCEL']),
    );
    await world.pass(300_100);
    expect(phone.requests('UPDATE')).toHaveLength(0);
    const reinvite = phone.request('INVITE');
    expect([reinvite.body.toString(), expires(reinvite)]).toEqual([ANSWER, '600;refresher=uac']);
    phone.answer(reinvite, 200, { sdp: OFFER, headers: fields(SE('600;refresher=uac')) });
    await world.pass(100);
    expect(phone.requests('ACK')).toHaveLength(1);
    expect(events!.last('reinviteAcknowledged').sdp).toBe(OFFER);
    await world.pass(299_000);
    expect(session!.state).toBe('established');
    session!.end();
    await world.pass(50);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('an UPDATE that is refused with 405 is followed by a re-INVITE', async () => {
    const world = sipWorld();
    const { gateway, phone, session } = await phoneCalls(world, fields(SE('600;refresher=uas'), TIMER, ALLOW_UPDATE));
    await world.pass(300_100);
    phone.answer(phone.request('UPDATE'), 405);
    await world.pass(100);
    phone.answer(phone.request('INVITE'), 200, { sdp: OFFER, headers: fields(SE('600;refresher=uac')) });
    await world.pass(100);
    session!.end();
    await world.pass(50);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('a refresh that fails is tried again until the session ends, then BYE', async () => {
    const world = sipWorld();
    const { gateway, phone, session, events } = await phoneCalls(
      world,
      fields(SE('90;refresher=uas'), TIMER, ALLOW_UPDATE),
    );
    phone.react = (message) => {
      if (message.kind === 'request' && message.method === 'UPDATE') phone.answer(message, 500);
      if (message.kind === 'request' && message.method === 'BYE') phone.answer(message, 200);
      return true;
    };
    await world.pass(59_000);
    expect([phone.requests('UPDATE').length, session!.state]).toEqual([2, 'established']);
    await world.pass(2_000);
    expect(events!.last('ended').by).toBe('timeout');
    await expectIdle(world, gateway);
  });

  test('a refresh answered with 481 ends the call at once (10)', async () => {
    const world = sipWorld();
    const { gateway, phone, events } = await phoneCalls(world, fields(SE('600;refresher=uas'), TIMER, ALLOW_UPDATE));
    phone.react = (message) => {
      if (message.kind === 'request' && message.method !== 'ACK') phone.answer(message, 481);
      return true;
    };
    await world.pass(301_000);
    expect(events!.last('ended').by).toBe('remote');
    await expectIdle(world, gateway);
  });

  test('a 422 to a refresh is followed by one with the larger interval (7.3)', async () => {
    const world = sipWorld();
    const { gateway, phone, session } = await phoneCalls(world, fields(SE('600;refresher=uas'), TIMER, ALLOW_UPDATE));
    await world.pass(300_100);
    phone.answer(phone.request('UPDATE'), 422, { headers: fields(['Min-SE', '900']) });
    await world.pass(50);
    const again = phone.request('UPDATE');
    expect([expires(again), again.headers.get('min-se')]).toEqual(['900;refresher=uac', '900']);
    phone.answer(again, 200, { headers: fields(SE('900;refresher=uac')) });
    await world.pass(440_000);
    expect(session!.state).toBe('established');
    session!.end();
    await world.pass(50);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('[sip 1.6 session-timer-uac] the 2xx to our INVITE gives it to us', async () => {
    const world = sipWorld();
    const { gateway, phone, session } = await gatewayCalls(world, fields(SE('600;refresher=uac'), ALLOW_UPDATE));
    await world.pass(300_100);
    phone.answer(phone.request('UPDATE'), 200, { headers: fields(SE('600;refresher=uac')) });
    await world.pass(100);
    session.end();
    await world.pass(50);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });
});

describe('sessionTimerSeconds: we ask', () => {
  test('[sip 1.6 session-timer-asked] in the INVITE; after a 422 again with its Min-SE (7.3)', async () => {
    const world = sipWorld();
    const { gateway, phone, session, request } = await gatewayCalls(world, [], 1800);
    expect(expires(request)).toBe('1800');
    phone.answer(request, 422, { headers: fields(['Min-SE', '3600']) });
    await world.pass(50);
    const again = phone.request('INVITE');
    expect([expires(again), again.headers.get('min-se')]).toEqual(['3600', '3600']);
    expect(again.cseq.sequence).toBe(request.cseq.sequence + 1);
    phone.answer(again, 200, { sdp: ANSWER, headers: fields(SE('3600;refresher=uas')) });
    await world.pass(3_570_000);
    expect(session.state).toBe('ended');
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });

  test('a 422 without Min-SE, or with none larger, is the outcome', async () => {
    for (const headers of [[], fields(['Min-SE', '90']), fields(['Min-SE', 'x'])]) {
      const world = sipWorld();
      const { gateway, phone, events, request } = await gatewayCalls(world, [], 1800);
      phone.answer(request, 422, { headers });
      await world.pass(50);
      expect(events.last('rejected').status).toBe(422);
      expect(phone.requests('INVITE')).toHaveLength(1);
      await expectIdle(world, gateway);
    }
  });

  test('a peer that knows no timers (RFC 2543 too) is asked now and then all the same', async () => {
    const world = sipWorld();
    const { gateway, phone, request } = await gatewayCalls(world, [], 1800);
    phone.answer(request, 200, { sdp: ANSWER });
    await world.pass(900_100);
    phone.answer(phone.request('INVITE'), 200, { sdp: ANSWER });
    await world.pass(1_000);
    expect(gateway.ua.counts().sessions).toBe(1);
    phone.react = (message) => {
      if (message.kind === 'request' && message.method !== 'ACK') phone.answer(message, 481);
      return true;
    };
    await world.pass(900_000);
    await expectIdle(world, gateway);
  });

  test('as UAS a caller that asked for nothing is refreshed by us', async () => {
    const world = sipWorld();
    const { gateway, phone, response, session } = await phoneCalls(world, fields(ALLOW_UPDATE), 1800);
    expect(expires(response!)).toBe('1800;refresher=uas');
    await world.pass(900_100);
    expect(phone.requests('UPDATE')).toHaveLength(1);
    phone.answer(phone.request('UPDATE'), 200);
    session!.end();
    await world.pass(50);
    phone.answer(phone.request('BYE'), 200);
    await expectIdle(world, gateway);
  });
});
