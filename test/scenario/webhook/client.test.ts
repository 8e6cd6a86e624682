// The webhook client against a real HTTP server on loopback: what is sent, what is followed, and how each failure is named.

import { lookup } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import twilio from 'twilio';
import { afterEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import type { Result } from '../../../src/base/result.ts';
import { createWebhookClient, type WebhookClientOptions } from '../../../src/webhook/client.ts';
import type { WebhookClient, WebhookEvent, WebhookFailure, WebhookRequest } from '../../../src/webhook/webhook.ts';
import { type AppRequest, FakeApp, xml } from '../../support/fake-app.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const TOKEN = '12345';
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startApp(): Promise<FakeApp> {
  const app = await FakeApp.start();
  closing.push(() => app.stop());
  return app;
}

function startClient(options: Partial<WebhookClientOptions> = {}): WebhookClient {
  const client = createWebhookClient({
    clock: realClock,
    log: silentLog,
    dnsLookup: lookup as WebhookClientOptions['dnsLookup'],
    settings: {},
    ...options,
  });
  closing.push(async () => {
    expect(client.counts()).toMatchObject({ inFlight: 0, queued: 0 });
    await client.stop();
  });
  return client;
}

const request = (url: string, more: Partial<WebhookRequest> = {}): WebhookRequest => ({
  url,
  method: 'POST',
  params: new Map([
    ['CallSid', 'CA1'],
    ['From', 'sip:alice@pbx.example.test'],
    ['Digits', '12#'],
  ]),
  authToken: TOKEN,
  accountSid: 'AC1',
  callSid: 'CA1',
  purpose: 'document',
  ...more,
});

/** A TCP server that does with each connection what the test says. */
async function startRaw(
  onConnection: (socket: Socket, index: number) => void,
): Promise<{ url: string; count: () => number }> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket, count++);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/voice`, count: () => count };
}

const codeOf = (result: Result<unknown, WebhookFailure>) => (result.ok ? 0 : result.error.errorCode);

describe('twiml.md 2.1 request shape', () => {
  // holds: [twiml 2.1 methods] [twiml 2.1 post-body] [twiml 2.1 own-query] [twiml 2.1 user-agent] [twiml 2.1 headers]
  // holds: [twiml 2.4 2xx]
  test('POST: form body, own query kept, headers [sip 1.3 form-post]', async () => {
    const app = await startApp();
    app.on('/voice', xml('<Response/>'));
    const result = await startClient().request(request(app.url('/voice?x=1')));
    const [seen] = app.requests;
    expect(seen).toMatchObject({ method: 'POST', target: '/voice?x=1' });
    expect(seen!.params).toEqual({ CallSid: 'CA1', From: 'sip:alice@pbx.example.test', Digits: '12#' });
    expect(seen!.headers).toMatchObject({
      host: `127.0.0.1:${app.port}`,
      'content-type': 'application/x-www-form-urlencoded; charset=UTF-8',
      'content-length': String(seen!.body.length),
      'user-agent': 'TwilioProxy/1.1',
      accept: '*/*',
      'accept-encoding': 'gzip',
    });
    expect(seen!.headers['i-twilio-idempotency-token']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
    expect(result.ok && result.value).toMatchObject({
      status: 200,
      contentType: 'text/xml',
      finalUrl: app.url('/voice?x=1'),
    });
    expect(result.ok && result.value.body.toString()).toBe('<Response/>');
  });

  // holds: [twiml 2.1 methods] [twiml 2.1 get-query] [twiml 2.1 own-query] [twiml 2.3 fragment] [twiml 2.3 fragment-kept]
  test('GET: parameters behind the own query; finalUrl stays without them [sip 1.3 form-post]', async () => {
    const app = await startApp();
    app.on('/voice', xml('<Response/>'));
    const result = await startClient().request(request(app.url('/voice?x=1#ct=900'), { method: 'GET' }));
    expect(app.requests[0]).toMatchObject({
      method: 'GET',
      target: '/voice?x=1&CallSid=CA1&From=sip%3Aalice%40pbx.example.test&Digits=12%23',
      body: '',
    });
    expect(result.ok && result.value.finalUrl).toBe(app.url('/voice?x=1#ct=900'));
  });

  test.each(['GET', 'POST'] as const)(
    "twiml.md 2.6: the vendor's checker accepts what arrives: %s [twiml 2.6 post] [twiml 2.6 get] [rest 21 url] [rest 21 get]",
    async (method) => {
      const app = await startApp();
      app.on('/voice', xml('<Response/>'));
      await startClient().request(request(app.url('/voice?x=%20y#ct=900'), { method }));
      const { headers, target, params } = app.requests[0]!;
      const signature = String(headers['x-twilio-signature']);
      const url = `http://${headers.host}${target}`;
      expect(twilio.validateRequest(TOKEN, signature, url, method === 'POST' ? params : {})).toBe(true);
      expect(twilio.validateRequest('other', signature, url, method === 'POST' ? params : {})).toBe(false);
    },
  );

  test('twiml.md 2.7: user information becomes Basic; it is not signed, logged or reported [twiml 2.6 credentials] [twiml 2.7 basic] [rest 21 user-info] [rest 21 basic]', async () => {
    const app = await startApp();
    app.on('/voice', xml('<Response/>'));
    const events: WebhookEvent[] = [];
    const lines: string[] = [];
    const write = (fields: unknown, message: string) => lines.push(JSON.stringify(fields) + message);
    const log: Log = { ...silentLog, child: () => log, info: write, warn: write, error: write, debug: write };
    const client = startClient({ onEvent: (event) => events.push(event), log });
    await client.request(request(app.url('/voice').replace('//', '//us%40er:p%3Aw@')));
    await client.request(request(app.url('/gone#rc=99').replace('//', '//user:planted-secret@')));
    const { headers } = app.requests[0]!;
    expect(headers.authorization).toBe(`Basic ${Buffer.from('us@er:p:w').toString('base64')}`);
    const url = `http://${headers.host}/voice`;
    expect(twilio.validateRequest(TOKEN, String(headers['x-twilio-signature']), url, app.requests[0]!.params)).toBe(
      true,
    );
    expect(lines.length).toBeGreaterThan(0);
    expect(JSON.stringify([events, lines])).not.toMatch(/planted-secret|us%40er|12#/);
  });

  test('a server that wants Digest gets it, once, for its own origin only [twiml 2.7 digest]', async () => {
    const app = await startApp();
    const challenge = 'Digest realm="app", qop="auth", nonce="n1", algorithm=SHA-256';
    const isRight = ({ headers }: AppRequest) =>
      /^Digest username="user", realm="app", nonce="n1", uri="\/voice\?x=1"/.test(headers.authorization ?? '');
    app.on('/voice', (seen) =>
      isRight(seen) ? xml('<Response/>') : { status: 401, headers: { 'WWW-Authenticate': challenge } },
    );
    app.on('/never', { status: 401, headers: { 'WWW-Authenticate': challenge } });
    const client = startClient();
    const withUser = (path: string) => app.url(path).replace('//', '//user:pass@');
    expect(codeOf(await client.request(request(withUser('/voice?x=1'))))).toBe(0);
    expect(app.requests.map(({ headers, body }) => [headers.authorization?.split(' ')[0], body !== ''])).toEqual([
      ['Basic', true],
      ['Digest', true],
    ]);
    expect(app.requests[1]!.headers['i-twilio-idempotency-token']).toBe(
      app.requests[0]!.headers['i-twilio-idempotency-token'],
    );
    expect(codeOf(await client.request(request(withUser('/never'))))).toBe(11217);
    expect(app.requestsTo('/never')).toHaveLength(2);
    expect(codeOf(await client.request(request(app.url('/voice'))))).toBe(11217);
    expect(app.requests.at(-1)!.headers.authorization).toBeUndefined();
  });

  test('gzip is unpacked [twiml 2.2 gzip] [twiml 2.5 parameters]', async () => {
    const app = await startApp();
    app.on('/voice', {
      headers: { 'Content-Type': 'text/xml; charset=utf-8', 'Content-Encoding': 'gzip' },
      body: gzipSync('<Response/>'),
    });
    const result = await startClient().request(request(app.url('/voice')));
    expect(result.ok && result.value.body.toString()).toBe('<Response/>');
    expect(result.ok && result.value.contentType).toBe('text/xml');
  });

  test('every exchange is reported, without parameters', async () => {
    const app = await startApp();
    app.on('/voice', { status: 302, headers: { Location: '/next' } });
    const events: WebhookEvent[] = [];
    await startClient({ onEvent: (event) => events.push(event) }).request(
      request(app.url('/voice?x=1'), { method: 'GET', purpose: 'action' }),
    );
    expect(events).toEqual([
      { type: 'webhookRequest', callSid: 'CA1', method: 'GET', url: app.url('/voice?x=1'), purpose: 'action' },
      expect.objectContaining({ type: 'webhookResponse', url: app.url('/voice?x=1'), status: 302, errorCode: null }),
      { type: 'webhookRequest', callSid: 'CA1', method: 'GET', url: app.url('/next'), purpose: 'action' },
      expect.objectContaining({ type: 'webhookResponse', url: app.url('/next'), status: 404, errorCode: 11217 }),
    ]);
  });
});

