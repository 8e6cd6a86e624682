// The SIP resources as plain HTTP: verbs, status codes, envelopes and error bodies that the vendor's library hides (sip-interface.md 6).

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world.stop());

const sidOf = async (path: string, form: string): Promise<string> =>
  (await json<{ sid: string }>(await world.fetch(path, { form }))).sid;
let counter = 0;
const newDomain = () => sidOf('SIP/Domains.json', `DomainName=wire${++counter}.sip.localhost`);

test('POST creates 201, GET 200, POST updates 200, DELETE 204 without body [sip 6 verbs] [rest 6 status-200] [rest 6 status-201] [rest 6 status-204]', async () => {
  const made = await world.fetch('SIP/CredentialLists.json', { form: 'FriendlyName=verbs' });
  expect(made.status).toBe(201);
  const path = `SIP/CredentialLists/${(await json(made)).sid}.json`;
  expect((await world.fetch(path)).status).toBe(200);
  expect((await world.fetch(path, { form: 'FriendlyName=changed' })).status).toBe(200);
  const removed = await world.fetch(path, { method: 'DELETE' });
  expect([removed.status, await removed.text()]).toEqual([204, '']);
  expect((await world.fetch(path)).status).toBe(404);
});

describe('paths below /SIP (sip-interface.md 6.1)', () => {
  // Path of the list, its key, and how a member is made.
  const lists: readonly [path: string, key: string, form: () => Promise<string>][] = [
    ['Domains', 'domains', async () => `DomainName=wire${++counter}.sip.localhost`],
    ['CredentialLists', 'credential_lists', async () => `FriendlyName=list${++counter}`],
    ['IpAccessControlLists', 'ip_access_control_lists', async () => `FriendlyName=acl${++counter}`],
  ];
  const ofLists: readonly [list: string, path: string, key: string, form: string][] = [
    ['CredentialLists', 'Credentials', 'credentials', 'Username=alice&Password=Correct-Horse-1'],
    ['IpAccessControlLists', 'IpAddresses', 'ip_addresses', 'FriendlyName=pbx&IpAddress=192.0.2.7'],
  ];
  const ofDomains: readonly [path: string, key: string, list: string][] = [
    ['IpAccessControlListMappings', 'ip_access_control_list_mappings', 'IpAccessControlList'],
    ['CredentialListMappings', 'credential_list_mappings', 'CredentialList'],
    ['Auth/Calls/IpAccessControlListMappings', 'contents', 'IpAccessControlList'],
    ['Auth/Calls/CredentialListMappings', 'contents', 'CredentialList'],
    ['Auth/Registrations/CredentialListMappings', 'contents', 'CredentialList'],
  ];

  async function expectList(path: string, key: string, form: string): Promise<string> {
    const made = await world.fetch(`SIP/${path}.json`, { form });
    expect(made.status).toBe(201);
    const { sid } = await json<{ sid: string }>(made);
    const listed = await json(await world.fetch(`SIP/${path}.json`));
    expect(Object.keys(listed).sort()).toEqual(
      [
        'end first_page_uri next_page_uri page page_size previous_page_uri start uri'.split(' '),
        // A key of its own behind the envelope.
        key,
      ]
        .flat()
        .sort(),
    );
    expect((listed[key] as { sid: string }[]).map((one) => one.sid)).toContain(sid);
    expect((await world.fetch(`SIP/${path}/${sid}.json`)).status).toBe(200);
    return sid;
  }

  test.each(lists)('%s: GET and POST, and GET, POST and DELETE of one [sip 6.1 paths]', async (path, key, form) => {
    const sid = await expectList(path, key, await form());
    expect((await world.fetch(`SIP/${path}/${sid}.json`, { form: await form() })).status).toBe(200);
    expect((await world.fetch(`SIP/${path}/${sid}.json`, { method: 'DELETE' })).status).toBe(204);
  });

  test.each(ofLists)('%s/%s: the same below a list [sip 6.1 paths]', async (list, path, key, form) => {
    const owner = await sidOf(`SIP/${list}.json`, `FriendlyName=owner${++counter}`);
    const sid = await expectList(`${list}/${owner}/${path}`, key, form);
    expect((await world.fetch(`SIP/${list}/${owner}/${path}/${sid}.json`, { form: '' })).status).toBe(200);
    expect((await world.fetch(`SIP/${list}/${owner}/${path}/${sid}.json`, { method: 'DELETE' })).status).toBe(204);
  });

  test.each(ofDomains)(
    '%s lists under `%s`, and cannot be updated [sip 6.1 collection-keys] [rest 7.2 contents] [rest 14 mapping-twice]',
    async (path, key, list) => {
      const domain = await newDomain();
      const owned = await sidOf(`SIP/${list}s.json`, `FriendlyName=mapped${++counter}`);
      const sid = await expectList(`Domains/${domain}/${path}`, key, `${list}Sid=${owned}`);
      expect(sid).toBe(owned);
      const one = `SIP/Domains/${domain}/${path}/${sid}.json`;
      expect((await world.fetch(one, { form: '' })).status).toBe(405);
      expect((await world.fetch(one, { method: 'DELETE' })).status).toBe(204);
    },
  );

  test('a path without verbs is not there [sip 6.1 no-verbs]', async () => {
    const domain = await newDomain();
    const bare = [
      'SIP.json',
      ...['Auth', 'Auth/Calls', 'Auth/Registrations'].map((path) => `SIP/Domains/${domain}/${path}.json`),
    ];
    for (const path of bare)
      for (const method of ['GET', 'POST']) expect((await world.fetch(path, { method })).status).toBe(404);
  });
});

