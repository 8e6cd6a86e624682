// SIP domains, lists, addresses and mappings through the vendor's library (rest-api.md 8, 14; sip-interface.md 6).

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestHa1 } from '../../src/store/secrets.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { aBinding, aDomain, anAccount } from '../support/store-records.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world.stop());

const rejection = (code: number, status = 400) => ({ code, status });
const notFound = rejection(20404, 404);
const password = 'Correct-Horse-1';
let counter = 0;
const unique = (prefix: string) => `${prefix}${++counter}`;
const makeDomain = (over: object = {}) =>
  world.client.sip.domains.create({ domainName: `${unique('d')}.sip.localhost`, ...over });
const makeList = () => world.client.sip.credentialLists.create({ friendlyName: unique('list') });
const makeAcl = () => world.client.sip.ipAccessControlLists.create({ friendlyName: unique('acl') });

describe('domains (sip-interface.md 6.3)', () => {
  test('create with defaults [sip 6.3 defaults] [rest 14 registration] [rest 14 stored] [twiml 2.4 fallback-method]', async () => {
    const domain = await world.client.sip.domains.create({ domainName: 'Office.SIP.localhost' });
    expect(domain).toMatchObject({
      domainName: 'office.sip.localhost',
      friendlyName: 'office.sip.localhost',
      authType: '',
      voiceUrl: null,
      voiceMethod: 'POST',
      voiceFallbackMethod: 'POST',
      voiceStatusCallbackMethod: 'POST',
      sipRegistration: false,
      secure: false,
      emergencyCallingEnabled: false,
      byocTrunkSid: null,
      emergencyCallerSid: null,
      apiVersion: '2010-04-01',
    });
    expect(world.directory.domainByName('office.sip.localhost')?.domain.realm).toBe('sip.hookswitch.local');
  });

  test('every setting, update keeps what is not named, an empty value clears [sip 4 per-domain] [sip 6.3 update] [sip 9 emergency-settings] [rest 14 stored] [rest 14 secure]', async () => {
    const trunk = await world.client.voice.v1.byocTrunks.create({});
    const settings = {
      friendlyName: 'Scranton',
      voiceUrl: 'https://app.example.com/voice?a=b',
      voiceMethod: 'GET',
      voiceFallbackUrl: 'http://app.example.com/fallback',
      voiceFallbackMethod: 'GET',
      voiceStatusCallbackUrl: 'https://app.example.com/status',
      voiceStatusCallbackMethod: 'GET',
      sipRegistration: true,
      secure: true,
      emergencyCallingEnabled: true,
      byocTrunkSid: trunk.sid,
      emergencyCallerSid: `PN${'0'.repeat(32)}`,
    };
    const domain = await makeDomain(settings);
    expect(domain).toMatchObject(settings);
    const changed = await world.client.sip
      .domains(domain.sid)
      .update({ secure: false, voiceUrl: '', voiceMethod: 'POST' });
    expect(changed).toMatchObject({ ...settings, secure: false, voiceUrl: null, voiceMethod: 'POST' });
    expect(await world.client.sip.domains(domain.sid).fetch()).toMatchObject({
      secure: false,
      friendlyName: 'Scranton',
    });
  });

  test.each<[string, object, number]>([
    ['no name [sip 6.3 name-required]', { domainName: '' }, 21232],
    ['a bare name [sip 6.7 domain-validation] [rest 6 21232]', { domainName: 'office' }, 21232],
    [
      'another suffix [sip 1.1 name-characters] [rest 6 21232] [rest 14 domain-name]',
      { domainName: 'office.example.com' },
      21232,
    ],
    ['the suffix alone [rest 6 21232]', { domainName: 'sip.localhost' }, 21232],
    [
      'a bad character [sip 1.1 name-characters] [rest 6 21232] [rest 14 domain-name]',
      { domainName: 'of_fice.sip.localhost' },
      21232,
    ],
    ['a label that ends with - [rest 6 21232]', { domainName: 'office-.sip.localhost' }, 21232],
    ['an empty label [rest 6 21232]', { domainName: 'a..sip.localhost' }, 21232],
    ['a line end [rest 6 21232]', { domainName: 'a.sip.localhost\r\n' }, 21232],
    ['too long [rest 6 21232]', { domainName: `${'a.'.repeat(130)}sip.localhost` }, 21232],
    [
      'the sid of another account [sip 1.1 name-reserved] [rest 6 21232]',
      { domainName: `ac${'0'.repeat(32)}.sip.localhost` },
      21232,
    ],
    [
      'a sub-domain without its domain [sip 1.1 sub-domains] [rest 6 21232]',
      { domainName: 'a.nowhere.sip.localhost' },
      21232,
    ],
    ['FriendlyName too long [sip 6.3 friendly-name] [rest 6 21231]', { friendlyName: 'x'.repeat(65) }, 21231],
    ['FriendlyName with a line end [rest 6 21231]', { friendlyName: 'a\nb' }, 21231],
    ['VoiceUrl [sip 6.7 domain-validation] [rest 6 21231]', { voiceUrl: 'ftp://x' }, 21231],
    ['VoiceMethod [rest 6 21231]', { voiceMethod: 'PUT' }, 21231],
    ['SipRegistration [rest 6 21231]', { sipRegistration: 'maybe' }, 21231],
    ['ByocTrunkSid [sip 6.7 trunk-sid] [rest 6 21300]', { byocTrunkSid: 'BY1' }, 21300],
    [
      'a ByocTrunkSid that nobody has [sip 6.7 trunk-sid] [rest 6 21300]',
      { byocTrunkSid: `BY${'0'.repeat(32)}` },
      21300,
    ],
  ])('refused: %s', async (_, over, code) => {
    await expect(makeDomain(over)).rejects.toMatchObject(rejection(code));
  });

  test('names are unique over accounts, suffixes and edge labels (sip-interface.md 0, 1.1) [sip 1.1 name-unique] [rest 6 21232] [rest 14 domain-name]', async () => {
    await makeDomain({ domainName: 'one.sip.frankfurt.twilio.com' });
    const found = (await world.client.sip.domains.list()).map((domain) => domain.domainName);
    expect(found).toContain('one.sip.twilio.com');
    for (const domainName of ['one.sip.twilio.com', 'ONE.sip.us1.twilio.com', 'one.sip.localhost'])
      await expect(makeDomain({ domainName })).rejects.toMatchObject(rejection(21232));
    const other = anAccount({ ownerAccountSid: world.account.sid });
    await world.store.accounts.insert(other);
    await expect(world.clientOf(other).sip.domains.create({ domainName: 'one.sip.twilio.com' })).rejects.toMatchObject(
      rejection(21232),
    );
  });

  test('sub-domains need their domain, also the parent account’s; it is not removed or renamed before them (21233) [sip 1.1 sub-domains] [sip 1.1 sub-accounts] [sip 1.1 delete-with-sub-domains] [sip 6.3 name-required] [rest 6 21233] [rest 8 domain]', async () => {
    const parent = await makeDomain({ domainName: 'corp.sip.localhost' });
    const child = await makeDomain({ domainName: 'berlin.corp.sip.localhost' });
    const sub = anAccount({ ownerAccountSid: world.account.sid });
    const stranger = anAccount();
    await world.store.accounts.insert(sub);
    await world.store.accounts.insert(stranger);
    await world.clientOf(sub).sip.domains.create({ domainName: 'paris.corp.sip.localhost' });
    await expect(
      world.clientOf(stranger).sip.domains.create({ domainName: 'rome.corp.sip.localhost' }),
    ).rejects.toMatchObject(rejection(21232));
    await expect(world.client.sip.domains(parent.sid).remove()).rejects.toMatchObject(rejection(21233));
    await expect(
      world.client.sip.domains(parent.sid).update({ domainName: 'corp2.sip.localhost' }),
    ).rejects.toMatchObject(rejection(21233));
    const renamed = await world.client.sip.domains(child.sid).update({ domainName: 'bonn.corp.sip.localhost' });
    expect(renamed.domainName).toBe('bonn.corp.sip.localhost');
    expect(world.directory.domainByName('berlin.corp.sip.localhost')).toBeUndefined();
    expect(await world.client.sip.domains(child.sid).remove()).toBe(true);
    await expect(world.client.sip.domains(child.sid).remove()).rejects.toMatchObject(notFound);
  });

  test('a domain of another account is not there', async () => {
    const stranger = anAccount();
    await world.store.accounts.insert(stranger);
    const domain = aDomain(stranger.sid, { domainName: 'strange.sip.localhost' });
    await world.store.domains.insert(domain);
    for (const work of [
      () => world.client.sip.domains(domain.sid).fetch(),
      () => world.client.sip.domains(domain.sid).update({ secure: true }),
      () => world.client.sip.domains(domain.sid).remove(),
      () => world.client.sip.domains(domain.sid).credentialListMappings.list(),
    ])
      await expect(work()).rejects.toMatchObject(notFound);
  });

  test('registrations of a domain (ours): shown where the port is given', async () => {
    const domain = await makeDomain();
    expect((await world.fetch(`SIP/Domains/${domain.sid}/Registrations.json`)).status).toBe(404);
    const other = await apiWorld({
      registrations: { ofDomain: (domainSid) => ({ bindings: [aBinding({ domainSid })], next: undefined }) },
    });
    const made = await other.client.sip.domains.create({ domainName: 'a.sip.localhost' });
    const body = await json(await other.fetch(`SIP/Domains/${made.sid}/Registrations.json`));
    expect(body).toMatchObject({
      registrations: [{ aor: 'alice@office.sip.localhost', source: '192.0.2.10:5060', q: 1 }],
    });
    await other.stop();
  });
});

