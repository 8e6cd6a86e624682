// Who answers a call that came in by a trunk (sip-interface.md 7, 8.1; rest-api.md 13).

import { describe, expect, test } from 'vitest';
import type { ByocTrunk, PhoneNumber } from '../../../src/base/records.ts';
import type { Application } from '../../../src/base/voice-records.ts';
import { inboundRoute } from '../../../src/call/inbound-application.ts';
import { createRequest } from '../../../src/sip/grammar/build.ts';
import { nameAddr } from '../../../src/sip/grammar/name-addr.ts';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import { ACCOUNT, domainRecord } from '../../support/call-fakes.ts';
import { viaOf } from '../../support/requests.ts';
import { anApplication } from '../../support/voice-record-makers.ts';

const TRUNK_SID = `BY${'1'.repeat(32)}`;
const stamp = { accountSid: ACCOUNT, declared: false, dateCreated: 0, dateUpdated: 0 };
const methods = { voiceMethod: 'POST', voiceFallbackMethod: 'POST', statusCallbackMethod: 'POST' } as const;
const byocTrunk = (changes: Partial<ByocTrunk> = {}): ByocTrunk => ({
  ...stamp,
  ...methods,
  sid: TRUNK_SID,
  friendlyName: 'carrier',
  voiceUrl: 'http://trunk/voice',
  voiceFallbackUrl: null,
  voiceTwiml: null,
  statusCallbackUrl: 'http://trunk/status',
  cnamLookupEnabled: false,
  connectionPolicySid: null,
  fromDomainSid: null,
  ...changes,
});
const phoneNumber = (changes: Partial<PhoneNumber> = {}): PhoneNumber => ({
  ...stamp,
  ...methods,
  sid: `PN${'1'.repeat(32)}`,
  phoneNumber: '+4930123456',
  friendlyName: 'Berlin',
  voiceUrl: 'http://number/voice',
  voiceFallbackUrl: null,
  voiceTwiml: null,
  statusCallback: 'http://number/status',
  kept: {},
  ...changes,
});

const directory = (
  numbers: readonly PhoneNumber[],
  trunk: ByocTrunk | undefined = byocTrunk(),
  applications: readonly Application[] = [],
) => ({
  application: (sid: string) => applications.find((one) => one.sid === sid),
  byocTrunk: (sid: string) => (sid === trunk?.sid ? trunk : undefined),
  phoneNumber: (number: string) => numbers.find((one) => one.phoneNumber === number),
});

const invite = (user: string, over: { from?: string; to?: string; headers?: { name: string; value: string }[] } = {}) =>
  createRequest({
    method: 'INVITE',
    uri: makeSipUri({ user, host: 'trunk.example' }),
    via: viaOf('203.0.113.9', 'z9hG4bKa'),
    from: nameAddr(
      makeSipUri({ user: over.from ?? '+4989777', host: 'carrier.example' }),
      undefined,
      new Map([['tag', 'a']]),
    ),
    to: nameAddr(makeSipUri({ user: over.to ?? user, host: 'trunk.example' })),
    callId: 'call',
    cseq: { sequence: 1, method: 'INVITE' },
    headers: over.headers ?? [],
  });

const trunkDomain = domainRecord({ byocTrunkSid: TRUNK_SID, voiceStatusCallbackUrl: 'http://domain/status' });

describe('a domain without a trunk', () => {
  test('its own application, whatever numbers there are; told of the end only (8.1)', () => {
    const domain = domainRecord({ voiceStatusCallbackUrl: 'http://domain/status' });
    expect(inboundRoute(invite('+4930123456'), domain, directory([phoneNumber()]))).toEqual({
      application: domain,
      from: 'sip:+4989777@carrier.example',
      to: 'sip:+4930123456@trunk.example',
      statusCallback: { url: 'http://domain/status', method: 'POST', events: ['completed'] },
      trunkSid: undefined,
    });
  });
});