// twiml.md 2.2: status, method of the first request, method and body of the second.
const redirects: [status: number, method: 'GET' | 'POST', then: string, hasBody: boolean][] = [
  [301, 'POST', 'GET', false],
  [302, 'POST', 'GET', false],
  [303, 'POST', 'GET', false],
  [307, 'POST', 'POST', true],
  [308, 'POST', 'POST', true],
  [302, 'GET', 'GET', false],
  [307, 'GET', 'GET', false],
];

describe('twiml.md 2.2 redirects', () => {
  // holds: [twiml 2.2 redirects] [twiml 2.2 redirect-parameters] [twiml 2.6 redirected]
  // holds: [twiml 5.4 redirected-action]
  // holds: [twiml 16 point-6]
  test.each(redirects)('%d after %s [rest 21 redirect]', async (status, method, then, hasBody) => {
    const app = await startApp();
    app.on('/a', { status, headers: { Location: 'b?q=1' } });
    app.on('/b', xml('<Response/>'));
    const result = await startClient().request(request(app.url('/a'), { method }));
    const [first, second] = app.requests;
    expect(second).toMatchObject({ method: then, target: '/b?q=1' });
    expect(second!.body !== '').toBe(hasBody);
    expect(second!.headers['i-twilio-idempotency-token']).toBe(first!.headers['i-twilio-idempotency-token']);
    const url = app.url('/b?q=1');
    const signature = String(second!.headers['x-twilio-signature']);
    expect(twilio.validateRequest(TOKEN, signature, url, hasBody ? second!.params : {})).toBe(true);
    expect(result.ok && result.value.finalUrl).toBe(url);
  });

  test('ten are followed, the eleventh is 11215 [twiml 2.2 redirect-limit]', async () => {
    const app = await startApp();
    let left = 10;
    app.on('/a', () => (left-- > 0 ? { status: 302, headers: { Location: '/a' } } : xml('<Response/>')));
    const client = startClient();
    expect(codeOf(await client.request(request(app.url('/a'))))).toBe(0);
    left = 11;
    expect(codeOf(await client.request(request(app.url('/a'))))).toBe(11215);
  });

  test.each([[undefined], [''], ['http://[broken'], ['ftp://h/x'], ['javascript:1']])(
    'Location %s is 11216 [twiml 2.2 redirect-location]',
    async (location) => {
      const app = await startApp();
      app.on('/a', { status: 302, headers: location === undefined ? {} : { Location: location } });
      expect(codeOf(await startClient().request(request(app.url('/a'))))).toBe(11216);
    },
  );

  test('credentials stay with their origin [twiml 2.2 redirect-credentials] [rest 21 basic]', async () => {
    const [app, other] = [await startApp(), await startApp()];
    app.on('/a', { status: 307, headers: { Location: app.url('/b') } });
    app.on('/b', { status: 307, headers: { Location: other.url('/c') } });
    other.on('/c', xml('<Response/>'));
    await startClient().request(request(app.url('/a').replace('//', '//u:p@')));
    expect(app.requests.map(({ headers }) => headers.authorization !== undefined)).toEqual([true, true]);
    expect(other.requests[0]!.headers.authorization).toBeUndefined();
  });
});

