// TLS on real loopback sockets: every suite of the vendor with RSA and EC, TLS 1.3, reload without loss, deadlines, verification.

import { once } from 'node:events';
import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createTlsMaterialSource } from '../../../src/certs/reload.ts';
import { TLS12_SUITES, TLS13_SUITES } from '../../../src/sip/transport/tls.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import {
  eventually,
  MaterialSource,
  makeCertificates,
  openSocket,
  openTransport,
  peerOn,
  removeCertificates,
  requestText,
  type TestCertificates,
  within,
} from './kit.ts';

let certificates: TestCertificates;
let otherCertificates: TestCertificates;
beforeAll(async () => {
  certificates = await makeCertificates();
  otherCertificates = await makeCertificates();
});
afterAll(() => {
  removeCertificates(certificates);
  removeCertificates(otherCertificates);
});

const sipsListen = [{ address: '127.0.0.1', port: 0 }];
const via = 'SIP/2.0/TLS phone.invalid:5061';
const text = (callId: string) => requestText({ via, callId });
const openTls = (more: object = {}) =>
  openTransport({ sipsListen, tls: new MaterialSource(certificates.material), ...more });

/** A client that verifies the certificate for `localhost`. */
async function handshake(port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const { ca } = certificates.material;
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: ca ?? '', ...more });
  onTestFinished(() => {
    socket.destroy();
  });
  await within(
    new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', () => resolve());
      socket.once('error', reject);
    }),
    'the handshake',
  );
  return socket;
}

const servedKey = (socket: TLSSocket) => socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType;

