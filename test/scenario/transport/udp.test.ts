// UDP on real loopback sockets: flows, the socket an answer leaves by, wildcards, keep-alives, errors (design.md 5.3).

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { createResponse } from '../../../src/sip/grammar/build.ts';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';
import { type LocalAddress, readSystemInterfaces } from '../../../src/sip/transport/addresses.ts';
import { createTransport } from '../../../src/sip/transport/layer.ts';
import type { Flow } from '../../../src/sip/transport/transport.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import {
  eventually,
  MaterialSource,
  makeCertificates,
  openTransport,
  Queue,
  removeCertificates,
  requestText,
  settings,
} from './kit.ts';

interface UdpPeer {
  readonly socket: Socket;
  readonly port: number;
  readonly received: Queue<{ bytes: Buffer; address: string; port: number }>;
  send(text: string | Buffer, port: number, address?: string): void;
  close(): Promise<void>;
}

async function openPeer(address = '127.0.0.1'): Promise<UdpPeer> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const received = new Queue<{ bytes: Buffer; address: string; port: number }>('a datagram');
  socket.on('message', (bytes, from) => received.push({ bytes, address: from.address, port: from.port }));
  socket.bind(0, address);
  await once(socket, 'listening');
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= new Promise<void>((resolve) => socket.close(() => resolve()));
    return closed;
  };
  onTestFinished(close);
  const send = (text: string | Buffer, port: number, to = address) => socket.send(text, port, to);
  return { socket, port: socket.address().port, received, send, close };
}

const hasIpv6 = readSystemInterfaces().some((own) => own.address === '::1');
const onMachine = (...addresses: string[]): LocalAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

