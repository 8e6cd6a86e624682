// Restricted API keys through the vendor's library: made by iam v1 with a policy, used as credentials, and what they are refused
// (rest-api.md 2).

import twilio from 'twilio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { permissionFor } from '../../src/api/permissions.ts';
import { routes } from '../../src/api/resources/index.ts';
import { limits } from '../../src/base/limits.ts';
import type { Account } from '../../src/base/records.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { anAccount } from '../support/store-records.ts';
import { aKey } from '../support/voice-record-makers.ts';

let world: ApiWorld;
let child: Account;
beforeAll(async () => {
  world = await apiWorld();
  child = anAccount({ ownerAccountSid: world.account.sid, authToken: 'c'.repeat(32) });
  await world.store.accounts.insert(child);
});
afterAll(() => world.stop());

const made = (allow: readonly string[], accountSid = world.account.sid) =>
  world.client.iam.v1.newApiKey.create({
    accountSid,
    friendlyName: 'Narrow',
    keyType: 'restricted',
    policy: { allow },
  });

async function clientWith(...allow: readonly string[]) {
  const { sid, secret } = await made(allow);
  return twilio(sid, secret, { accountSid: world.account.sid, httpClient: world.http });
}

type Fields = Readonly<Record<string, string>>;
const formOf = (fields: Fields) => ({ form: new URLSearchParams(fields).toString() });

const lacks = (permission: string) => ({
  status: 401,
  code: 70051,
  message: `Authorization Error: required permission ${permission} is missing`,
});
const closed = { status: 401, code: 70051 };

