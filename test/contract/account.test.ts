// Authentication, accounts, errors, headers through the vendor's library and plain requests (rest-api.md 2-6, 22.7).

import { once } from 'node:events';
import { connect } from 'node:net';
import twilio from 'twilio';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { Account } from '../../src/base/records.ts';
import { type ApiWorld, apiWorld, GatewayHttpClient, json } from '../support/api-world.ts';
import { aNotification, anAccount } from '../support/store-records.ts';

let world: ApiWorld;
let child: Account;
let sibling: Account;
beforeAll(async () => {
  world = await apiWorld();
  child = anAccount({ ownerAccountSid: world.account.sid, friendlyName: 'Child', authToken: 'c'.repeat(32) });
  sibling = anAccount({ ownerAccountSid: world.account.sid, friendlyName: 'Sibling', authToken: 'd'.repeat(32) });
  await world.store.accounts.insert(child);
  await world.store.accounts.insert(sibling);
});
afterAll(() => world.stop());

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('authentication (rest-api.md 2)', () => {
  test('a wrong token is 401, 20003, as a RestException [sip 6.7 generic] [rest 2 wrong-credentials] [rest 6 20003] [rest 6 status-401] [rest 6 error-body]', async () => {
    const wrong = world.clientOf({ sid: world.account.sid, authToken: 'f'.repeat(32) });
    await expect(wrong.calls.list()).rejects.toMatchObject({
      status: 401,
      code: 20003,
      message: 'Authenticate',
      moreInfo: 'https://www.twilio.com/docs/errors/20003',
    });
  });

  test.each([
    ['no header', ''],
    ['another scheme', 'Bearer abc'],
    ['no Base64', 'Basic !!!'],
    ['no colon', basic('ACx')],
    ['an unknown account', basic(`AC${'0'.repeat(32)}:${'0'.repeat(32)}`)],
    ['an empty token', () => basic(`${world.account.sid}:`)],
    ['no sid', basic('admin:admin')],
  ])(
    '%s: 401 with a challenge and the same body [rest 2 wrong-credentials] [rest 6 error-header]',
    async (_, authorization) => {
      const header = typeof authorization === 'function' ? authorization() : authorization;
      const answer = await world.fetch('Calls.json', { authorization: header });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
      expect(answer.headers.get('x-twilio-error-code')).toBe('20003');
      expect(await answer.json()).toEqual({
        code: 20003,
        message: 'Authenticate',
        more_info: 'https://www.twilio.com/docs/errors/20003',
        status: 401,
      });
    },
  );

  test('a changed token counts at once [rest 2 token-changes]', async () => {
    const account = anAccount({ ownerAccountSid: world.account.sid, authToken: 'e'.repeat(32) });
    await world.store.accounts.insert(account);
    await world.clientOf(account).calls.list();
    const renewed = { ...account, authToken: 'a'.repeat(32) };
    await world.store.accounts.update(renewed);
    await expect(world.clientOf(account).calls.list()).rejects.toMatchObject({ code: 20003 });
    await world.clientOf(renewed).calls.list();
  });

  test('the base URL of the library may be set instead of its HTTP client (rest-api.md 3.2) [rest 3 base-url]', async () => {
    const client = twilio(world.account.sid, world.account.authToken);
    client.api.baseUrl = world.url;
    expect((await client.api.v2010.accounts(world.account.sid).fetch()).sid).toBe(world.account.sid);
    expect(await client.calls.list({ pageSize: 1 })).toEqual([]);
  });
});

