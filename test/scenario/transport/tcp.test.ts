// TCP on real loopback sockets: framing, keep-alives, caps, dead and silent peers, outgoing connections (design.md 5.3).

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { createResponse } from '../../../src/sip/grammar/build.ts';
import { readSystemInterfaces } from '../../../src/sip/transport/addresses.ts';
import type { Flow } from '../../../src/sip/transport/transport.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';
import { eventually, openSocket, openTransport, type Peer, peerOn, Queue, requestText, within } from './kit.ts';

const via = 'SIP/2.0/TCP phone.invalid:5060';
const text = (callId: string, more: object = {}) => requestText({ via, callId, ...more });
const tcpTo = (port: number, address = '127.0.0.1') =>
  ({ transport: 'tcp', address, port, serverName: 'localhost' }) as const;

/** A peer that listens and hands out the connections it accepted. */
async function openServer(address = '127.0.0.1'): Promise<{ port: number; accepted: Queue<Peer>; server: Server }> {
  const accepted = new Queue<Peer>('an incoming connection');
  const server = createServer((socket) => accepted.push(peerOn(socket))).listen(0, address);
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, accepted, server };
}

describe('framing (RFC 3261 18.3)', () => {
  test('a request byte by byte', async () => {
    const { messages, port } = await openTransport();
    const { socket } = await openSocket(port('tcp'));
    socket.setNoDelay(true);
    for (const byte of Buffer.from(text('slow', { body: 'äöü body' })))
      await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => resolve()));
    const { message } = await messages.next();
    expect([message.callId, message.body.toString()]).toEqual(['slow', 'äöü body']);
  });

  test('two messages and a half in one segment', async () => {
    const { messages, port } = await openTransport();
    const { socket } = await openSocket(port('tcp'));
    const third = text('third', { body: 'x'.repeat(500) });
    socket.write(text('first') + text('second', { body: 'body' }) + third.slice(0, 300));
    const [first, second] = [await messages.next(), await messages.next()];
    expect([first.message.callId, second.message.callId, second.message.body.toString()]).toEqual([
      'first',
      'second',
      'body',
    ]);
    expect(second.flow).toBe(first.flow);
    socket.write(third.slice(300));
    expect((await messages.next()).message.callId).toBe('third');
  });

  test('a message that does not parse is handed up, and the flow lives on', async () => {
    const { messages, failures, port } = await openTransport();
    const { socket } = await openSocket(port('tcp'));
    socket.write(text('bad').replace('CSeq: 1 OPTIONS', 'CSeq: 1 INVITE') + text('good'));
    expect((await failures.next()).failure).toMatchObject({ status: 400, request: { callId: 'bad' } });
    expect((await messages.next()).message.callId).toBe('good');
  });

  test.each([
    ['no SIP at all', '\x16\x03\x01\x02\x00\x01'],
    ['no Content-Length', text('lost').replace(/Content-Length: 0\r\n/, '')],
    ['a header block without end', `OPTIONS sip:x SIP/2.0\r\n${'X: y\r\n'.repeat(limits.sipStreamHeaderBytes / 6)}`],
  ])('lost framing closes the flow after the answer: %s', async (_what, bytes) => {
    // The clock stands still: no deadline of ours closes the flow.
    const { transport, failures, port } = await openTransport({ clock: new VirtualClock() });
    transport.onUnparsable((failure, flow) => {
      failures.push({ failure, flow });
      void transport.send(Buffer.from(`SIP/2.0 ${failure.status} answer\r\n`), flow);
    });
    const peer = await openSocket(port('tcp'));
    peer.socket.write(bytes);
    const { failure, flow } = await failures.next();
    await peer.reads(new RegExp(`SIP/2.0 ${failure.status} answer`));
    await peer.isClosed();
    expect(flow.isAlive).toBe(false);
    expect(transport.events()).toMatchObject({ framingClosed: 1 });
    expect(transport.counts().flows).toBe(0);
  });
});

