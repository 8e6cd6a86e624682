// The transport behind the port of transport.ts: puts together the sockets of udp.ts and the connections of streams.ts, parses
// what comes in, serializes what goes out. The one place where messages and bytes meet, so the trace taps it here.
// It knows no transactions: what it hands up is a message and the flow it came by.

import { createSecretKey } from 'node:crypto';
import type { Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Message } from '../grammar/message.ts';
import { type ParseFailure, parseMessage } from '../grammar/parse.ts';
import { serializeMessage } from '../grammar/serialize.ts';
import type { FramedItem } from '../grammar/stream-framer.ts';
import { canonicalAddress, familyOf, isWildcard, Locality, readSystemInterfaces } from './addresses.ts';
import { Intake, type IntakeGuard, openGuard } from './intake.ts';
import type { ListenAddress, OverloadOptions, OverloadReport, TransportEvent, TransportOptions } from './options.ts';
import { Routes } from './route.ts';
import { StreamFlow } from './stream-flow.ts';
import { Streams } from './streams.ts';
import type { Destination, Flow, Transport, TransportCounts, TransportError } from './transport.ts';
import { UdpFlow, UdpSockets } from './udp.ts';
import { withSource } from './via-source.ts';

type Parsed = Result<Message, ParseFailure>;
type Tap = Parameters<Transport['onTraffic']>[0];

/** Ports tried for a listener with port 0 until UDP and TCP have the same one on every address. */
const SHARED_PORT_ATTEMPTS = 20;

/** The transport with its tally of causes. */
export interface SipTransport extends Transport {
  /** How often what happened, since start (design.md 5.4). */
  events(): Readonly<Record<string, number>>;
  /** How it stands with load; undefined where overload control is off. */
  overload(): OverloadReport | undefined;
  /** What the layers above know of requests that are about to be refused. */
  setGuard(guard: IntakeGuard): void;
  /** Sends where nobody waits for the outcome. */
  sendQuietly(message: Message | Buffer, flow: Flow): void;
  /** Looks at the machine's addresses now; otherwise every 10 s. */
  refreshAddresses(): Promise<void>;
}

/** Makes a transport; nothing is open before `start()`. Throws on settings that the configuration must have refused. */
export function createTransport(options: TransportOptions): SipTransport {
  return new TransportLayer(options);
}

class TransportLayer implements SipTransport {
  readonly #options: TransportOptions;
  readonly #locality: Locality;
  readonly #udp: UdpSockets;
  readonly #streams: Streams;
  readonly #routes: Routes;
  readonly #events = new Map<TransportEvent, number>();
  #receiver: (message: Message, flow: Flow) => void = () => {};
  #unparsableReceiver: (failure: ParseFailure, flow: Flow) => void = () => {};
  readonly #intake: Intake<UdpFlow | StreamFlow, Parsed> | undefined;
  #guard: IntakeGuard = openGuard;
  #tap: Tap | undefined;
  #refreshTimer: Timer | undefined;
  #isStopped = false;

