// Servers that refuse, break, stall or lie, over real sockets: each gives its number, and nothing is left (twiml.md 9.2, 14).

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { DnsLookup } from '../../../src/base/private-addresses.ts';
import { issueCertificate } from '../../../src/certs/x509.ts';
import type { StreamFailure } from '../../../src/streams/options.ts';
import { createSockets, type Socket, type SocketOptions } from '../../../src/streams/socket.ts';
import { SkewedClock } from '../../support/media.ts';
import { StreamServer } from '../../support/stream-server.ts';
import { until } from '../../support/until.ts';

const DEADLINE_MS = 8_000;
const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function server(tls?: { readonly key: string; readonly cert: string }): Promise<StreamServer> {
  const started = await StreamServer.start(tls);
  closing.push(() => started.stop());
  return started;
}

/** Every name leads to `address`. */
const leadsTo =
  (address: string): DnsLookup =>
  (_name, options, callback) =>
    options.all ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4);

/** Opens one connection, and keeps what comes of it. */
async function open(url: string, over: Partial<SocketOptions> = {}) {
  const sockets = createSockets({
    clock: realClock,
    log: silentLog,
    lookup: lookup as unknown as DnsLookup,
    allowPrivate: true,
    allowInsecure: false,
    ...over,
  });
  closing.push(() => sockets.stop());
  const messages: (string | undefined)[] = [];
  const ends: (StreamFailure | undefined)[] = [];
  let dropped = 0;
  const listener = {
    onMessage: (text: string | undefined) => void messages.push(text),
    onClosed: (failure: StreamFailure | undefined) => void ends.push(failure),
    onDropped: (frames: number) => {
      dropped += frames;
    },
  };
  const opened = await sockets.open(url, { 'X-Test': '1' }, listener, new AbortController().signal);
  const ended = async () => {
    await until(
      () => ends.length > 0,
      DEADLINE_MS,
      () => 'the end of the connection',
    );
    return ends[0];
  };
  const isGone = () =>
    until(
      () => sockets.count() === 0,
      DEADLINE_MS,
      () => `${sockets.count()} sockets`,
    );
  return { opened, messages, ended, isGone, dropped: () => dropped, socket: opened.ok ? opened.value : undefined };
}

const codeOf = ({ opened }: { readonly opened: { ok: boolean; error?: StreamFailure; value?: Socket } }) =>
  opened.ok ? 0 : opened.error?.errorCode;

async function tcp(onData: (socket: import('node:net').Socket) => void): Promise<number> {
  const listening: Server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => onData(socket));
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  closing.push(() => listening.close());
  return (listening.address() as AddressInfo).port;
}