describe('the resource', () => {
  test('a policy is shown where the key is made and fetched, the secret once; a list has flags [rest 2 key-policy]', async () => {
    const key = await made(['/twilio/voice/calls/read', '/twilio/voice/calls/create', '/twilio/voice/calls/read']);
    expect(key.sid).toMatch(/^SK[0-9a-f]{32}$/);
    expect(key.secret).toHaveLength(32);
    const policy = { allow: ['/twilio/voice/calls/read', '/twilio/voice/calls/create'] };
    expect(key.policy).toEqual(policy);
    const fetched = await world.client.iam.v1.apiKey(key.sid).fetch();
    expect(fetched).toMatchObject({ sid: key.sid, friendlyName: 'Narrow', policy });
    expect(fetched.dateCreated).toBeInstanceOf(Date);
    const listed = await world.client.iam.v1.getApiKeys.list({ accountSid: world.account.sid });
    expect(listed.find(({ sid }) => sid === key.sid)?.flags).toEqual(['rest_api', 'restricted']);
    expect(JSON.stringify([fetched, listed])).not.toContain(key.secret);
    // The key of 2010 says nothing of it.
    expect(await json(await world.fetch(`Keys/${key.sid}.json`))).not.toHaveProperty('policy');
  });

  test('without KeyType, and over 2010 whatever is sent, a key is standard [rest 2 key-policy]', async () => {
    const plain = await world.client.iam.v1.newApiKey.create({ accountSid: world.account.sid });
    expect(plain.policy).toBeNull();
    const { sid } = await json(
      await world.fetch(
        'Keys.json',
        formOf({ KeyType: 'restricted', Policy: '{"allow":["/twilio/voice/calls/read"]}' }),
      ),
    );
    expect((await world.client.iam.v1.apiKey(String(sid)).fetch()).policy).toBeNull();
    const listed = await world.client.iam.v1.getApiKeys.list({ accountSid: world.account.sid });
    expect(listed.find((key) => key.sid === sid)?.flags).toEqual(['rest_api', 'signing']);
  });

  test('an update changes name and policy, at once; delete is 204, then 404', async () => {
    const key = await made(['/twilio/voice/calls/list']);
    const client = twilio(key.sid, key.secret, { accountSid: world.account.sid, httpClient: world.http });
    expect(await client.calls.list()).toEqual([]);
    const resource = world.client.iam.v1.apiKey(key.sid);
    expect((await resource.update({ friendlyName: 'Other' })).friendlyName).toBe('Other');
    expect((await resource.update({ policy: { allow: ['/twilio/voice/twiml.apps/*'] } })).policy).toEqual({
      allow: ['/twilio/voice/twiml.apps/*'],
    });
    await expect(client.calls.list()).rejects.toMatchObject(lacks('twilio/voice/calls/list'));
    expect(await client.applications.list()).toEqual([]);
    expect(await resource.remove()).toBe(true);
    await expect(resource.fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    await expect(client.applications.list()).rejects.toMatchObject({ status: 401, code: 20003 });
  });

  test.each([
    ['no policy', { KeyType: 'restricted' }, 70001],
    ['another type', { KeyType: 'main', Policy: '{"allow":["/twilio/voice/calls/read"]}' }, 70001],
    ['no JSON', { KeyType: 'restricted', Policy: 'calls' }, 70001],
    ['JSON of another form', { KeyType: 'restricted', Policy: '["/twilio/voice/calls/read"]' }, 70001],
    ['null', { KeyType: 'restricted', Policy: 'null' }, 70001],
    ['an empty list', { KeyType: 'restricted', Policy: '{"allow":[]}' }, 70001],
    ['a number in the list', { KeyType: 'restricted', Policy: '{"allow":[1]}' }, 70001],
    ['an unknown resource', { KeyType: 'restricted', Policy: '{"allow":["/twilio/voice/faxes/read"]}' }, 70002],
    ['an unknown action', { KeyType: 'restricted', Policy: '{"allow":["/twilio/voice/calls/hear"]}' }, 70002],
    ['a wildcard for all', { KeyType: 'restricted', Policy: '{"allow":["/twilio/voice/*"]}' }, 70002],
    ['no permission', { KeyType: 'restricted', Policy: '{"allow":["*"]}' }, 70002],
    ['a long name', { FriendlyName: 'x'.repeat(65) }, 70001],
    [
      'too many permissions',
      {
        KeyType: 'restricted',
        Policy: JSON.stringify({ allow: Array(limits.permissionsPerKey + 1).fill('/twilio/voice/calls/read') }),
      },
      70001,
    ],
  ])('%s is refused with its code [rest 2 key-policy]', async (_, form, code) => {
    const answer = await world.fetch('/v1/Keys', formOf({ AccountSid: world.account.sid, ...(form as Fields) }));
    expect({ status: answer.status, code: (await json(answer)).code }).toEqual({ status: 400, code });
  });

  test('permissions of products that are not here are taken, and open nothing', async () => {
    const client = await clientWith('/twilio/messaging/messages/create', '/twilio/voice/insights.call.summaries/read');
    await expect(client.calls.list()).rejects.toMatchObject(lacks('twilio/voice/calls/list'));
  });

  test('a standard key gets no policy, and a policy cannot be cleared', async () => {
    const plain = await world.client.iam.v1.newApiKey.create({ accountSid: world.account.sid });
    const policy = { allow: ['/twilio/voice/calls/read'] };
    await expect(world.client.iam.v1.apiKey(plain.sid).update({ policy })).rejects.toMatchObject({ code: 70001 });
    const key = await made(policy.allow);
    const same = await world.client.iam.v1.apiKey(key.sid).update({ policy: '' });
    expect(same.policy).toEqual(policy);
  });

  test('the account is a parameter: that of the credentials and no other, not a subaccount either; without it 20001 [rest 2 v1-account]', async () => {
    for (const accountSid of [child.sid, `AC${'9'.repeat(32)}`]) {
      await expect(made(['/twilio/voice/calls/list'], accountSid)).rejects.toMatchObject({ status: 401, code: 20003 });
      await expect(world.client.iam.v1.getApiKeys.list({ accountSid })).rejects.toMatchObject({ status: 401 });
    }
    const ofChild = world.clientOf(child).iam.v1;
    const { sid } = await ofChild.newApiKey.create({ accountSid: child.sid });
    expect((await ofChild.getApiKeys.list({ accountSid: child.sid })).map((key) => key.sid)).toEqual([sid]);
    await expect(world.client.iam.v1.apiKey(sid).fetch()).rejects.toMatchObject({ status: 404 });
    await expect(world.client.iam.v1.apiKey(sid).remove()).rejects.toMatchObject({ status: 404 });
    expect((await json(await world.fetch('/v1/Keys'))).code).toBe(20001);
    expect((await json(await world.fetch('/v1/Keys', formOf({ FriendlyName: 'x' })))).code).toBe(20001);
  });
});

describe('as credentials', () => {
  test('each action wants its permission; the refusal names it [rest 2 key-restricted]', async () => {
    const client = await clientWith('/twilio/voice/sip.ip-acls/create', '/twilio/voice/sip.ip-acls/read');
    const { sid } = await client.sip.ipAccessControlLists.create({ friendlyName: 'office' });
    const list = client.sip.ipAccessControlLists(sid);
    expect((await list.fetch()).friendlyName).toBe('office');
    const needs = (action: string) => lacks(`twilio/voice/sip.ip-acls${action}`);
    await expect(client.sip.ipAccessControlLists.list()).rejects.toMatchObject(needs('/list'));
    await expect(list.update({ friendlyName: 'other' })).rejects.toMatchObject(needs('/update'));
    await expect(list.remove()).rejects.toMatchObject(needs('/delete'));
    await expect(list.ipAddresses.list()).rejects.toMatchObject(needs('.ip-addresses/list'));
    expect((await world.client.sip.ipAccessControlLists(sid).fetch()).friendlyName).toBe('office');
  });

  test('a star is all actions of its resource, and of no other [rest 2 key-restricted]', async () => {
    const client = await clientWith('/twilio/voice/twiml.apps/*', '/twilio/voice/sip.domains/*');
    const app = await client.applications.create({ friendlyName: 'menu' });
    expect((await client.applications(app.sid).update({ friendlyName: 'other' })).friendlyName).toBe('other');
    expect(await client.applications(app.sid).remove()).toBe(true);
    const domain = await client.sip.domains.create({ domainName: 'narrow.sip.localhost' });
    await expect(client.sip.domains(domain.sid).auth.calls.credentialListMappings.list()).rejects.toMatchObject(
      lacks('twilio/voice/sip.domains.auth.calls.credential-list-mappings/list'),
    );
    await expect(client.sip.domains(domain.sid).ipAccessControlListMappings.list()).rejects.toMatchObject(
      lacks('twilio/voice/sip.ip-acl-mappings/list'),
    );
  });

  test('calls: made with create, read with read; media and products of v1 likewise', async () => {
    const client = await clientWith('/twilio/voice/calls/create', '/twilio/voice/sip.byoc-trunks/list');
    const call = await client.calls.create({ to: 'sip:anna@example.com', from: '+4930123456', twiml: '<Response/>' });
    await expect(client.calls(call.sid).fetch()).rejects.toMatchObject(lacks('twilio/voice/calls/read'));
    await expect(client.calls(call.sid).recordings.list()).rejects.toMatchObject(
      lacks('twilio/voice/calls.recordings/list'),
    );
    await expect(client.calls(call.sid).events.list()).rejects.toMatchObject(
      lacks('twilio/voice/request-inspector/read'),
    );
    expect(await client.voice.v1.byocTrunks.list()).toEqual([]);
    await expect(client.voice.v1.ipRecords.list()).rejects.toMatchObject(lacks('twilio/voice/sip.ip-records/list'));
    await expect(client.incomingPhoneNumbers.list()).rejects.toMatchObject(
      lacks('twilio/phone-numbers/active-numbers/list'),
    );
  });

  test('whether something is there is not told to who may not see it', async () => {
    const client = await clientWith('/twilio/voice/calls/list');
    await expect(client.calls(`CA${'0'.repeat(32)}`).fetch()).rejects.toMatchObject(lacks('twilio/voice/calls/read'));
  });

  test('accounts, tokens, and the making and changing of keys are closed, whatever the policy says [rest 2 key-widening]', async () => {
    const client = await clientWith('/twilio/iam/api-keys/*', '/twilio/iam/accounts/read', '/twilio/iam/accounts/list');
    await expect(client.api.accounts(world.account.sid).fetch()).rejects.toMatchObject(closed);
    await expect(client.api.accounts.list()).rejects.toMatchObject(closed);
    await expect(client.tokens.create()).rejects.toMatchObject(closed);
    await expect(client.newKeys.create()).rejects.toMatchObject(closed);
    await expect(client.newSigningKeys.create()).rejects.toMatchObject(closed);
    const { sid } = await world.client.newKeys.create();
    await expect(client.keys(sid).update({ friendlyName: 'mine' })).rejects.toMatchObject(closed);
    const own = { accountSid: world.account.sid, keyType: 'restricted', policy: { allow: ['/twilio/voice/calls/*'] } };
    await expect(client.iam.v1.newApiKey.create(own)).rejects.toMatchObject(closed);
    await expect(client.iam.v1.apiKey(sid).update({ friendlyName: 'mine' })).rejects.toMatchObject(closed);
    expect((await client.keys(sid).fetch()).sid).toBe(sid);
    expect((await client.keys.list()).map((key) => key.sid)).toContain(sid);
    expect(await client.iam.v1.apiKey(sid).remove()).toBe(true);
  });

  test('a standard key sees no keys of iam either', async () => {
    const { sid, secret } = await world.client.newKeys.create();
    const client = twilio(sid, secret, { accountSid: world.account.sid, httpClient: world.http });
    await expect(client.iam.v1.getApiKeys.list({ accountSid: world.account.sid })).rejects.toMatchObject({
      status: 401,
      code: 20003,
    });
  });

  test('a restricted key whose list is lost may do nothing', async () => {
    const key = aKey(world.account.sid, { kind: 'restricted', policy: null });
    await world.store.keys.insert(key);
    const client = twilio(key.sid, key.secret, { accountSid: world.account.sid, httpClient: world.http });
    await expect(client.calls.list()).rejects.toMatchObject(lacks('twilio/voice/calls/list'));
  });
});

test('each route has its permission, or is one of those that no key opens [rest 2 key-restricted]', () => {
  const without = routes.filter((route) => permissionFor(route, 'GET') === undefined).map(({ path }) => path);
  expect(without.map((path) => path.replace('/Accounts/{AccountSid}/', ''))).toEqual([
    '/Accounts',
    '/Accounts/{AccountSid}',
    'Tokens',
    'Calls/{CallSid}/Capture.pcap',
    'Calls/{CallSid}/Streams',
    'Calls/{CallSid}/Streams/{StreamSid}',
    'Calls/{CallSid}/Siprec',
    'Calls/{CallSid}/Siprec/{SiprecSid}',
    'Notifications',
    'Notifications/{Sid}',
    'SIP/Domains/{DomainSid}/Registrations',
    'Calls/{CallSid}/Transcriptions',
    'Calls/{CallSid}/Transcriptions/{TranscriptionSid}',
  ]);
});
