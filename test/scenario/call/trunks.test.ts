// Carriers that were made over REST, with a web application: numbers, callbacks, source addresses, limits (sip-interface.md 7;
// rest-api.md 13, 17). What hookswitch.yaml declares is in test/sipp/cases/trunks.ts.

import { describe, expect, onTestFinished, test } from 'vitest';
import type { Phone } from '../../../src/demo/phone.ts';
import { freePorts } from '../../support/ports.ts';
import { RawCarrier } from '../../support/raw-carrier.ts';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  DEADLINE_MS,
  dials,
  expectEvent,
  Inbox,
  type World,
  type WorldOptions,
  world,
} from '../../support/world.ts';

const limits = (over: object = {}): WorldOptions => ({
  settings: { accountLimits: [{ account: 'default', allowedPrefixes: ['+49'], blockedPrefixes: ['+49900'], ...over }] },
});

/** A request of voice v1. */
async function v1(w: World, path: string, form: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const response = await fetch(`${w.gateway.info.apiUrl}/v1/${path}`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}` },
    body: new URLSearchParams(form),
  });
  const body = (await response.json()) as Record<string, string>;
  if (response.status !== 201) throw new Error(JSON.stringify(body));
  return body;
}

/** A trunk whose only target is `carrier`. */
async function trunkTo(w: World, carrier: Phone, form: Readonly<Record<string, string>> = {}): Promise<string> {
  const policy = await v1(w, 'ConnectionPolicies', { FriendlyName: 'to a phone' });
  await v1(w, `ConnectionPolicies/${policy.sid}/Targets`, { Target: `sip:127.0.0.1:${carrier.port}` });
  const trunk = await v1(w, 'ByocTrunks', { ConnectionPolicySid: policy.sid!, ...form });
  return trunk.sid!;
}

const callTo = (w: World, To: string, over: Readonly<Record<string, string>> = {}) =>
  w.rest('/Calls.json', { To, From: '+4989777', Url: `${w.app.origin}/voice`, ...over });

const trunkCounts = (w: World) => (w.gateway.counts() as { trunks: { callsOnTrunks: number } }).trunks;

describe('outbound', () => {
  test('[sip 2.6 byoc] a REST call by Byoc rings the trunk’s target; the number is in To, the caller in From [rest 9.1 byoc]', async () => {
    const w = await world(limits());
    w.answers('<Pause length="60"/>');
    const carrier = await w.phone('bob', { registered: false });
    const inbox = new Inbox(carrier);
    const Byoc = await trunkTo(w, carrier);
    const made = await callTo(w, '+4930123', { Byoc });
    expect(made).toMatchObject({ status: 201, body: { to: '+4930123', from: '+4989777' } });
    const call = await inbox.next('answer');
    await w.asked('/voice');
    expect(trunkCounts(w)).toMatchObject({ callsOnTrunks: 1, chargedCalls: 1 });
    call.leg.hangUp();
    await w.isIdle();
    expect(trunkCounts(w)).toMatchObject({ callsOnTrunks: 0, chargedCalls: 0 });
  });

  test('[sip 7 byoc] <Number byoc> leaves by the trunk [twiml 6.5 byoc]', async () => {
    const w = await world(limits());
    const carrier = await w.phone('bob', { registered: false });
    const inbox = new Inbox(carrier);
    const byoc = await trunkTo(w, carrier);
    w.answers(`<Dial action="/after" callerId="+4989777"><Number byoc="${byoc}">+4930123</Number></Dial>`);
    w.answers('<Hangup/>', '/after');
    const alice = await w.phone('alice');
    dials(alice, w.uri('1000'));
    const call = await inbox.next('answer');
    await until(
      () => trunkCounts(w).callsOnTrunks === 1,
      DEADLINE_MS,
      () => 'a call on the trunk',
    );
    call.leg.hangUp();
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
    await w.isIdle();
  });

  test.each([
    ['21215', 'a prefix that the account may not dial', {}, '+33155', 400],
    ['21216', 'a blocked number', {}, '+49900123', 400],
    ['21216', 'minutes of the day used up', { maxDailyMinutes: 0 }, '+4930123', 400],
    ['10004', 'too many calls at once', { maxConcurrentCalls: 0 }, '+4930123', 429],
    ['20429', 'too many calls per second', { maxCallsPerSecond: 0 }, '+4930123', 429],
  ])('[sip 8.4 rest-%s] %s: refused before a call is made', async (code, _, over, To, status) => {
    const w = await world(limits(over));
    const carrier = await w.phone('bob', { registered: false });
    const Byoc = await trunkTo(w, carrier);
    expect(await callTo(w, To, { Byoc })).toMatchObject({ status, body: { code: Number(code) } });
    expect((await w.rest('/Calls.json')).body.calls).toEqual([]);
    await w.isIdle();
  });

  test('[sip 8.4 rest-21300] a Byoc that nobody has, [rest-21214] no trunk at all', async () => {
    const w = await world(limits());
    const unknown = await callTo(w, '+4930123', { Byoc: `BY${'0'.repeat(32)}` });
    expect(unknown).toMatchObject({ status: 400, body: { code: 21300 } });
    expect(await callTo(w, '+4930123')).toMatchObject({ status: 400, body: { code: 21214 } });
  });

  test('[sip 7 default-trunk] without settings a trunk made over REST dials nothing', async () => {
    const w = await world();
    const Byoc = await trunkTo(w, await w.phone('bob', { registered: false }));
    expect(await callTo(w, '+4930123', { Byoc })).toMatchObject({ status: 400, body: { code: 21215 } });
  });

  test('[sip 8.4 13227] in a Dial: the action is told failed, the notification has the code [rest 16 one-each]', async () => {
    const w = await world(limits());
    const byoc = await trunkTo(w, await w.phone('bob', { registered: false }));
    w.answers(`<Dial action="/after"><Number byoc="${byoc}">+33155</Number></Dial>`);
    w.answers('<Hangup/>', '/after');
    dials(await w.phone('alice'), w.uri('1000'));
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'failed', DialSipResponseCode: '403' });
    await w.isIdle();
    const { body } = await w.rest('/Notifications.json');
    expect(body.notifications).toMatchObject([{ error_code: '13227' }]);
  });
});

describe('inbound', () => {
  /** A trunk with a domain of its own, to which everything from this machine belongs. */
  async function inboundTrunk(w: World, form: Readonly<Record<string, string>>) {
    const trunk = await v1(w, 'ByocTrunks', form);
    const DomainName = 'carrier.sip.localhost';
    const domain = await w.rest('/SIP/Domains.json', { DomainName, ByocTrunkSid: trunk.sid! });
    const record = await v1(w, 'IpRecords', { IpAddress: '127.0.0.1' });
    const mapping = { IpRecordSid: record.sid!, SipDomainSid: String(domain.body.sid) };
    await v1(w, 'SourceIpMappings', mapping);
    return { trunkSid: trunk.sid!, domainSid: String(domain.body.sid) };
  }

  test('[sip 7 source-mapping] [sip 7 trunk-urls] any host from a mapped address is the trunk’s; its callback follows the call; no SipHeader_ [rest 17 source-mapping]', async () => {
    const w = await world();
    w.app.on('/trunk-status', { status: 204 });
    w.answers('<Gather timeout="60"/>', '/trunk');
    const { domainSid } = await inboundTrunk(w, {
      VoiceUrl: `${w.app.origin}/trunk`,
      StatusCallbackUrl: `${w.app.origin}/trunk-status`,
    });
    const carrier = await w.phone('bob', { registered: false });
    const call = dials(carrier, w.uri('+4930555'), { 'X-Custom': 'dropped' });
    await expectEvent(carrier, call, 'answered');
    const { params } = await w.asked('/trunk');
    expect(params).toMatchObject({ SipDomainSid: domainSid, To: expect.stringMatching(/^sip:\+4930555@/) });
    expect(Object.keys(params).filter((name) => name.startsWith('SipHeader_'))).toEqual([]);
    call.leg.hangUp();
    await w.asked('/trunk-status', 4);
    const statuses = w.app.requestsTo('/trunk-status').map((request) => request.params.CallStatus);
    expect(new Set(statuses)).toEqual(new Set(['initiated', 'ringing', 'in-progress', 'completed']));
    expect(w.app.requestsTo('/status')).toEqual([]);
    await w.isIdle();
  });

  test('[sip 7 did] a declared number has its own VoiceUrl and callback; To and From are numbers [twiml 3.1 from-to]', async () => {
    const w = await world();
    w.app.on('/number-status', { status: 204 });
    w.answers('<Reject/>', '/trunk');
    w.answers('<Gather timeout="60"/>', '/number');
    await inboundTrunk(w, { VoiceUrl: `${w.app.origin}/trunk` });
    await w.rest('/IncomingPhoneNumbers.json', {
      PhoneNumber: '+4930100',
      VoiceUrl: `${w.app.origin}/number`,
      StatusCallback: `${w.app.origin}/number-status`,
    });
    const carrier = await w.phone('bob', { registered: false });
    const call = dials(carrier, w.uri('004930100'));
    await expectEvent(carrier, call, 'answered');
    const { params } = await w.asked('/number');
    expect(params).toMatchObject({ To: '+4930100', Called: '+4930100', Direction: 'inbound' });
    call.leg.hangUp();
    expect((await w.asked('/number-status')).params).toMatchObject({ CallStatus: 'completed', To: '+4930100' });
    await w.isIdle();
    const { body } = await w.rest('/Calls.json?To=%2B4930100');
    expect(body.calls).toMatchObject([{ to: '+4930100', status: 'completed' }]);
  });

  test('[sip 9 shaken-inbound] what the carrier checked of the caller reaches the application [twiml 3.1 stir]', async () => {
    const w = await world();
    w.answers('<Reject/>', '/number');
    await inboundTrunk(w, { VoiceUrl: `${w.app.origin}/trunk` });
    await w.rest('/IncomingPhoneNumbers.json', { PhoneNumber: '+4930100', VoiceUrl: `${w.app.origin}/number` });
    const carrier = await w.phone('bob', { registered: false });
    const token = 'aGVhZA.Ym9keQ.c2ln';
    const call = dials(carrier, w.uri('+4930100'), {
      'P-Asserted-Identity': '<sip:+4989777;verstat=TN-Validation-Passed@carrier.example;user=phone>',
      Identity: `${token};info=<https://certificates.example/a.pem>;alg=ES256;ppt=shaken`,
    });
    expect((await w.asked('/number')).params).toMatchObject({
      StirVerstat: 'TN-Validation-Passed',
      StirPassportToken: token,
    });
    await expectEvent(carrier, call, 'failed');
    await w.isIdle();
  });
});

