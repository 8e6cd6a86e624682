// Calls that are not taken, or not taken any further: by the application, by the rules of the domain, for want of room, or because the
// application fails. Over real sockets.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { mediaRange } from '../../support/ports.ts';
import { openWorld, plainSdp, RawPhone } from '../../support/raw-phone.ts';
import { until } from '../../support/until.ts';
import { ACCOUNT_SID, dials, expectEvent, Inbox, twiml, type World, world } from '../../support/world.ts';

const rawCaller = async (w: World): Promise<RawPhone> => {
  const raw = await RawPhone.open(w.port('udp'));
  onTestFinished(() => raw.close());
  return raw;
};

/** A port of this machine that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

for (const [verb, sipStatus, callStatus] of [
  ['<Reject/>', 404, 'no-answer'],
  ['<Reject reason="busy"/>', 486, 'busy'],
] as const) {
  test(`sip-interface.md 1.4, trap 1: ${verb} refuses with ${sipStatus}, status ${callStatus} [sip 1.4 reject-busy] [sip 1.4 reject-default] [sip 8.3 reject] [sip 10 trap-1] [twiml 4.3 reject-busy] [twiml 4.3 reject] [twiml 5.8 first]`, async () => {
    const w = await world();
    w.answers(verb);
    const alice = await w.phone('alice');
    const caller = dials(alice, w.uri('1000'));
    expect(await expectEvent(alice, caller, 'failed')).toMatchObject({ status: sipStatus });
    const { params } = await w.asked('/status');
    expect(params).toMatchObject({ CallStatus: callStatus, SipResponseCode: String(sipStatus), CallDuration: '0' });
    await w.isIdle();
  });
}

test('rejectStatus: 603 makes it 603, still no-answer [sip 1.4 reject-status]', async () => {
  const w = await world({ settings: { rejectStatus: 603 } });
  w.answers('<Reject/>');
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  expect(await expectEvent(alice, caller, 'failed')).toMatchObject({ status: 603 });
  expect((await w.asked('/status')).params).toMatchObject({ CallStatus: 'no-answer', SipResponseCode: '603' });
  await w.isIdle();
});

test('sip-interface.md 1.4: a domain without Voice URL answers 404 [sip 1.4 no-voice-url]', async () => {
  const w = await world({ domain: { voiceUrl: undefined } });
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  expect(await expectEvent(alice, caller, 'failed')).toMatchObject({ status: 404 });
  expect((await w.asked('/status')).params.CallStatus).toBe('no-answer');
  await w.isIdle();
});

test('design.md 4: a domain with a static document needs no application', async () => {
  const w = await world({ domain: { voiceUrl: undefined, twiml: '<Response><Hangup/></Response>' } });
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  await expectEvent(alice, caller, 'answered');
  expect(await expectEvent(alice, caller, 'ended')).toMatchObject({ by: 'remote' });
  await w.isIdle();
});

test.each(['udp', 'tcp'] as const)(
  'sip-interface.md 1.5: a secure domain refuses %s: 488 Secure SIP transport required [sip 1.5 488-secure-transport] [sip 4 secure-domain]',
  async (transport) => {
    const w = await world({ domain: { secure: true } });
    const alice = await w.phone('alice', { registered: false, transport });
    const caller = dials(alice, w.uri('1000', transport));
    const failed = await expectEvent(alice, caller, 'failed');
    expect(failed).toMatchObject({ status: 488, detail: 'Secure SIP transport required' });
    expect(failed.headers).toContainEqual(['X-Twilio-Error', expect.stringMatching(/^32209 /)]);
    await w.isIdle();
  },
);

test('sip-interface.md 1.5: a secure domain refuses plain RTP over TLS: 488 Secure media required [sip 1.5 488-secure-media] [sip 4 secure-domain] [rest 14 secure]', async () => {
  const w = await world({ tls: true, domain: { secure: true } });
  const alice = await w.phone('alice', { transport: 'tls', registered: false });
  const caller = dials(alice, w.uri('1000', 'tls'));
  const failed = await expectEvent(alice, caller, 'failed');
  expect(failed).toMatchObject({ status: 488, detail: 'Secure media required' });
  expect(failed.headers).toContainEqual(['X-Twilio-Error', expect.stringMatching(/^32208 /)]);
  await w.isIdle();
});

test.each(['udp', 'tcp'] as const)(
  'sip-interface.md 1.5: SRTP offered over %s is refused: 488, 32207 [sip 0 media-combinations] [sip 1.5 488-secure-unwanted]',
  async (transport) => {
    const w = await world();
    const alice = await w.phone('alice', { secureMedia: true, transport });
    const caller = dials(alice, w.uri('1000', transport));
    const failed = await expectEvent(alice, caller, 'failed');
    expect(failed.status).toBe(488);
    expect(failed.headers).toContainEqual(['X-Twilio-Error', expect.stringMatching(/^32207 /)]);
    await w.isIdle();
  },
);

test.each([
  ['udp', false],
  ['tcp', false],
  ['tls', false],
  ['tls', true],
] as const)(
  '%s with SRTP %s is a combination that is taken [sip 0 media-combinations] [sip 0 ports]',
  async (transport, secureMedia) => {
    const w = await world({ tls: true });
    w.answers('<Hangup/>');
    const alice = await w.phone('alice', { transport, secureMedia });
    const caller = dials(alice, w.uri('1000', transport));
    await expectEvent(alice, caller, 'answered');
    await expectEvent(alice, caller, 'ended');
    await w.isIdle();
  },
);

test('RFC 3261 13.2.1: an INVITE without offer gets ours in the 200, and the answer in the ACK [sip 1.6 late-offer]', async () => {
  const w = await world(openWorld);
  w.answers('<Gather timeout="8" numDigits="1" action="/digits"/>');
  w.answers('<Hangup/>', '/digits');
  const raw = await rawCaller(w);
  const invite = raw.send('INVITE');
  const ok = await raw.final('INVITE');
  expect(ok.status).toBe(200);
  expect(ok.body.toString()).toContain('m=audio');
  raw.acknowledge(invite, ok, plainSdp(raw.port + 1));
  // design.md 10: DTMF by SIP INFO.
  raw.send('INFO', { contentType: 'application/dtmf-relay', body: 'Signal=5\r\nDuration=160\r\n' });
  expect((await raw.final('INFO')).status).toBe(200);
  expect((await w.asked('/digits')).params.Digits).toBe('5');
  raw.accept(await raw.request('BYE'));
  await w.isIdle();
});

test('design.md 5.4: a full gateway answers 503 with Retry-After before any 180 [sip 1.4 x-twilio-error-capacity] [sip 1.5 503-capacity]', async () => {
  const w = await world({ ...openWorld, settings: { ...openWorld.settings, maxCalls: 1 } });
  w.answers('<Gather timeout="30"/>');
  const first = await rawCaller(w);
  const invite = first.send('INVITE', { sdp: plainSdp(first.port + 1) });
  const ok = await first.final('INVITE');
  first.acknowledge(invite, ok);
  const second = await rawCaller(w);
  second.send('INVITE', { sdp: plainSdp(second.port + 1) });
  const refused = await second.final('INVITE');
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused.headers.get('x-twilio-error')).toMatch(/^10004 /);
  expect(second.received.some((message) => message.kind === 'response' && message.status === 180)).toBe(false);
  first.send('BYE');
  expect((await first.final('BYE')).status).toBe(200);
  await w.isIdle();
});

test('design.md 6: no media port left is 503 with Retry-After [sip 1.5 503-capacity]', async () => {
  const { first, last } = mediaRange(4);
  const w = await world({
    ...openWorld,
    settings: { ...openWorld.settings, mediaPorts: `${first}-${last}`, mediaWorkers: 1 },
  });
  w.answers('<Gather timeout="30"/>');
  const callers = [];
  for (let count = 0; count < 2; count++) {
    const raw = await rawCaller(w);
    const invite = raw.send('INVITE', { sdp: plainSdp(raw.port + 1) });
    raw.acknowledge(invite, await raw.final('INVITE'));
    callers.push(raw);
  }
  const refusedCaller = await rawCaller(w);
  refusedCaller.send('INVITE', { sdp: plainSdp(refusedCaller.port + 1) });
  const refused = await refusedCaller.final('INVITE');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  for (const raw of callers) raw.send('BYE');
  await w.isIdle();
});

test('design.md 4: while it drains the gateway answers 503, and the running call goes on [sip 1.5 drain]', async () => {
  const w = await world(openWorld);
  w.answers('<Gather timeout="30" numDigits="1" action="/digits"/>');
  w.answers('<Hangup/>', '/digits');
  const running = await rawCaller(w);
  const invite = running.send('INVITE', { sdp: plainSdp(running.port + 1) });
  running.acknowledge(invite, await running.final('INVITE'));
  const drained = w.gateway.drain(8_000);
  const late = await rawCaller(w);
  late.send('INVITE', { sdp: plainSdp(late.port + 1) });
  const refused = await late.final('INVITE');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  running.send('INFO', { contentType: 'application/dtmf-relay', body: 'Signal=1\r\n' });
  running.accept(await running.request('BYE'));
  await drained;
  expect(w.gateway.callCount()).toBe(0);
  await w.isIdle();
});

// --- the application fails

/** The caller hears the announcement, then BYE; the call is completed (sip-interface.md 1.4). */
async function expectAnnouncedEnd(w: World, errorCode: string): Promise<void> {
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  await expectEvent(alice, caller, 'answered');
  expect(await expectEvent(alice, caller, 'ended')).toMatchObject({ by: 'remote' });
  await w.isIdle();
  const { body } = await w.rest('/Notifications.json');
  expect(JSON.stringify(body)).toContain(errorCode);
  const calls = (await w.rest('/Calls.json')).body.calls as { status: string }[];
  expect(calls.map((call) => call.status)).toEqual(['completed']);
}

