// Audio files over real HTTP: no parameters, HTTP cache, one fetch for many callers.

import { lookup } from 'node:dns';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { createWebhookClient, type WebhookClientOptions } from '../../../src/webhook/client.ts';
import { FakeApp, xml } from '../../support/fake-app.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const WAV = { 'Content-Type': 'audio/wav; rate=8000' };
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function setUp() {
  const app = await FakeApp.start();
  const clock = new VirtualClock();
  const dnsLookup = lookup as WebhookClientOptions['dnsLookup'];
  const client = createWebhookClient({ clock, log: silentLog, dnsLookup, settings: {} });
  closing.push(
    () => app.stop(),
    async () => {
      expect(client.counts().inFlight).toBe(0);
      await client.stop();
    },
  );
  return { app, clock, client };
}

describe('twiml.md 5.2 fetching audio', () => {
  test('GET without parameters and signature [twiml 2.1 play-plain] [twiml 5.2 fetch]', async () => {
    const { app, client } = await setUp();
    app.on('/a.wav', { headers: WAV, body: 'RIFF' });
    const result = await client.fetchMedia(app.url('/a.wav?v=1'), 'CA1');
    expect(app.requests[0]).toMatchObject({ method: 'GET', target: '/a.wav?v=1' });
    expect(app.requests[0]!.headers['x-twilio-signature']).toBeUndefined();
    expect(result).toEqual({ ok: true, value: { contentType: 'audio/wav', body: Buffer.from('RIFF') } });
  });

  test('a file may be larger than a document', async () => {
    const { app, client } = await setUp();
    app.on('/a.wav', { headers: WAV, body: Buffer.alloc(1_000_000) });
    const result = await client.fetchMedia(app.url('/a.wav'), 'CA1');
    expect(result.ok && result.value.body.length).toBe(1_000_000);
  });

  test.each([404, 500])('HTTP %d is a failure and is not kept', async (status) => {
    const { app, client } = await setUp();
    app.on('/a.wav', { status, headers: { ...WAV, 'Cache-Control': 'max-age=60' } });
    const result = await client.fetchMedia(app.url('/a.wav'), 'CA1');
    expect(!result.ok && result.error).toMatchObject({ errorCode: 11217, status });
    await client.fetchMedia(app.url('/a.wav'), 'CA1');
    expect(app.requests).toHaveLength(2);
  });

  test('redirects are followed and not kept', async () => {
    const { app, client } = await setUp();
    app.on('/a.wav', { status: 302, headers: { Location: '/b.wav' } });
    app.on('/b.wav', { headers: { ...WAV, 'Cache-Control': 'max-age=60' }, body: 'RIFF' });
    expect((await client.fetchMedia(app.url('/a.wav'), 'CA1')).ok).toBe(true);
    await client.fetchMedia(app.url('/a.wav'), 'CA1');
    expect(app.requests.map(({ path }) => path)).toEqual(['/a.wav', '/b.wav', '/a.wav', '/b.wav']);
  });
});

describe('twiml.md 2.2 cache', () => {
  test('fresh: no request; stale: revalidated by ETag, 304 honoured; changed: taken anew [twiml 2.2 cache-media] [twiml 5.2 fetch]', async () => {
    const { app, client, clock } = await setUp();
    let etag = '"1"';
    app.on('/a.wav', ({ headers }) =>
      headers['if-none-match'] === etag
        ? { status: 304 }
        : { headers: { ...WAV, 'Cache-Control': 'max-age=60', ETag: etag }, body: `file ${etag}` },
    );
    const bodyOf = async () => {
      const result = await client.fetchMedia(app.url('/a.wav'), 'CA1');
      return result.ok ? result.value.body.toString() : result.error.errorCode;
    };
    expect(await bodyOf()).toBe('file "1"');
    expect(await bodyOf()).toBe('file "1"');
    expect(app.requests).toHaveLength(1);
    clock.advance(60_000);
    expect(await bodyOf()).toBe('file "1"');
    expect(app.requests[1]!.headers['if-none-match']).toBe('"1"');
    expect(await bodyOf()).toBe('file "1"');
    expect(app.requests).toHaveLength(2);
    clock.advance(60_000);
    etag = '"2"';
    expect(await bodyOf()).toBe('file "2"');
  });

  test('many callers at once: one fetch; one of them hangs up, the others get the file', async () => {
    const { app, client } = await setUp();
    const answer = Promise.withResolvers<void>();
    app.on('/a.wav', async () => {
      await answer.promise;
      return { headers: WAV, body: 'RIFF' };
    });
    const hangsUp = new AbortController();
    const seen = app.next('/a.wav');
    const first = client.fetchMedia(app.url('/a.wav'), 'CA1', hangsUp.signal);
    const others = [2, 3, 4].map((n) => client.fetchMedia(app.url('/a.wav'), `CA${n}`));
    await seen;
    hangsUp.abort();
    expect((await first).ok).toBe(false);
    answer.resolve();
    expect((await Promise.all(others)).map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(app.requests).toHaveLength(1);
  });

  test('a call with cookies for the host gets its own answer', async () => {
    const { app, client } = await setUp();
    app.on('/voice', { ...xml('<Response/>'), headers: { 'Content-Type': 'text/xml', 'Set-Cookie': 'who=1; Path=/' } });
    app.on('/a.wav', ({ headers }) => ({
      headers: { ...WAV, 'Cache-Control': 'max-age=60' },
      body: headers.cookie ?? 'nobody',
    }));
    const params = new Map<string, string>();
    const document = { url: app.url('/voice'), method: 'POST', params, authToken: 't', accountSid: 'AC1' } as const;
    await client.request({ ...document, callSid: 'CA1', purpose: 'document' });
    const bodies = [];
    for (const callSid of ['CA2', 'CA1', 'CA2']) {
      const result = await client.fetchMedia(app.url('/a.wav'), callSid);
      bodies.push(result.ok && result.value.body.toString());
    }
    expect(bodies).toEqual(['nobody', 'who=1', 'nobody']);
  });

  test('a fetch that hangs ends with the total time', async () => {
    const { app, client, clock } = await setUp();
    app.on('/a.wav', () => undefined);
    const seen = app.next('/a.wav');
    const result = client.fetchMedia(app.url('/a.wav'), 'CA1');
    await seen;
    await settle();
    clock.advance(15_000);
    expect(await result).toMatchObject({ ok: false, error: { errorCode: 11203 } });
  });
});
