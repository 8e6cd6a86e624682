// The S3 client against servers that are slow, broken or hostile. What a good one does stands in test/scenario/recording.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { ObjectBroken } from '../../../src/recording/object-store.ts';
import { S3Store } from '../../../src/recording/s3.ts';
import { until } from '../../support/until.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DEADLINE_MS = 5_000;
const never = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), 'hookswitch-s3-'));
const file = join(folder, 'media.wav');
const CONTENT = Buffer.alloc(300_000, 'recording ');

let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: IncomingMessage[] = [];
const server = createServer((request, response) => {
  asked.push(request);
  answer(request, response);
});
let clock: VirtualClock;
let store: S3Store;

beforeAll(async () => {
  writeFileSync(file, CONTENT);
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  asked = [];
  clock = new VirtualClock();
  store?.close();
  store = new S3Store({
    bucket: 'bucket',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'eu-central-1',
    isPathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'planted-secret' },
    prefix: 'calls/',
    ca: undefined,
    clock,
  });
});

const errorBody = (code: string, message = 'words of the server') =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
const says =
  (status: number, body = '', headers: Readonly<Record<string, string>> = {}) =>
  (request: IncomingMessage, response: ServerResponse) => {
    request.resume().on('end', () => response.writeHead(status, headers).end(body));
  };

async function all(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

/** Waits until a request has come, and then moves the clock past the longest silence. */
async function becomesSilent(): Promise<void> {
  await until(
    () => asked.length > 0,
    DEADLINE_MS,
    () => 'a request has come',
  );
  clock.advance(limits.objectStoreStallMs);
}

test('a file goes up signed, in one request with its length and MD5, and its type', async () => {
  let body = Buffer.alloc(0);
  answer = async (request, response) => {
    if (request.method === 'PUT') body = await buffer(request);
    response.writeHead(200, { ETag: '"x"', 'Content-Length': request.method === 'HEAD' ? 300_000 : 0 }).end();
  };
  expect(await store.put('recordings/a.wav', file, never)).toEqual({ ok: true, value: undefined });
  expect(body.equals(CONTENT)).toBe(true);
  const { method, url, headers } = asked[0]!;
  expect({ method, path: new URL(url!, 'http://x').pathname }).toEqual({
    method: 'PUT',
    path: '/bucket/calls/recordings/a.wav',
  });
  expect(headers).toMatchObject({
    'content-length': '300000',
    'content-md5': createHash('md5').update(CONTENT).digest('base64'),
    'content-type': 'audio/x-wav',
  });
  expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/eu-central-1\/s3\/aws4_request, /);
  expect(headers['x-amz-trailer']).toBeUndefined();
});

test('an empty file goes up too', async () => {
  const empty = join(folder, 'empty.wav');
  writeFileSync(empty, '');
  answer = says(200, '', { 'Content-Length': '0' });
  expect((await store.put('a.wav', empty, never)).ok).toBe(true);
  expect(asked[0]?.headers['content-length']).toBe('0');
});

test.each([
  ['500', says(500, errorBody('InternalError')), 'unavailable', 'HTTP 500, InternalError'],
  ['503', says(503, errorBody('SlowDown')), 'unavailable', 'HTTP 503, SlowDown'],
  ['429', says(429, errorBody('TooManyRequests')), 'unavailable', 'HTTP 429'],
  ['403', says(403, errorBody('AccessDenied')), 'refused', 'not allowed'],
  ['403 without a word', says(403), 'refused', 'not allowed'],
  ['a clock that is wrong', says(403, errorBody('RequestTimeTooSkewed')), 'refused', 'clock of this machine'],
  ['400', says(400, errorBody('BadDigest')), 'refused', 'HTTP 400, BadDigest'],
  ['404 of the bucket', says(404, errorBody('NoSuchBucket')), 'refused', 'no such bucket'],
  ['another region', says(301, errorBody('PermanentRedirect')), 'refused', 'another region'],
  ['a page of something else', says(200, '<html>hello</html>'), 'refused', 'does not keep what it is sent'],
  ['an error that is no XML', says(502, 'x'.repeat(100_000)), 'unavailable', 'HTTP 502'],
  ['an entity bomb', says(500, '<!DOCTYPE a [<!ENTITY b "cc">]><Error><Code>&b;</Code></Error>'), 'unavailable', ''],
  ['lines in the message', says(403, errorBody('AccessDenied', 'a\r\nb')), 'refused', 'not allowed'],
] as const)('%s is a fault with a sentence, never a rejection', async (_, how, code, text) => {
  answer = how;
  const put = await store.put('a.wav', file, never);
  if (put.ok) throw new Error('it was taken');
  expect(put.error.code).toBe(code);
  expect(put.error.detail).toContain(text);
  expect(put.error.detail).not.toMatch(/[\r\n]|planted-secret/);
  expect(put.error.detail.length).toBeLessThan(600);
});

test('a file that is not there is a fault of ours', async () => {
  expect(await store.put('a.wav', join(folder, 'none.wav'), never)).toMatchObject({
    ok: false,
    error: { code: 'local' },
  });
  expect(asked).toEqual([]);
});