describe('accounts (rest-api.md 2)', () => {
  test('a parent addresses its subaccounts; a subaccount neither parent nor sibling nor strangers [rest 2 subaccount-scope]', async () => {
    const viaParent = twilio(world.account.sid, world.account.authToken, {
      accountSid: child.sid,
      httpClient: world.http,
    });
    expect(await viaParent.calls.list()).toEqual([]);
    const own = world.clientOf(child);
    for (const sid of [world.account.sid, sibling.sid, `AC${'9'.repeat(32)}`])
      await expect(own.api.v2010.accounts(sid).fetch()).rejects.toMatchObject({ status: 401, code: 20003 });
    expect((await own.api.v2010.accounts(child.sid).fetch()).friendlyName).toBe('Child');
  });

  test('list: itself and its subaccounts for a parent, itself for a subaccount; filters [rest 2 accounts-list] [rest 7.3 accounts] [rest 7.3 unknown-value]', async () => {
    const sids = async (client: ApiWorld['client'], filter = {}) =>
      (await client.api.v2010.accounts.list(filter)).map((account) => account.sid);
    expect(await sids(world.client)).toEqual(expect.arrayContaining([world.account.sid, child.sid, sibling.sid]));
    expect(await sids(world.clientOf(child))).toEqual([child.sid]);
    expect(await sids(world.client, { friendlyName: 'Child' })).toEqual([child.sid]);
    expect(await sids(world.client, { status: 'suspended' })).toEqual([]);
  });

  test('create makes a subaccount with its own token; a subaccount cannot have one (21101) [rest 2 subaccount-create] [rest 2 subaccount-depth] [rest 2 owner]', async () => {
    const made = await world.client.api.v2010.accounts.create({ friendlyName: 'Made' });
    expect(made).toMatchObject({ friendlyName: 'Made', status: 'active', ownerAccountSid: world.account.sid });
    const parent = await world.client.api.v2010.accounts(world.account.sid).fetch();
    expect(parent.ownerAccountSid).toBe(parent.sid);
    const own = world.clientOf(made);
    expect((await own.api.v2010.accounts(made.sid).fetch()).authToken).toBe(made.authToken);
    await expect(own.api.v2010.accounts.create()).rejects.toMatchObject({ status: 400, code: 21101 });
  });

  test('status: only of a subaccount, by its parent; suspended is refused (20005); closed is final [rest 2 status-values] [rest 2 status-of-subaccounts] [rest 2 status-closed] [rest 2 suspended-rest] [rest 6 20005] [rest 6 status-401]', async () => {
    const update = (sid: string, change: object, client = world.client) =>
      client.api.v2010.accounts(sid).update(change);
    await expect(update(world.account.sid, { status: 'suspended' })).rejects.toMatchObject({ code: 21477 });
    await expect(update(sibling.sid, { status: 'suspended' }, world.clientOf(sibling))).rejects.toMatchObject({
      code: 21477,
    });
    await expect(update(sibling.sid, { status: 'asleep' })).rejects.toMatchObject({ code: 21475 });
    expect((await update(sibling.sid, { status: 'suspended' })).status).toBe('suspended');
    await expect(world.clientOf(sibling).calls.list()).rejects.toMatchObject({ status: 403, code: 20005 });
    expect((await update(sibling.sid, { status: 'active' })).status).toBe('active');
    expect(await world.clientOf(sibling).calls.list()).toEqual([]);
    expect((await update(sibling.sid, { status: 'closed', friendlyName: 'Gone' })).friendlyName).toBe('Gone');
    await expect(update(sibling.sid, { status: 'active' })).rejects.toMatchObject({ code: 21479 });
  });

  test.each([
    ['too long', 'x'.repeat(65)],
    ['a line end', 'a\r\nb'],
  ])('a bad FriendlyName is 20002: %s [rest 6 20002]', async (_, friendlyName) => {
    await expect(world.client.api.v2010.accounts(child.sid).update({ friendlyName })).rejects.toMatchObject({
      code: 20002,
    });
  });
});