describe('suites (sip-interface.md 0)', () => {
  test('ten suites of the current page and the four ECDSA twins [sip 0 tls-suites]', () => {
    const ofThePage = [
      ...['AES128-GCM-SHA256', 'AES128-SHA256', 'AES256-GCM-SHA384', 'AES256-SHA384'].flatMap((suite) => [
        `ECDHE-RSA-${suite}`,
        `ECDHE-ECDSA-${suite}`,
      ]),
      ...['AES128-GCM-SHA256', 'AES128-SHA256', 'AES128-SHA', 'AES256-GCM-SHA384', 'AES256-SHA256', 'AES256-SHA'],
    ];
    expect([...TLS12_SUITES].sort()).toEqual(ofThePage.sort());
  });

  test.each(TLS12_SUITES)('TLS 1.2 with %s carries a message [sip 0 tls-ecdsa-suites]', async (suite) => {
    const { messages, port } = await openTls();
    const socket = await handshake(port('tls'), { maxVersion: 'TLSv1.2', ciphers: suite });
    expect([socket.getProtocol(), socket.getCipher().name]).toEqual(['TLSv1.2', suite]);
    expect(servedKey(socket)).toBe(suite.includes('ECDSA') ? 'ec' : 'rsa');
    socket.write(text(suite));
    const { message, flow } = await messages.next();
    expect(message).toMatchObject({ callId: suite, via: { received: '127.0.0.1' } });
    expect(flow).toMatchObject({ transport: 'tls', isSecure: true, isReliable: true, advertisedPort: port('tls') });
  });

  test.each(TLS13_SUITES)('TLS 1.3 with %s', async (suite) => {
    const { port } = await openTls();
    const socket = await handshake(port('tls'), { minVersion: 'TLSv1.3', ciphers: suite });
    expect([socket.getProtocol(), socket.getCipher().name]).toEqual(['TLSv1.3', suite]);
  });

  test.each([
    ['RSA-PSS+SHA256', 'rsa'],
    ['ECDSA+SHA256', 'ec'],
  ])('TLS 1.3: a client that signs with %s is served the %s certificate', async (sigalgs, kind) => {
    const { port } = await openTls();
    expect(servedKey(await handshake(port('tls'), { minVersion: 'TLSv1.3', sigalgs }))).toBe(kind);
  });

  test.each([
    ['rsa', TLS12_SUITES.filter((suite) => !suite.includes('ECDSA'))],
    ['ec', TLS12_SUITES.filter((suite) => suite.includes('ECDSA'))],
  ] as const)('with an %s certificate alone exactly its suites work', async (kind, working) => {
    const { port } = await openTls({ tls: new MaterialSource(certificates.only(kind)) });
    const found: string[] = [];
    for (const suite of TLS12_SUITES) {
      const socket = await handshake(port('tls'), { maxVersion: 'TLSv1.2', ciphers: suite }).catch(() => undefined);
      if (socket) found.push(suite);
    }
    expect(found).toEqual(working);
  });

  test.each([
    ['TLS 1.1 [sip 0 tls-versions]', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['a suite outside the list [sip 0 tls-suites]', { maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES128-SHA256' }],
    ['ChaCha20 in TLS 1.2', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-CHACHA20-POLY1305' }],
  ] as const)('%s is refused', async (_what, more) => {
    const { transport, port } = await openTls();
    await expect(handshake(port('tls'), more)).rejects.toThrow();
    await eventually(() => transport.events().handshakeFailed === 1, 'the count');
    expect(transport.counts().flows).toBe(0);
  });

  test('SNI is ignored: any name is served the same certificate', async () => {
    const { port } = await openTls();
    const socket = await handshake(port('tls'), { servername: 'unknown.example', rejectUnauthorized: false });
    expect(socket.getPeerX509Certificate()?.subjectAltName).toContain('gateway.test');
  });

  test('client certificates are not asked for [sip 0 tls-client-certificates]', async () => {
    const { messages, port } = await openTls();
    // Of an authority that nobody here knows.
    const [{ cert, key }] = otherCertificates.material.pairs as [{ cert: string; key: string }];
    const socket = await handshake(port('tls'), { cert, key });
    expect(socket.authorized).toBe(true);
    socket.write(text('unknown-authority'));
    expect((await messages.next()).message.callId).toBe('unknown-authority');
  });
});

describe('[sip 0 tls-legacy] a listener of its own for old phones', () => {
  const openBoth = () => openTls({ sipsLegacyListen: sipsListen });
  const legacyPort = (open: Awaited<ReturnType<typeof openTls>>): number =>
    open.transport.listeners().filter(({ transport }) => transport === 'tls')[1]!.port;

  test.each(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const)(
    'takes %s; the ordinary one only 1.2 and 1.3',
    async (version) => {
      const open = await openBoth();
      const offer = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
      const socket = await handshake(legacyPort(open), offer);
      expect(socket.getProtocol()).toBe(version);
      socket.write(text(version));
      const { message, flow } = await open.messages.next();
      expect([message.callId, flow.isSecure, flow.advertisedPort]).toEqual([version, true, legacyPort(open)]);
      const ordinary = await handshake(open.port('tls'), offer).catch(() => undefined);
      expect(ordinary === undefined).toBe(version === 'TLSv1' || version === 'TLSv1.1');
    },
  );

  test('its certificate is replaced too', async () => {
    const tls = new MaterialSource(certificates.material);
    const open = await openTls({ tls, sipsLegacyListen: sipsListen });
    tls.replace(otherCertificates.material);
    await expect(handshake(legacyPort(open))).rejects.toThrow(/certificate/);
    expect((await handshake(legacyPort(open), { ca: otherCertificates.material.ca ?? '' })).authorized).toBe(true);
    await open.transport.stop();
    expect(tls.listeners.size).toBe(0);
  });
});

describe('[sip 0 tls-client-certificate] where their authority is named', () => {
  const openAsking = () => openTls({ clientCa: otherCertificates.material.ca });
  const own = ({ material }: TestCertificates) => {
    const [{ cert, key }] = material.pairs as [{ cert: string; key: string }];
    return { cert, key };
  };

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: one of that authority is let in', async (version) => {
    const { messages, port } = await openAsking();
    const socket = await handshake(port('tls'), {
      ...own(otherCertificates),
      minVersion: version,
      maxVersion: version,
    });
    socket.write(text(version));
    expect((await messages.next()).message.callId).toBe(version);
  });

  test.each([
    ['none', {}],
    ['one of another authority', () => own(certificates)],
  ] as const)('%s is refused', async (_what, more) => {
    const { transport, port } = await openAsking();
    // In TLS 1.3 the client learns of it after its own handshake.
    const socket = connect({
      port: port('tls'),
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ...(typeof more === 'function' ? more() : more),
    });
    const peer = peerOn(socket);
    await peer.isClosed();
    await eventually(() => transport.events().handshakeFailed === 1, 'the count');
    expect(transport.counts().flows).toBe(0);
  });

  test('a listener of its own asks for it, the ordinary one does not', async () => {
    const open = await openTls({ clientCa: otherCertificates.material.ca, sipsClientListen: sipsListen });
    const [, asking] = open.transport.listeners().filter(({ transport }) => transport === 'tls');
    const ordinary = await handshake(open.port('tls'));
    ordinary.write(text('ordinary'));
    expect((await open.messages.next()).message.callId).toBe('ordinary');
    const shown = await handshake(asking!.port, own(otherCertificates));
    shown.write(text('shown'));
    expect((await open.messages.next()).message.callId).toBe('shown');
    const socket = connect({ port: asking!.port, host: '127.0.0.1', rejectUnauthorized: false });
    onTestFinished(() => {
      socket.destroy();
    });
    await peerOn(socket).isClosed();
    await eventually(() => open.transport.events().handshakeFailed === 1, 'the count');
  });
});

test('messages byte by byte, two in one record, ping and pong', async () => {
  const { messages, port } = await openTls();
  const socket = await handshake(port('tls'));
  const peer = peerOn(socket);
  for (const byte of Buffer.from(text('bytes')))
    await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => resolve()));
  expect((await messages.next()).message.callId).toBe('bytes');
  socket.write(`${text('one')}${text('two')}\r\n\r\n`);
  expect([(await messages.next()).message.callId, (await messages.next()).message.callId]).toEqual(['one', 'two']);
  await peer.reads(/^\r\n$/);
});