test('twiml.md 2.4: HTTP 500 without fallback: answered, announcement, BYE; alert 11217 [sip 1.4 application-fails] [twiml 2.4 http-error] [twiml 2.4 no-fallback] [twiml 16 point-31]', async () => {
  const w = await world();
  w.app.on('/voice', { status: 500 });
  await expectAnnouncedEnd(w, '11217');
});

test('twiml.md 2.4: connection refused without fallback: answered, announcement, BYE; alert 11202 [sip 1.4 application-fails] [twiml 2.4 connect]', async () => {
  const port = await closedPort();
  const w = await world({
    domain: { voiceUrl: `http://127.0.0.1:${port}/voice`, voiceStatusCallbackUrl: undefined },
  });
  await expectAnnouncedEnd(w, '11202');
});

test('twiml.md 2.4: no answer in time without fallback: answered, announcement, BYE; alert 11200', async () => {
  const w = await world({ domain: (origin) => ({ voiceUrl: `${origin}/voice#rt=200` }) });
  w.app.on('/voice', () => undefined);
  await expectAnnouncedEnd(w, '11200');
});

test('twiml.md 2.4: the fallback URL is asked once with ErrorCode and ErrorUrl, and runs [sip 1.4 fallback-order] [twiml 2.4 fallback] [twiml 3.3 fallback]', async () => {
  const w = await world({ domain: (origin) => ({ voiceFallbackUrl: `${origin}/fallback` }) });
  w.answers('<Reject reason="busy"/>', '/fallback');
  const alice = await w.phone('alice');
  const rows = [
    [{ status: 500 }, '11217'],
    [twiml('<Say>unclosed'), '12100'],
    [{ headers: { 'Content-Type': 'application/pdf' }, body: 'x' }, '12300'],
  ] as const;
  for (const [index, [answer, ErrorCode]] of rows.entries()) {
    w.app.on('/voice', answer);
    const caller = dials(alice, w.uri('1000'));
    expect(await expectEvent(alice, caller, 'failed')).toMatchObject({ status: 486 });
    const { params } = await w.asked('/fallback', index + 1);
    expect(params).toMatchObject({ ErrorCode, ErrorUrl: w.app.url('/voice'), CallStatus: 'ringing' });
  }
  await w.isIdle();
  expect(w.app.requestsTo('/fallback')).toHaveLength(rows.length);
});

