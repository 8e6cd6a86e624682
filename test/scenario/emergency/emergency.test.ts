// Emergency calls end to end (sip-interface.md 9): the application dials, the call leaves by the emergency trunk with number and place,
// and nothing of ours stops it.

import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { Request } from '../../../src/sip/grammar/message.ts';
import { isSipUri } from '../../../src/sip/grammar/uri.ts';
import { sdpOf } from '../../../src/sip/ua/body.ts';
import { RawCarrier } from '../../support/raw-carrier.ts';
import { testUnless } from '../../support/skip.ts';
import { malformed, packets, tsharkMissing } from '../../support/tshark.ts';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  DEADLINE_MS,
  dials,
  expectEvent,
  PASSWORD,
  type World,
  world,
} from '../../support/world.ts';

const address = {
  country: 'DE',
  region: 'BE',
  city: 'Berlin',
  street: 'Straße des 17. Juni',
  houseNumber: '135',
  postalCode: '10623',
};

interface Setup {
  readonly domain?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly trunk?: Readonly<Record<string, unknown>>;
}

async function emergencyWorld({ domain = {}, settings = {}, trunk = {} }: Setup = {}) {
  const carrier = await RawCarrier.open();
  onTestFinished(() => carrier.close());
  const w = await world({
    logLevel: 'info',
    settings: {
      emergencyTrunk: 'psap',
      trunks: [{ name: 'psap', host: '127.0.0.1', port: carrier.port, optionsSeconds: 0, plus: true, ...trunk }],
      ...settings,
    },
    domain: {
      emergencyCallingEnabled: true,
      emergencyCallerId: '+493012345',
      emergencyAddress: address,
      ...domain,
    },
  });
  return { w, carrier };
}

/** Alice calls, the application dials `number`. */
async function calls(w: World, number = '911', noun = (text: string) => `<Number>${text}</Number>`) {
  w.answers(`<Dial action="/after" answerOnBridge="true">${noun(number)}</Dial>`);
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice', { registered: false });
  return { alice, call: dials(alice, w.uri(number)) };
}

const userOf = ({ uri }: Request) => (isSipUri(uri) ? uri.user : undefined);

const accessOf = (w: World) =>
  (w.gateway.counts() as { access: { bans: number; refused: Readonly<Record<string, number>> } }).access;

const after = async (w: World) => (await w.asked('/after')).params;

const alarms = (w: World) =>
  w.log
    .filter((line) => line.includes('"level":"error"') && line.includes('EMERGENCY CALL'))
    .map((line) => JSON.parse(line));

async function notifications(
  w: World,
): Promise<readonly { error_code: string; message_text: string; call_sid: string }[]> {
  return until(
    async () => {
      const { body } = await w.rest('/Notifications.json');
      const found = body.notifications as readonly { error_code: string; message_text: string; call_sid: string }[];
      return found.length > 0 && found;
    },
    DEADLINE_MS,
    () => 'no notification',
  );
}