  constructor(options: TransportOptions) {
    const { clock, log, random, publicAddress, localNetworks, ownNames, outgoingTls } = options;
    const readInterfaces = options.readInterfaces ?? readSystemInterfaces;
    const count = (event: TransportEvent) => this.#count(event);
    this.#options = options;
    this.#locality = new Locality({ publicAddress, localNetworks, ownNames, readInterfaces });
    this.#routes = new Routes(clock);
    this.#udp = new UdpSockets({
      locality: this.#locality,
      secret: createSecretKey(random(32)),
      log,
      count,
      receive: (bytes, flow) => this.#take(bytes, flow, undefined),
    });
    this.#streams = new Streams({
      clock,
      log,
      random,
      count,
      locality: this.#locality,
      outgoingTls,
      onItem: (item, flow) => this.#onItem(item, flow),
    });
    this.#intake = options.overload && this.#makeIntake(options.overload);
  }

  #makeIntake(overload: OverloadOptions): Intake<UdpFlow | StreamFlow, Parsed> {
    const { clock, random } = this.#options;
    return new Intake({
      ...{ clock, random, options: overload, guard: () => this.#guard, parse: parsedOrNothing },
      nextTurn: (run) => void setImmediate(run),
      kernelDatagrams: () => this.#udp.kernelDatagrams,
      idleMs: () => performance.nodeTiming.idleTime,
      deliver: (bytes, flow, parsed) => this.#receive(bytes, flow, parsed ?? parseMessage(bytes)),
    });
  }

  #count(event: TransportEvent): void {
    this.#events.set(event, (this.#events.get(event) ?? 0) + 1);
  }

  async start(): Promise<Result<void, string>> {
    const opened = await this.#openAll();
    if (!opened.ok) {
      await this.stop();
      return opened;
    }
    this.#streams.start();
    this.#scheduleRefresh();
    return ok(undefined);
  }

  async #openAll(): Promise<Result<void, string>> {
    const { sipListen, sipsListen, sipsLegacyListen = [], sipsClientListen = [], tls } = this.#options;
    for (const listen of sipListen) {
      const opened = await this.#openShared(listen);
      if (!opened.ok) return opened;
    }
    for (const [kind, listens] of [
      ['modern', sipsListen],
      ['legacy', sipsLegacyListen],
      ['client', sipsClientListen],
    ] as const) {
      if (listens.length === 0) continue;
      if (!tls) return err('TLS listeners need certificates: none were given');
      const asksAll = sipsClientListen.length === 0;
      const clientCa = this.#options.clientCa ?? null;
      if (kind === 'client' && clientCa === null) return err('listeners for client certificates need their authority');
      const used = this.#streams.useTls(tls, kind, asksAll || kind === 'client' ? clientCa : null);
      if (!used.ok) return used;
      for (const listen of listens) {
        const opened = await this.#streams.listen('tls', listen, listen.port, kind);
        if (!opened.ok) return err(opened.error.sentence);
      }
    }
    const isAnyOpen = this.#udp.size > 0 || this.#streams.listeners().length > 0;
    return isAnyOpen
      ? ok(undefined)
      : err('no listener could be opened: no interface has an address of the wanted families');
  }

  /** UDP and TCP of one listener, on one port. */
  async #openShared(listen: ListenAddress): Promise<Result<void, string>> {
    for (let attempt = 1; ; attempt++) {
      const udp = await this.#udp.open(listen, listen.port);
      const tcp = udp.ok ? await this.#streams.listen('tcp', listen, udp.value) : udp;
      if (tcp.ok) return ok(undefined);
      if (udp.ok) await this.#udp.closeLast();
      // Port 0: the free UDP port may be taken on TCP, or on the next address.
      if (listen.port !== 0 || tcp.error.code !== 'EADDRINUSE' || attempt === SHARED_PORT_ATTEMPTS)
        return err(tcp.error.sentence);
    }
  }

  #scheduleRefresh(): void {
    this.#refreshTimer = this.#options.clock.after(limits.interfacesRereadMs, () => {
      this.#scheduleRefresh();
      void this.refreshAddresses();
    });
  }

  async refreshAddresses(): Promise<void> {
    const hasChanged = this.#locality.refresh();
    if (this.#isStopped) return;
    if (hasChanged) {
      this.#routes.clear();
      this.#udp.forgetFlows();
    }
    if (hasChanged || this.#udp.isIncomplete) await this.#udp.refresh();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#refreshTimer?.cancel();
    this.#intake?.stop();
    await Promise.all([this.#udp.stop(), this.#streams.stop()]);
  }

  // --- in

  #onItem(item: FramedItem, flow: StreamFlow): void {
    if (item.kind === 'message') {
      if (item.result.ok && item.result.value.kind === 'request' && item.result.value.method === 'REGISTER')
        flow.keepForRegistration();
      this.#take(item.bytes, flow, item.result);
    } else if (item.kind === 'fatal') {
      this.#intake?.flush(flow);
      this.#count('framingClosed');
      this.#failed(item.failure, flow);
      flow.closeAfterWrites(`framing lost: ${item.failure.detail}`);
    } else {
      this.#count('keepAliveReceived');
    }
  }

  /** What runs already is served at once, what would begin something new when there is room for it (intake.ts). */
  #take(bytes: Buffer, flow: UdpFlow | StreamFlow, parsed: Parsed | undefined): void {
    if (!this.#intake || parsed?.ok === false) return this.#receive(bytes, flow, parsed ?? parseMessage(bytes));
    try {
      this.#intake.take(bytes, flow, parsed);
    } catch (fault) {
      this.#reportFault(fault, undefined);
    }
  }

  #receive(bytes: Buffer, flow: UdpFlow | StreamFlow, parsed: Parsed): void {
    if (!parsed.ok) {
      this.#tapTraffic('in', bytes, flow, undefined);
      return this.#failed(parsed.error, flow);
    }
    // A fault of ours in handling one message must not reach the next (house style 2.5).
    try {
      const { value } = parsed;
      const message = value.kind === 'request' ? withSource(value, flow.remoteAddress, flow.remotePort) : value;
      this.#tapTraffic('in', bytes, flow, message);
      this.#receiver(message, flow);
    } catch (fault) {
      this.#reportFault(fault, parsed.value.callId);
    }
  }

  #failed(failure: ParseFailure, flow: UdpFlow | StreamFlow): void {
    this.#count('unparsable');
    try {
      const { request } = failure;
      const answerable = request && withSource(request, flow.remoteAddress, flow.remotePort);
      this.#unparsableReceiver({ ...failure, request: answerable }, flow);
    } catch (fault) {
      this.#reportFault(fault, undefined);
    }
  }

  #reportFault(fault: unknown, callId: string | undefined): void {
    this.#count('deliveryFault');
    const stack = fault instanceof Error ? fault.stack : String(fault);
    this.#options.log.error({ callId, stack }, 'handling a message failed');
  }

  #tapTraffic(direction: 'in' | 'out', bytes: Buffer, flow: Flow, message: Message | undefined): void {
    if (!this.#tap) return;
    try {
      this.#tap(direction, bytes, flow, message);
    } catch (fault) {
      this.#reportFault(fault, message?.callId);
    }
  }

  // --- out

  send(message: Message | Buffer, flow: Flow): Promise<Result<void, TransportError>> {
    if (!(flow instanceof UdpFlow) && !(flow instanceof StreamFlow))
      return Promise.resolve(err({ code: 'noSocket', detail: `flow of another transport: ${flow.transport}` }));
    return flow.sendBytes(this.#outgoing(message, flow));
  }

  sendQuietly(message: Message | Buffer, flow: Flow): void {
    if (flow instanceof UdpFlow || flow instanceof StreamFlow) flow.sendQuietly(this.#outgoing(message, flow));
  }

  #outgoing(message: Message | Buffer, flow: Flow): Buffer {
    const bytes = Buffer.isBuffer(message) ? message : serializeMessage(message);
    // Reading bytes back costs something, so only when somebody listens.
    if (this.#tap) this.#tapTraffic('out', bytes, flow, Buffer.isBuffer(message) ? parsedOrNothing(bytes) : message);
    return bytes;
  }

  async connect(destination: Destination, signal?: AbortSignal): Promise<Result<Flow, TransportError>> {
    const { transport, port } = destination;
    const address = canonicalAddress(destination.address);
    if (familyOf(address) === undefined || port < 1 || port > 65_535)
      return err({ code: 'unreachable', detail: `${destination.address} port ${port} is no address` });
    if (signal?.aborted) return err({ code: 'closed', detail: 'given up' });
    if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls')
      return err({ code: 'noSocket', detail: `${transport} connections are opened by the peer` });
    const routeAddress = await this.#routes.localAddressFor(destination.address);
    if (routeAddress === undefined) return err({ code: 'unreachable', detail: `no route to ${address}` });
    if (transport !== 'udp') return this.#streams.connect(transport, { ...destination, address }, routeAddress, signal);
    const socket = this.#udp.towards(address, routeAddress);
    return socket
      ? ok(socket.flow(destination.address.includes('%') ? destination.address : address, port))
      : err({ code: 'noSocket', detail: `no UDP listener that reaches ${address}` });
  }

  udpFlow(local: { address: string; port: number }, remote: { address: string; port: number }): Flow | undefined {
    const remoteAddress = canonicalAddress(remote.address);
    if (familyOf(remoteAddress) === undefined) return undefined;
    return this.#udp.socketOn(canonicalAddress(local.address), local.port)?.flow(remoteAddress, remote.port);
  }

  // --- the rest of the port

  onMessage(receiver: (message: Message, flow: Flow) => void): void {
    this.#receiver = receiver;
  }

  onUnparsable(receiver: (failure: ParseFailure, flow: Flow) => void): void {
    this.#unparsableReceiver = receiver;
  }

  onTraffic(tap: Tap): void {
    this.#tap = tap;
  }

  isOwnAddress(host: string, port?: number): boolean {
    if (!this.#locality.isOwnHost(host)) return false;
    if (port === undefined) return true;
    // An explicit listener is not its neighbour on another address: several programs may share a machine and a port number.
    const address = canonicalAddress(host);
    const isHere = this.#locality.isOnThisMachine(address);
    return this.listeners().some(
      (listener) => listener.port === port && (!isHere || isWildcard(listener.address) || listener.address === address),
    );
  }

  listeners(): { transport: 'udp' | 'tcp' | 'tls'; address: string; port: number }[] {
    const udp = this.#udp.listeners().map((listener) => ({ transport: 'udp' as const, ...listener }));
    return [...udp, ...this.#streams.listeners()];
  }

  counts(): TransportCounts {
    return { flows: this.#streams.flows, udpSockets: this.#udp.size };
  }

  overload(): OverloadReport | undefined {
    return this.#intake?.report();
  }

  setGuard(guard: IntakeGuard): void {
    this.#guard = guard;
  }

  events(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#events);
  }
}

function parsedOrNothing(bytes: Buffer): Message | undefined {
  const parsed = parseMessage(bytes);
  return parsed.ok ? parsed.value : undefined;
}
