// API keys through the vendor's library: made with newKeys, used as credentials, their rights (rest-api.md 2, 15, 22.6).

import twilio from 'twilio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

const clientOf = (key: { sid: string; secret: string }, accountSid = world.account.sid) =>
  twilio(key.sid, key.secret, { accountSid, httpClient: world.http });
const denied = { status: 401, code: 20003 };

describe('the resource', () => {
  test('the secret is in the answer that makes the key and in no other [rest 15 secret-once]', async () => {
    const made = await world.client.newKeys.create({ friendlyName: 'Web app' });
    expect(made.sid).toMatch(/^SK[0-9a-f]{32}$/);
    expect(made.secret).toMatch(/^[\w-]{32}$/);
    const fetched = await json(await world.fetch(`Keys/${made.sid}.json`));
    expect(fetched).toMatchObject({ sid: made.sid, friendly_name: 'Web app' });
    const listed = await (await world.fetch('Keys.json')).text();
    expect(JSON.stringify(fetched) + listed).not.toContain(made.secret);
  });

  test('update changes the name; delete is 204, then 404', async () => {
    const { sid } = await world.client.newKeys.create();
    const key = world.client.keys(sid);
    expect((await key.update({ friendlyName: 'Renamed' })).friendlyName).toBe('Renamed');
    expect((await key.update()).friendlyName).toBe('Renamed');
    expect(await key.remove()).toBe(true);
    await expect(key.remove()).rejects.toMatchObject({ status: 404, code: 20404 });
    await expect(key.fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
  });

  test('SigningKeys is the same resource under another name [rest 15 signing-keys]', async () => {
    const made = await world.client.newSigningKeys.create({ friendlyName: 'Signs' });
    expect(made.secret).toHaveLength(32);
    expect((await world.client.signingKeys(made.sid).fetch()).friendlyName).toBe('Signs');
    expect((await world.client.keys(made.sid).fetch()).friendlyName).toBe('Signs');
    expect((await world.client.signingKeys.list()).map((key) => key.sid)).toContain(made.sid);
    expect(await world.client.signingKeys(made.sid).remove()).toBe(true);
    await expect(world.client.keys(made.sid).fetch()).rejects.toMatchObject({ status: 404 });
  });

  test('a name that is too long is 20002; a key of another account is not there; more than allowed is 20422 [rest 6 20422]', async () => {
    await expect(world.client.newKeys.create({ friendlyName: 'x'.repeat(65) })).rejects.toMatchObject({ code: 20002 });
    const foreign = aKey(child.sid);
    await world.store.keys.insert(foreign);
    await expect(world.client.keys(foreign.sid).fetch()).rejects.toMatchObject({ status: 404 });
    const small = await apiWorld({ config: { quotas: { keys: 1 } } });
    await small.client.newKeys.create();
    await expect(small.client.newKeys.create()).rejects.toMatchObject({ status: 422, code: 20422 });
    await small.stop();
  });
});

describe('as credentials', () => {
  test('a standard key does what the account does, except with accounts and keys [rest 22 check-6] [rest 2 key-types] [rest 2 key-made-standard] [rest 2 basic]', async () => {
    const client = clientOf(await world.client.newKeys.create());
    expect(await client.calls.list()).toEqual([]);
    expect(await client.sip.domains.list()).toEqual([]);
    expect((await client.voice.v1.byocTrunks.create({ friendlyName: 'by key' })).accountSid).toBe(world.account.sid);
    await expect(client.keys.list()).rejects.toMatchObject(denied);
    await expect(client.signingKeys.list()).rejects.toMatchObject(denied);
    await expect(client.newKeys.create()).rejects.toMatchObject(denied);
    await expect(client.api.v2010.accounts.list()).rejects.toMatchObject(denied);
    await expect(client.api.v2010.accounts(world.account.sid).fetch()).rejects.toMatchObject(denied);
    await expect(client.api.v2010.accounts.create()).rejects.toMatchObject(denied);
  });

  test('the library takes a key only with the account it is for [rest 2 key-library]', async () => {
    const { sid, secret } = await world.client.newKeys.create();
    expect(() => twilio(sid, secret)).toThrow(/accountSid/);
    expect(await clientOf({ sid, secret }).calls.list()).toEqual([]);
  });

  test('a main key does everything [rest 2 key-types]', async () => {
    const key = aKey(world.account.sid, { kind: 'main' });
    await world.store.keys.insert(key);
    const client = clientOf(key);
    expect((await client.api.v2010.accounts(world.account.sid).fetch()).sid).toBe(world.account.sid);
    expect((await client.keys(key.sid).fetch()).sid).toBe(key.sid);
  });

  test('a key of a parent reaches its subaccounts, one of a subaccount only its own [rest 2 subaccount-scope]', async () => {
    const ofParent = await world.client.newKeys.create();
    expect(await clientOf(ofParent, child.sid).calls.list()).toEqual([]);
    const ofChild = await world.clientOf(child).newKeys.create();
    expect(await clientOf(ofChild, child.sid).calls.list()).toEqual([]);
    await expect(clientOf(ofChild).calls.list()).rejects.toMatchObject(denied);
  });

  test('a wrong secret, an unknown key and a removed one are one answer [rest 8 key] [rest 6 20003]', async () => {
    const key = await world.client.newKeys.create();
    const client = clientOf(key);
    expect(await client.calls.list()).toEqual([]);
    await expect(clientOf({ ...key, secret: `${key.secret}x` }).calls.list()).rejects.toMatchObject(denied);
    await expect(clientOf({ ...key, sid: `SK${'0'.repeat(32)}` }).calls.list()).rejects.toMatchObject(denied);
    await expect(clientOf({ ...key, secret: world.account.authToken }).calls.list()).rejects.toMatchObject(denied);
    await world.client.keys(key.sid).remove();
    await expect(client.calls.list()).rejects.toMatchObject(denied);
  });

  test('keys of a suspended account are refused with 20005 [rest 2 suspended-rest]', async () => {
    const suspended = anAccount({ ownerAccountSid: world.account.sid, status: 'suspended' });
    await world.store.accounts.insert(suspended);
    const key = aKey(suspended.sid);
    await world.store.keys.insert(key);
    await expect(clientOf(key, suspended.sid).calls.list()).rejects.toMatchObject({ status: 403, code: 20005 });
  });
});
