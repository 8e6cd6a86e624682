// Declared carriers and numbers in the store (design.md 4): idempotent, shown over REST, never in the way of what REST made.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createDirectory } from '../../../src/store/directory.ts';
import { applyDeclared, type DeclaredObjects } from '../../../src/store/provision.ts';
import { sourceIndex } from '../../../src/store/source-index.ts';
import { anAccount } from '../../support/store-records.ts';
import { openTempStore, type TempStore } from '../../support/temp-store.ts';

const account = anAccount();
let place: TempStore;
beforeEach(async () => {
  place = await openTempStore();
  await place.store.accounts.insert(account);
});
afterEach(() => place.discard());

const target = (uri: string, priority = 10) => ({ uri, priority, weight: 10, enabled: true });
const whole = { size: 100, cursor: null, page: 0 };
const declared: DeclaredObjects = {
  domains: [{ name: 'trunk.sip.localhost', byocTrunk: 'carrier', sourceAddresses: ['192.0.2.0/24', '2001:db8::/64'] }],
  credentialLists: [],
  ipAccessControlLists: [],
  trunks: [
    {
      name: 'carrier',
      fromDomain: 'trunk.sip.localhost',
      targets: [target('sip:a.example'), target('sip:b.example', 20)],
      twiml: '<Response/>',
      statusCallbackUrl: 'https://app.example.com/status',
    },
  ],
  numbers: [{ number: '+4930100', twiml: '<Response><Reject/></Response>' }],
};
const apply = (objects: DeclaredObjects) =>
  applyDeclared(place.store, objects, {
    accountSid: account.sid,
    realm: 'realm',
    clock: realClock,
    random: cryptoRandom,
    log: silentLog,
  });
const directoryNow = async () => {
  const directory = await createDirectory(place.store, { clock: realClock, log: silentLog });
  directory.stop();
  return directory;
};

describe('declared trunks and numbers', () => {
  test('a trunk with its policy and targets, its domain, its sources, a number', async () => {
    expect(await apply(declared)).toMatchObject({ updated: 0, removed: 0 });
    const directory = await directoryNow();
    const domain = directory.domainByName('trunk.sip.localhost')!.domain;
    const trunk = directory.byocTrunk(domain.byocTrunkSid!)!;
    expect(trunk).toMatchObject({
      friendlyName: 'carrier',
      voiceTwiml: '<Response/>',
      statusCallbackUrl: 'https://app.example.com/status',
      declared: true,
    });
    expect(
      directory
        .policyTargets(trunk.connectionPolicySid!)
        .map((one) => one.target)
        .sort(),
    ).toEqual(['sip:a.example', 'sip:b.example']);
    expect(directory.domainsOfTrunk(trunk.sid)).toMatchObject([{ sid: domain.sid }]);
    for (const source of ['192.0.2.9', '2001:db8::9'])
      expect(directory.domainForSource(source)?.domain.sid).toBe(domain.sid);
    expect(directory.phoneNumber('+4930100')?.voiceTwiml).toContain('Reject');
  });

  test('the second time changes only what was not known before (the domain of the From header), the third nothing', async () => {
    const first = await apply(declared);
    expect(await apply(declared)).toEqual({ created: 0, updated: 1, removed: 0, unchanged: first.created - 1 });
    expect(await apply(declared)).toEqual({ created: 0, updated: 0, removed: 0, unchanged: first.created });
    const { records } = await place.store.byocTrunks.list({}, whole);
    const { records: domains } = await place.store.domains.list({}, whole);
    expect(records[0]?.fromDomainSid).toBe(domains[0]?.sid);
  });

  test('a changed line changes its object, a line that is gone removes it; sids stay', async () => {
    await apply(declared);
    const before = (await place.store.byocTrunks.list({}, whole)).records[0]!;
    const [trunk] = declared.trunks!;
    await apply({ ...declared, trunks: [{ ...trunk!, targets: [target('sip:b.example', 5)] }], numbers: [] });
    const after = (await place.store.byocTrunks.list({}, whole)).records[0]!;
    expect(after.sid).toBe(before.sid);
    const targets = (await place.store.policyTargets.list({}, whole)).records;
    expect(targets).toMatchObject([{ target: 'sip:b.example', priority: 5 }]);
    expect((await place.store.phoneNumbers.list({}, whole)).records).toEqual([]);
    await apply({ domains: [], credentialLists: [], ipAccessControlLists: [] });
    for (const table of ['byocTrunks', 'connectionPolicies', 'policyTargets', 'ipRecords', 'sourceIpMappings'] as const)
      expect(await place.store[table].count({}), table).toBe(0);
  });

  test('applications under their names, and a number that names one; idempotent, sids stay', async () => {
    const objects: DeclaredObjects = {
      ...declared,
      applications: [
        { name: 'menu', voiceUrl: 'https://app.example.com/menu', statusCallback: 'https://app.example.com/done' },
        { name: 'closed', twiml: '<Response><Reject/></Response>' },
      ],
      numbers: [{ number: '+4930100', application: 'menu' }],
    };
    await apply(objects);
    const listed = (await place.store.applications.list({}, whole)).records;
    const menu = listed.find(({ friendlyName }) => friendlyName === 'menu');
    expect(menu).toMatchObject({ voiceUrl: 'https://app.example.com/menu', voiceMethod: 'POST', declared: true });
    expect((await directoryNow()).phoneNumber('+4930100')?.kept).toEqual({ voice_application_sid: menu?.sid });
    await apply(objects);
    expect(await apply(objects)).toMatchObject({ created: 0, updated: 0, removed: 0 });
    const renewed = [{ name: 'menu', voiceUrl: 'https://app.example.com/other' }];
    await apply({ ...objects, applications: renewed });
    expect((await place.store.applications.list({}, whole)).records).toMatchObject([
      { sid: menu?.sid, voiceUrl: 'https://app.example.com/other', statusCallback: null },
    ]);
  });

  test('what REST made is left alone, and wins where it has the number', async () => {
    const stamp = { accountSid: account.sid, declared: false, dateCreated: 1, dateUpdated: 1 };
    const methods = { voiceMethod: 'POST', voiceFallbackMethod: 'POST', statusCallbackMethod: 'POST' } as const;
    const urls = { voiceUrl: null, voiceFallbackUrl: null, voiceTwiml: null, statusCallback: null };
    const number = { sid: `PN${'1'.repeat(32)}`, phoneNumber: '+4930100', friendlyName: 'made', kept: {} };
    await place.store.phoneNumbers.insert({ ...stamp, ...methods, ...urls, ...number });
    await place.store.connectionPolicies.insert({ ...stamp, sid: `NY${'1'.repeat(32)}`, friendlyName: 'carrier' });
    await apply(declared);
    expect((await place.store.phoneNumbers.list({}, whole)).records).toMatchObject([{ friendlyName: 'made' }]);
    expect(await place.store.connectionPolicies.count({})).toBe(2);
    await apply({ domains: [], credentialLists: [], ipAccessControlLists: [] });
    expect(await place.store.connectionPolicies.count({})).toBe(1);
    expect(await place.store.phoneNumbers.count({})).toBe(1);
  });

  test('a domain that names a trunk which does not exist has none', async () => {
    await apply({ ...declared, trunks: [] });
    const { records } = await place.store.domains.list({}, whole);
    expect(records[0]?.byocTrunkSid).toBeNull();
  });
});