test('names of address lists and addresses have 255 characters at most [sip 6.6 list-name] [sip 6.6 address-name]', async () => {
  const named = (length: number) => `FriendlyName=${String(++counter).padEnd(length, 'x')}`;
  const acl = await world.fetch('SIP/IpAccessControlLists.json', { form: named(255) });
  expect(acl.status).toBe(201);
  const refused = await world.fetch('SIP/IpAccessControlLists.json', { form: named(256) });
  expect(await json(refused)).toMatchObject({ code: 21235, status: 400 });
  const path = `SIP/IpAccessControlLists/${(await json(acl)).sid}/IpAddresses.json`;
  expect((await world.fetch(path, { form: `${named(255)}&IpAddress=192.0.2.1` })).status).toBe(201);
  expect((await world.fetch(path, { form: `${named(256)}&IpAddress=192.0.2.2` })).status).toBe(400);
});

test('an error is {code, message, more_info, status}; the code and the request have headers [sip 6.7 error-body]', async () => {
  const answer = await world.fetch('SIP/Domains.json', { form: 'DomainName=of_fice.sip.localhost' });
  expect(answer.status).toBe(400);
  expect(answer.headers.get('x-twilio-error-code')).toBe('21232');
  expect(answer.headers.get('twilio-request-id')).toMatch(/^RQ[0-9a-f]{32}$/);
  expect(await json(answer)).toEqual({
    code: 21232,
    message: expect.any(String),
    more_info: expect.stringContaining('21232'),
    status: 400,
  });
});

test('parameters as multipart/form-data, as release 3.0 of the library sends them; a file is refused [rest 4 multipart]', async () => {
  const form = new FormData();
  form.append('FriendlyName', 'sent in parts & more');
  const made = await world.fetch('SIP/CredentialLists.json', { method: 'POST', body: form });
  expect([made.status, (await json<{ friendly_name: string }>(made)).friendly_name]).toEqual([
    201,
    'sent in parts & more',
  ]);
  form.append('Media', new Blob(['RIFF']), 'x.wav');
  const refused = await world.fetch('SIP/CredentialLists.json', { method: 'POST', body: form });
  expect([refused.status, (await json<{ code: number }>(refused)).code]).toEqual([400, 20001]);
});