test('twiml.md 2.4: the application dies in mid-call: announcement, then BYE to the caller [twiml 2.4 no-fallback]', async () => {
  const w = await world({ domain: { voiceStatusCallbackUrl: undefined } });
  w.answers('<Gather action="/digits" numDigits="1" timeout="8"/>');
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  await expectEvent(alice, caller, 'answered');
  await w.app.stop();
  await caller.play([{ kind: 'digits', digits: '1' }], 8_000);
  expect(await expectEvent(alice, caller, 'ended')).toMatchObject({ by: 'remote' });
  await w.isIdle();
});

// --- what crosses the gateway

// holds: [twiml 3.1 call-sid] [twiml 3.1 account-sid] [twiml 3.1 from-to] [twiml 3.1 api-version] [twiml 3.1 direction]
// holds: [twiml 3.1 caller-called] [twiml 3.2 sip-domain] [twiml 3.2 sip-username] [twiml 3.2 sip-source-ip]
// holds: [twiml 3.2 sip-headers]
test('sip-interface.md 1.3, trap 6: X-* and User-to-User reach the webhook with their own spelling, others do not [sip 1.2 trust-hints] [sip 1.3 standard-parameters] [sip 1.3 sip-header-names] [sip 1.3 sip-header-values] [sip 1.3 user-to-user] [sip 10 trap-6]', async () => {
  const w = await world();
  w.answers('<Reject/>');
  const alice = await w.phone('alice');
  dials(alice, w.uri('1000'), {
    'x-foo': 'p1=v1;p2=v2',
    'X-Correlation-Id': 'abc',
    'User-to-User': '123456789;encoding=hex',
    'P-Asserted-Identity': '<sip:secret@example.test>',
  });
  const { params } = await w.asked('/voice');
  expect(params).toMatchObject({
    'SipHeader_x-foo': 'p1=v1;p2=v2',
    'SipHeader_X-Correlation-Id': 'abc',
    'SipHeader_User-to-User': '123456789;encoding=hex',
    SipDomain: 'office.sip.localhost',
    SipUsername: 'alice',
    SipSourceIp: '127.0.0.1',
    CallSid: expect.stringMatching(/^CA[0-9a-f]{32}$/),
    AccountSid: ACCOUNT_SID,
    SipDomainSid: expect.stringMatching(/^SD[0-9a-f]{32}$/),
    To: w.uri('1000'),
    Called: w.uri('1000'),
    From: 'sip:alice@office.sip.localhost',
    Caller: 'sip:alice@office.sip.localhost',
    CallStatus: 'ringing',
    Direction: 'inbound',
    ApiVersion: '2010-04-01',
  });
  expect(
    Object.keys(params)
      .filter((name) => /^SipHeader_(?!X-Twilio)/.test(name))
      .sort(),
  ).toEqual(['SipHeader_User-to-User', 'SipHeader_X-Correlation-Id', 'SipHeader_x-foo']);
  await w.isIdle();
});