describe('twiml.md 2.2 cookies', () => {
  test('sent back within the call, also on the hop that set them; not in another call [twiml 2.2 cookies] [twiml 2.2 cookie-jar]', async () => {
    const app = await startApp();
    app.on('/a', { status: 302, headers: { Location: '/b', 'Set-Cookie': ['s=1; Path=/', 't=2; Path=/'] } });
    app.on('/b', xml('<Response/>'));
    const client = startClient();
    await client.request(request(app.url('/a')));
    await client.request(request(app.url('/b'), { callSid: 'CA2' }));
    expect(app.requests.map(({ headers }) => headers.cookie)).toEqual([undefined, 's=1; t=2', undefined]);
    expect(client.counts().cookieJars).toBe(1);
    client.forget('CA1');
    expect(client.counts().cookieJars).toBe(0);
  });
});

describe('twiml.md 2.4 failures', () => {
  test.each([400, 404, 500, 503, 304, 305])(
    'HTTP %d is 11217, its body ignored [twiml 2.4 http-error] [twiml 16 point-5]',
    async (status) => {
      const app = await startApp();
      app.on('/a', { status, headers: { 'Content-Type': 'text/xml' }, body: status === 304 ? '' : '<Response/>' });
      const result = await startClient().request(request(app.url('/a')));
      expect(!result.ok && result.error).toMatchObject({ errorCode: 11217, status, url: app.url('/a') });
      expect(app.requests).toHaveLength(1);
    },
  );

  test('refused: 11202, tried twice (rc=1, rp=ct) [twiml 2.3 rc] [twiml 2.4 connect]', async () => {
    const app = await startApp();
    const url = app.url('/a');
    await app.stop();
    const events: WebhookEvent[] = [];
    const client = startClient({ onEvent: (event) => events.push(event) });
    closing.splice(0, 1);
    expect(codeOf(await client.request(request(url)))).toBe(11202);
    expect(events.filter(({ type }) => type === 'webhookRequest')).toHaveLength(2);
    events.length = 0;
    expect(codeOf(await client.request(request(`${url}#rc=0`)))).toBe(11202);
    expect(events.filter(({ type }) => type === 'webhookRequest')).toHaveLength(1);
  });

  test('unknown host: 11210 [twiml 2.4 host]', async () => {
    const dnsLookup: WebhookClientOptions['dnsLookup'] = (_host, _options, callback) =>
      callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '', 4);
    expect(codeOf(await startClient({ dnsLookup }).request(request('http://nowhere.example.test/')))).toBe(11210);
  });

  test.each(['not a url', '/relative', 'ftp://h/x', `http://h/${'x'.repeat(9_000)}`])(
    'bad URL %#: 11100 [twiml 2.7 schemes]',
    async (url) => {
      expect(codeOf(await startClient().request(request(url)))).toBe(11100);
    },
  );

  test('bad retry policy: 11243 [twiml 2.3 rp-invalid]', async () => {
    expect(codeOf(await startClient().request(request('http://127.0.0.1:1/#rp=never')))).toBe(11243);
  });

  test.each([
    ['garbage', 'hello, this is not HTTP\r\n\r\n', 11206],
    ['closed before an answer', '', 11205],
    ['wrong Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort', 11205],
    ['closed within the head', 'HTTP/1.1 200 OK\r\nX-A: 1\r\n', 11205],
    ['head over 16 kB', `HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(20_000)}\r\n\r\n`, 11206],
  ])('%s [twiml 2.4 protocol]', async (_name, answer, code) => {
    const raw = await startRaw((socket) => socket.once('data', () => socket.end(answer)));
    expect(codeOf(await startClient().request(request(raw.url)))).toBe(code);
    expect(raw.count()).toBe(1);
  });

  test.each([
    ['as is', {}, Buffer.alloc(limits.webhookBodyBytes + 1)],
    ['unpacked', { 'Content-Encoding': 'gzip' }, gzipSync(Buffer.alloc(limits.webhookBodyBytes + 1))],
  ])('body over 64 kB, %s: 11750 [twiml 2.4 too-large] [twiml 4.1 size]', async (_name, headers, body) => {
    const app = await startApp();
    app.on('/a', { headers: { 'Content-Type': 'text/xml', ...headers }, body });
    expect(codeOf(await startClient().request(request(app.url('/a'))))).toBe(11750);
  });

  test.each([
    ['broken gzip', 'gzip'],
    ['encoding that was not asked for', 'br'],
  ])('%s: 11206 [twiml 2.4 protocol]', async (_name, encoding) => {
    const app = await startApp();
    app.on('/a', { headers: { 'Content-Encoding': encoding }, body: 'x' });
    expect(codeOf(await startClient().request(request(app.url('/a'))))).toBe(11206);
  });

  test('an answer that never ends in size: 11750, the connection is closed [twiml 2.4 too-large]', async () => {
    const closed = Promise.withResolvers<void>();
    const raw = await startRaw((socket) => {
      socket.on('close', () => closed.resolve());
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        const more = () => socket.writable && socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`, more);
        more();
      });
    });
    expect(codeOf(await startClient().request(request(raw.url)))).toBe(11750);
    await closed.promise;
  });

  describe('audio in place of a document [twiml 2.5 audio]', () => {
    const tone = Buffer.alloc(1_000_000, 7);

    test('is what Play gets, though it is larger than a document and its URL gives it to a POST only', async () => {
      const app = await startApp();
      app.on('/a', ({ method }) =>
        method === 'POST' ? { headers: { 'Content-Type': 'audio/mpeg' }, body: tone } : { status: 405 },
      );
      const client = startClient();
      const result = await client.request(request(app.url('/a')));
      expect(result.ok && result.value).toMatchObject({ contentType: 'audio/mpeg', status: 200 });
      expect(result.ok && result.value.body).toHaveLength(0);
      const file = await client.fetchMedia(app.url('/a'), 'CA1');
      expect(file.ok && file.value.contentType).toBe('audio/mpeg');
      expect(file.ok && file.value.body.equals(tone)).toBe(true);
      expect(app.requests.map(({ method }) => method)).toEqual(['POST']);
      // Once: who plays the URL again asks for it.
      expect(codeOf(await client.fetchMedia(app.url('/a'), 'CA1'))).toBe(11217);
    });

    test('stands under the URL that redirects led to, unpacked, and belongs to its call', async () => {
      const app = await startApp();
      app.on('/a', { status: 307, headers: { Location: '/b' } });
      app.on('/b', { headers: { 'Content-Type': 'audio/wav', 'Content-Encoding': 'gzip' }, body: gzipSync(tone) });
      const client = startClient();
      const result = await client.request(request(app.url('/a')));
      expect(result.ok && result.value.finalUrl).toBe(app.url('/b'));
      await client.fetchMedia(app.url('/b'), 'CA2');
      expect(app.requests.map(({ path }) => path)).toEqual(['/a', '/b', '/b']);
      const file = await client.fetchMedia(app.url('/b'), 'CA1');
      expect(file.ok && file.value.body.equals(tone)).toBe(true);
      expect(app.requests).toHaveLength(3);
    });

    test('is forgotten with its call; an answer that is too large is left, and fetched by Play', async () => {
      const app = await startApp();
      const large = Buffer.alloc(limits.mediaFileBytes + 1);
      app.on('/a', { headers: { 'Content-Type': 'audio/wav' }, body: tone });
      app.on('/large', {
        headers: { 'Content-Type': 'audio/wav', 'Content-Length': String(large.length) },
        body: large,
      });
      const client = startClient();
      await client.request(request(app.url('/a')));
      client.forget('CA1');
      await client.fetchMedia(app.url('/a'), 'CA1');
      expect(app.requests).toHaveLength(2);
      expect((await client.request(request(app.url('/large')))).ok).toBe(true);
      expect(codeOf(await client.fetchMedia(app.url('/large'), 'CA1'))).toBe(11750);
    });

    test('is not read where a status callback answers with it', async () => {
      const app = await startApp();
      app.on('/a', { headers: { 'Content-Type': 'audio/wav' }, body: tone });
      const client = startClient();
      await client.request(request(app.url('/a'), { purpose: 'statusCallback' }));
      await client.fetchMedia(app.url('/a'), 'CA1');
      expect(app.requests).toHaveLength(2);
    });
  });
});

describe('twiml.md 2.3 timeouts and retries', () => {
  /** An application that takes the request and does not answer until told. */
  async function silentApp() {
    const app = await startApp();
    app.on('/a', () => undefined);
    return app;
  }

  test('total time: 11203 after 15 s, whatever the overrides say [twiml 2.3 ceiling] [twiml 2.3 tt] [rest 21 overrides]', async () => {
    const app = await silentApp();
    const clock = new VirtualClock();
    const client = startClient({ clock });
    const seen = app.next('/a');
    const result = client.request(request(app.url('/a#tt=60000&rt=60000')));
    await seen;
    clock.advance(14_999);
    await settle();
    expect(client.counts().inFlight).toBe(1);
    clock.advance(1);
    expect(await result).toMatchObject({ ok: false, error: { errorCode: 11203 } });
    expect(clock.pendingTimers).toBe(0);
  });

  test('read timeout: 11200; retried with rp=rt, same token, counted by rc [twiml 2.1 idempotency-token] [twiml 2.3 rt] [rest 20 idempotency-token]', async () => {
    const app = await silentApp();
    const clock = new VirtualClock();
    const result = startClient({ clock }).request(request(app.url('/a#rt=1000&rc=2&rp=rt')));
    for (let attempt = 0; attempt < 3; attempt++) {
      while (app.requests.length <= attempt) await app.next('/a');
      await settle();
      clock.advance(1_000);
    }
    expect(codeOf(await result)).toBe(11200);
    expect(app.requests).toHaveLength(3);
    expect(new Set(app.requests.map(({ headers }) => headers['i-twilio-idempotency-token'])).size).toBe(1);
  });

  test('the gap between packets counts anew, and a partial answer is not retried [twiml 2.3 rt] [twiml 2.3 rp-partial]', async () => {
    const clock = new VirtualClock();
    const wrote = Promise.withResolvers<Socket>();
    const raw = await startRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<Resp');
        wrote.resolve(socket);
      });
    });
    const events: WebhookEvent[] = [];
    const client = startClient({ clock, onEvent: (event) => events.push(event) });
    const result = client.request(request(`${raw.url}#rt=1000&rc=5&rp=all`));
    await wrote.promise;
    await settle();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
    expect(codeOf(await result)).toBe(11200);
    expect(raw.count()).toBe(1);
  });

  test('connect timeout: 11201 after ct, each attempt [twiml 2.3 ct]', async () => {
    const clock = new VirtualClock();
    let attempts = 0;
    // A lookup that never comes back stands for a host that does not answer the handshake.
    const dnsLookup: WebhookClientOptions['dnsLookup'] = () => {
      attempts++;
    };
    const result = startClient({ clock, dnsLookup }).request(request('http://slow.example.test/#ct=2000'));
    await settle();
    clock.advance(2_000);
    await settle();
    expect(attempts).toBe(2);
    clock.advance(2_000);
    expect(codeOf(await result)).toBe(11201);
  });

  // Fragment, statuses that the application gives in turn, requests made, outcome.
  const policies: [fragment: string, statuses: number[], requests: number, code: number][] = [
    ['', [500, 200], 1, 11217],
    ['rp=5xx', [500, 200], 2, 0],
    ['rp=4xx', [500, 200], 1, 11217],
    ['rp=4xx', [404, 200], 2, 0],
    ['rp=all', [404, 500], 2, 11217],
    ['rp=all&rc=5', [500, 500, 500, 500, 500, 200], 6, 0],
    ['rp=5xx&rc=0', [500, 200], 1, 11217],
  ];
  // holds: [twiml 2.1 idempotency-token] [twiml 2.3 rc] [twiml 2.3 rp]
  // holds: [twiml 16 point-20]
  test.each(policies)('retry policy #%s [rest 21 overrides]', async (fragment, statuses, requests, code) => {
    const app = await startApp();
    app.on('/a', () => ({ ...xml('<Response/>'), status: statuses.shift() ?? 599 }));
    expect(codeOf(await startClient().request(request(app.url(`/a#${fragment}`))))).toBe(code);
    expect(app.requests).toHaveLength(requests);
    expect(new Set(app.requests.map(({ headers }) => headers['i-twilio-idempotency-token'])).size).toBe(1);
  });

  test('new requests have new tokens [twiml 2.1 idempotency-token] [rest 20 idempotency-token]', async () => {
    const app = await startApp();
    app.on('/a', xml('<Response/>'));
    const client = startClient();
    await client.request(request(app.url('/a')));
    await client.request(request(app.url('/a')));
    expect(new Set(app.requests.map(({ headers }) => headers['i-twilio-idempotency-token'])).size).toBe(2);
  });

  test.each(['GET', 'POST'] as const)(
    'a document is asked for anew each time, however long it may be kept: %s [twiml 2.2 post-never-cached]',
    async (method) => {
      const app = await startApp();
      const headers = { 'Content-Type': 'text/xml', 'Cache-Control': 'public, max-age=3600', ETag: '"1"' };
      app.on('/a', { headers, body: '<Response/>' });
      const client = startClient();
      for (let count = 0; count < 2; count++) {
        expect(codeOf(await client.request(request(app.url('/a'), { method })))).toBe(0);
        expect(app.requests.at(-1)!.headers['if-none-match']).toBeUndefined();
      }
      expect(app.requests).toHaveLength(2);
    },
  );

  test('a kept-alive connection closed under the request is tried again on a new one', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 11\r\n\r\n<Response/>';
    const served: string[] = [];
    const raw = await startRaw((socket, index) => {
      let requests = 0;
      let received = '';
      socket.on('data', (chunk: Buffer) => {
        // Head and body may come in two chunks; the connection is only kept when the whole request is in before the answer.
        received += chunk.toString('latin1');
        if (!received.endsWith('Digits=12%23')) return;
        received = '';
        requests++;
        served.push(`connection ${index}, request ${requests}`);
        if (index === 0 && requests === 2) socket.destroy();
        else socket.write(answer);
      });
    });
    const client = startClient();
    expect(codeOf(await client.request(request(`${raw.url}#rc=0`)))).toBe(0);
    // The pool takes the connection back in the next turn of the event loop.
    await settle();
    expect(codeOf(await client.request(request(`${raw.url}#rc=0`)))).toBe(0);
    expect(served).toEqual(['connection 0, request 1', 'connection 0, request 2', 'connection 1, request 1']);
  });

  test('the end of the call ends the request', async () => {
    const app = await silentApp();
    const call = new AbortController();
    const client = startClient();
    const seen = app.next('/a');
    const result = client.request(request(app.url('/a')), call.signal);
    await seen;
    call.abort();
    expect((await result).ok).toBe(false);
    expect(client.counts().inFlight).toBe(0);
  });

  test('stop ends what is running', async () => {
    const app = await silentApp();
    const client = startClient();
    const seen = app.next('/a');
    const result = client.request(request(app.url('/a')));
    await seen;
    await client.stop();
    expect((await result).ok).toBe(false);
  });
});

