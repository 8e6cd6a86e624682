// Voice v1 and phone numbers through the vendor's library (rest-api.md 7, 13, 17, 22.3; sip-interface.md 7).

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { anAccount } from '../support/store-records.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld({ config: { quotas: { connectionPolicies: 6, targetsPerPolicy: 10 } } });
});
afterAll(() => world.stop());

const rejection = (code: number, status = 400) => ({ code, status });
const notFound = rejection(20404, 404);
const voice = () => world.client.voice.v1;
// What `create` gives back does not know its own sid in this version of the library: changes go by sid.
const trunks = (sid: string) => voice().byocTrunks(sid);
const policies = (sid: string) => voice().connectionPolicies(sid);
const records = (sid: string) => voice().ipRecords(sid);
let counter = 0;
const makeDomain = (over: object = {}) =>
  world.client.sip.domains.create({ domainName: `trunk${++counter}.sip.localhost`, ...over });
const stranger = async () => {
  const account = anAccount();
  await world.store.accounts.insert(account);
  return world.clientOf(account);
};

describe('lists of v1 (rest-api.md 7.1)', () => {
  test('22.3: byocTrunks.list() walks two pages by meta.next_page_url on our own origin [rest 22 check-3] [rest 7.1 v1-links] [rest 7.1 end]', async () => {
    const made = new Set<string>();
    for (const name of ['a', 'b', 'c']) made.add((await voice().byocTrunks.create({ friendlyName: name })).sid);
    const before = world.http.requests.length;
    const listed = await voice().byocTrunks.list({ pageSize: 2 });
    expect(new Set(listed.map((trunk) => trunk.sid))).toEqual(made);
    expect(listed.map((trunk) => trunk.friendlyName)).toEqual(['c', 'b', 'a']);
    expect(world.http.requests.length - before).toBe(2);
    for (const trunk of listed) await trunks(trunk.sid).remove();
  });

  test('dates are ISO 8601 in UTC, and the link is `url` [sip 7 dates] [rest 5 v1-dates] [rest 5 v1-url]', async () => {
    const made = await voice().ipRecords.create({ ipAddress: '192.0.2.1' });
    const body = await json<Record<string, string>>(await world.fetch(`/v1/IpRecords/${made.sid}`));
    for (const date of [body.date_created, body.date_updated])
      expect(date).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(body.url).toBe(`${world.url}/v1/IpRecords/${made.sid}`);
    expect(body).not.toHaveProperty('uri');
    await records(made.sid).remove();
  });

  test('the envelope, with a way back [sip 7 envelope] [rest 7.1 v1-envelope] [rest 7.1 v1-links] [rest 7.1 backwards]', async () => {
    for (const name of ['a', 'b', 'c']) await voice().ipRecords.create({ ipAddress: '192.0.2.1', friendlyName: name });
    type Body = { meta: Record<string, unknown>; ip_records: { friendly_name: string; url: string }[] };
    const first = await json<Body>(await world.fetch('/v1/IpRecords?PageSize=2'));
    expect(first.meta).toMatchObject({
      page: 0,
      page_size: 2,
      first_page_url: `${world.url}/v1/IpRecords?PageSize=2&Page=0`,
      previous_page_url: null,
      url: `${world.url}/v1/IpRecords?PageSize=2&Page=0`,
      key: 'ip_records',
    });
    const next = String(first.meta.next_page_url);
    expect(next.startsWith(`${world.url}/v1/IpRecords?PageSize=2&Page=1&PageToken=PAIL`)).toBe(true);
    const second = await json<Body>(await world.fetch(next.slice(world.url.length)));
    expect(second.ip_records.map((record) => record.friendly_name)).toEqual(['a']);
    expect(second.meta.next_page_url).toBeNull();
    const back = await json<Body>(await world.fetch(String(second.meta.previous_page_url).slice(world.url.length)));
    expect(back.ip_records.map((record) => record.friendly_name)).toEqual(['c', 'b']);
    expect(first.ip_records[0]!.url.startsWith(`${world.url}/v1/IpRecords/IL`)).toBe(true);
    for (const record of await voice().ipRecords.list()) await records(record.sid).remove();
  });

  test('HOOKSWITCH_PUBLIC_URL is the origin of links where it is set [rest 3 public-url]', async () => {
    const other = await apiWorld({ config: { publicUrl: 'https://pbx.example.com/' } });
    try {
      await other.client.voice.v1.connectionPolicies.create({ friendlyName: 'x' });
      const body = await json<{ meta: { url: string }; connection_policies: { url: string; links: object }[] }>(
        await other.fetch('/v1/ConnectionPolicies'),
      );
      expect(body.meta.url).toBe('https://pbx.example.com/v1/ConnectionPolicies?PageSize=50&Page=0');
      const [policy] = body.connection_policies;
      expect(policy?.url).toMatch(/^https:\/\/pbx\.example\.com\/v1\/ConnectionPolicies\/NY[0-9a-f]{32}$/);
      expect(policy?.links).toEqual({ targets: `${policy?.url}/Targets` });
    } finally {
      await other.stop();
    }
  });

  test('a bad PageToken is 21481, an unknown path 404, a strange method 405, no credentials 401 [rest 6 21481] [rest 7.1 bad-token]', async () => {
    expect(await json(await world.fetch('/v1/ByocTrunks?PageToken=x'))).toMatchObject(rejection(21481));
    expect((await world.fetch('/v1/Nothing')).status).toBe(404);
    expect((await world.fetch('/v1/ByocTrunks', { method: 'DELETE' })).status).toBe(405);
    expect((await world.fetch('/v1/ByocTrunks', { authorization: '' })).status).toBe(401);
  });
});