test('the answer to lost framing waits for a peer that reads late', async () => {
  const { transport, messages, port } = await openTransport({ clock: new VirtualClock() });
  transport.onUnparsable((_failure, flow) => void transport.send(Buffer.from('last answer'), flow));
  const peer = await openSocket(port('tcp'));
  peer.socket.write(text('hello'));
  const { flow } = await messages.next();
  peer.socket.pause();
  // Fills the buffers of the kernel, until one write is held back in our queue.
  for (let isTaken = true; isTaken; ) {
    isTaken = false;
    const sent = transport.send(Buffer.alloc(60_000, 0x41), flow).then(() => {
      isTaken = true;
    });
    await Promise.race([sent, settle()]);
  }
  peer.socket.write('\x16\x03\x01');
  await eventually(() => !flow.isAlive, 'the end of the flow');
  peer.socket.resume();
  await peer.isClosed();
  expect(peer.text()).toMatch(/last answer$/);
});

describe('keep-alives (RFC 5626 3.5.1, 4.4.1)', () => {
  test('a ping is answered with a pong, between messages too', async () => {
    const { transport, messages, port } = await openTransport();
    const peer = await openSocket(port('tcp'));
    peer.socket.write(`\r\n\r\n${text('one')}\r\n\r\n`);
    expect((await messages.next()).message.callId).toBe('one');
    await peer.reads(/^\r\n\r\n$/);
    expect(transport.events()).toEqual({ keepAliveReceived: 2 });
  });

  test('a quiet flow is pinged after 5 min and closed after 20 min without a sign of life', async () => {
    const clock = new VirtualClock();
    const { transport, messages, port } = await openTransport({ clock });
    const peer = await openSocket(port('tcp'));
    peer.socket.write(text('hello'));
    const { flow } = await messages.next();
    const causes: string[] = [];
    flow.onClosed((cause) => causes.push(cause));
    clock.advance(limits.flowPingMs + limits.flowSweepMs);
    await peer.reads(/^\r\n\r\n$/);
    clock.advance(limits.flowPingMs + limits.flowSweepMs);
    await peer.reads(/^(\r\n\r\n){2}$/);
    expect(flow.isAlive).toBe(true);
    clock.advance(limits.flowIdleMs);
    await peer.isClosed();
    expect(causes).toEqual(['idle']);
    expect(transport.events()).toMatchObject({ idleClosed: 1 });
  });

  test('a pong keeps the flow', async () => {
    const clock = new VirtualClock();
    const { transport, messages, port } = await openTransport({ clock });
    const peer = await openSocket(port('tcp'));
    peer.socket.write(text('hello'));
    const { flow } = await messages.next();
    for (let round = 1; round <= 6; round++) {
      clock.advance(limits.flowPingMs + limits.flowSweepMs);
      await peer.reads(new RegExp(`^(\\r\\n\\r\\n){${round}}$`));
      peer.socket.write('\r\n');
      await eventually(() => transport.events().keepAliveReceived === round, 'the pong');
    }
    expect(flow.isAlive).toBe(true);
  });

  test('a flow that carried a REGISTER lives as long as a registration may', async () => {
    const clock = new VirtualClock();
    const { messages, port } = await openTransport({ clock });
    const peer = await openSocket(port('tcp'));
    peer.socket.write(text('register', { method: 'REGISTER' }));
    const { flow } = await messages.next();
    clock.advance(limits.registrationMaxSeconds * 1_000);
    expect(flow.isAlive).toBe(true);
    clock.advance(limits.flowIdleMs + limits.flowSweepMs);
    expect(flow.isAlive).toBe(false);
    await peer.isClosed();
  });

  test('keepAlive sends a double CRLF', async () => {
    const { messages, port } = await openTransport();
    const peer = await openSocket(port('tcp'));
    peer.socket.write(text('hello'));
    (await messages.next()).flow.keepAlive();
    await peer.reads(/^\r\n\r\n$/);
  });
});