describe('requests and errors (rest-api.md 4-6)', () => {
  test.each([
    ['unknown resource [sip 6.7 generic] [rest 6 20404]', 'Faxes.json', 'GET', 404, 20404],
    ['malformed account', '/2010-04-01/Accounts/AC1/Calls.json', 'GET', 404, 20404],
    ['unknown version', '/2011-04-01/Accounts.json', 'GET', 404, 20404],
    ['broken percent escape', 'Calls/%zz.json', 'GET', 404, 20404],
    ['xml [rest 4 extension]', 'Calls.xml', 'GET', 404, 20404],
    ['csv [rest 4 extension]', 'Calls.csv', 'GET', 404, 20404],
    ['malformed sid [rest 5 malformed-sid]', 'Calls/CA1.json', 'GET', 404, 20404],
    ['a path in a path', 'Calls/..%2F..%2FAccounts.json', 'GET', 404, 20404],
    ['wrong method on a list [rest 4 methods] [rest 6 20004]', 'Calls.json', 'DELETE', 405, 20004],
    ['wrong method on an instance', 'Notifications/NO1.json', 'POST', 405, 20004],
    ['a method of its own', 'Calls.json', 'PATCH', 405, 20004],
  ])('%s [rest 6 error-body] [rest 6 always-json]', async (_, path, method, status, code) => {
    const answer = await world.fetch(path, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toEqual({
      code,
      status,
      message: expect.any(String),
      more_info: `https://www.twilio.com/docs/errors/${code}`,
    });
  });

  test('405 names the methods that there are [rest 6 20004]', async () => {
    const answer = await world.fetch('Calls.json', { method: 'DELETE' });
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  test('without extension the answer is JSON too; links end in .json [rest 4 extension]', async () => {
    const answer = await world.fetch('Calls');
    expect(answer.status).toBe(200);
    expect((await json(answer)).uri).toContain('/Calls.json?');
  });

  test('`+` and `%20` are both a space; PUT is POST; of a repeated name the last counts [rest 4 body] [rest 4 put] [rest 4 repeated]', async () => {
    const name = async (form: string, method = 'POST') =>
      (await json(await world.fetch(`/2010-04-01/Accounts/${child.sid}.json`, { form, method }))).friendly_name;
    expect(await name('FriendlyName=a+b%20c%2B')).toBe('a b c+');
    expect(await name('FriendlyName=put', 'PUT')).toBe('put');
    expect(await name('FriendlyName=one&FriendlyName=two')).toBe('two');
    expect(await name('FriendlyName=%C3%A4&Unknown=1')).toBe('ä');
  });

  test('response headers [rest 6 request-headers] [rest 6 error-header] [rest 6 cors]', async () => {
    const answer = await world.fetch('Calls.json');
    expect(answer.headers.get('twilio-request-id')).toMatch(/^RQ[0-9a-f]{32}$/);
    expect(answer.headers.get('twilio-request-duration')).toMatch(/^\d+\.\d{3}$/);
    expect(answer.headers.get('twilio-concurrent-requests')).toBe('1');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-expose-headers')).toBe('ETag');
    expect(answer.headers.get('x-twilio-error-code')).toBeNull();
  });

  test('a CORS preflight needs no credentials [rest 6 cors]', async () => {
    const answer = await world.fetch('Calls.json', { method: 'OPTIONS', authorization: '' });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET, POST, DELETE, OPTIONS');
  });

  test.each([
    ['too large', 'application/x-www-form-urlencoded', `A=${'x'.repeat(limits.restBodyBytes)}`, 413],
    ['too many fields', 'application/x-www-form-urlencoded', 'a=1&'.repeat(limits.restFormFields + 1), 413],
    ['another type', 'application/json', '{}', 415],
  ])(
    'a body that is %s is a JSON error [rest 4 body-type] [rest 4 body-size] [rest 6 always-json]',
    async (_, type, body, status) => {
      const answer = await world.fetch('Calls.json', { method: 'POST', body, headers: { 'content-type': type } });
      expect(answer.status).toBe(status);
      expect(await answer.json()).toMatchObject({ status, code: 20_000 + status });
    },
  );

  test('bytes that are no HTTP end the connection and nothing else', async () => {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.resume();
    socket.end('\0\x01garbage\r\n\r\n');
    await once(socket, 'close');
    expect((await world.fetch('Calls.json')).status).toBe(200);
  });
});

test('429 with autoRetry: not processed, tried again by the library (rest-api.md 20, 22.7) [rest 6 status-429] [rest 6 20429] [rest 22 check-7] [rest 20 concurrency]', async () => {
  const limited = await apiWorld({ config: { maxConcurrentRequests: 1 } });
  const { list } = limited.store.calls;
  let release = () => {};
  let arrived = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const inside = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let requests = 0;
  limited.store.calls.list = async (...parameters) => {
    requests++;
    arrived();
    await held;
    return list(...parameters);
  };
  const first = limited.client.calls.list();
  await inside;
  await expect(limited.client.calls.list()).rejects.toMatchObject({ status: 429, code: 20429 });
  const refused = await limited.fetch('Calls.json');
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('twilio-concurrent-requests')).toBe('2');
  expect(requests).toBe(1);
  const retrying = new GatewayHttpClient(limited.url, { autoRetry: true, maxRetries: 30, maxRetryDelay: 200 });
  const second = twilio(limited.account.sid, limited.account.authToken, { httpClient: retrying }).calls.list();
  release();
  expect(await first).toEqual([]);
  expect(await second).toEqual([]);
  await limited.stop();
});

test.each([
  ['unavailable', 503, 20503],
  ['full', 503, 20503],
  ['missing', 409, 20409],
  ['something else', 500, 20500],
])(
  'a fault of the store is JSON, its text stays inside: %s is %i [rest 6 status-5xx] [rest 6 20500] [rest 6 20503] [rest 6 always-json]',
  async (code, status, expected) => {
    const broken = await apiWorld();
    broken.store.calls.list = () => Promise.reject(Object.assign(new Error('secret detail'), { code }));
    const answer = await broken.fetch('Calls.json');
    const body = await answer.text();
    expect([answer.status, JSON.parse(body).code]).toEqual([status, expected]);
    expect(body).not.toContain('secret');
    await expect(broken.client.calls.list()).rejects.toMatchObject({ status, code: expected });
    await broken.stop();
  },
);

describe('notifications (rest-api.md 16, 7.3)', () => {
  test('list, filters, fetch; under a call only its own [rest 7.3 notifications] [rest 9.4 notifications] [rest 16 fields]', async () => {
    const day = (text: string) => Date.parse(text);
    const warning = aNotification(world.account.sid, { level: 'warning', date: day('2026-01-01T05:00:00Z') });
    const error = aNotification(world.account.sid, {
      callSid: `CA${'0'.repeat(32)}`,
      date: day('2026-01-02T05:00:00Z'),
    });
    world.store.notifications.put(warning);
    world.store.notifications.put(error);
    const sids = async (filter: object) =>
      (await world.client.api.v2010.account.notifications.list(filter)).map((one) => one.sid);
    expect(await sids({})).toEqual([error.sid, warning.sid]);
    expect(await sids({ log: 1 })).toEqual([warning.sid]);
    expect(await sids({ messageDate: new Date('2026-01-02') })).toEqual([error.sid]);
    expect(await sids({ messageDateBefore: new Date('2026-01-02') })).toEqual([warning.sid]);
    expect(await sids({ messageDateAfter: new Date('2026-01-02') })).toEqual([error.sid]);
    expect(await sids({ log: 7 })).toEqual([]);
    const ofCall = world.client.calls(error.callSid!).notifications;
    expect((await ofCall.list()).map((one) => one.sid)).toEqual([error.sid]);
    const fetched = await world.client.calls(error.callSid!).notifications(error.sid).fetch();
    expect(fetched).toMatchObject({
      errorCode: '11200',
      log: '0',
      moreInfo: 'https://www.twilio.com/docs/errors/11200',
    });
    expect(new URLSearchParams(fetched.messageText).get('Msg')).toBe('HTTP retrieval failure');
    await expect(world.client.api.v2010.account.notifications(`NO${'0'.repeat(32)}`).fetch()).rejects.toMatchObject({
      status: 404,
      code: 20404,
    });
  });
});

describe('health and counts (design.md 4)', () => {
  test('healthz, readyz, counts for loopback peers, metrics when given', async () => {
    expect(await (await world.fetch('/healthz', { authorization: '' })).json()).toEqual({ status: 'ok' });
    expect((await world.fetch('/readyz', { authorization: '' })).status).toBe(200);
    expect(await (await world.fetch('/debug/counts', { authorization: '' })).json()).toEqual({ calls: 0 });
    const forwarded = { headers: { 'x-forwarded-for': '203.0.113.9' }, authorization: '' };
    expect((await world.fetch('/debug/counts', forwarded)).status).toBe(404);
    expect((await world.fetch('/metrics', { authorization: '' })).status).toBe(404);
    const other = await apiWorld({
      health: () => ({ ready: false }),
      metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'calls 1\n' }),
      extraRoutes: (server) => void server.get('/console', async () => ({ page: 'console' })),
    });
    expect((await other.fetch('/readyz')).status).toBe(503);
    const metrics = await other.fetch('/metrics');
    expect([metrics.headers.get('content-type'), await metrics.text()]).toEqual([
      'text/plain; version=0.0.4',
      'calls 1\n',
    ]);
    expect(await (await other.fetch('/console')).json()).toEqual({ page: 'console' });
    await other.stop();
  });
});