describe('design.md 5.4 per origin', () => {
  test('256 in flight, 1,024 wait, the next one fails and the origin counts as overloaded', async () => {
    const app = await startApp();
    const held: (() => void)[] = [];
    app.on('/a', (_request, response) => {
      held.push(() => response.end());
      return undefined;
    });
    const client = startClient();
    const total = limits.webhooksInFlightPerOrigin + limits.webhooksQueuedPerOrigin;
    const ended = new AbortController();
    const running = Array.from({ length: total }, () => client.request(request(app.url('/a')), ended.signal));
    await settle();
    expect(client.counts()).toMatchObject({
      inFlight: limits.webhooksInFlightPerOrigin,
      queued: limits.webhooksQueuedPerOrigin,
    });
    expect(client.isOverloaded(app.url('/other'))).toBe(true);
    expect(client.isOverloaded('http://127.0.0.1:1/')).toBe(false);
    expect(await client.request(request(app.url('/a')))).toMatchObject({ ok: false, error: { errorCode: 11205 } });
    ended.abort();
    await Promise.all(running);
    expect(client.isOverloaded(app.url('/a'))).toBe(false);
  });
});

describe('design.md 9 SSRF guard', () => {
  const settings = { allowPrivate: false };

  test('an address literal is refused: 11205 [twiml 2.7 private-addresses] [rest 21 private-addresses]', async () => {
    const app = await startApp();
    app.on('/a', xml('<Response/>'));
    expect(codeOf(await startClient({ settings }).request(request(app.url('/a'))))).toBe(11205);
    expect(codeOf(await startClient({ settings }).request(request(`http://[::1]:${app.port}/a`)))).toBe(11205);
    expect(codeOf(await startClient({ settings }).request(request(`http://0x7f000001:${app.port}/a`)))).toBe(11205);
    expect(app.connections).toBe(0);
  });

  test('a name that leads to a private address is refused, also behind a redirect [twiml 2.7 private-addresses] [rest 21 private-addresses]', async () => {
    const app = await startApp();
    const dnsLookup: WebhookClientOptions['dnsLookup'] = (_host, options, callback) =>
      options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);
    const client = startClient({ settings, dnsLookup });
    expect(codeOf(await client.request(request(`http://inside.example.test:${app.port}/a`)))).toBe(11205);
    expect(app.connections).toBe(0);
  });

  test('allowed by default, names through the given resolver [twiml 2.7 private-addresses] [rest 21 private-addresses]', async () => {
    const app = await startApp();
    app.on('/a', xml('<Response/>'));
    const asked: string[] = [];
    const dnsLookup: WebhookClientOptions['dnsLookup'] = (host, options, callback) => {
      asked.push(host);
      if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    };
    const url = `http://app.example.test:${app.port}/a`;
    expect(codeOf(await startClient({ dnsLookup }).request(request(url)))).toBe(0);
    expect(asked).toEqual(['app.example.test']);
    expect((app.requests[0] as AppRequest).headers.host).toBe(`app.example.test:${app.port}`);
  });
});