describe('receiving and answering', () => {
  test('RFC 3581: rport and received are filled in; the answer goes back to the source', async () => {
    const { transport, messages, port } = await openTransport();
    const phone = await openPeer();
    phone.send(requestText({ via: 'SIP/2.0/UDP phone.invalid:5060;rport' }), port('udp'));
    const { message, flow } = await messages.next();
    expect(message.via).toMatchObject({ host: 'phone.invalid', received: '127.0.0.1', rport: phone.port });
    expect(flow).toMatchObject({
      transport: 'udp',
      localAddress: '127.0.0.1',
      localPort: port('udp'),
      remoteAddress: '127.0.0.1',
      remotePort: phone.port,
      isReliable: false,
      isSecure: false,
      isAlive: true,
    });
    if (message.kind !== 'request') throw new TypeError('request expected');
    expect(await transport.send(createResponse(message, 200), flow)).toEqual({ ok: true, value: undefined });
    const answer = await phone.received.next();
    expect(answer.port).toBe(port('udp'));
    expect(parseMessage(answer.bytes)).toMatchObject({ ok: true, value: { status: 200, via: { rport: phone.port } } });
  });

  test('one flow per source, the same id again and again, another one for another source', async () => {
    const { messages, port, transport } = await openTransport();
    const [first, second] = [await openPeer(), await openPeer()];
    const flows: Flow[] = [];
    for (const phone of [first, first, second]) {
      phone.send(requestText(), port('udp'));
      flows.push((await messages.next()).flow);
    }
    expect(flows[1]).toBe(flows[0]);
    expect(flows[2]!.id).not.toBe(flows[0]!.id);
    const local = { address: '127.0.0.1', port: port('udp') };
    expect(transport.udpFlow(local, { address: '::ffff:127.0.0.1', port: first.port })).toBe(flows[0]);
    expect(
      transport.udpFlow({ ...local, address: '127.0.0.9' }, { address: '127.0.0.1', port: first.port }),
    ).toBeUndefined();
    expect(transport.udpFlow(local, { address: 'no address', port: 1 })).toBeUndefined();
  });

  test('sources with the same port are kept apart when they take turns', async () => {
    const { messages, port } = await openTransport();
    const first = await openPeer('127.0.0.1');
    const second = createSocket('udp4').bind(first.port, '127.0.0.2');
    onTestFinished(() => void second.close());
    await once(second, 'listening');
    const ids = new Map<string, Set<string>>();
    for (let turn = 0; turn < 3; turn++) {
      first.send(requestText({ callId: `first-${turn}` }), port('udp'));
      const one = await messages.next();
      second.send(requestText({ callId: `second-${turn}` }), port('udp'), '127.0.0.1');
      const other = await messages.next();
      for (const { flow } of [one, other])
        ids.set(flow.remoteAddress, (ids.get(flow.remoteAddress) ?? new Set()).add(flow.id));
    }
    expect([...ids.keys()].sort()).toEqual(['127.0.0.1', '127.0.0.2']);
    expect([...ids.values()].map((set) => set.size)).toEqual([1, 1]);
  });

  test('a flow that is used stays the same object while the cache turns over', async () => {
    const { transport, port } = await openTransport();
    const flowTo = (address: string, remotePort: number) =>
      transport.udpFlow({ address: '127.0.0.1', port: port('udp') }, { address, port: remotePort });
    const used = flowTo('192.0.2.1', 5060);
    for (let index = 0; index < 2 * limits.udpFlowsCached; index++) {
      flowTo(`198.51.100.${index & 255}`, 1 + (index >> 8));
      if (index % 10_000 === 0) expect(flowTo('192.0.2.1', 5060)).toBe(used);
    }
  });

  test('the id of a flow outlives the bounded cache', async () => {
    const { transport, port } = await openTransport();
    const local = { address: '127.0.0.1', port: port('udp') };
    const remote = { address: '192.0.2.1', port: 5060 };
    const before = transport.udpFlow(local, remote)!;
    for (let index = 0; index <= limits.udpFlowsCached; index++)
      transport.udpFlow(local, { address: `198.51.100.${index & 255}`, port: 1 + (index >> 8) });
    const after = transport.udpFlow(local, remote)!;
    expect(after).not.toBe(before);
    expect(after.id).toBe(before.id);
  });

  test('keep-alives (CRLF, zero bytes, STUN) are counted and never answered or handed up', async () => {
    const { transport, messages, failures, port } = await openTransport();
    const phone = await openPeer();
    const stun = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
    for (const bytes of ['\r\n', '\r\n\r\n', '\0\0\0\0', stun, Buffer.alloc(0)]) phone.send(bytes, port('udp'));
    phone.send(requestText({ callId: 'after-keep-alives' }), port('udp'));
    const { message } = await messages.next();
    expect(message.callId).toBe('after-keep-alives');
    expect(failures.length).toBe(0);
    expect(transport.events()).toEqual({ keepAliveReceived: 5 });
    expect(phone.received.length).toBe(0);
  });

  test('a broken request is handed up with what an answer needs, received and rport included', async () => {
    const { failures, port } = await openTransport();
    const phone = await openPeer();
    phone.send(
      requestText({ via: 'SIP/2.0/UDP phone.invalid;rport' }).replace('CSeq: 1 OPTIONS', 'CSeq: 1 INVITE'),
      port('udp'),
    );
    const { failure, flow } = await failures.next();
    expect(failure).toMatchObject({ status: 400, request: { via: { received: '127.0.0.1', rport: phone.port } } });
    expect(flow.remotePort).toBe(phone.port);
  });

  test('rubbish of any kind leaves the socket working', async () => {
    const { transport, messages, failures, port } = await openTransport();
    const phone = await openPeer();
    for (const rubbish of ['hello', 'INVITE', Buffer.alloc(2_000, 0xff), 'SIP/2.0 200 OK\r\n\r\n', '\r\n\r\nx'])
      phone.send(rubbish, port('udp'));
    for (let index = 0; index < 5; index++) expect((await failures.next()).failure.status).toBeGreaterThanOrEqual(400);
    phone.send(requestText({ callId: 'still-here' }), port('udp'));
    expect((await messages.next()).message.callId).toBe('still-here');
    expect(transport.events()).toEqual({ unparsable: 5 });
  });

  test('a receiver that throws is logged and counted; the next message is handled', async () => {
    const { transport, port } = await openTransport();
    const seen = new Queue<string>('a message');
    transport.onMessage((message) => {
      seen.push(message.callId);
      if (message.callId === 'poison') throw new TypeError('fault of ours');
    });
    const phone = await openPeer();
    phone.send(requestText({ callId: 'poison' }), port('udp'));
    phone.send(requestText({ callId: 'next' }), port('udp'));
    expect([await seen.next(), await seen.next()]).toEqual(['poison', 'next']);
    expect(transport.events()).toEqual({ deliveryFault: 1 });
  });
});