describe('certificate change', () => {
  test('new connections get the new certificate, the old connection lives on', async () => {
    const tls = new MaterialSource(certificates.material);
    const { transport, messages, port } = await openTls({ tls });
    const old = await handshake(port('tls'));
    old.write(text('before'));
    const { flow } = await messages.next();
    tls.replace(otherCertificates.material);
    await expect(handshake(port('tls'))).rejects.toThrow(/certificate/);
    const fresh = await handshake(port('tls'), { ca: otherCertificates.material.ca ?? '' });
    fresh.write(text('fresh'));
    expect((await messages.next()).message.callId).toBe('fresh');
    old.write(text('after'));
    const after = await messages.next();
    expect([after.message.callId, after.flow]).toEqual(['after', flow]);
    const peer = peerOn(old);
    await transport.send(Buffer.from('still alive'), flow);
    await peer.reads(/still alive/);
  });

  test('material that OpenSSL refuses leaves the old one in use', async () => {
    const tls = new MaterialSource(certificates.material);
    const { port } = await openTls({ tls });
    tls.replace({ pairs: [{ cert: 'rubbish', key: 'rubbish' }], ca: null });
    expect((await handshake(port('tls'))).authorized).toBe(true);
  });

  test('design.md 3: changed files reach new connections; the live one carries on', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'reload-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const install = (from: TestCertificates, names: readonly string[]) => {
      for (const name of names) {
        copyFileSync(join(from.directory, name), join(directory, 'incoming'));
        renameSync(join(directory, 'incoming'), join(directory, name));
      }
    };
    install(certificates, ['ca.pem', 'server.pem', 'server.key', 'server-ec.pem', 'server-ec.key']);
    const clock = new VirtualClock(Date.now());
    const tls = createTlsMaterialSource({ directory, clock, log: silentLog });
    expect(tls.start()).toEqual({ ok: true, value: undefined });
    onTestFinished(() => tls.stop());
    const { messages, port } = await openTls({ tls });
    const old = await handshake(port('tls'));
    install(otherCertificates, ['server.pem', 'server.key']);
    clock.advance(5_000);
    const fresh = await handshake(port('tls'), { ca: otherCertificates.material.ca ?? '' });
    expect(servedKey(fresh)).toBe('rsa');
    old.write(text('live'));
    expect((await messages.next()).message.callId).toBe('live');
  });

  test('the source is let go at stop', async () => {
    const tls = new MaterialSource(certificates.material);
    const { transport } = await openTls({ tls });
    expect(tls.listeners.size).toBe(1);
    await transport.stop();
    expect(tls.listeners.size).toBe(0);
  });
});