describe('a connection that does not open', () => {
  test.each([301, 400, 401, 404, 500])('[twiml 9.2 31920-status] HTTP %i in place of 101', async (status) => {
    const refusing = await server();
    refusing.refusal = status;
    const result = await open(refusing.url());
    expect(codeOf(result)).toBe(31920);
    await result.isGone();
  });

  test('[twiml 14 31902] nobody listens', async () => {
    const port = await tcp(() => {});
    await closing.pop()!();
    expect(codeOf(await open(`ws://127.0.0.1:${port}/`))).toBe(31902);
  });

  test('[twiml 14 31901] no answer in time', async () => {
    const silent = await server();
    silent.refusal = 0;
    const result = await open(silent.url(), { clock: new SkewedClock(realClock, 50) });
    expect(codeOf(result)).toBe(31901);
    await result.isGone();
  });

  test('[twiml 14 31904] a name that does not resolve', async () => {
    const unknown: DnsLookup = (_name, _options, callback) =>
      callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
    expect(codeOf(await open('wss://agent.example.test/', { lookup: unknown }))).toBe(31904);
  });

  test('[twiml 14 31920-garbage] an answer that is no HTTP', async () => {
    const port = await tcp((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    expect(codeOf(await open(`ws://127.0.0.1:${port}/`))).toBe(31920);
  });

  test('[twiml 14 31920-accept] a 101 that proves nothing', async () => {
    const port = await tcp((socket) =>
      socket.write(
        'HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      ),
    );
    expect(codeOf(await open(`ws://127.0.0.1:${port}/`))).toBe(31920);
  });

  test('[twiml 2.7 private-addresses] literals and names that lead to private addresses, where those are refused', async () => {
    const local = await server();
    expect(codeOf(await open(local.url(), { allowPrivate: false }))).toBe(31904);
    const named = await open(`ws://agent.example.test:${local.port}/`, {
      allowPrivate: false,
      lookup: leadsTo('127.0.0.1'),
    });
    expect(codeOf(named)).toBe(31904);
    expect(local.connections).toEqual([]);
  });

  test('[twiml 9 wss-only] ws to a public address, by literal and by name; the setting allows it', async () => {
    expect(codeOf(await open('ws://203.0.113.7/'))).toBe(31922);
    expect(codeOf(await open('ws://8.8.8.8/'))).toBe(31922);
    expect(codeOf(await open('ws://agent.example.test/', { lookup: leadsTo('8.8.8.8') }))).toBe(31922);
    const local = await server();
    expect(codeOf(await open(`ws://agent.example.test:${local.port}/`, { lookup: leadsTo('127.0.0.1') }))).toBe(0);
  });
});

/** A certificate of its own authority for one name. */
function certified(name: string): { readonly key: string; readonly cert: string; readonly authority: string } {
  const pair = () => generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const [root, own] = [pair(), pair()];
  const issuer = [{ name: 'commonName', value: 'test authority' }];
  const common = {
    issuer,
    issuerKey: root.privateKey,
    issuerPublicKey: root.publicKey,
    notBefore: realClock.wall() - 86_400_000,
    notAfter: realClock.wall() + 86_400_000,
  };
  const authority = issueCertificate({
    ...common,
    subject: issuer,
    publicKey: root.publicKey,
    serial: randomBytes(16),
    use: { kind: 'authority' },
  });
  const cert = issueCertificate({
    ...common,
    subject: [{ name: 'commonName', value: name }],
    publicKey: own.publicKey,
    serial: randomBytes(16),
    use: { kind: 'server', names: [name], addresses: [] },
  });
  return { key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert, authority };
}

describe('TLS', () => {
  const trusted = certified('localhost');

  test('[twiml 14 31910] a certificate that nobody trusts is refused, and not talked to in clear', async () => {
    const secure = await server(trusted);
    const result = await open(secure.url().replace('127.0.0.1', 'localhost'));
    expect(codeOf(result)).toBe(31910);
    expect(secure.connections).toEqual([]);
  });

  test('[twiml 9 wss] a trusted one is taken, for its own name only', async () => {
    const secure = await server(trusted);
    const named = secure.url().replace('127.0.0.1', 'localhost');
    expect(codeOf(await open(named, { certificateAuthorities: [trusted.authority] }))).toBe(0);
    const other = named.replace('localhost', 'other.example.test');
    const options = { certificateAuthorities: [trusted.authority], lookup: leadsTo('127.0.0.1') };
    expect(codeOf(await open(other, options))).toBe(31910);
  });

  test('[twiml 9 wss-loopback] wss to a server of this machine that speaks none: ws is used', async () => {
    const plain = await server();
    const result = await open(plain.url().replace('ws:', 'wss:'));
    expect(codeOf(result)).toBe(0);
    expect((await plain.connection()).request.headers['x-test']).toBe('1');
  });
});

describe('a connection that breaks', () => {
  async function opened(over: Partial<SocketOptions> = {}) {
    const far = await server();
    const near = await open(far.url(), over);
    return { near, far: await far.connection() };
  }

  test.each<[number, number | undefined]>([
    [1000, undefined],
    [1001, undefined],
    [1011, 31921],
    [4001, 31921],
  ])('[twiml 14 31921] the server closes with %i', async (code, expected) => {
    const { near, far } = await opened();
    far.close(code, 'because');
    expect((await near.ended())?.errorCode).toBe(expected);
    await near.isGone();
  });

  test('[twiml 14 31921-abrupt] without a close frame', async () => {
    const { near, far } = await opened();
    far.terminate();
    expect([31903, 31921]).toContain((await near.ended())?.errorCode);
  });

  test('[twiml 9.2 31951-huge] a message beyond the limit ends the connection, unread', async () => {
    const { near, far } = await opened();
    far.sendRaw('x'.repeat(limits.streamMessageBytes + 1));
    expect(await near.ended()).toEqual({ errorCode: 31951, detail: 'a message is too large' });
    expect(near.messages).toEqual([]);
    await near.isGone();
  });

  test('[twiml 14 31924] bytes that are no WebSocket frame', async () => {
    const { near, far } = await opened();
    far.request.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect((await near.ended())?.errorCode).toBe(31924);
    await near.isGone();
  });

  test('[twiml 14 31903] a server that reads nothing: bounded memory, oldest audio dropped, then given up', async () => {
    const { near, far } = await opened({ clock: new SkewedClock(realClock, 20) });
    far.stall();
    const frame = JSON.stringify({ event: 'media', pad: 'x'.repeat(4_000) });
    // More than the buffers of the system take.
    for (let count = 0; count < 6_000; count++) near.socket!.send(frame, true);
    expect(near.dropped()).toBeGreaterThan(0);
    expect((await near.ended())?.errorCode).toBe(31903);
    await near.isGone();
  });

  test('our close: the server sees 1000, a server that never answers it is cut off', async () => {
    const { near, far } = await opened({ clock: new SkewedClock(realClock, 20) });
    far.stall();
    near.socket!.close();
    expect(await near.ended()).toBeUndefined();
    await near.isGone();
  });

  test('[twiml 9.2 flood] a server that floods is slowed down, and nothing of it is lost', async () => {
    const { near, far } = await opened();
    const count = limits.streamMessagesPerTick * 6;
    for (let index = 0; index < count; index++) far.send({ event: 'mark', index });
    await until(
      () => near.messages.length > 0,
      DEADLINE_MS,
      () => 'the first message',
    );
    const first = near.messages.length;
    expect(first).toBeLessThan(count);
    await until(
      () => near.messages.length === count,
      DEADLINE_MS,
      () => `${near.messages.length} of ${count} messages`,
    );
    expect(near.messages.at(-1)).toBe(JSON.stringify({ event: 'mark', index: count - 1 }));
    near.socket!.close();
    await near.ended();
    await near.isGone();
  });
});