describe('sending', () => {
  test('connect picks a socket with a route, and gives the same flow as a datagram from there', async () => {
    const { transport, messages, port } = await openTransport();
    const phone = await openPeer();
    const destination = { transport: 'udp', address: '127.0.0.1', port: phone.port, serverName: 'localhost' } as const;
    const connected = await transport.connect(destination);
    phone.send(requestText(), port('udp'));
    const { flow } = await messages.next();
    expect(connected).toEqual({ ok: true, value: flow });
    expect(connected.ok && connected.value).toBe(flow);
  });

  test('a message far above the MTU goes out whole, one above 65,507 bytes is an error value', async () => {
    const { transport } = await openTransport();
    const phone = await openPeer();
    const connected = await transport.connect({
      transport: 'udp',
      address: '127.0.0.1',
      port: phone.port,
      serverName: 'x',
    });
    if (!connected.ok) throw new TypeError('flow expected');
    expect((await transport.send(Buffer.alloc(65_507, 0x41), connected.value)).ok).toBe(true);
    expect((await phone.received.next()).bytes).toHaveLength(65_507);
    expect(await transport.send(Buffer.alloc(65_508), connected.value)).toMatchObject({
      ok: false,
      error: { code: 'tooLarge' },
    });
  });

  test('keepAlive sends one CRLF', async () => {
    const { transport, port } = await openTransport();
    const phone = await openPeer();
    const local = { address: '127.0.0.1', port: port('udp') };
    transport.udpFlow(local, { address: '127.0.0.1', port: phone.port })!.keepAlive();
    expect((await phone.received.next()).bytes.toString()).toBe('\r\n');
  });

  test('a closed port at the peer (ICMP) is no error and harms nobody', async () => {
    const { transport, messages, port } = await openTransport();
    const gone = await openPeer();
    const dead = await transport.connect({ transport: 'udp', address: '127.0.0.1', port: gone.port, serverName: 'x' });
    if (!dead.ok) throw new TypeError('flow expected');
    await gone.close();
    for (let index = 0; index < 5; index++) expect((await transport.send(Buffer.from('x'), dead.value)).ok).toBe(true);
    const phone = await openPeer();
    phone.send(requestText({ callId: 'alive' }), port('udp'));
    expect((await messages.next()).message.callId).toBe('alive');
  });

  test.each([
    [{ transport: 'udp', address: 'name.example', port: 5060 }, 'unreachable'],
    [{ transport: 'udp', address: '127.0.0.1', port: 0 }, 'unreachable'],
    [{ transport: 'udp', address: '::1', port: 5060 }, hasIpv6 ? 'noSocket' : 'unreachable'],
    [{ transport: 'ws', address: '127.0.0.1', port: 5060 }, 'noSocket'],
  ] as const)('connect to %j fails with %s', async (destination, code) => {
    const { transport } = await openTransport();
    expect(await transport.connect({ ...destination, serverName: 'x' })).toMatchObject({ ok: false, error: { code } });
  });

  test('a loopback listener is not used towards other networks', async () => {
    const { transport } = await openTransport();
    const elsewhere = { transport: 'udp', address: '192.0.2.77', port: 5060, serverName: 'x' } as const;
    const connected = await transport.connect(elsewhere);
    expect(connected.ok ? '' : connected.error.code).toMatch(/noSocket|unreachable/);
  });
});