describe('[sip 9 emergency-call]', () => {
  test.each(['911', '112', '933'])('%s leaves by the emergency trunk, as it was dialled', async (number) => {
    const { w, carrier } = await emergencyWorld();
    const { alice, call } = await calls(w, number);
    const invite = await carrier.invite();
    expect(userOf(invite)).toBe(number);
    await expectEvent(alice, call, 'answered');
    call.leg.hangUp();
    await w.isIdle();
    expect(alarms(w)).toHaveLength(1);
  });

  test('it carries the number of the domain, and the place as PIDF-LO beside the session description', async () => {
    const { w, carrier } = await emergencyWorld();
    const { alice, call } = await calls(w);
    const invite = await carrier.invite();
    expect(invite.headers.get('From')).toContain('sip:+493012345@');
    expect(invite.headers.get('Priority')).toBe('emergency');
    const [, contentId] = /^<cid:([^>]+)>$/.exec(invite.headers.get('Geolocation') ?? '') ?? [];
    expect(contentId).toMatch(/@office\.sip\.localhost$/);
    expect(invite.headers.get('Geolocation-Routing')).toBe('yes');
    expect(sdpOf(invite)).toMatch(/^v=0\r\n/);
    const body = invite.body.toString('utf8');
    expect(body).toContain(`Content-ID: <${contentId}>`);
    expect(body).toContain('Content-Type: application/pidf+xml');
    expect(body).toContain(
      '<ca:country>DE</ca:country><ca:A1>BE</ca:A1><ca:A3>Berlin</ca:A3><ca:RD>Straße des 17. Juni</ca:RD>',
    );
    expect(body).toContain('entity="pres:alice@office.sip.localhost"');
    await expectEvent(alice, call, 'answered');
    call.leg.hangUp();
    await w.isIdle();
  });

  test('the address of the user goes before that of the domain; a reference is a header alone', async () => {
    const users = ['alice', 'bob', 'carol'].map((username) => ({ username, password: PASSWORD }));
    const uri = 'https://lis.example.com/alice';
    const list = { name: 'placed', users: [{ ...users[0], emergencyAddress: { uri } }, ...users.slice(1)] };
    const { w, carrier } = await emergencyWorld({
      settings: { credentialLists: [list] },
      domain: { credentialLists: ['placed'] },
    });
    await calls(w);
    const invite = await carrier.invite();
    expect(invite.headers.get('Geolocation')).toBe(`<${uri}>`);
    expect(invite.headers.get('Content-Type')).toBe('application/sdp');
  });

  test('the emergency caller number of the domain comes from its phone number (emergency_caller_sid)', async () => {
    const { w, carrier } = await emergencyWorld();
    const number = await w.rest('/IncomingPhoneNumbers.json', { PhoneNumber: '+493099999' });
    expect(number.status).toBe(201);
    const domains = await w.rest('/SIP/Domains.json');
    const [domain] = domains.body.domains as readonly { readonly sid: string }[];
    const changed = await w.rest(`/SIP/Domains/${domain!.sid}.json`, { EmergencyCallerSid: String(number.body.sid) });
    expect(changed.status).toBe(200);
    await calls(w);
    expect((await carrier.invite()).headers.get('From')).toContain('sip:+493099999@');
  });

  test('[sip 9 emergency-address-rest] the place that REST gave the domain goes before that of the settings; empty takes it away', async () => {
    const { w, carrier } = await emergencyWorld();
    const domains = await w.rest('/SIP/Domains.json');
    const [domain] = domains.body.domains as readonly { readonly sid: string }[];
    const path = `/SIP/Domains/${domain!.sid}.json`;
    const place = '{"country":"AT","city":"Wien"}';
    const changed = await w.rest(path, { EmergencyAddress: place });
    expect(changed).toMatchObject({ status: 200, body: { emergency_address: place } });
    const first = await calls(w);
    expect((await carrier.invite()).body.toString()).toContain('<ca:country>AT</ca:country><ca:A3>Wien</ca:A3>');
    await expectEvent(first.alice, first.call, 'answered');
    first.call.leg.hangUp();
    await w.isIdle();
    expect(await w.rest(path, { EmergencyAddress: '{"country":"Austria"}' })).toMatchObject({
      status: 400,
      body: { code: 21231, message: expect.stringContaining('country must be two capital letters') },
    });
    expect((await w.rest(path, { EmergencyAddress: '' })).body).toMatchObject({ emergency_address: null });
    const second = await calls(w);
    expect((await carrier.invite(2)).body.toString()).toContain('<ca:A3>Berlin</ca:A3>');
    await expectEvent(second.alice, second.call, 'answered');
    second.call.leg.hangUp();
    await w.isIdle();
  });

  test('it is said loudly: at error level in the log, and as a notification of the call', async () => {
    const { w, carrier } = await emergencyWorld();
    await calls(w);
    await carrier.invite();
    const [alarm] = alarms(w);
    expect(alarm).toMatchObject({
      number: '911',
      from: '+493012345',
      location: 'location of alice@office.sip.localhost',
    });
    const told = (await notifications(w)).find(({ error_code: code }) => code === '90911');
    expect(told?.call_sid).toBe(alarm.callSid);
  });
});

