// SIP over UDP. Node cannot say on which address a datagram came in (no PKTINFO), so a wildcard listener is one socket per
// local address (design.md 5.3): the answer leaves by the socket, hence from the address, that the request came to.
//
//   listener [::]:5060 ─┬─ socket [2001:db8::2]:5060 ─┬─ flow 203… (peer address and port), made on the first datagram
//                       └─ socket [::1]:5060          └─ flow …
//
// Addresses that appear later get a socket, sockets of addresses that are gone are closed (layer.ts calls refresh).

import { createHmac, type KeyObject } from 'node:crypto';
import type { DatagramHandlers, DatagramSocket } from '../../base/datagram.ts';
import { bindDatagram } from '../../base/datagram-handles.ts';
import type { Unsubscribe } from '../../base/emitter.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type QueuedSocket, SendQueue } from '../../base/send-queue.ts';
import { coveredAddresses, familyOf, isLoopback, isWildcard, type Locality, normalizeAddress } from './addresses.ts';
import { isAddressAbsent, type ListenFailure, listenFailure } from './listen-failure.ts';
import type { EventCounter, ListenAddress } from './options.ts';
import type { Flow, TransportError } from './transport.ts';

const CRLF = Buffer.from('\r\n');
/** 65,535 less the headers of IPv4 and UDP. */
const DATAGRAM_MAX_BYTES = 65_507;
/** What a small datagram takes of a socket's buffer, with what the kernel keeps beside it. */
const SMALL_DATAGRAM_BYTES = 1_280;
/** Of those who sent last, so many are found without a look into the cache. A power of two. */
const RECENT_FLOWS = 256;
const SENT = Promise.resolve(ok(undefined));
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

  /** Whether this is the one to an address, written as the system does. */
  isWith(address: string, port: number): boolean {
    return port === this.remotePort && address === this.#sendAddress;
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
class UdpSocket implements QueuedSocket {
  readonly address: string;
  readonly port: number;
  readonly publicAddress: string | null | undefined;
  readonly listener: UdpListener;
  readonly socket: DatagramSocket;
  readonly #queue: SendQueue;
  readonly #context: UdpContext;
  // A bounded cache without work per hit: when the young half is full it becomes the old half, and the old one is dropped.
  #young = new Map<string, UdpFlow>();
  #old = new Map<string, UdpFlow>();
  /** By the last bits of the port: a text to look it up by need not be made for every datagram. */
  readonly #recent: (UdpFlow | undefined)[] = new Array(RECENT_FLOWS).fill(undefined);
  #isOpen = true;

  constructor(listener: UdpListener, socket: DatagramSocket, queue: SendQueue, context: UdpContext) {
    this.address = normalizeAddress(socket.address);
    this.port = socket.port;
    this.listener = listener;
    this.publicAddress = listener.listen.publicAddress;
    this.socket = socket;
    this.#queue = queue;
    this.#context = context;
  }

  onDatagram(bytes: Buffer, address: string, port: number): void {
    // A source port of 0 cannot be answered (RFC 768).
    if (port === 0 || !this.#isOpen) return;
    if (isKeepAlive(bytes)) return this.#context.count('keepAliveReceived');
    const recent = this.#recent[port % RECENT_FLOWS];
    const flow = recent?.isWith(address, port) ? recent : this.flow(address, port);
    this.#context.receive(bytes, flow);
  }

  /** ICMP errors and the like: the transaction's timers decide what they mean. */
  onFault(code: string): void {
    this.#context.count('udpSocketError');
    this.#context.log.debug({ address: this.address, code }, 'UDP socket error');
  }

  flow(address: string, port: number): UdpFlow {
    const key = `${address} ${port}`;
    let flow = this.#young.get(key);
    if (!flow) {
      flow = this.#old.get(key) ?? new UdpFlow(this, address, port, this.#context);
      if (this.#young.size >= limits.udpFlowsCached / 2) {
        this.#old = this.#young;
        this.#young = new Map();
        this.#recent.fill(undefined);
      }
      this.#young.set(key, flow);
    }
    this.#recent[port % RECENT_FLOWS] = flow;
    return flow;
  }

  forgetFlows(): void {
    this.#young.clear();
    this.#old.clear();
    this.#recent.fill(undefined);
  }

  send(bytes: Buffer, port: number, address: string): Promise<Result<void, TransportError>> {
    if (!this.#isOpen)
      return Promise.resolve(err({ code: 'noSocket', detail: `no UDP socket on ${this.address} any more` }));
    if (bytes.length > DATAGRAM_MAX_BYTES)
      return Promise.resolve(err({ code: 'tooLarge', detail: `${bytes.length} bytes do not fit into a datagram` }));
    // Nothing overtakes what was to be sent before.
    this.#queue.flush();
    const fault = this.socket.send(bytes, port, address);
    return fault === null ? SENT : Promise.resolve(this.#sendFailed(fault));
  }

  /** At the end of the turn, in a row with others; what the kernel refuses is lost, as a datagram may be on its way. */
  sendQuietly(bytes: Buffer, port: number, address: string): void {
    if (!this.#isOpen) return;
    if (bytes.length > DATAGRAM_MAX_BYTES) return this.#context.count('udpSendFailed');
    this.#queue.add(this, bytes, address, port);
  }

  failed(): void {
    this.#context.count('udpSendFailed');
  }

  #sendFailed(code: string): Result<never, TransportError> {
    this.#context.count('udpSendFailed');
    return err({ code: code === 'EMSGSIZE' ? 'tooLarge' : 'unreachable', detail: `UDP send failed (${code})` });
  }

  close(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    this.#queue.flush();
    this.#isOpen = false;
    this.forgetFlows();
    return this.socket.close();
  }
}

/** What a socket hands on before the one who takes it is there is lost, as a datagram may be on its way. */
class Handlers implements DatagramHandlers {
  socket: UdpSocket | undefined;

  packet(bytes: Buffer, address: string, port: number): void {
    this.socket?.onDatagram(bytes, address, port);
  }

  error(code: string): void {
    this.socket?.onFault(code);
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
  readonly #queue = new SendQueue((flush) => setImmediate(flush));
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
      const bound = await this.#bind(listener, address);
      if (bound.ok) {
        const socket = bound.value;
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

  /** Asks for room for a burst of registrations after a power cut; the kernel gives what it allows. */
  async #bind(listener: UdpListener, address: string): Promise<Result<UdpSocket, ListenFailure>> {
    const handlers = new Handlers();
    const receiveBufferBytes = limits.udpReceiveBufferBytes;
    const bound = await bindDatagram(address, listener.port, handlers, { receiveBufferBytes });
    if (!bound.ok) return listenFailure('udp', address, listener.port, bound.error);
    const socket = new UdpSocket(listener, bound.value, this.#queue, this.#context);
    handlers.socket = socket;
    // The kernel keeps twice what it says, for what it keeps beside the datagrams.
    const datagrams = Math.ceil((2 * bound.value.receiveBufferBytes) / SMALL_DATAGRAM_BYTES);
    this.#kernelDatagrams = Math.max(this.#kernelDatagrams, datagrams);
    return ok(socket);
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
    const bound = await this.#bind(listener, address);
    if (!bound.ok) {
      if (!this.#reported.has(key)) this.#context.log.warn({ address }, bound.error.sentence);
      this.#reported.add(key);
      return;
    }
    this.#reported.delete(key);
    // Stopped while the socket was being bound.
    const socket = bound.value;
    if (this.#isStopped) return socket.close();
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