describe('hostile peers', () => {
  test('a peer that never shakes hands is closed after 10 s', async () => {
    const clock = new VirtualClock();
    const { transport, port } = await openTls({ clock });
    const before = clock.pendingTimers;
    const silent = await openSocket(port('tls'));
    await eventually(() => clock.pendingTimers === before + 1, 'the handshake timer');
    clock.advance(limits.flowHandshakeMs);
    await silent.isClosed();
    expect(transport.events()).toMatchObject({ handshakeTimeout: 1 });
  });

  test('a finished handshake leaves no timer', async () => {
    const clock = new VirtualClock();
    const { transport, port } = await openTls({ clock });
    const before = clock.pendingTimers;
    await handshake(port('tls'));
    await eventually(() => transport.counts().flows === 1, 'the flow');
    expect(clock.pendingTimers).toBe(before);
  });

  test.each(['OPTIONS sip:x SIP/2.0\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\0'.repeat(600)])(
    '%j in place of a handshake',
    async (bytes) => {
      const { transport, port } = await openTls();
      const peer = await openSocket(port('tls'));
      peer.socket.write(bytes);
      if (bytes.startsWith('\0') || bytes.startsWith('O')) await peer.isClosed();
      else peer.socket.end();
      await eventually(() => transport.events().handshakeFailed === 1, 'the count');
      expect((await handshake(port('tls'))).authorized).toBe(true);
    },
  );

  test('connections before their handshake count against the cap of their source', async () => {
    const { transport, port } = await openTls();
    const peers = [];
    for (let index = 0; index < limits.flowsPerSource; index++) peers.push(await openSocket(port('tls')));
    await (await openSocket(port('tls'))).isClosed();
    expect(transport.events()).toEqual({ refusedPerSource: 1 });
    for (const peer of peers) peer.socket.destroy();
    await eventually(() => transport.events().handshakeFailed === limits.flowsPerSource, 'the end of all');
    expect((await handshake(port('tls'))).authorized).toBe(true);
  });
});