// holds: [twiml 6.6 region] [twiml 6.6 headers] [twiml 6.6 leg-headers]
test('sip-interface.md 2.1, 2.3: headers of the dialled URI and the leg headers are in the INVITE [sip 2.1 edge-parameters] [sip 2.1 x-headers] [sip 2.1 user-to-user] [sip 2.3 request-uri] [sip 2.3 account-sid]', async () => {
  const w = await world(openWorld);
  const far = await rawCaller(w);
  w.answers(
    `<Dial callerId="reception"><Sip>sip:desk@127.0.0.1:${far.port};edge=dublin?X-Order=4%2C2&amp;User-to-User=ab%3Bencoding%3Dhex</Sip></Dial>`,
  );
  const raw = await rawCaller(w);
  const invite = raw.send('INVITE', { sdp: plainSdp(raw.port + 1), headers: [{ name: 'Max-Forwards', value: '20' }] });
  const child = await far.request('INVITE');
  expect(child.headers.get('X-Order')).toBe('4,2');
  expect(child.headers.get('User-to-User')).toBe('ab;encoding=hex');
  expect(child.headers.get('X-Twilio-CallSid')).toMatch(/^CA/);
  expect(child.headers.get('X-Twilio-AccountSid')).toMatch(/^AC/);
  expect(child.headers.get('X-Twilio-ApiVersion')).toBe('2010-04-01');
  expect(child.from.uri).toMatchObject({ user: 'reception' });
  expect(child.uri).toMatchObject({ user: 'desk', params: new Map(), headers: [] });
  raw.acknowledge(invite, await raw.final('INVITE'));
  raw.send('BYE');
  await w.isIdle();
});

test('design.md 7: registrations survive a restart; the phone rings without registering anew', async () => {
  const w = await world();
  w.answers('<Dial><Client>bob</Client></Dial>');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  await w.restart();
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  await inbox.next('answer');
  caller.leg.hangUp();
  await until(
    () => w.gateway.callCount() === 0,
    8_000,
    () => 'calls are left',
  );
  await w.isIdle();
});