describe('declared trunks', () => {
  /** A carrier that takes every call, and trunks of hookswitch.yaml. */
  const declared = async (
    trunk: (port: number) => Readonly<Record<string, unknown>>,
    settings: Readonly<Record<string, unknown>> = {},
  ) => {
    const carrier = await RawCarrier.open();
    onTestFinished(() => carrier.close());
    const common = { name: 'carrier', allowedPrefixes: ['+49'], optionsSeconds: 0 };
    const w = await world({ settings: { trunks: [{ ...common, ...trunk(carrier.port) }], ...settings } });
    w.answers('<Hangup/>', '/after');
    return { w, carrier };
  };
  const dialOut = async (w: World, callerId: string | undefined, nth = 1) => {
    const attribute = callerId === undefined ? '' : ` callerId="${callerId}"`;
    w.answers(`<Dial action="/after" answerOnBridge="true" timeout="5"${attribute}><Number>+4930123</Number></Dial>`);
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    return { alice, call, after: () => w.asked('/after', nth) };
  };
  const codes = async (w: World): Promise<readonly string[]> => {
    const { body } = await w.rest('/Notifications.json');
    return (body.notifications as { error_code: string }[]).map(({ error_code }) => error_code);
  };

  test('[sip 2.4 target-rest] a target that cannot be reached costs one call its time, not the next one [rest 17 failover]', async () => {
    // Nobody listens there.
    const dead = await freePorts(2);
    const { w, carrier } = await declared((port) => ({
      targets: [
        { host: '127.0.0.1', port: dead, transport: 'tcp', priority: 1 },
        { host: '127.0.0.1', port, priority: 2 },
      ],
    }));
    for (const nth of [1, 2]) {
      const { alice, call } = await dialOut(w, '+4989777', nth);
      await carrier.invite(nth);
      await expectEvent(alice, call, 'answered');
      call.leg.hangUp();
      await w.isIdle();
    }
    expect((await codes(w)).filter((code) => code === '32011')).toHaveLength(1);
  });

  test('[sip 2.2 number-owned] [sip 2.2 number-from-sip] with callerIds: owned only numbers of the account are shown [twiml 6.1 caller-id-owned]', async () => {
    const { w, carrier } = await declared((port) => ({ host: '127.0.0.1', port }), { callerIds: 'owned' });
    const number = await w.rest('/IncomingPhoneNumbers.json', { PhoneNumber: '+4989777' });
    expect(number.status).toBe(201);
    // The caller of a SIP call, and a number of somebody else.
    for (const [index, callerId] of [undefined, '+4989778'].entries()) {
      const { after } = await dialOut(w, callerId, index + 1);
      expect((await after()).params).toMatchObject({ DialCallStatus: 'failed', DialSipResponseCode: '403' });
      await w.isIdle();
    }
    expect(carrier.requests).toEqual([]);
    expect(await codes(w)).toEqual(['13214', '13214']);
    expect(await callTo(w, '+4930123', { From: '+4989778' })).toMatchObject({ status: 400, body: { code: 21210 } });

    const { alice, call } = await dialOut(w, '+4989777', 3);
    expect((await carrier.invite()).headers.get('From')).toContain('sip:+4989777@');
    await expectEvent(alice, call, 'answered');
    call.leg.hangUp();
    await w.isIdle();
    expect(await callTo(w, '+4930123')).toMatchObject({ status: 201 });
    await carrier.invite(2);
  });

  test('[sip 2.2 number-owned] by default any caller id is shown [twiml 6.2 caller-id-inbound]', async () => {
    const { w, carrier } = await declared((port) => ({ host: '127.0.0.1', port }));
    const { alice, call } = await dialOut(w, undefined);
    expect((await carrier.invite()).headers.get('From')).toContain('sip:alice@');
    await expectEvent(alice, call, 'answered');
    call.leg.hangUp();
    await w.isIdle();
  });
});