describe('hostile and broken peers', () => {
  test('design.md 5.3: connections of one source are capped, and room comes back', async () => {
    const { transport, messages, port } = await openTransport();
    const peers: Peer[] = [];
    for (let index = 0; index < limits.flowsPerSource; index++) peers.push(await openSocket(port('tcp')));
    await eventually(() => transport.counts().flows === limits.flowsPerSource, 'all flows');
    for (let index = 0; index < 20; index++) await (await openSocket(port('tcp'))).isClosed();
    expect(transport.events()).toEqual({ refusedPerSource: 20 });
    expect(transport.counts().flows).toBe(limits.flowsPerSource);
    const other = peerOn(connect({ port: port('tcp'), host: '127.0.0.1', localAddress: '127.0.0.2' }));
    other.socket.write(text('other-source'));
    expect((await messages.next()).message.callId).toBe('other-source');
    peers[0]!.socket.destroy();
    await eventually(() => transport.counts().flows === limits.flowsPerSource, 'the freed place');
    const late = await openSocket(port('tcp'));
    late.socket.write(text('late'));
    expect((await messages.next()).message.callId).toBe('late');
  });

  test('a message that is never completed closes the flow', async () => {
    const clock = new VirtualClock();
    const { transport, messages, port } = await openTransport({ clock });
    const peer = await openSocket(port('tcp'));
    peer.socket.write(text('whole') + text('part').slice(0, 60));
    const { flow } = await messages.next();
    clock.advance(limits.flowPartialMessageMs - limits.flowSweepMs);
    expect(flow.isAlive).toBe(true);
    clock.advance(2 * limits.flowSweepMs);
    await peer.isClosed();
    expect(transport.events()).toEqual({ partialMessageClosed: 1 });
  });

  test('a busy flow is not taken for a stuck one: each message has its own 32 s', async () => {
    const clock = new VirtualClock();
    const { messages, port } = await openTransport({ clock });
    const peer = await openSocket(port('tcp'));
    const [one, two, three] = [text('one'), text('two'), text('three')];
    const segments = [one + two.slice(0, 50), two.slice(50) + three.slice(0, 50), three.slice(50)];
    for (const segment of segments) {
      peer.socket.write(segment);
      expect((await messages.next()).flow.isAlive).toBe(true);
      clock.advance(limits.flowPartialMessageMs - limits.flowSweepMs);
    }
  });

  test('a peer that does not read is cut off when its queue is full; senders get values', async () => {
    const { transport, messages, port } = await openTransport();
    const peer = await openSocket(port('tcp'));
    peer.socket.write(text('deaf'));
    const { flow } = await messages.next();
    peer.socket.pause();
    const closed = new Queue<string>('the close');
    flow.onClosed((cause) => closed.push(cause));
    const bytes = Buffer.alloc(60_000, 0x41);
    const sent: ReturnType<typeof transport.send>[] = [];
    for (let index = 0; index < 1_000 && flow.isAlive; index++) {
      sent.push(transport.send(bytes, flow));
      if (index % 10 === 9) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(await closed.next()).toBe('peer does not read');
    const results = await within(Promise.all(sent), 'all senders');
    expect(results.some((result) => !result.ok && result.error.code === 'closed')).toBe(true);
    expect(transport.events()).toMatchObject({ sendQueueClosed: 1 });
    expect(await transport.send(bytes, flow)).toMatchObject({ ok: false, error: { code: 'closed' } });
  });

  test.each([
    ['resets the connection', (peer: Peer) => peer.socket.resetAndDestroy()],
    ['closes its half', (peer: Peer) => peer.socket.end()],
  ])('a peer that %s: closed once, counted out', async (_what, leave) => {
    const { transport, messages, port } = await openTransport();
    const peer = await openSocket(port('tcp'));
    peer.socket.write(text('bye'));
    const { flow } = await messages.next();
    const causes: string[] = [];
    const unsubscribed: string[] = [];
    flow.onClosed((cause) => causes.push(cause));
    flow.onClosed((cause) => unsubscribed.push(cause))();
    leave(peer);
    await peer.isClosed();
    await eventually(() => !flow.isAlive, 'the end of the flow');
    expect(causes).toHaveLength(1);
    expect(unsubscribed).toEqual([]);
    expect(transport.counts().flows).toBe(0);
    expect(await transport.send(Buffer.from('x'), flow)).toMatchObject({ ok: false, error: { code: 'closed' } });
  });
});

describe('outgoing connections', () => {
  test('connects, tells the listening port, and reuses the connection', async () => {
    const { transport, messages, port } = await openTransport();
    const peer = await openServer();
    const connected = await transport.connect(tcpTo(peer.port));
    if (!connected.ok) throw new TypeError(connected.error.detail);
    const flow = connected.value;
    expect(flow).toMatchObject({ remotePort: peer.port, advertisedHost: '127.0.0.1', advertisedPort: port('tcp') });
    expect(flow.localPort).not.toBe(port('tcp'));
    const again = await transport.connect(tcpTo(peer.port, '::ffff:127.0.0.1'));
    expect(again.ok && again.value).toBe(flow);
    const accepted = await peer.accepted.next();
    accepted.socket.write(text('from-the-server'));
    expect((await messages.next()).flow).toBe(flow);
    expect(peer.accepted.length).toBe(0);
  });

  test('callers at the same time share one connection', async () => {
    const { transport } = await openTransport();
    const peer = await openServer();
    const connected = await Promise.all([1, 2, 3].map(() => transport.connect(tcpTo(peer.port))));
    expect(new Set(connected.map((result) => result.ok && result.value)).size).toBe(1);
    await peer.accepted.next();
    expect(peer.accepted.length).toBe(0);
  });

  test('RFC 5923: the connection that a peer opened leads back to exactly its address and port', async () => {
    const { transport, messages, port } = await openTransport();
    const peer = await openSocket(port('tcp'));
    peer.socket.write(text('hello'));
    const { flow } = await messages.next();
    const back = await transport.connect(tcpTo(peer.socket.localPort!));
    expect(back.ok && back.value).toBe(flow);
    const other = await transport.connect(tcpTo(port('tcp')));
    expect(other.ok && other.value).not.toBe(flow);
  });

  test('a flow that is gone is not reused', async () => {
    const { transport } = await openTransport();
    const peer = await openServer();
    const first = await transport.connect(tcpTo(peer.port));
    (await peer.accepted.next()).socket.destroy();
    await eventually(() => transport.counts().flows === 0, 'the flow to go');
    const second = await transport.connect(tcpTo(peer.port));
    expect(second.ok).toBe(true);
    expect(second.ok && second.value).not.toBe(first.ok && first.value);
  });

  test('a refused connection is a value', async () => {
    const { transport } = await openTransport();
    const { server, port } = await openServer();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect(await transport.connect(tcpTo(port))).toMatchObject({ ok: false, error: { code: 'refused' } });
    expect(transport.events()).toEqual({ connectFailed: 1 });
  });

  test('a peer that does not answer times out on the clock; a caller may give up earlier', async () => {
    const clock = new VirtualClock();
    const { transport } = await openTransport({ clock });
    const hole = await openBlackHole();
    const controller = new AbortController();
    const impatient = transport.connect(tcpTo(hole), controller.signal);
    const patient = transport.connect(tcpTo(hole));
    // The route is asked first; then the connect timer stands beside those of the transport itself.
    const before = clock.pendingTimers;
    await eventually(() => clock.pendingTimers === before + 1, 'the connection attempt');
    controller.abort();
    expect(await impatient).toMatchObject({ ok: false, error: { code: 'closed', detail: 'given up' } });
    clock.advance(limits.flowConnectMs);
    expect(await patient).toMatchObject({ ok: false, error: { code: 'timeout' } });
    expect(await transport.connect(tcpTo(hole), AbortSignal.abort())).toMatchObject({
      ok: false,
      error: { code: 'closed' },
    });
  });

  test('explicit listeners: the connection starts from the address that is told to the peer', async () => {
    const { transport, port } = await openTransport({ sipListen: [{ address: '127.0.0.5', port: 0 }] });
    const peer = await openServer();
    const connected = await transport.connect(tcpTo(peer.port));
    expect(connected).toMatchObject({
      ok: true,
      value: { localAddress: '127.0.0.5', advertisedHost: '127.0.0.5', advertisedPort: port('tcp') },
    });
  });

  test('stop ends attempts, flows and listeners', async () => {
    const { transport, port } = await openTransport();
    const hole = await openBlackHole();
    const own = port('tcp');
    const peer = await openSocket(own);
    await eventually(() => transport.counts().flows === 1, 'the flow');
    const attempt = transport.connect(tcpTo(hole));
    await within(transport.stop(), 'stop');
    expect((await attempt).ok).toBe(false);
    await peer.isClosed();
    expect(transport.listeners()).toEqual([]);
    expect(transport.counts()).toEqual({ flows: 0, udpSockets: 0 });
    expect((await transport.connect(tcpTo(own))).ok).toBe(false);
  });
});

/** A listener whose queue is full and never emptied: further connection attempts get no answer. */
async function openBlackHole(): Promise<number> {
  const source = `
    const { createServer } = require('node:net');
    const { parentPort } = require('node:worker_threads');
    const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      // Accepts nothing from here on: this thread's loop stands still.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(source, { eval: true });
  onTestFinished(async () => {
    await worker.terminate();
  });
  const [port] = (await once(worker, 'message')) as [number];
  // The kernel takes backlog + 1 connections without an accept; the next attempts hang.
  for (let index = 0; index < 2; index++) await openSocket(port);
  return port;
}

test.skipIf(!readSystemInterfaces().some((own) => own.address === '::1'))(
  'IPv6: both wildcards side by side, in and out',
  async () => {
    const { transport, messages, port } = await openTransport({
      sipListen: [
        { address: '[::]', port: 0 },
        { address: '0.0.0.0', port: 0 },
      ],
    });
    const six = port('tcp', '::');
    const peer = await openSocket(six, '::1');
    peer.socket.write(requestText({ via: 'SIP/2.0/TCP [2001:db8::9]:5060;rport' }));
    const { message, flow } = await messages.next();
    expect(message.via).toMatchObject({ received: '::1', rport: peer.socket.localPort });
    expect(flow).toMatchObject({
      localAddress: '::1',
      remoteAddress: '::1',
      advertisedHost: '::1',
      advertisedPort: six,
    });
    const server = await openServer('::1');
    const connected = await transport.connect(tcpTo(server.port, '0::1'));
    expect(connected).toMatchObject({ ok: true, value: { remoteAddress: '::1', advertisedPort: six } });
    const four = await openSocket(port('tcp', '0.0.0.0'));
    four.socket.write(text('four'));
    expect((await messages.next()).flow).toMatchObject({
      remoteAddress: '127.0.0.1',
      advertisedPort: port('tcp', '0.0.0.0'),
    });
  },
);

test('answers go out over the connection the request came by', async () => {
  const { transport, port } = await openTransport();
  const flows: Flow[] = [];
  transport.onMessage((message, flow) => {
    flows.push(flow);
    if (message.kind === 'request') void transport.send(createResponse(message, 200), flow);
  });
  const [first, second] = [await openSocket(port('tcp')), await openSocket(port('tcp'))];
  second.socket.write(text('two'));
  await second.reads(/SIP\/2\.0 200 OK[\s\S]*Call-ID: two/);
  first.socket.write(text('one'));
  const [, received] = await first.reads(/Via: .*;received=([\d.]+)/);
  expect(received).toBe('127.0.0.1');
  expect(first.text()).not.toContain('two');
  expect(flows[0]).not.toBe(flows[1]);
});