describe('wildcard listeners (design.md 5.3: no PKTINFO)', () => {
  test('one socket per local address; the answer leaves by the address that was asked', async () => {
    const readInterfaces = () => onMachine('127.0.0.1', '127.0.0.2', '127.0.0.1');
    const { transport, messages, port } = await openTransport({
      sipListen: [{ address: '0.0.0.0', port: 0 }],
      readInterfaces,
    });
    expect(transport.counts().udpSockets).toBe(2);
    const phone = await openPeer('127.0.0.3');
    phone.send(requestText(), port('udp'), '127.0.0.2');
    const { flow } = await messages.next();
    expect(flow).toMatchObject({ localAddress: '127.0.0.2', advertisedHost: '127.0.0.2', advertisedPort: port('udp') });
    await transport.send(Buffer.from('answer'), flow);
    expect(await phone.received.next()).toMatchObject({ address: '127.0.0.2', port: port('udp') });
  });

  test('UDP and TCP of a listener with port 0 share the port', async () => {
    const { port } = await openTransport({ sipListen: [{ address: '0.0.0.0', port: 0 }] });
    expect(port('udp')).toBe(port('tcp'));
  });

  test('addresses that come get a socket, addresses that go lose it, the others stay open', async () => {
    let addresses = ['127.0.0.1', '127.0.0.2'];
    const clock = new VirtualClock();
    const { transport, messages, port } = await openTransport({
      sipListen: [{ address: '0.0.0.0', port: 0 }],
      readInterfaces: () => onMachine(...addresses),
      clock,
    });
    const phone = await openPeer();
    phone.send(requestText(), port('udp'), '127.0.0.2');
    const { flow } = await messages.next();
    addresses = ['127.0.0.1', '127.0.0.3'];
    clock.advance(limits.interfacesRereadMs);
    await eventually(
      () =>
        transport.udpFlow({ address: '127.0.0.3', port: port('udp') }, { address: '127.0.0.1', port: 1 }) !== undefined,
      'a socket on the new address',
    );
    expect(transport.counts().udpSockets).toBe(2);
    expect(await transport.send(Buffer.from('x'), flow)).toMatchObject({ ok: false, error: { code: 'noSocket' } });
    for (const address of addresses) {
      phone.send(requestText(), port('udp'), address);
      expect((await messages.next()).flow.localAddress).toBe(address);
    }
  });

  test('an address that is taken by another program is tried again until it is free', async () => {
    let addresses = ['127.0.0.1'];
    const { transport, port } = await openTransport({
      sipListen: [{ address: '0.0.0.0', port: 0 }],
      readInterfaces: () => onMachine(...addresses),
    });
    const squatter = createSocket('udp4');
    squatter.bind(port('udp'), '127.0.0.4');
    await once(squatter, 'listening');
    addresses = ['127.0.0.1', '127.0.0.4'];
    await transport.refreshAddresses();
    expect(transport.counts().udpSockets).toBe(1);
    await new Promise<void>((resolve) => squatter.close(() => resolve()));
    await transport.refreshAddresses();
    expect(transport.counts().udpSockets).toBe(2);
  });

  test('an IPv6 wildcard on a machine without IPv6 is no error beside an IPv4 listener', async () => {
    const { transport } = await openTransport({
      sipListen: [
        { address: '::', port: 0 },
        { address: '0.0.0.0', port: 0 },
      ],
      readInterfaces: () => onMachine('127.0.0.1'),
    });
    expect(transport.counts().udpSockets).toBe(1);
  });

  test.skipIf(!hasIpv6)('IPv6: flows, addresses and answers', async () => {
    const { transport, messages, port } = await openTransport({ sipListen: [{ address: '[::]', port: 0 }] });
    const phone = await openPeer('::1');
    phone.send(requestText({ via: 'SIP/2.0/UDP [::1]:5060;rport' }), port('udp'));
    const { message, flow } = await messages.next();
    expect(message.via).toMatchObject({ received: '::1', rport: phone.port });
    expect(flow).toMatchObject({ localAddress: '::1', remoteAddress: '::1', advertisedHost: '::1' });
    const connected = await transport.connect({
      transport: 'udp',
      address: '0:0:0:0:0:0:0:1',
      port: phone.port,
      serverName: 'x',
    });
    expect(connected.ok && connected.value).toBe(flow);
    await transport.send(Buffer.from('answer'), flow);
    expect((await phone.received.next()).bytes.toString()).toBe('answer');
  });
});

const linkLocal = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
  (addresses ?? []).filter(({ address }) => address.startsWith('fe80:')).map(({ address }) => `${address}%${name}`),
)[0];

test.skipIf(!linkLocal)(
  'an explicit link-local address keeps its zone: UDP and TCP open, flows are written without it',
  async () => {
    const { transport, messages, port } = await openTransport({ sipListen: [{ address: `[${linkLocal}]`, port: 0 }] });
    const bare = linkLocal!.replace(/%.*/, '');
    expect(transport.listeners()).toEqual([
      { transport: 'udp', address: bare, port: port('udp') },
      { transport: 'tcp', address: bare, port: port('udp') },
    ]);
    const phone = await openPeer(linkLocal);
    phone.send(requestText(), port('udp'));
    const { flow } = await messages.next();
    expect([flow.localAddress, flow.remoteAddress]).toEqual([bare, bare]);
    await transport.send(Buffer.from('answer'), flow);
    expect((await phone.received.next()).bytes.toString()).toBe('answer');
  },
);