test.each([
  ['never reads', () => {}],
  ['reads all and says nothing', (request: IncomingMessage) => void request.resume()],
])('a server that %s: given up after the silence', async (_, how) => {
  answer = how;
  const put = store.put('a.wav', file, never);
  await becomesSilent();
  expect(await put).toMatchObject({
    ok: false,
    error: { code: 'unavailable', detail: expect.stringMatching(/is silent$/) },
  });
  expect(clock.pendingTimers).toBe(0);
});

test('a put that is broken off ends at once', async () => {
  answer = () => {};
  const stop = new AbortController();
  const put = store.put('a.wav', file, stop.signal);
  await until(
    () => asked.length > 0,
    DEADLINE_MS,
    () => 'a request has come',
  );
  stop.abort();
  expect(await put).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  expect(clock.pendingTimers).toBe(0);
});

const ranged = (request: IncomingMessage, response: ServerResponse, body = CONTENT) => {
  const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')!.map(Number);
  const end = Math.min(last!, CONTENT.length - 1);
  const head = { 'Content-Range': `bytes ${first}-${end}/${CONTENT.length}`, 'Content-Length': end - first! + 1 };
  response.writeHead(206, head);
  response.end(body.subarray(first, end + 1));
};

test('a range is asked for as a range; the size of the object comes with it', async () => {
  answer = ranged;
  const read = await store.read('a.wav', 5, 70_000);
  if (!read.ok) throw new Error(read.error.detail);
  expect(read.value.sizeBytes).toBe(CONTENT.length);
  expect((await all(read.value.content)).equals(CONTENT.subarray(5, 70_000))).toBe(true);
  expect(asked[0]?.headers.range).toBe('bytes=5-69999');
  const beyond = await store.read('a.wav', 299_990, 1_000_000);
  expect(beyond.ok && (await all(beyond.value.content)).length).toBe(10);
  expect(clock.pendingTimers).toBe(0);
});

test('a server that knows no ranges serves a read from the start only', async () => {
  answer = says(200, CONTENT.toString('latin1'), { 'Content-Length': '300000' });
  const whole = await store.read('a.wav', 0, 20);
  expect(whole.ok && [whole.value.sizeBytes, (await all(whole.value.content)).length]).toEqual([300_000, 20]);
  expect(await store.read('a.wav', 5, 20)).toMatchObject({
    ok: false,
    error: { code: 'refused', detail: expect.stringContaining('requests for a range') },
  });
});

test.each([
  [
    'breaks the connection',
    (request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(206, { 'Content-Range': 'bytes 0-299999/300000', 'Content-Length': 300_000 });
      response.write(CONTENT.subarray(0, 1_000), () => request.socket.destroy());
    },
  ],
  [
    'sends less than it says',
    (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(206, { 'Content-Range': 'bytes 0-299999/300000' });
      response.end(CONTENT.subarray(0, 1_000));
    },
  ],
])('a server that %s: the reader is told', async (_, how) => {
  answer = how;
  const read = await store.read('a.wav', 0, 300_000);
  if (!read.ok) throw new Error(read.error.detail);
  await expect(all(read.value.content)).rejects.toThrow(ObjectBroken);
  expect(clock.pendingTimers).toBe(0);
});

test('silence in the middle of an object counts, a slow reader of ours does not', async () => {
  answer = (_, response) => {
    response.writeHead(206, { 'Content-Range': 'bytes 0-299999/300000', 'Content-Length': 300_000 });
    response.write(CONTENT.subarray(0, 1_000));
  };
  const read = await store.read('a.wav', 0, 300_000);
  if (!read.ok) throw new Error(read.error.detail);
  const chunks = read.value.content[Symbol.asyncIterator]();
  clock.advance(limits.objectStoreStallMs * 10);
  expect((await chunks.next()).value?.length).toBe(1_000);
  clock.advance(limits.objectStoreStallMs * 10);
  const next = expect(chunks.next()).rejects.toThrow('silent');
  clock.advance(limits.objectStoreStallMs);
  await next;
});

test('more than was asked for is cut off', async () => {
  answer = (_, response) => {
    response.writeHead(206, { 'Content-Range': 'bytes 0-9/300000' });
    response.end(CONTENT.subarray(0, 50_000));
  };
  const read = await store.read('a.wav', 0, 10);
  expect(read.ok && (await all(read.value.content)).length).toBe(10);
});

test('sizes and deletions: what is not there is no fault', async () => {
  answer = says(404);
  expect(await store.sizeOf('a.wav')).toEqual({ ok: true, value: null });
  expect(await store.remove('a.wav', never)).toEqual({ ok: true, value: undefined });
  answer = says(404, errorBody('NoSuchBucket'));
  expect(await store.remove('a.wav', never)).toMatchObject({ ok: false, error: { code: 'refused' } });
});

test('the probe sees a store that forgets what it is given', async () => {
  answer = (request, response) => {
    if (request.method !== 'GET') return says(200)(request, response);
    ranged(request, response);
  };
  expect(await store.probe(never)).toMatchObject({
    ok: false,
    error: { code: 'refused', detail: expect.stringContaining('gives back other bytes') },
  });
});
