// How requests are read and answered, whatever the resource: credentials, ways to point the library here, bodies, methods, headers
// (rest-api.md 2 to 6). What one resource makes of its parameters is in its own file.

import dns from 'node:dns';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import twilio from 'twilio';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { realClock } from '../../src/base/clock.ts';
import { cryptoRandom } from '../../src/base/ids.ts';
import { limits } from '../../src/base/limits.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import type { Account } from '../../src/base/records.ts';
import { ensureCertificates } from '../../src/certs/authority.ts';
import { type ApiWorld, apiWorld, GatewayHttpClient, json } from '../support/api-world.ts';
import { aCall, anAccount } from '../support/store-records.ts';

let world: ApiWorld;
let child: Account;
beforeAll(async () => {
  world = await apiWorld();
  child = anAccount({ ownerAccountSid: world.account.sid, friendlyName: 'Child', authToken: 'c'.repeat(32) });
  await world.store.accounts.insert(child);
});
afterAll(() => world.stop());

const FORM = 'application/x-www-form-urlencoded';
const callForm = 'To=sip%3Abob%40x.example&From=desk&Url=https%3A%2F%2Fapp.example.com%2Fvoice';

describe('credentials', () => {
  test('without them nothing is done, and there is no second round trip: the library sends them at once [rest 2 basic]', async () => {
    const before = world.http.requests.length;
    await world.client.calls.list({ limit: 1 });
    expect(world.http.requests.length - before).toBe(1);
    const made = world.calls.created.length;
    const refused = await world.fetch('Calls.json', { form: callForm, authorization: '' });
    expect([refused.status, world.calls.created.length]).toEqual([401, made]);
  });

  test('v1 has no account in its paths: it is that of the credentials, or the owner of the key [rest 2 v1-account]', async () => {
    const own = await world.clientOf(child).voice.v1.byocTrunks.create({ friendlyName: 'of the child' });
    expect(own.accountSid).toBe(child.sid);
    const key = await world.clientOf(child).newKeys.create();
    // The account that the library is told does not stand in such a path.
    const byKey = twilio(key.sid, key.secret, { accountSid: world.account.sid, httpClient: world.http });
    expect((await byKey.voice.v1.byocTrunks.list()).map(({ sid }) => sid)).toEqual([own.sid]);
    expect((await byKey.voice.v1.byocTrunks.create({})).accountSid).toBe(child.sid);
    expect(await world.client.voice.v1.byocTrunks.list()).toEqual([]);
  });

  test('a signed request is taken by its credentials; a bearer token is none [rest 2 other-headers]', async () => {
    const signed = await world.fetch('Calls.json', { headers: { 'twilio-client-validation': 'a.b.c' } });
    expect(signed.status).toBe(200);
    const bearer = await world.fetch('Calls.json', { authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.x' });
    expect([bearer.status, (await json(bearer)).code]).toEqual([401, 20003]);
  });

  test('the auth token stands in the account’s own representation and nowhere else [rest 2 auth-token]', async () => {
    const token = world.account.authToken;
    world.store.calls.put(aCall(world.account.sid));
    await world.client.newKeys.create();
    await world.client.applications.create({ friendlyName: 'a' });
    const bodies = async (paths: readonly string[]) =>
      (await Promise.all(paths.map(async (path) => (await world.fetch(path)).text()))).join('\n');
    const account = `/2010-04-01/Accounts/${world.account.sid}.json`;
    expect(await bodies([account, '/2010-04-01/Accounts.json'])).toContain(token);
    const others = ['Calls.json', 'Keys.json', 'Applications.json', 'Notifications.json', 'SIP/Domains.json'];
    expect(await bodies([...others, '/v1/ByocTrunks'])).not.toContain(token);
    expect((await world.fetch(account, { authorization: 'Basic QUM6eA==' })).status).toBe(401);
  });
});

describe('ways to point the library here', () => {
  test('its HTTP client, over plain HTTP: every product, and paging of both kinds [rest 3 http-client] [rest 3 one-origin]', async () => {
    const own = await apiWorld();
    for (const name of ['a', 'b', 'c']) {
      await own.client.applications.create({ friendlyName: name });
      await own.client.voice.v1.byocTrunks.create({ friendlyName: name });
    }
    expect(await own.client.applications.list({ pageSize: 2 })).toHaveLength(3);
    expect(await own.client.voice.v1.byocTrunks.list({ pageSize: 2 })).toHaveLength(3);
    expect(new Set(own.http.requests.map(({ uri }) => new URL(uri).origin))).toEqual(new Set([own.url]));
    await own.stop();
  });

  test('the base URL of each product: core and v1, with their paging [rest 3 base-url]', async () => {
    const own = await apiWorld();
    const client = twilio(own.account.sid, own.account.authToken);
    client.api.baseUrl = own.url;
    client.voice.baseUrl = own.url;
    for (const name of ['a', 'b', 'c']) {
      await client.applications.create({ friendlyName: name });
      await client.voice.v1.ipRecords.create({ ipAddress: '192.0.2.1', friendlyName: name });
    }
    expect(await client.applications.list({ pageSize: 1 })).toHaveLength(3);
    expect(await client.voice.v1.ipRecords.list({ pageSize: 1 })).toHaveLength(3);
    await own.stop();
  });

  test('edge and region only change the host: the paths are the same [rest 3 edge-region]', async () => {
    const { sid, authToken } = world.account;
    const client = twilio(sid, authToken, { httpClient: world.http, edge: 'frankfurt', region: 'ie1' });
    expect((await client.api.v2010.accounts(sid).fetch()).sid).toBe(sid);
    expect(Array.isArray(await client.voice.v1.connectionPolicies.list())).toBe(true);
  });

  test('a name that leads here, and our authority in `ca` [rest 3 name-override]', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hookswitch-names-'));
    const made = await ensureCertificates({
      directory,
      names: ['api.twilio.com'],
      addresses: [],
      clock: realClock,
      log: silentLog,
      random: cryptoRandom,
      hostName: 'gateway',
    });
    if (!made.ok) throw new Error(made.error);
    const read = (name: string) => readFileSync(join(directory, name), 'utf8');
    const secure = await apiWorld({ config: { tls: { key: read('server.key'), cert: read('server.pem') } } });
    const { lookup } = dns;
    // What a hosts file does. The port is the one thing that differs: 443 is not free to take in a test.
    const override: LookupFunction = (host, options, callback) => {
      const address = host === 'api.twilio.com' ? '127.0.0.1' : host;
      lookup(address, options, callback);
    };
    const spy = vi.spyOn(dns, 'lookup').mockImplementation(override as typeof dns.lookup);
    try {
      const clientWith = (ca?: string) => {
        const client = twilio(secure.account.sid, secure.account.authToken, ca === undefined ? {} : { ca });
        client.api.baseUrl = `https://api.twilio.com:${new URL(secure.url).port}`;
        return client;
      };
      expect(await clientWith(read('ca.pem')).calls.list()).toEqual([]);
      await expect(clientWith().calls.list()).rejects.toThrow(/certificate/);
    } finally {
      spy.mockRestore();
      await secure.stop();
      rmSync(directory, { recursive: true });
    }
  });
});

describe('requests', () => {
  test('what a client accepts does not matter: the answer is JSON [rest 4 headers] [rest 5 content-type] [rest 6 always-json]', async () => {
    for (const accept of ['text/xml', 'text/csv', '*/*', 'application/json, text/plain, */*']) {
      const answer = await world.fetch('Calls.json', { headers: { accept, 'accept-charset': 'utf-8' } });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    }
  });

  test.each([
    ['no body and no type', {}],
    ['an empty form', { body: '', headers: { 'content-type': FORM } }],
    ['a form with its charset', { body: 'FriendlyName=', headers: { 'content-type': `${FORM}; charset=UTF-8` } }],
    ['a type in capitals', { body: '', headers: { 'content-type': 'Application/X-WWW-Form-URLencoded' } }],
  ])('an update may be empty: %s [rest 4 empty-update]', async (_, init) => {
    const path = `/2010-04-01/Accounts/${child.sid}.json`;
    const answer = await world.fetch(path, { method: 'POST', ...init });
    expect([answer.status, (await json(answer)).friendly_name]).toEqual([200, 'Child']);
  });

  test.each([
    ['JSON', 'application/json', '{"FriendlyName":"x"}'],
    ['text', 'text/plain', 'FriendlyName=x'],
    ['XML', 'application/xml', '<FriendlyName>x</FriendlyName>'],
    ['nothing that is known', 'x', 'FriendlyName=x'],
  ])(
    'a body of another type is refused with 20415, and changes nothing: %s [rest 4 body-type]',
    async (_, type, body) => {
      const path = `/2010-04-01/Accounts/${child.sid}.json`;
      const answer = await world.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
      expect([answer.status, (await json(answer)).code]).toEqual([415, 20415]);
      expect((await json(await world.fetch(path))).friendly_name).toBe('Child');
    },
  );

  test.each([
    ['no boundary', 'multipart/form-data', '--b\r\n'],
    [
      'another boundary',
      'multipart/form-data; boundary=c',
      '--b\r\nContent-Disposition: form-data; name="A"\r\n\r\nx\r\n--b--',
    ],
    ['no end', 'multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="A"\r\n\r\nx'],
    ['no name', 'multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n'],
    ['nothing', 'multipart/form-data; boundary=b', 'x'],
  ])('parts that cannot be read are 400, 20001, and change nothing: %s [rest 4 multipart]', async (_, type, body) => {
    const path = `/2010-04-01/Accounts/${child.sid}.json`;
    const answer = await world.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
    expect([answer.status, (await json(answer)).code]).toEqual([400, 20001]);
    expect((await json(await world.fetch(path))).friendly_name).toBe('Child');
  });

  test('a body without a declared length is bounded too [rest 4 body-size]', async () => {
    const piece = new TextEncoder().encode('x'.repeat(16_384));
    let left = Math.ceil(limits.restBodyBytes / piece.length) + 1;
    const body = new ReadableStream({
      pull: (controller) => (left-- > 0 ? controller.enqueue(piece) : controller.close()),
    });
    const init = { method: 'POST', body, duplex: 'half', headers: { 'content-type': FORM } } as RequestInit;
    const answer = await world.fetch('Calls.json', init).catch((error: unknown) => error);
    // The answer comes while the body is still on its way: it is read, or the connection is gone.
    if (answer instanceof Response) expect([answer.status, (await json(answer)).code]).toEqual([413, 20413]);
    else expect(answer).toBeInstanceOf(TypeError);
    expect((await world.fetch('Calls.json')).status).toBe(200);
  });

  test('bytes that are no UTF-8 give text or an error, never a fault of ours [rest 4 utf-8]', async () => {
    const path = `/2010-04-01/Accounts/${child.sid}.json`;
    const good = await world.fetch(path, { form: 'FriendlyName=%E2%82%AC+%F0%9F%93%9E' });
    expect((await json(good)).friendly_name).toBe('€ 📞');
    for (const body of [Buffer.from([0x46, 0x3d, 0xff, 0xfe]), Buffer.from('FriendlyName=%ff%fe')]) {
      const answer = await world.fetch(path, { method: 'POST', body, headers: { 'content-type': FORM } });
      expect([200, 400]).toContain(answer.status);
    }
    await world.fetch(path, { form: 'FriendlyName=Child' });
  });

  test('unknown parameters are ignored; those of a new call are named in the log, with 20001 [rest 4 unknown-parameters] [rest 6 20001]', async () => {
    const lines: unknown[] = [];
    const log: Log = { ...silentLog, child: () => log, warn: (fields, message) => lines.push([fields, message]) };
    const own = await apiWorld({ log });
    const answer = await own.fetch('Calls.json', { form: `${callForm}&to=x&Colour=red%0A` });
    const { sid } = await json(answer);
    expect(answer.status).toBe(201);
    expect(lines).toEqual([
      [{ callSid: sid, errorCode: 20001 }, 'Parameter to is unknown and was ignored'],
      [{ callSid: sid, errorCode: 20001 }, 'Parameter Colour is unknown and was ignored'],
    ]);
    expect(await own.client.calls(String(sid)).notifications.list()).toEqual([]);
    // Names are PascalCase: `to` is not `To`.
    expect(own.calls.created.at(-1)?.to).toBe('sip:bob@x.example');
    await own.stop();
  });

  test.each([
    ['PATCH', 405],
    ['TRACE', 405],
    ['PROPFIND', 404],
  ])('%s is no method of a list: %i [rest 4 methods]', async (method, status) => {
    const { sid, authToken } = world.account;
    const headers = { authorization: `Basic ${Buffer.from(`${sid}:${authToken}`).toString('base64')}` };
    const sent = httpRequest(`${world.url}/2010-04-01/Accounts/${sid}/Calls.json`, { method, headers }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([status, 'application/json; charset=utf-8']);
    const body = (await answer.toArray()).join('');
    expect(JSON.parse(body)).toMatchObject({ status, code: status === 405 ? 20004 : 20404 });
  });

  test('HEAD is a GET whose body stays here, with its errors too [rest 4 head]', async () => {
    for (const [path, status] of [
      ['Calls.json', 200],
      ['Nothing.json', 404],
      ['Tokens.json', 405],
    ] as const) {
      const answer = await world.fetch(path, { method: 'HEAD' });
      expect([answer.status, await answer.text()]).toEqual([status, '']);
      expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(0);
    }
    expect((await world.fetch('Calls.json', { method: 'HEAD', authorization: '' })).status).toBe(401);
  });

  test('the absolute form of a request target, as clients behind a proxy setting send it [rest 4 absolute-form]', async () => {
    const { sid, authToken } = world.account;
    const { hostname, port } = new URL(world.url);
    const headers = { authorization: `Basic ${Buffer.from(`${sid}:${authToken}`).toString('base64')}` };
    const path = `http://api.twilio.com/2010-04-01/Accounts/${sid}/Calls.json?PageSize=1`;
    const sent = httpRequest({ hostname, port, path, headers }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    expect(JSON.parse((await answer.toArray()).join(''))).toMatchObject({ page_size: 1 });
  });

  test('a path that cannot be decoded has an answer like others [rest 6 request-headers]', async () => {
    const answer = await world.fetch('Calls/%zz.json');
    expect(answer.headers.get('twilio-request-id')).toMatch(/^RQ[0-9a-f]{32}$/);
    expect(await answer.json()).toMatchObject({ status: 404, code: 20404 });
  });

  test('values in the path are decoded once; the library refuses what would change the path [rest 4 path-values]', async () => {
    for (const sid of ['../Accounts', 'a?b', 'a/b']) expect(() => world.client.calls(sid)).toThrow(/not valid/);
    const call = aCall(world.account.sid);
    world.store.calls.put(call);
    const escaped = [...call.sid].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('');
    expect((await json(await world.fetch(`Calls/${escaped}.json`))).sid).toBe(call.sid);
    const twice = await world.fetch(`Calls/${escaped.replaceAll('%', '%25')}.json`);
    expect([twice.status, (await json(twice)).code]).toEqual([404, 20404]);
  });
});

describe('answers', () => {
  test('no answer is a redirect, and the library reads each one as it is [rest 5 no-redirects]', async () => {
    for (const path of ['Calls', 'Calls.json', 'Calls/', 'calls.json', '/2010-04-01', '/v1/ByocTrunks/', '/']) {
      const answer = await world.fetch(path, { redirect: 'manual' });
      expect([200, 404]).toContain(answer.status);
      expect(await answer.json()).toBeTypeOf('object');
    }
  });

  test('ids and durations are those of one request; CORS for pages of another origin [rest 6 request-headers] [rest 6 cors]', async () => {
    const [one, two] = [await world.fetch('Calls.json'), await world.fetch('Faxes.json')];
    const ids = [one, two].map((answer) => answer.headers.get('twilio-request-id'));
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^RQ[0-9a-f]{32}$/);
    for (const answer of [one, two]) {
      expect(answer.headers.get('twilio-request-duration')).toMatch(/^\d+\.\d{3}$/);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    }
    const allowed = one.headers.get('access-control-allow-headers')?.split(', ');
    expect(allowed).toEqual(
      expect.arrayContaining(['Accept', 'Authorization', 'Content-Type', 'If-Match', 'Idempotency-Key']),
    );
    expect(one.headers.get('access-control-allow-credentials')).toBe('true');
  });

  test('an error has nothing that the library takes for a problem document [rest 6 no-problem-details]', async () => {
    const fault = await world.client.calls
      .create({ to: '', from: 'a', url: 'https://x.example' })
      .catch((error) => error);
    expect(fault).toBeInstanceOf(twilio.RestException);
    expect(fault).toMatchObject({ status: 400, code: 21201, moreInfo: expect.stringContaining('/21201') });
    const body = await json(await world.fetch('Calls.json', { form: 'From=a' }));
    expect(Object.keys(body).sort()).toEqual(['code', 'message', 'more_info', 'status']);
  });
});

test('the library’s debug log and its other HTTP options change nothing [rest 3 http-client]', async () => {
  const http = new GatewayHttpClient(world.url, { timeout: 5_000, keepAlive: false });
  const client = twilio(world.account.sid, world.account.authToken, { httpClient: http, userAgentExtensions: ['x/1'] });
  expect((await client.api.v2010.accounts(world.account.sid).fetch()).sid).toBe(world.account.sid);
});