describe('start errors name the listener and the fix', () => {
  const startError = async (more: Parameters<typeof settings>[0]) => {
    const transport = createTransport(settings(more));
    const started = await transport.start();
    expect(transport.counts()).toEqual({ flows: 0, udpSockets: 0 });
    expect(transport.listeners()).toEqual([]);
    return started.ok ? '' : started.error;
  };

  test('a UDP port in use', async () => {
    const other = await openTransport();
    const port = other.port('udp');
    expect(await startError({ sipListen: [{ address: '127.0.0.1', port }] })).toBe(
      `udp 127.0.0.1:${port} (HOOKSWITCH_SIP_LISTEN) cannot be opened: another program listens there: stop it or choose another port (EADDRINUSE)`,
    );
  });

  test.each(['tcp', 'tls'] as const)('a %s port in use', async (transport) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const listen = [{ address: '127.0.0.1', port }];
    const certificates = await makeCertificates();
    onTestFinished(() => removeCertificates(certificates));
    const tls = new MaterialSource(certificates.material);
    const error = await startError(transport === 'tcp' ? { sipListen: listen } : { sipsListen: listen, tls });
    expect(error).toMatch(new RegExp(`^${transport} 127\\.0\\.0\\.1:${port} .*another program listens there`));
  });

  test('an address that is not on this machine', async () => {
    expect(await startError({ sipListen: [{ address: '192.0.2.123', port: 0 }] })).toMatch(
      /^udp 192\.0\.2\.123:0 .*no interface has this address.*\(EADDRNOTAVAIL\)$/,
    );
  });

  test('a wildcard that finds a port in use', async () => {
    const other = await openTransport();
    const port = other.port('udp');
    const error = await startError({
      sipListen: [{ address: '0.0.0.0', port }],
      readInterfaces: () => onMachine('127.0.0.1'),
    });
    expect(error).toMatch(/^udp 127\.0\.0\.1:\d+ .*another program listens there/);
  });

  test('nothing to listen on', async () => {
    expect(await startError({ sipListen: [] })).toMatch(/no listener could be opened/);
  });

  test('TLS without certificates', async () => {
    expect(await startError({ sipsListen: [{ address: '127.0.0.1', port: 0 }] })).toMatch(
      /TLS listeners need certificates/,
    );
  });
});

describe('what a peer is told and what is ours (design.md 4)', () => {
  test('public address for far peers, local for near ones', async () => {
    const { messages, port } = await openTransport({ publicAddress: '198.51.100.1', localNetworks: ['127.0.0.0/30'] });
    const [near, far] = [await openPeer('127.0.0.2'), await openPeer('127.0.0.77')];
    near.send(requestText(), port('udp'), '127.0.0.1');
    expect((await messages.next()).flow).toMatchObject({ advertisedHost: '127.0.0.1', advertisedPort: port('udp') });
    far.send(requestText(), port('udp'), '127.0.0.1');
    expect((await messages.next()).flow).toMatchObject({ advertisedHost: '198.51.100.1', advertisedPort: port('udp') });
  });

  test('a network that comes is near from then on', async () => {
    let addresses = ['127.0.0.1'];
    const { transport, port } = await openTransport({
      publicAddress: '198.51.100.1',
      readInterfaces: () => onMachine(...addresses),
    });
    const advertised = () =>
      transport.udpFlow({ address: '127.0.0.1', port: port('udp') }, { address: '10.9.9.9', port: 5060 })
        ?.advertisedHost;
    expect(advertised()).toBe('198.51.100.1');
    addresses = ['127.0.0.1', '10.1.2.3'];
    await transport.refreshAddresses();
    expect(advertised()).toBe('127.0.0.1');
  });

  test('isOwnAddress: addresses and names of this gateway, at its ports', async () => {
    const { transport, port } = await openTransport({ publicAddress: '198.51.100.1', ownNames: ['gw.test'] });
    for (const host of ['127.0.0.1', '198.51.100.1', 'GW.test', 'localhost']) {
      expect([host, transport.isOwnAddress(host), transport.isOwnAddress(host, port('udp'))]).toEqual([
        host,
        true,
        true,
      ]);
      expect([host, transport.isOwnAddress(host, port('udp') - 1)]).toEqual([host, false]);
    }
    expect(transport.isOwnAddress('127.0.0.2', port('udp'))).toBe(false);
    expect(transport.isOwnAddress('192.0.2.1')).toBe(false);
  });
});

test('the tap sees every message in both directions; a tap that throws harms nobody', async () => {
  const { transport, messages, port } = await openTransport();
  const seen: string[] = [];
  transport.onTraffic((direction, bytes, flow, message) => {
    seen.push(`${direction} ${flow.remotePort} ${message?.callId} ${bytes.length}`);
    throw new TypeError('tap');
  });
  const phone = await openPeer();
  const text = requestText({ callId: 'tapped' });
  phone.send(text, port('udp'));
  phone.send('rubbish', port('udp'));
  phone.send(text, port('udp'));
  const { message, flow } = await messages.next();
  await messages.next();
  if (message.kind !== 'request') throw new TypeError('request expected');
  await transport.send(createResponse(message, 200), flow);
  const answer = await phone.received.next();
  await transport.send(answer.bytes, flow);
  expect(seen).toEqual([
    `in ${phone.port} tapped ${text.length}`,
    `in ${phone.port} undefined 7`,
    `in ${phone.port} tapped ${text.length}`,
    `out ${phone.port} tapped ${answer.bytes.length}`,
    `out ${phone.port} tapped ${answer.bytes.length}`,
  ]);
});