describe('ByocTrunks (sip-interface.md 7)', () => {
  test('create with defaults, every setting, update keeps what is not named, an empty value clears [sip 7 byoc-trunks] [rest 6 status-409] [rest 6 20409] [rest 17 trunks] [rest 17 cnam]', async () => {
    expect(await voice().byocTrunks.create({})).toMatchObject({
      friendlyName: null,
      voiceUrl: null,
      voiceMethod: 'POST',
      voiceFallbackMethod: 'POST',
      statusCallbackMethod: 'POST',
      cnamLookupEnabled: false,
      connectionPolicySid: null,
      fromDomainSid: null,
    });
    const policy = await voice().connectionPolicies.create({ friendlyName: 'used' });
    const domain = await makeDomain();
    const settings = {
      friendlyName: 'Carrier',
      voiceUrl: 'https://app.example.com/voice',
      voiceMethod: 'GET',
      voiceFallbackUrl: 'https://app.example.com/fallback',
      voiceFallbackMethod: 'GET',
      statusCallbackUrl: 'https://app.example.com/status',
      statusCallbackMethod: 'GET',
      cnamLookupEnabled: true,
      connectionPolicySid: policy.sid,
      fromDomainSid: domain.sid,
    };
    const trunk = await voice().byocTrunks.create(settings);
    expect(trunk).toMatchObject(settings);
    expect(trunk.dateCreated).toBeInstanceOf(Date);
    const changed = await trunks(trunk.sid).update({ voiceUrl: '', cnamLookupEnabled: false });
    expect(changed).toMatchObject({ ...settings, voiceUrl: null, cnamLookupEnabled: false });
    expect(world.directory.byocTrunk(trunk.sid)?.voiceUrl).toBeNull();
    await expect(policies(policy.sid).remove()).rejects.toMatchObject(rejection(20409, 409));
    expect(await trunks(trunk.sid).remove()).toBe(true);
    expect(await policies(policy.sid).remove()).toBe(true);
    await expect(voice().byocTrunks(trunk.sid).fetch()).rejects.toMatchObject(notFound);
  });

  test.each<[string, object]>([
    ['FriendlyName too long', { friendlyName: 'x'.repeat(256) }],
    ['VoiceUrl', { voiceUrl: 'javascript:1' }],
    ['VoiceMethod', { voiceMethod: 'PUT' }],
    ['CnamLookupEnabled', { cnamLookupEnabled: 'perhaps' }],
    ['a policy sid of another kind', { connectionPolicySid: `SD${'0'.repeat(32)}` }],
    ['a policy that nobody has', { connectionPolicySid: `NY${'0'.repeat(32)}` }],
    ['a domain that nobody has', { fromDomainSid: `SD${'0'.repeat(32)}` }],
  ])('refused: %s', async (_, over) => {
    await expect(voice().byocTrunks.create(over)).rejects.toMatchObject(rejection(20001));
  });

  test('a trunk of another account is not there, nor can its policy be borrowed', async () => {
    const trunk = await voice().byocTrunks.create({ friendlyName: 'ours' });
    const policy = await voice().connectionPolicies.create({});
    const other = await stranger();
    await expect(other.voice.v1.byocTrunks(trunk.sid).fetch()).rejects.toMatchObject(notFound);
    await expect(other.voice.v1.byocTrunks.create({ connectionPolicySid: policy.sid })).rejects.toMatchObject(
      rejection(20001),
    );
    await expect(
      other.sip.domains.create({ domainName: 'theirs.sip.localhost', byocTrunkSid: trunk.sid }),
    ).rejects.toMatchObject(rejection(21300));
    await trunks(trunk.sid).remove();
    await policies(policy.sid).remove();
  });

  test('a trunk whose domain exists is not removed', async () => {
    const trunk = await voice().byocTrunks.create({});
    const domain = await makeDomain({ byocTrunkSid: trunk.sid });
    await expect(trunks(trunk.sid).remove()).rejects.toMatchObject(rejection(20409, 409));
    await world.client.sip.domains(domain.sid).update({ byocTrunkSid: '' });
    expect(await trunks(trunk.sid).remove()).toBe(true);
  });
});