describe('talk time of the day', () => {
  test('the latest sum of a day comes back, other days do not', async () => {
    const usage = (day: string, seconds: number) => ({
      sid: `${day} AC BY`,
      day,
      accountSid: 'AC',
      trunkSid: 'BY',
      seconds,
    });
    place.store.trunkUsage.put(usage('2026-01-01', 10));
    place.store.trunkUsage.put(usage('2026-01-01', 20));
    place.store.trunkUsage.put(usage('2026-01-02', 5));
    expect(await place.store.trunkUsage.ofDay('2026-01-01')).toEqual([usage('2026-01-01', 20)]);
    expect(await place.store.trunkUsage.ofDay('2026-01-03')).toEqual([]);
  });
});

describe('sources', () => {
  const lookUp = sourceIndex([
    { ipAddress: '0.0.0.0', cidrPrefixLength: 0, value: 'all' },
    { ipAddress: '10.0.0.0', cidrPrefixLength: 8, value: 'net' },
    { ipAddress: '10.1.2.3', cidrPrefixLength: 32, value: 'host' },
    { ipAddress: '10.1.2.3', cidrPrefixLength: 32, value: 'later' },
    { ipAddress: '10.9.9.9', cidrPrefixLength: 40, value: 'nonsense' },
    { ipAddress: 'name', cidrPrefixLength: 8, value: 'nonsense' },
    { ipAddress: '2001:db8::', cidrPrefixLength: 33, value: 'six' },
  ]);
  test.each([
    ['10.1.2.3', 'host'],
    ['::ffff:10.1.2.3', 'host'],
    ['10.1.2.4', 'net'],
    ['10.9.9.9', 'net'],
    ['203.0.113.1', 'all'],
    ['2001:db8:7fff::1', 'six'],
    ['2001:db8:8000::1', undefined],
    ['fe80::1%eth0', undefined],
    ['nothing', undefined],
  ])('[sip 7 source-mapping] %s is %s', (source, value) => {
    expect(lookUp(source)).toBe(value);
  });
});