describe('[sip 9 emergency-unbounded] no bound of ours stops it', () => {
  test.each([
    ['a trunk without places', { maxConcurrentCalls: 0 }],
    ['a trunk without calls per second', { maxCallsPerSecond: 0 }],
    ['a trunk that allows no prefix', { allowedPrefixes: [] }],
    ['a trunk without minutes', { maxDailyMinutes: 0 }],
    ['number rules of the trunk', { stripPrefix: '9', prepend: '00' }],
  ])('%s', async (_, trunk) => {
    const { w, carrier } = await emergencyWorld({ trunk });
    await calls(w);
    expect(userOf(await carrier.invite())).toBe('911');
  });

  test('an account that may dial nothing, has no call left and no minute', async () => {
    const none = { maxConcurrentCalls: 0, maxCallsPerSecond: 0, maxDailyMinutes: 0, allowedPrefixes: [] };
    const { w, carrier } = await emergencyWorld({
      settings: { accountLimits: [{ account: 'default', blockedPrefixes: ['911'], ...none }] },
    });
    await calls(w);
    expect(userOf(await carrier.invite())).toBe('911');
  });

  test('a gateway that is full', async () => {
    const { w, carrier } = await emergencyWorld({ settings: { maxCalls: 1 } });
    w.answers('<Gather timeout="60"/>');
    const bob = await w.phone('bob', { registered: false });
    const first = dials(bob, w.uri('1000'));
    await expectEvent(bob, first, 'answered');
    const { alice, call } = await calls(w);
    await carrier.invite();
    await expectEvent(alice, call, 'answered');
  });

  test('a source that is banned: its other calls get silence, this one is challenged and goes through', async () => {
    const { w, carrier } = await emergencyWorld();
    const guesser = await w.phone('bob', { registered: false, password: 'not-the-password' });
    for (let guess = 0; guess < limits.digestFailuresBeforeBan; guess++) expect(await guesser.register()).toBe(403);
    expect(accessOf(w).bans).toBe(1);
    const carol = await w.phone('carol', { registered: false });
    dials(carol, w.uri('1000'));
    await until(
      () => (accessOf(w).refused.banned ?? 0) > 0,
      DEADLINE_MS,
      () => 'no request was turned away for the ban',
    );
    const { alice, call } = await calls(w);
    expect(userOf(await carrier.invite())).toBe('911');
    await expectEvent(alice, call, 'answered');
    call.leg.hangUp();
  });

  test('a banned source that does not know the password reaches nobody with it', async () => {
    const { w, carrier } = await emergencyWorld();
    const guesser = await w.phone('bob', { registered: false, password: 'not-the-password' });
    for (let guess = 0; guess < limits.digestFailuresBeforeBan; guess++) expect(await guesser.register()).toBe(403);
    expect((await expectEvent(guesser, dials(guesser, w.uri('911')), 'failed')).status).toBe(403);
    expect(carrier.requests).toEqual([]);
    expect(w.app.requestsTo('/voice')).toEqual([]);
  });

  test('a gateway that drains: other calls get 503, this one goes through', async () => {
    const { w, carrier } = await emergencyWorld();
    w.answers('<Gather timeout="60"/>');
    const bob = await w.phone('bob', { registered: false });
    await expectEvent(bob, dials(bob, w.uri('1000')), 'answered');
    void w.gateway.drain(60_000);
    const carol = await w.phone('carol', { registered: false });
    expect((await expectEvent(carol, dials(carol, w.uri('1000')), 'failed')).status).toBe(503);
    await calls(w);
    await carrier.invite();
  });
});

describe('[sip 9 emergency-refused]', () => {
  test('a domain without emergency calling: refused, with a clear notification, and nothing leaves', async () => {
    const { w, carrier } = await emergencyWorld({ domain: { emergencyCallingEnabled: false } });
    await calls(w);
    expect(await after(w)).toMatchObject({ DialCallStatus: 'failed', DialSipResponseCode: '403' });
    const [told] = await notifications(w);
    expect(told).toMatchObject({ error_code: '13225' });
    expect(new URLSearchParams(told!.message_text).get('Msg')).toContain(
      'emergency calling is not enabled on office.sip.localhost',
    );
    expect(alarms(w)).toHaveLength(1);
    expect(carrier.requests).toEqual([]);
    await w.isIdle();
  });

  test('no emergency trunk: the call fails at once and the operator reads why', async () => {
    const { w } = await emergencyWorld({ settings: { emergencyTrunk: '' } });
    await calls(w);
    expect(await after(w)).toMatchObject({ DialCallStatus: 'failed', DialSipResponseCode: '503' });
    expect(alarms(w)[0].detail).toContain('no emergencyTrunk is set');
  });

  test('while draining without emergency calling it is a call like others', async () => {
    const { w } = await emergencyWorld({ domain: { emergencyCallingEnabled: false } });
    void w.gateway.drain(60_000);
    const { alice, call } = await calls(w);
    expect((await expectEvent(alice, call, 'failed')).status).toBe(503);
  });
});

testUnless(tsharkMissing())('[sip 9 emergency-body] a dissector reads the multipart body', async () => {
  const { w, carrier } = await emergencyWorld();
  const { alice, call } = await calls(w);
  await carrier.invite();
  await expectEvent(alice, call, 'answered');
  call.leg.hangUp();
  await w.isIdle();
  const { CallSid } = (await w.asked('/voice')).params;
  const authorization = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;
  const url = `${w.gateway.info.apiUrl}/2010-04-01/Accounts/${ACCOUNT_SID}/Calls/${CallSid}/Capture.pcap`;
  const capture = Buffer.from(await (await fetch(url, { headers: { authorization } })).arrayBuffer());
  expect(malformed(capture)).toBe('');
  expect(packets(capture, ['sdp.media', 'xml.tag'], 'mime_multipart and xml')[0]!.join(' ')).toMatch(
    /audio .*<ca:civicAddress>/,
  );
});