describe('lists and members (sip-interface.md 6.5, 6.6)', () => {
  test('credential lists: create, rename, list, duplicate name (21240), remove [sip 6.5 list-name] [rest 6 21240] [rest 14 list-names]', async () => {
    const list = await makeList();
    expect(list.subresourceUris).toEqual({ credentials: list.uri.replace('.json', '/Credentials.json') });
    const renamed = await world.client.sip.credentialLists(list.sid).update({ friendlyName: unique('renamed') });
    expect(renamed.dateUpdated.getTime()).toBeGreaterThanOrEqual(renamed.dateCreated.getTime());
    const other = await makeList();
    await expect(
      world.client.sip.credentialLists(other.sid).update({ friendlyName: renamed.friendlyName }),
    ).rejects.toMatchObject(rejection(21240));
    await expect(world.client.sip.credentialLists.create({ friendlyName: renamed.friendlyName })).rejects.toMatchObject(
      rejection(21240),
    );
    await expect(world.client.sip.credentialLists.create({ friendlyName: 'x'.repeat(65) })).rejects.toMatchObject(
      rejection(21240),
    );
    expect((await world.client.sip.credentialLists.list()).map((one) => one.sid)).toContain(list.sid);
    expect(await world.client.sip.credentialLists(list.sid).remove()).toBe(true);
    await expect(world.client.sip.credentialLists(list.sid).fetch()).rejects.toMatchObject(notFound);
  });

  test('a credential: its password becomes HA1s and is never shown; update sets a new one [sip 6.5 username] [sip 6.5 password-hidden] [rest 14 credential]', async () => {
    const list = await makeList();
    const credentials = world.client.sip.credentialLists(list.sid).credentials;
    const credential = await credentials.create({ username: 'Alice.1', password });
    expect(JSON.stringify(credential)).not.toContain(password);
    const stored = () => world.store.credentials.get(credential.sid);
    expect((await stored())?.ha1).toEqual(digestHa1('Alice.1', password, ['sip.hookswitch.local']));
    await world.client.sip
      .credentialLists(list.sid)
      .credentials(credential.sid)
      .update({ password: 'Another-Horse-2' });
    expect((await stored())?.ha1).toEqual(digestHa1('Alice.1', 'Another-Horse-2', ['sip.hookswitch.local']));
    await world.client.sip.credentialLists(list.sid).credentials(credential.sid).update();
    expect((await stored())?.ha1).toEqual(digestHa1('Alice.1', 'Another-Horse-2', ['sip.hookswitch.local']));
    await expect(credentials.create({ username: 'Alice.1', password })).rejects.toMatchObject(rejection(21243));
    const path = `SIP/CredentialLists/${list.sid}/Credentials/${credential.sid}.json`;
    expect(await json(await world.fetch(path, { form: 'Username=Bob' }))).toMatchObject({ username: 'Alice.1' });
    expect(await credentials(credential.sid).remove()).toBe(true);
    await expect(credentials(credential.sid).fetch()).rejects.toMatchObject(notFound);
  });

  test('HA1s are made for every realm that a domain of the account still has (design.md 4) [sip 1.2 realm-changes]', async () => {
    await world.store.domains.insert(
      aDomain(world.account.sid, { domainName: 'old.sip.localhost', realm: 'sip.twilio.com' }),
    );
    const list = await makeList();
    const made = await world.client.sip.credentialLists(list.sid).credentials.create({ username: 'a', password });
    const realms = (await world.store.credentials.get(made.sid))?.ha1.map((ha1) => ha1.realm);
    expect(realms).toEqual(['sip.hookswitch.local', 'sip.twilio.com']);
  });

  test.each([
    ['no user name', '', password],
    ['user name too long [sip 6.5 username]', 'x'.repeat(33), password],
    ['user name with :', 'a:b', password],
    ['user name with a quote', 'a"b', password],
    ['user name with a space', 'a b', password],
    ['user name with a line end', 'a\r\nb', password],
    ['no password', 'bob', ''],
    ['password too short', 'bob', 'Short-1'],
    ['password without digit', 'bob', 'Correct-Horse-'],
    ['password without upper case', 'bob', 'correct-horse-1'],
    ['password without lower case', 'bob', 'CORRECT-HORSE-1'],
    ['password with NUL', 'bob', 'Correct-Horse-1\0'],
  ])(
    'credential refused with 21243: %s [sip 6.5 password] [rest 6 21243] [rest 14 credential]',
    async (_, username, secret) => {
      const list = await makeList();
      await expect(
        world.client.sip.credentialLists(list.sid).credentials.create({ username, password: secret }),
      ).rejects.toMatchObject(rejection(21243));
    },
  );

  test('addresses: whole address by default, prefix, IPv6, update, remove [sip 6.6 prefix-length] [rest 14 address] [rest 14 library-paths]', async () => {
    const acl = await makeAcl();
    const addresses = world.client.sip.ipAccessControlLists(acl.sid).ipAddresses;
    const whole = await addresses.create({ friendlyName: 'PBX', ipAddress: '192.0.2.7' });
    expect(whole).toMatchObject({ ipAddress: '192.0.2.7', cidrPrefixLength: 32, ipAccessControlListSid: acl.sid });
    const six = await addresses.create({ friendlyName: 'six', ipAddress: '2001:db8::7', cidrPrefixLength: 64 });
    expect(six.cidrPrefixLength).toBe(64);
    const changed = await addresses(whole.sid).update({ cidrPrefixLength: 24, friendlyName: 'Net' });
    expect(changed).toMatchObject({ ipAddress: '192.0.2.7', cidrPrefixLength: 24, friendlyName: 'Net' });
    expect((await addresses(six.sid).update({ ipAddress: '198.51.100.1' })).cidrPrefixLength).toBe(32);
    expect((await addresses.list()).map((one) => one.friendlyName)).toEqual(['six', 'Net']);
    expect(await addresses(six.sid).remove()).toBe(true);
    await expect(addresses(six.sid).remove()).rejects.toMatchObject(notFound);
  });

  test.each<[string, object, number]>([
    ['no name [sip 6.6 address-name]', { friendlyName: '' }, 21238],
    ['no address [rest 6 21238]', { ipAddress: '' }, 21238],
    ['a part [sip 6.6 address] [rest 6 21238]', { ipAddress: '10.1' }, 21238],
    ['octal [rest 6 21238]', { ipAddress: '010.0.0.1' }, 21238],
    ['a wildcard [sip 6.6 address] [rest 6 21238]', { ipAddress: '10.0.0.*' }, 21238],
    ['a range [rest 6 21238]', { ipAddress: '10.0.0.0/8' }, 21238],
    ['a host name [rest 6 21238]', { ipAddress: 'pbx.example.com' }, 21238],
    ['a mapped address [rest 6 21238]', { ipAddress: '::ffff:192.0.2.1' }, 21238],
    ['prefix 0: nobody means everybody by accident [rest 6 21238]', { cidrPrefixLength: 0 }, 21238],
    ['prefix 33 [rest 6 21238]', { cidrPrefixLength: 33 }, 21238],
    ['prefix 129 [rest 6 21238]', { ipAddress: '2001:db8::1', cidrPrefixLength: 129 }, 21238],
    ['name taken [rest 6 21235]', { friendlyName: 'taken' }, 21235],
    ['address taken [rest 6 21235]', { ipAddress: '203.0.113.1' }, 21235],
  ])('address refused: %s', async (_, over, code) => {
    const acl = await makeAcl();
    const addresses = world.client.sip.ipAccessControlLists(acl.sid).ipAddresses;
    await addresses.create({ friendlyName: 'taken', ipAddress: '203.0.113.1' });
    await expect(addresses.create({ friendlyName: 'new', ipAddress: '192.0.2.1', ...over })).rejects.toMatchObject(
      rejection(code),
    );
  });

  test('a member is only under its own list', async () => {
    const [one, two] = [await makeList(), await makeList()];
    const made = await world.client.sip.credentialLists(one.sid).credentials.create({ username: 'a', password });
    await expect(world.client.sip.credentialLists(two.sid).credentials(made.sid).fetch()).rejects.toMatchObject(
      notFound,
    );
    await expect(
      world.client.sip.credentialLists(`CL${'0'.repeat(32)}`).credentials.create({ username: 'a', password }),
    ).rejects.toMatchObject(notFound);
  });

  test('limits have their own codes (sip-interface.md 1.7) [sip 1.1 domain-limit] [sip 1.7 acl-limits] [sip 1.7 credential-limits] [sip 6.7 limits] [rest 6 21230] [rest 6 21239] [rest 6 21255] [rest 6 21242] [rest 6 21237] [rest 14 domain-count] [rest 14 counts]', async () => {
    const quotas = {
      domains: 1,
      credentialLists: 1,
      credentialsPerList: 1,
      ipAccessControlLists: 1,
      ipAddressesPerList: 1,
    };
    const small = await apiWorld({ config: { quotas } });
    const { sip } = small.client;
    await sip.domains.create({ domainName: 'a.sip.localhost' });
    const list = await sip.credentialLists.create({ friendlyName: 'a' });
    const acl = await sip.ipAccessControlLists.create({ friendlyName: 'a' });
    await sip.credentialLists(list.sid).credentials.create({ username: 'a', password });
    await sip.ipAccessControlLists(acl.sid).ipAddresses.create({ friendlyName: 'a', ipAddress: '192.0.2.1' });
    await expect(sip.domains.create({ domainName: 'b.sip.localhost' })).rejects.toMatchObject(rejection(21230));
    await expect(sip.credentialLists.create({ friendlyName: 'b' })).rejects.toMatchObject(rejection(21239));
    await expect(sip.ipAccessControlLists.create({ friendlyName: 'b' })).rejects.toMatchObject(rejection(21255));
    await expect(sip.credentialLists(list.sid).credentials.create({ username: 'b', password })).rejects.toMatchObject(
      rejection(21242),
    );
    await expect(
      sip.ipAccessControlLists(acl.sid).ipAddresses.create({ friendlyName: 'b', ipAddress: '192.0.2.2' }),
    ).rejects.toMatchObject(rejection(21237));
    await small.stop();
  });

  test('of many equal creates at once one wins, and a limit holds', async () => {
    const small = await apiWorld({ config: { quotas: { credentialLists: 3 } } });
    const create = (friendlyName: string) => small.client.sip.credentialLists.create({ friendlyName });
    const same = await Promise.allSettled(Array.from({ length: 5 }, () => create('same')));
    expect(same.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    const many = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => create(`many${index}`)));
    expect(many.filter((one) => one.status === 'fulfilled')).toHaveLength(2);
    await small.stop();
  });
});