describe('ConnectionPolicies and Targets', () => {
  test('targets with defaults and settings; the policy takes them along [sip 7 connection-policies] [rest 17 targets]', async () => {
    const policy = await voice().connectionPolicies.create({ friendlyName: 'two ways' });
    const targets = voice().connectionPolicies(policy.sid).targets;
    const first = await targets.create({ target: 'sip:a.example.com:5070;transport=tcp' });
    expect(first).toMatchObject({ priority: 10, weight: 10, enabled: true, connectionPolicySid: policy.sid });
    const second = await targets.create({ target: 'sip:192.0.2.1', priority: 0, weight: 65_535, enabled: false });
    expect(await targets(second.sid).update({ weight: 1, enabled: true })).toMatchObject({
      priority: 0,
      weight: 1,
      enabled: true,
      target: 'sip:192.0.2.1',
    });
    expect(world.directory.policyTargets(policy.sid)).toHaveLength(2);
    expect(await policies(policy.sid).remove()).toBe(true);
    await expect(targets.list()).rejects.toMatchObject(notFound);
    expect(world.directory.policyTargets(policy.sid)).toHaveLength(0);
  });

  test.each<[string, object]>([
    ['no target', { target: '' }],
    ['sips [sip 7 target-scheme] [rest 17 targets]', { target: 'sips:a.example.com' }],
    ['a user', { target: 'sip:bob@a.example.com' }],
    ['headers', { target: 'sip:a.example.com?X-A=1' }],
    ['a line end', { target: 'sip:a.example.com\r\nX: 1' }],
    ['a port beyond', { target: 'sip:a.example.com:70000' }],
    ['another transport', { target: 'sip:a.example.com;transport=sctp' }],
    ['priority beyond', { target: 'sip:a.example.com', priority: 65_536 }],
    ['weight 0', { target: 'sip:a.example.com', weight: 0 }],
    ['enabled', { target: 'sip:a.example.com', enabled: 'perhaps' }],
  ])('a target is refused: %s', async (_, over) => {
    const policy = await voice().connectionPolicies.create({});
    const targets = voice().connectionPolicies(policy.sid).targets;
    await expect(targets.create(over as { target: string })).rejects.toMatchObject(rejection(20001));
    await policies(policy.sid).remove();
  });

  test('21254: at most ten targets; 21253: at most so many policies [sip 6.7 policies] [rest 6 21254] [rest 6 21253]', async () => {
    const policy = await voice().connectionPolicies.create({});
    const targets = voice().connectionPolicies(policy.sid).targets;
    for (let count = 0; count < 10; count++) await targets.create({ target: `sip:t${count}.example.com` });
    await expect(targets.create({ target: 'sip:t10.example.com' })).rejects.toMatchObject(rejection(21254));
    const made = [policy];
    for (;;) {
      const next = await voice()
        .connectionPolicies.create({})
        .catch((error: unknown) => error);
      if (next instanceof Error) {
        expect(next).toMatchObject(rejection(21253));
        break;
      }
      made.push(next as typeof policy);
    }
    expect(await voice().connectionPolicies.list()).toHaveLength(6);
    for (const one of made) await policies(one.sid).remove();
  });
});