describe('a domain of a trunk', () => {
  test('[sip 7 trunk-urls] the trunk’s URLs, not the domain’s; its callback follows the whole call [rest 17 trunks]', () => {
    const route = inboundRoute(invite('anything'), trunkDomain, directory([]));
    expect(route).toMatchObject({
      application: { voiceUrl: 'http://trunk/voice' },
      to: 'sip:anything@trunk.example',
      statusCallback: { url: 'http://trunk/status', events: ['initiated', 'ringing', 'answered', 'completed'] },
      trunkSid: TRUNK_SID,
    });
  });

  test.each(['+4930123456', '4930123456', '004930123456'])('[sip 7 did] %s is the number +4930123456', (user) => {
    expect(inboundRoute(invite(user, { from: '4989777' }), trunkDomain, directory([phoneNumber()]))).toMatchObject({
      application: { voiceUrl: 'http://number/voice' },
      to: '+4930123456',
      from: '+4989777',
      statusCallback: { url: 'http://number/status', events: ['completed'] },
    });
  });

  test('[sip 7 did] a caller without a number keeps his URI', () => {
    const route = inboundRoute(invite('+4930123456', { from: 'anonymous' }), trunkDomain, directory([phoneNumber()]));
    expect(route.from).toBe('sip:anonymous@carrier.example');
  });

  test('[sip 7 did] a number without application or callback takes the trunk’s', () => {
    const bare = phoneNumber({ voiceUrl: null, statusCallback: null });
    expect(inboundRoute(invite('+4930123456'), trunkDomain, directory([bare]))).toMatchObject({
      application: { voiceUrl: 'http://trunk/voice' },
      to: '+4930123456',
      statusCallback: { url: 'http://trunk/status' },
    });
  });

  test('[sip 7 did-foreign] a number of another account is not used', () => {
    const foreign = phoneNumber({ accountSid: `AC${'9'.repeat(32)}` });
    expect(inboundRoute(invite('+4930123456'), trunkDomain, directory([foreign]))).toMatchObject({
      application: { voiceUrl: 'http://trunk/voice' },
      to: 'sip:+4930123456@trunk.example',
    });
  });

  test('[sip 7 registered-contact] a call to our Contact names the number in P-Called-Party-ID (RFC 7315) or To', () => {
    const headers = [{ name: 'P-Called-Party-ID', value: '<sip:+4930123456@carrier.example>' }];
    for (const call of [invite('token', { to: '+4930123456' }), invite('token', { to: 'account', headers })])
      expect(inboundRoute(call, trunkDomain, directory([phoneNumber()]))).toMatchObject({ to: '+4930123456' });
  });

  test('a trunk that is gone leaves the domain to itself', () => {
    expect(inboundRoute(invite('1000'), trunkDomain, { ...directory([]), byocTrunk: () => undefined })).toMatchObject({
      application: { voiceUrl: 'http://app.example/voice' },
      trunkSid: undefined,
    });
  });
});

describe('a number that names an application (rest-api.md 13)', () => {
  const application = anApplication(ACCOUNT, { statusCallback: null });
  const named = phoneNumber({ kept: { voice_application_sid: application.sid } });
  const route = (applications: readonly Application[], number = named) =>
    inboundRoute(invite('+4930123456'), trunkDomain, directory([number], byocTrunk(), applications));

  test('voice_application_sid beats voice_url; the call knows both sids [rest 13 voice-application-sid]', () => {
    expect(route([application])).toMatchObject({
      application,
      applicationSid: application.sid,
      phoneNumberSid: named.sid,
      statusCallback: { url: 'http://trunk/status' },
    });
    const statusCallback = 'http://application/status';
    expect(route([{ ...application, statusCallback }])).toMatchObject({ statusCallback: { url: statusCallback } });
  });

  test.each<[string, readonly Application[]]>([
    ['gone', []],
    ['of another account', [{ ...application, accountSid: `AC${'9'.repeat(32)}` }]],
    ['without a URL', [{ ...application, voiceUrl: null }]],
  ])('one that is %s leaves the number its own URLs [rest 8 application]', (_, applications) => {
    const found = route(applications);
    expect(found).toMatchObject({ application: named, statusCallback: { url: 'http://number/status' } });
    expect(found.applicationSid).toBeUndefined();
  });
});
