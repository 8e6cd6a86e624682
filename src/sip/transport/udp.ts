// SIP over UDP. Node cannot say on which address a datagram came in (no PKTINFO), so a wildcard listener is one socket per
// local address (design.md 5.3): the answer leaves by the socket, hence from the address, that the request came to.
//
//   listener [::]:5060 ─┬─ socket [2001:db8::2]:5060 ─┬─ flow 203… (peer address and port), made on the first datagram
//                       └─ socket [::1]:5060          └─ flow …
//
// Addresses that appear later get a socket, sockets of addresses that are gone are closed (layer.ts calls refresh).

import { createHmac, type KeyObject } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import type { Unsubscribe } from '../../base/emitter.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { coveredAddresses, familyOf, isLoopback, isWildcard, type Locality, normalizeAddress } from './addresses.ts';
import { faultCode, isAddressAbsent, type ListenFailure, listenFailure } from './listen-failure.ts';
import type { EventCounter, ListenAddress } from './options.ts';
import { literalLookup } from './route.ts';
import type { Flow, TransportError } from './transport.ts';

const CRLF = Buffer.from('\r\n');
/** 65,535 less the headers of IPv4 and UDP. */
const DATAGRAM_MAX_BYTES = 65_507;
const SMALLEST_RECEIVE_BUFFER_BYTES = 256 * 1_024;
/** What a small datagram takes of a socket's buffer, with what the kernel keeps beside it. */
const SMALL_DATAGRAM_BYTES = 1_280;
const nothing = () => {};

export type DatagramReceiver = (bytes: Buffer, flow: UdpFlow) => void;

/** One (socket, remote address, remote port). Costs no system resources: a cached view of the socket. */
export class UdpFlow implements Flow {
  readonly transport = 'udp';
  readonly isReliable = false;
  readonly isSecure = false;
  readonly isAlive = true;
  readonly id: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  readonly #socket: UdpSocket;
  /** With the zone of a link-local address. */
  readonly #sendAddress: string;

  constructor(socket: UdpSocket, address: string, port: number, context: UdpContext) {
    this.#socket = socket;
    this.#sendAddress = address;
    this.localAddress = socket.address;
    this.localPort = socket.port;
    this.remoteAddress = normalizeAddress(address);
    this.remotePort = port;
    this.advertisedHost = context.locality.advertisedHost(socket.address, this.remoteAddress, socket.publicAddress);
    this.advertisedPort = socket.port;
    // Made from the pair with a secret of this process: stable when the cache has dropped the flow in between, not guessable.
    this.id = createHmac('sha256', context.secret)
      .update(`${socket.address} ${socket.port} ${this.remoteAddress} ${port}`)
      .digest('hex')
      .slice(0, 32);
  }

  onClosed(): Unsubscribe {
    return nothing;
  }

  keepAlive(): void {
    void this.#socket.send(CRLF, this.remotePort, this.#sendAddress);
  }

  sendBytes(bytes: Buffer): Promise<Result<void, TransportError>> {
    return this.#socket.send(bytes, this.remotePort, this.#sendAddress);
  }

  sendQuietly(bytes: Buffer): void {
    this.#socket.sendQuietly(bytes, this.remotePort, this.#sendAddress);
  }
}

export interface UdpContext {
  readonly locality: Locality;
  readonly secret: KeyObject;
  readonly log: Log;
  readonly count: EventCounter;
  readonly receive: DatagramReceiver;
}

/** One bound socket and the flows on it. */
class UdpSocket {
  readonly address: string;
  readonly port: number;
  readonly publicAddress: string | null | undefined;
  readonly listener: UdpListener;
  readonly #socket: Socket;
  readonly #context: UdpContext;
  // A bounded cache without work per hit: when the young half is full it becomes the old half, and the old one is dropped.
  #young = new Map<string, UdpFlow>();
  #old = new Map<string, UdpFlow>();
  #isOpen = true;

  constructor(listener: UdpListener, socket: Socket, context: UdpContext) {
    const bound = socket.address();
    this.address = normalizeAddress(bound.address);
    this.port = bound.port;
    this.listener = listener;
    this.publicAddress = listener.listen.publicAddress;
    this.#socket = socket;
    this.#context = context;
    socket.on('message', (bytes, source) => this.#onDatagram(bytes, source.address, source.port));
    socket.on('error', (fault) => {
      // ICMP errors and the like: the transaction's timers decide what they mean.
      context.count('udpSocketError');
      context.log.debug({ address: this.address, code: faultCode(fault) }, 'UDP socket error');
    });
  }

  #onDatagram(bytes: Buffer, address: string, port: number): void {
    // A source port of 0 cannot be answered (RFC 768).
    if (port === 0) return;
    if (isKeepAlive(bytes)) return this.#context.count('keepAliveReceived');
    this.#context.receive(bytes, this.flow(address, port));
  }