describe('outgoing connections', () => {
  /** A TLS peer with the certificates of `own` or others. */
  async function openServer(own = certificates) {
    const [{ cert, key }] = own.material.pairs as [{ cert: string; key: string }];
    const sockets: TLSSocket[] = [];
    const server = createServer({ cert, key }, (socket) => {
      socket.on('error', () => {});
      sockets.push(socket);
    }).listen(0, '127.0.0.1');
    server.on('tlsClientError', () => {});
    await once(server, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const destination = (serverName: string) => ({ transport: 'tls', address: '127.0.0.1', port, serverName }) as const;
    return { sockets, destination };
  }
  const verifying = () => openTls({ outgoingTls: { verify: true, ca: certificates.material.ca } });

  test('without verification any certificate will do; the connection carries messages both ways', async () => {
    const { transport, messages, port } = await openTls();
    const peer = await openServer(otherCertificates);
    const connected = await transport.connect(peer.destination('wrong.example'));
    if (!connected.ok) throw new TypeError(connected.error.detail);
    expect(connected.value).toMatchObject({ transport: 'tls', isSecure: true, advertisedPort: port('tls') });
    await eventually(() => peer.sockets.length === 1, 'the connection');
    peer.sockets[0]!.write(text('from-peer'));
    expect((await messages.next()).flow).toBe(connected.value);
    const again = await transport.connect(peer.destination('other.example'));
    expect(again.ok && again.value).toBe(connected.value);
  });

  test.each(['gateway.test', 'localhost', '127.0.0.1'])(
    'RFC 5922 7.1: the certificate verifies for %s',
    async (name) => {
      const { transport } = await verifying();
      const peer = await openServer();
      expect((await transport.connect(peer.destination(name))).ok).toBe(true);
    },
  );

  test('RFC 5922 7.1: a wrong name and an unknown CA are refused', async () => {
    const { transport } = await verifying();
    const [peer, stranger] = [await openServer(), await openServer(otherCertificates)];
    expect(await transport.connect(peer.destination('wrong.example'))).toMatchObject({
      ok: false,
      error: { code: 'tls' },
    });
    expect(await transport.connect(stranger.destination('localhost'))).toMatchObject({
      ok: false,
      error: { code: 'tls' },
    });
    expect(transport.counts().flows).toBe(0);
  });

  test('[sip 0 tls-verify] a destination may be left unverified; that connection serves nobody who wants verification', async () => {
    const { transport } = await verifying();
    const stranger = await openServer(otherCertificates);
    const unverified = await transport.connect({ ...stranger.destination('localhost'), verify: false });
    expect(unverified.ok).toBe(true);
    expect((await transport.connect(stranger.destination('localhost'))).ok).toBe(false);
    expect(await transport.connect({ ...stranger.destination('localhost'), verify: false })).toEqual(unverified);
  });

  test('[sip 0 tls-sni] the name of the URI host is sent (RFC 6066 3)', async () => {
    const { transport } = await openTls();
    const { sockets, destination } = await openServer();
    await transport.connect(destination('pbx.example.net'));
    await eventually(() => sockets.length === 1, 'the connection');
    expect((sockets[0] as TLSSocket & { servername: string | false }).servername).toBe('pbx.example.net');
  });

  test('with verification a connection is reused for its own name only', async () => {
    const { transport } = await verifying();
    const peer = await openServer();
    const first = await transport.connect(peer.destination('localhost'));
    expect(await transport.connect(peer.destination('LOCALHOST'))).toEqual(first);
    expect(await transport.connect(peer.destination('wrong.example'))).toMatchObject({
      ok: false,
      error: { code: 'tls' },
    });
    const other = await transport.connect(peer.destination('gateway.test'));
    expect(other.ok && first.ok && other.value !== first.value).toBe(true);
  });

  test('a plain TCP peer is an error value, not a wait', async () => {
    const { transport, port } = await openTls();
    const destination = { transport: 'tls', address: '127.0.0.1', port: port('tcp'), serverName: 'localhost' } as const;
    const connected = await transport.connect(destination);
    expect(connected.ok ? '' : connected.error.code).toMatch(/^(tls|closed)$/);
  });

  test('a peer that never answers the hello times out on the clock', async () => {
    const clock = new VirtualClock();
    const { transport } = await openTls({ clock });
    const mute = createTcpServer((socket) => {
      peerOn(socket);
    }).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    onTestFinished(() => {
      mute.close();
    });
    const { port } = mute.address() as AddressInfo;
    const accepted = once(mute, 'connection');
    const before = clock.pendingTimers;
    const attempt = transport.connect({ transport: 'tls', address: '127.0.0.1', port, serverName: 'localhost' });
    await accepted;
    await eventually(() => clock.pendingTimers === before + 1, 'the handshake timer');
    // Once for the connect timer, should it still be running, once for the handshake timer.
    await clock.advanceAsync(limits.flowHandshakeMs + limits.flowConnectMs);
    expect(await within(attempt, 'the attempt')).toMatchObject({ ok: false, error: { code: 'timeout' } });
  });
});

test('material that OpenSSL refuses at start is an error that says so', async () => {
  const tls = new MaterialSource({ pairs: [{ cert: 'rubbish', key: 'rubbish' }], ca: null });
  await expect(openTls({ tls })).rejects.toThrow(/the TLS certificate or key is refused/);
});

test('a connection that resets during the handshake leaves nothing behind', async () => {
  const { transport, port } = await openTls();
  for (let index = 0; index < 20; index++) {
    const socket = connectTcp({ port: port('tls'), host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.once('connect', () => socket.resetAndDestroy());
    await within(once(socket, 'close'), 'the reset');
  }
  expect((await handshake(port('tls'))).authorized).toBe(true);
  await eventually(() => transport.counts().flows === 1, 'the flow');
});