describe('IpRecords and SourceIpMappings', () => {
  test('a record and its mapping; the directory knows the source at once [sip 7 ip-records] [rest 17 ip-records] [rest 17 source-mapping]', async () => {
    const record = await voice().ipRecords.create({ ipAddress: '198.51.100.0', cidrPrefixLength: 24 });
    expect(record).toMatchObject({ ipAddress: '198.51.100.0', cidrPrefixLength: 24, friendlyName: null });
    const whole = await voice().ipRecords.create({ ipAddress: '192.0.2.77' });
    expect(whole.cidrPrefixLength).toBe(32);
    await records(whole.sid).remove();
    for (const ipAddress of ['2001:db8::1', '192.0.2', 'pbx.example.com', ''])
      await expect(voice().ipRecords.create({ ipAddress })).rejects.toMatchObject({ status: 400 });
    const [one, two] = [await makeDomain(), await makeDomain()];
    const mapping = await voice().sourceIpMappings.create({ ipRecordSid: record.sid, sipDomainSid: one.sid });
    expect(world.directory.domainForSource('198.51.100.77')?.domain.sid).toBe(one.sid);
    expect(world.directory.domainForSource('::ffff:198.51.100.77')?.domain.sid).toBe(one.sid);
    expect(world.directory.domainForSource('198.51.101.1')).toBeUndefined();
    await expect(
      voice().sourceIpMappings.create({ ipRecordSid: record.sid, sipDomainSid: two.sid }),
    ).rejects.toMatchObject(rejection(20409, 409));
    expect(await voice().sourceIpMappings(mapping.sid).update({ sipDomainSid: two.sid })).toMatchObject({
      sipDomainSid: two.sid,
    });
    expect(world.directory.domainForSource('198.51.100.77')?.domain.sid).toBe(two.sid);
    await expect(records(record.sid).remove()).rejects.toMatchObject(rejection(20409, 409));
    await voice().sourceIpMappings(mapping.sid).remove();
    expect(world.directory.domainForSource('198.51.100.77')).toBeUndefined();
    expect(await records(record.sid).update({ friendlyName: 'renamed' })).toMatchObject({ friendlyName: 'renamed' });
    await records(record.sid).remove();
  });

  test('the narrowest record wins', async () => {
    const [wide, narrow] = [await makeDomain(), await makeDomain()];
    const net = await voice().ipRecords.create({ ipAddress: '203.0.113.0', cidrPrefixLength: 24 });
    const host = await voice().ipRecords.create({ ipAddress: '203.0.113.9' });
    expect(host.cidrPrefixLength).toBe(32);
    await voice().sourceIpMappings.create({ ipRecordSid: net.sid, sipDomainSid: wide.sid });
    await voice().sourceIpMappings.create({ ipRecordSid: host.sid, sipDomainSid: narrow.sid });
    expect(world.directory.domainForSource('203.0.113.9')?.domain.sid).toBe(narrow.sid);
    expect(world.directory.domainForSource('203.0.113.10')?.domain.sid).toBe(wide.sid);
    // A removed domain takes its mapping along.
    await world.client.sip.domains(wide.sid).remove();
    expect(world.directory.domainForSource('203.0.113.10')).toBeUndefined();
  });

  test.each<[string, object]>([
    ['no address', { ipAddress: '' }],
    ['IPv6', { ipAddress: '2001:db8::1' }],
    ['a short form', { ipAddress: '10.1' }],
    ['prefix 0', { ipAddress: '192.0.2.1', cidrPrefixLength: 0 }],
    ['prefix 33', { ipAddress: '192.0.2.1', cidrPrefixLength: 33 }],
  ])('a record is refused: %s', async (_, over) => {
    await expect(voice().ipRecords.create(over as { ipAddress: string })).rejects.toMatchObject(rejection(20001));
  });

  test('a mapping needs a record and a domain of the account [sip 7 source-ip-mappings]', async () => {
    const record = await voice().ipRecords.create({ ipAddress: '192.0.2.1' });
    const domain = await makeDomain();
    const other = await stranger();
    for (const [client, ipRecordSid, sipDomainSid] of [
      [world.client, `IL${'0'.repeat(32)}`, domain.sid],
      [world.client, record.sid, `SD${'0'.repeat(32)}`],
      [world.client, '', domain.sid],
      [world.client, record.sid, ''],
      [other, record.sid, domain.sid],
    ] as const)
      await expect(client.voice.v1.sourceIpMappings.create({ ipRecordSid, sipDomainSid })).rejects.toMatchObject(
        rejection(20001),
      );
    await records(record.sid).remove();
  });
});