  flow(address: string, port: number): UdpFlow {
    const key = `${address} ${port}`;
    let flow = this.#young.get(key);
    if (flow) return flow;
    flow = this.#old.get(key) ?? new UdpFlow(this, address, port, this.#context);
    if (this.#young.size >= limits.udpFlowsCached / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, flow);
    return flow;
  }

  forgetFlows(): void {
    this.#young.clear();
    this.#old.clear();
  }

  send(bytes: Buffer, port: number, address: string): Promise<Result<void, TransportError>> {
    if (!this.#isOpen)
      return Promise.resolve(err({ code: 'noSocket', detail: `no UDP socket on ${this.address} any more` }));
    if (bytes.length > DATAGRAM_MAX_BYTES)
      return Promise.resolve(err({ code: 'tooLarge', detail: `${bytes.length} bytes do not fit into a datagram` }));
    return new Promise((resolve) => {
      try {
        this.#socket.send(bytes, port, address, (fault) => resolve(fault ? this.#sendFailed(fault) : ok(undefined)));
      } catch (fault) {
        resolve(this.#sendFailed(fault));
      }
    });
  }

  /** Without a callback, which costs much less; what the kernel refuses is lost, as a datagram may be on its way. */
  sendQuietly(bytes: Buffer, port: number, address: string): void {
    if (!this.#isOpen) return;
    if (bytes.length > DATAGRAM_MAX_BYTES) return this.#context.count('udpSendFailed');
    try {
      this.#socket.send(bytes, port, address);
    } catch (fault) {
      this.#sendFailed(fault);
    }
  }

  #sendFailed(fault: unknown): Result<never, TransportError> {
    this.#context.count('udpSendFailed');
    const code = faultCode(fault);
    return err({ code: code === 'EMSGSIZE' ? 'tooLarge' : 'unreachable', detail: `UDP send failed (${code})` });
  }

  close(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    this.#isOpen = false;
    this.forgetFlows();
    return closeSocket(this.#socket);
  }
}

// CRLF and double CRLF (RFC 5626 3.5.1), zero bytes (old desk phones) and STUN (first two bits zero, RFC 8489 5) keep NAT
// bindings open. No SIP message starts with such a byte. They are not answered: a spoofed source must not gain a reflector.
function isKeepAlive(bytes: Buffer): boolean {
  const first = bytes[0];
  if (first === undefined || first <= 0x03) return true;
  if (first !== 0x0d && first !== 0x0a) return false;
  return bytes.length <= 4;
}

interface UdpListener {
  readonly listen: ListenAddress;
  port: number;
  sockets: UdpSocket[];
}

/** All UDP sockets, by listener. */
export class UdpSockets {
  readonly #context: UdpContext;
  readonly #listeners: UdpListener[] = [];
  /** `address port` of failures that were logged: a broken address is reported once, not every 10 s. */
  readonly #reported = new Set<string>();
  #kernelDatagrams = 0;
  #refreshing: Promise<void> | undefined;
  #isStopped = false;

  constructor(context: UdpContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#listeners.reduce((sum, listener) => sum + listener.sockets.length, 0);
  }

  get #all(): UdpSocket[] {
    return this.#listeners.flatMap((listener) => listener.sockets);
  }

  /** How many datagrams the kernel keeps for the socket that has most room, counted as small ones. */
  get kernelDatagrams(): number {
    return this.#kernelDatagrams;
  }

  listeners(): { address: string; port: number }[] {
    return this.#listeners
      .filter((listener) => listener.sockets.length > 0)
      .map((listener) => ({ address: normalizeAddress(listener.listen.address), port: listener.port }));
  }

  /** Opens the sockets of a listener on `port` (0: a free one, the same for all addresses). Returns the port. */
  async open(listen: ListenAddress, port: number): Promise<Result<number, ListenFailure>> {
    const listener: UdpListener = { listen, port, sockets: [] };
    for (const address of coveredAddresses(listen.address, this.#context.locality.interfaces)) {
      if (this.size + listener.sockets.length >= limits.udpSockets) {
        this.#context.log.warn(
          { limit: limits.udpSockets, address },
          'too many local addresses: no UDP socket on this one',
        );
        continue;
      }
      if (this.socketOn(normalizeAddress(address), listener.port)) continue;
      const bound = await bindSocket(address, listener.port);
      if (bound.ok) {
        const socket = new UdpSocket(listener, bound.value, this.#context);
        this.#noteRoom(bound.value);
        listener.sockets.push(socket);
        listener.port = socket.port;
      } else if (!isWildcard(normalizeAddress(listen.address)) || !isAddressAbsent(bound.error.code)) {
        await Promise.all(listener.sockets.map((socket) => socket.close()));
        return bound;
      }
    }
    this.#listeners.push(listener);
    return ok(listener.port);
  }

  #noteRoom(socket: Socket): void {
    const datagrams = Math.ceil(socket.getRecvBufferSize() / SMALL_DATAGRAM_BYTES);
    this.#kernelDatagrams = Math.max(this.#kernelDatagrams, datagrams);
  }

  /** The addresses of the machine changed: opens and closes sockets of wildcard listeners. Never fails. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshAll().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshAll(): Promise<void> {
    for (const listener of this.#listeners) {
      if (!isWildcard(normalizeAddress(listener.listen.address))) continue;
      const wanted = coveredAddresses(listener.listen.address, this.#context.locality.interfaces);
      const gone = listener.sockets.filter((socket) => !wanted.includes(socket.address));
      listener.sockets = listener.sockets.filter((socket) => wanted.includes(socket.address));
      for (const socket of gone) {
        this.#context.log.info({ address: socket.address, port: socket.port }, 'address is gone: UDP socket closed');
        await socket.close();
      }
      for (const address of wanted) await this.#openLater(listener, address);
    }
  }

  /** Local networks changed: advertised addresses are decided anew. */
  forgetFlows(): void {
    for (const socket of this.#all) socket.forgetFlows();
  }

  async #openLater(listener: UdpListener, address: string): Promise<void> {
    if (this.socketOn(address, listener.port) || this.size >= limits.udpSockets || this.#isStopped) return;
    const key = `${address} ${listener.port}`;
    const bound = await bindSocket(address, listener.port);
    if (!bound.ok) {
      if (!this.#reported.has(key)) this.#context.log.warn({ address }, bound.error.sentence);
      this.#reported.add(key);
      return;
    }
    this.#reported.delete(key);
    // Stopped while the socket was being bound.
    if (this.#isStopped) return closeSocket(bound.value);
    const socket = new UdpSocket(listener, bound.value, this.#context);
    listener.sockets.push(socket);
    listener.port = socket.port;
    this.#context.log.info({ address, port: socket.port }, 'new address: UDP socket opened');
  }

  socketOn(address: string, port: number): UdpSocket | undefined {
    for (const listener of this.#listeners)
      for (const socket of listener.sockets) if (socket.address === address && socket.port === port) return socket;
    return undefined;
  }

  /** The socket to send from when the kernel's route starts at `localAddress`: that address, else one that can reach as far. */
  towards(remoteAddress: string, localAddress: string): UdpSocket | undefined {
    const family = familyOf(remoteAddress);
    const sockets = this.#all.filter((socket) => familyOf(socket.address) === family);
    return (
      sockets.find((socket) => socket.address === localAddress) ??
      sockets.find((socket) => isLoopback(socket.address) === isLoopback(remoteAddress)) ??
      // From another address of ours to loopback works; from loopback to elsewhere never does.
      sockets.find((socket) => !isLoopback(socket.address))
    );
  }

  /** True when a wildcard covers an address that has no socket: it failed before and is worth another try. */
  get isIncomplete(): boolean {
    const { interfaces } = this.#context.locality;
    return this.#listeners.some(
      ({ listen, port }) =>
        isWildcard(normalizeAddress(listen.address)) &&
        coveredAddresses(listen.address, interfaces).some((address) => !this.socketOn(address, port)),
    );
  }

  /** Takes back the listener that was opened last. */
  async closeLast(): Promise<void> {
    const last = this.#listeners.pop();
    await Promise.all(last?.sockets.map((socket) => socket.close()) ?? []);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#refreshing;
    const sockets = this.#all;
    this.#listeners.length = 0;
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

function bindSocket(address: string, port: number): Promise<Result<Socket, ListenFailure>> {
  return new Promise((resolve) => {
    const type = address.includes(':') ? 'udp6' : 'udp4';
    const socket = createSocket({ type, ipv6Only: type === 'udp6', lookup: literalLookup });
    const onError = (fault: Error) => {
      resolve(listenFailure('udp', address, port, fault));
      void closeSocket(socket);
    };
    socket.once('error', onError);
    socket.bind({ address, port, exclusive: true }, () => {
      socket.removeListener('error', onError);
      enlargeReceiveBuffer(socket);
      resolve(ok(socket));
    });
  });
}

/** A burst of registrations after a power cut must fit while one message is handled. Kernels cap or refuse: take what is allowed. */
function enlargeReceiveBuffer(socket: Socket): void {
  for (let sizeBytes = limits.udpReceiveBufferBytes; sizeBytes >= SMALLEST_RECEIVE_BUFFER_BYTES; sizeBytes /= 2) {
    try {
      return socket.setRecvBufferSize(sizeBytes);
    } catch {
      // Refused: try half of it.
    }
  }
}

function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.removeAllListeners('message');
    socket.removeAllListeners('error').on('error', nothing);
    socket.close(() => resolve());
  });
}