describe('mappings (sip-interface.md 6.1, 6.4)', () => {
  test('the older paths and Auth/Calls are one store; the second association is 21231 [sip 6.3 auth-type] [sip 6.4 one-store] [sip 6.4 sid] [rest 5 mapping-sid] [rest 14 auth-type] [rest 14 alias] [rest 14 mapping-twice] [rest 14 library-paths]', async () => {
    const domain = await makeDomain();
    const list = await makeList();
    const acl = await makeAcl();
    const context = world.client.sip.domains(domain.sid);
    const older = await context.credentialListMappings.create({ credentialListSid: list.sid });
    expect(older).toMatchObject({ sid: list.sid, friendlyName: list.friendlyName, domainSid: domain.sid });
    const newer = await context.auth.calls.ipAccessControlListMappings.create({ ipAccessControlListSid: acl.sid });
    expect(newer).toMatchObject({ sid: acl.sid, friendlyName: acl.friendlyName });
    expect((await context.auth.calls.credentialListMappings.list()).map((one) => one.sid)).toEqual([list.sid]);
    expect((await context.ipAccessControlListMappings.list()).map((one) => one.sid)).toEqual([acl.sid]);
    await expect(
      context.auth.calls.credentialListMappings.create({ credentialListSid: list.sid }),
    ).rejects.toMatchObject(rejection(21231));
    await expect(context.ipAccessControlListMappings.create({ ipAccessControlListSid: acl.sid })).rejects.toMatchObject(
      rejection(21231),
    );
    expect((await context.fetch()).authType).toBe('CREDENTIAL_LIST,IP_ACL');
    expect(await context.credentialListMappings(list.sid).remove()).toBe(true);
    await expect(context.auth.calls.credentialListMappings(list.sid).fetch()).rejects.toMatchObject(notFound);
    expect((await context.fetch()).authType).toBe('IP_ACL');
  });

  test('registrations are mapped apart, and auth_type does not speak of them [sip 6.4 registrations-apart] [sip 10 trap-9] [rest 14 alias] [rest 14 registration]', async () => {
    const domain = await makeDomain({ sipRegistration: true });
    const list = await makeList();
    const { registrations, calls } = world.client.sip.domains(domain.sid).auth;
    await registrations.credentialListMappings.create({ credentialListSid: list.sid });
    expect(await calls.credentialListMappings.list()).toEqual([]);
    expect((await world.client.sip.domains(domain.sid).fetch()).authType).toBe('');
    await calls.credentialListMappings.create({ credentialListSid: list.sid });
    expect((await world.client.sip.domains(domain.sid).fetch()).authType).toBe('CREDENTIAL_LIST');
    expect(await registrations.credentialListMappings(list.sid).remove()).toBe(true);
    expect((await calls.credentialListMappings.list()).map((one) => one.sid)).toEqual([list.sid]);
  });

  test('the envelope: older paths have keys, uri and domain_sid; Auth paths `contents` and neither [sip 6.1 collection-keys] [sip 6.4 fields] [sip 10 trap-10] [rest 7.2 contents]', async () => {
    const domain = await makeDomain();
    const list = await makeList();
    await world.client.sip.domains(domain.sid).credentialListMappings.create({ credentialListSid: list.sid });
    const path = `SIP/Domains/${domain.sid}`;
    const older = await json<{ credential_list_mappings: object[] }>(
      await world.fetch(`${path}/CredentialListMappings.json`),
    );
    expect(older.credential_list_mappings).toEqual([
      {
        sid: list.sid,
        account_sid: world.account.sid,
        domain_sid: domain.sid,
        friendly_name: list.friendlyName,
        date_created: expect.stringMatching(/ \+0000$/),
        date_updated: expect.stringMatching(/ \+0000$/),
        uri: `/2010-04-01/Accounts/${world.account.sid}/${path}/CredentialListMappings/${list.sid}.json`,
      },
    ]);
    const newer = await json<{ contents: object[] }>(
      await world.fetch(`${path}/Auth/Calls/CredentialListMappings.json`),
    );
    expect(Object.keys(newer.contents[0] ?? {}).sort()).toEqual([
      'account_sid',
      'date_created',
      'date_updated',
      'friendly_name',
      'sid',
    ]);
  });

  test.each([
    ['no sid', ''],
    ['another prefix', `AL${'0'.repeat(32)}`],
    ['malformed', 'CL1'],
    ['unknown', `CL${'0'.repeat(32)}`],
  ])('a list that cannot be mapped: %s [sip 6.4 unknown-list] [rest 6 21231]', async (_, credentialListSid) => {
    const domain = await makeDomain();
    await expect(
      world.client.sip.domains(domain.sid).credentialListMappings.create({ credentialListSid }),
    ).rejects.toMatchObject(rejection(21231));
  });

  test('a list is not removed while it is mapped (21241, 21236); removing the domain frees it [sip 6.7 in-use] [rest 6 21241] [rest 6 21236] [rest 8 mapped-lists]', async () => {
    const domain = await makeDomain();
    const list = await makeList();
    const acl = await makeAcl();
    const context = world.client.sip.domains(domain.sid);
    await context.auth.registrations.credentialListMappings.create({ credentialListSid: list.sid });
    await context.ipAccessControlListMappings.create({ ipAccessControlListSid: acl.sid });
    await expect(world.client.sip.credentialLists(list.sid).remove()).rejects.toMatchObject(rejection(21241));
    await expect(world.client.sip.ipAccessControlLists(acl.sid).remove()).rejects.toMatchObject(rejection(21236));
    await context.remove();
    expect(await world.client.sip.credentialLists(list.sid).remove()).toBe(true);
    expect(await world.client.sip.ipAccessControlLists(acl.sid).remove()).toBe(true);
  });

  test('what REST answered, SIP sees: no window between the 201 and the first REGISTER [rest 8 credential]', async () => {
    const domain = await makeDomain({ sipRegistration: true });
    const list = await makeList();
    await world.client.sip.domains(domain.sid).auth.registrations.credentialListMappings.create({
      credentialListSid: list.sid,
    });
    const credentials = world.client.sip.credentialLists(list.sid).credentials;
    const made = await credentials.create({ username: 'alice', password });
    const lookup = () => world.directory.domainBySid(domain.sid)?.registrationCredentials?.('alice');
    expect(lookup()).toEqual(
      digestHa1(
        'alice',
        password,
        lookup()!.map((one) => one.realm),
      ),
    );
    await credentials(made.sid).remove();
    expect(lookup()).toEqual([]);
  });

  test('pages of mappings walk by token', async () => {
    const domain = await makeDomain();
    const sids: string[] = [];
    const { credentialListMappings } = world.client.sip.domains(domain.sid).auth.calls;
    for (let index = 0; index < 5; index++) {
      const list = await makeList();
      await credentialListMappings.create({ credentialListSid: list.sid });
      sids.unshift(list.sid);
    }
    expect((await credentialListMappings.list({ pageSize: 2 })).map((one) => one.sid)).toEqual(sids);
  });
});

interface Walk {
  readonly instances: readonly { readonly sid: string }[];
  nextPage(): Promise<Walk> | undefined;
}

test('removing everything that a walk shows removes everything [rest 7.1 stable]', async () => {
  const own = await apiWorld();
  for (let index = 0; index < 7; index++) await own.client.sip.credentialLists.create({ friendlyName: `l${index}` });
  let page: Walk | undefined = await own.client.sip.credentialLists.page({ pageSize: 2 });
  while (page) {
    for (const { sid } of page.instances) await own.client.sip.credentialLists(sid).remove();
    page = await page.nextPage();
  }
  expect(await own.client.sip.credentialLists.list()).toEqual([]);
  await own.stop();
});
