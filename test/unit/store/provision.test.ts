import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createDirectory } from '../../../src/store/directory.ts';
import { applyDeclared, type DeclaredObjects } from '../../../src/store/provision.ts';
import { digestHa1 } from '../../../src/store/secrets.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCredentialList, aDomain, aMapping, anAccount } from '../../support/store-records.ts';
import { openTempStore, type TempStore } from '../../support/temp-store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const nothing: DeclaredObjects = { domains: [], credentialLists: [], ipAccessControlLists: [] };

const office: DeclaredObjects = {
  domains: [
    {
      name: 'Office.sip.localhost',
      voiceUrl: 'https://app.example.com/voice',
      sipRegistration: true,
      credentialLists: ['phones'],
      registrationCredentialLists: ['phones'],
      ipAccessControlLists: ['trunks'],
    },
    { name: 'lab.sip.localhost', twiml: '<Response/>', credentialLists: ['phones'] },
  ],
  credentialLists: [
    {
      name: 'phones',
      users: [
        { username: 'alice', password: 'one' },
        { username: 'bob', password: 'two' },
      ],
    },
  ],
  ipAccessControlLists: [{ name: 'trunks', addresses: ['192.0.2.0/24', '2001:db8::1'] }],
};

describe('declared objects (design.md 4)', () => {
  let temp: TempStore;
  let store: Store;
  const clock = new VirtualClock();
  const account = anAccount();
  const apply = (declared: DeclaredObjects, realm = 'r1') =>
    applyDeclared(store, declared, {
      accountSid: account.sid,
      realm,
      clock,
      random: cryptoRandom,
      log: silentLog,
    });
  const access = async (name: string) => {
    const directory = await createDirectory(store, { clock, log: silentLog });
    directory.stop();
    return directory.domainByName(name);
  };

  beforeEach(async () => {
    temp = await openTempStore();
    store = temp.store;
    await store.accounts.insert(account);
  });
  afterEach(() => temp.discard());

  test('makes everything once; the second time nothing changes', async () => {
    // 2 lists, 2 users, 2 addresses, 2 domains, 4 mappings
    expect(await apply(office)).toEqual({ created: 12, updated: 0, removed: 0, unchanged: 0 });
    expect(await apply(office)).toEqual({ created: 0, updated: 0, removed: 0, unchanged: 12 });
    const found = await access('office.sip.localhost');
    expect(found?.domain).toMatchObject({ declared: true, realm: 'r1', sipRegistration: true, voiceMethod: 'POST' });
    expect(found?.callAcl).toEqual(
      expect.arrayContaining([
        { ipAddress: '192.0.2.0', cidrPrefixLength: 24 },
        { ipAddress: '2001:db8::1', cidrPrefixLength: 128 },
      ]),
    );
    expect(found?.callCredentials?.('alice')).toEqual(digestHa1('alice', 'one', ['r1']));
    expect((await access('lab.sip.localhost'))?.domain.voiceTwiml).toBe('<Response/>');
    expect((await access('lab.sip.localhost'))?.registrationCredentials).toBeNull();
  });

  test('a changed password and a changed domain are updated, the rest is left alone', async () => {
    await apply(office);
    const sid = (await access('office.sip.localhost'))?.domain.sid;
    const changed: DeclaredObjects = {
      ...office,
      domains: [{ ...office.domains[0]!, voiceMethod: 'GET' }, office.domains[1]!],
      credentialLists: [
        { name: 'phones', users: [{ username: 'alice', password: 'new' }, office.credentialLists[0]!.users[1]!] },
      ],
    };
    expect(await apply(changed)).toEqual({ created: 0, updated: 2, removed: 0, unchanged: 10 });
    const found = await access('office.sip.localhost');
    expect(found?.domain).toMatchObject({ sid, voiceMethod: 'GET' });
    expect(found?.callCredentials?.('alice')).toEqual(digestHa1('alice', 'new', ['r1']));
  });

  test('another realm: domains keep theirs, users get an HA1 for both', async () => {
    await apply(office);
    expect(await apply(office, 'r2')).toMatchObject({ updated: 2, created: 0, removed: 0 });
    const found = await access('office.sip.localhost');
    expect(found?.domain.realm).toBe('r1');
    expect(found?.callCredentials?.('bob').map((ha1) => ha1.realm)).toEqual(['r2', 'r1']);
    expect(await apply(office, 'r2')).toMatchObject({ updated: 0, unchanged: 12 });
  });

  test('what is no longer declared goes: users, addresses, mappings, domains, lists', async () => {
    await apply(office);
    const less: DeclaredObjects = {
      domains: [{ ...office.domains[0]!, registrationCredentialLists: [] }],
      credentialLists: [{ name: 'phones', users: [office.credentialLists[0]!.users[0]!] }],
      ipAccessControlLists: [{ name: 'trunks', addresses: ['192.0.2.0/24'] }],
    };
    // bob, the IPv6 address, the registration mapping, the lab domain
    expect(await apply(less)).toMatchObject({ created: 0, removed: 4 });
    expect(await apply(nothing)).toMatchObject({ created: 0, updated: 0 });
    for (const table of [store.domains, store.credentialLists, store.credentials, store.ipAccessControlLists])
      expect(await table.count({})).toBe(0);
  });

  test('objects made over REST are never touched, and keep a declared list that they use', async () => {
    const domain = aDomain(account.sid, { domainName: 'office.sip.localhost' });
    const list = aCredentialList(account.sid, { friendlyName: 'phones' });
    await store.domains.insert(domain);
    await store.credentialLists.insert(list);
    expect(await apply(office)).toMatchObject({ removed: 0, updated: 0 });
    expect(await store.domains.get(domain.sid)).toEqual(domain);
    expect(await store.credentials.count({ credentialListSid: list.sid })).toBe(0);
    // The lab domain is declared; it maps the list that REST made, by name.
    expect((await access('lab.sip.localhost'))?.callCredentials).not.toBeNull();
    const trunks = (await store.ipAccessControlLists.list({}, { size: 1, cursor: null, page: 0 })).records[0]!;
    await store.mappings.insert(aMapping(domain, 'callsIpAccessControlList', trunks.sid));
    await apply(nothing);
    expect(await store.ipAccessControlLists.get(trunks.sid)).toEqual(trunks);
    expect(await store.domains.get(domain.sid)).toEqual(domain);
    expect((await store.domains.list({}, { size: 5, cursor: null, page: 0 })).records).toEqual([domain]);
  });

  test('a name that another account has, and a list that does not exist, are skipped and not fatal', async () => {
    const other = anAccount();
    await store.accounts.insert(other);
    await store.domains.insert(aDomain(other.sid, { domainName: 'office.sip.localhost' }));
    const counts = await apply({ ...office, domains: [{ ...office.domains[0]!, credentialLists: ['nowhere'] }] });
    expect(counts).toMatchObject({ created: 6 });
    expect((await access('office.sip.localhost'))?.account.sid).toBe(other.sid);
  });

  test('1,000 users share commits', async () => {
    const users = Array.from({ length: 1_000 }, (_, index) => ({ username: `u${index}`, password: `p${index}` }));
    const many: DeclaredObjects = { ...nothing, credentialLists: [{ name: 'many', users }] };
    expect(await apply(many)).toMatchObject({ created: 1_001 });
    expect(await apply(many)).toMatchObject({ unchanged: 1_001, updated: 0 });
  });
});