describe('IncomingPhoneNumbers (rest-api.md 13)', () => {
  const numbers = () => world.client.incomingPhoneNumbers;

  test('declares a number that is routed here, with the vendor’s defaults [rest 6 21422] [rest 6 21405] [rest 13 numbers] [rest 13 number-taken] [rest 13 number-clear] [rest 13 number-fallback]', async () => {
    const number = await numbers().create({ phoneNumber: '+14155550100' });
    expect(number).toMatchObject({
      phoneNumber: '+14155550100',
      friendlyName: '(415) 555-0100',
      voiceMethod: 'POST',
      voiceReceiveMode: 'voice',
      status: 'in-use',
      addressRequirements: 'none',
      beta: false,
      capabilities: { voice: true, sms: false, mms: false },
    });
    await expect(numbers().create({ phoneNumber: '+14155550100' })).rejects.toMatchObject(rejection(21422));
    const other = await stranger();
    await expect(other.incomingPhoneNumbers.create({ phoneNumber: '+14155550100' })).rejects.toMatchObject(
      rejection(21422),
    );
    await expect(other.incomingPhoneNumbers(number.sid).fetch()).rejects.toMatchObject(notFound);
    const settings = {
      friendlyName: 'Reception',
      voiceUrl: 'https://app.example.com/voice',
      voiceMethod: 'GET',
      voiceFallbackUrl: 'https://app.example.com/fallback',
      voiceFallbackMethod: 'GET',
      statusCallback: 'https://app.example.com/status',
      statusCallbackMethod: 'GET',
      smsUrl: 'https://app.example.com/sms',
      voiceCallerIdLookup: true,
    };
    expect(await numbers()(number.sid).update(settings)).toMatchObject({ ...settings, phoneNumber: '+14155550100' });
    expect(await numbers()(number.sid).update({ smsUrl: '', statusCallback: '' })).toMatchObject({
      ...settings,
      smsUrl: null,
      statusCallback: null,
    });
    expect(world.directory.phoneNumber('+14155550100')?.voiceUrl).toBe(settings.voiceUrl);
    await expect(numbers()(number.sid).update({ voiceUrl: '' })).rejects.toMatchObject(rejection(21405));
    expect(await numbers()(number.sid).remove()).toBe(true);
    expect(world.directory.phoneNumber('+14155550100')).toBeUndefined();
  });

  test.each<[string, object, number]>([
    ['no number', {}, 21421],
    ['a national number [rest 6 21421]', { phoneNumber: '030123456' }, 21421],
    ['letters [rest 6 21421]', { phoneNumber: '+49SIXTYFOUR' }, 21421],
    ['an area code [rest 6 21452]', { areaCode: '415' }, 21452],
    ['VoiceUrl [rest 6 21402]', { phoneNumber: '+4930100', voiceUrl: 'nowhere' }, 21402],
    ['VoiceMethod [rest 6 21403]', { phoneNumber: '+4930100', voiceMethod: 'PUT' }, 21403],
    ['a fallback alone [rest 6 21405]', { phoneNumber: '+4930100', voiceFallbackUrl: 'https://a.example.com' }, 21405],
    ['FriendlyName [rest 6 20002]', { phoneNumber: '+4930100', friendlyName: 'x'.repeat(65) }, 20002],
  ])('refused: %s', async (_, over, code) => {
    await expect(numbers().create(over)).rejects.toMatchObject(rejection(code));
  });

  test('7.3: filters, with wildcards and parts of a number [rest 7.3 numbers] [rest 13 number-filter]', async () => {
    for (const phoneNumber of ['+4930111', '+4930222', '+4989111', '+3314155']) await numbers().create({ phoneNumber });
    const found = async (filter: object) => (await numbers().list(filter)).map((number) => number.phoneNumber).sort();
    expect(await found({ phoneNumber: '+4930*' })).toEqual(['+4930111', '+4930222']);
    expect(await found({ phoneNumber: '111' })).toEqual(['+4930111', '+4989111']);
    expect(await found({ phoneNumber: '49*11' })).toEqual(['+4930111', '+4989111']);
    expect(await found({ phoneNumber: '+3314155' })).toEqual(['+3314155']);
    expect(await found({ phoneNumber: "'; DROP TABLE x" })).toEqual([]);
    expect(await found({ friendlyName: '+4930222' })).toEqual(['+4930222']);
    expect(await found({ beta: true })).toEqual([]);
    expect(await found({ origin: 'hosted' })).toEqual([]);
    expect(await found({ pageSize: 1 })).toHaveLength(4);
    expect(await found({ pageSize: 1, phoneNumber: '+49' })).toHaveLength(3);
  });
});
