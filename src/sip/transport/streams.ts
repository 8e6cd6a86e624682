// TCP and TLS together: listeners, incoming connections, outgoing connections, and the flows they become.
//
//   accept ─ admit (caps) ─┬─ tcp ───────────────┬─ StreamFlow ─ items → layer.ts
//                          └─ tls ─ handshake ───┤
//   connect(destination) ─ known flow? ─ dial ───┘

import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import type { RandomSource } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { FramedItem } from '../grammar/stream-framer.ts';
import { bindAddress, familyOf, isLoopback, isWildcard, type Locality, normalizeAddress } from './addresses.ts';
import { FlowRegistry } from './flow-registry.ts';
import { isAddressAbsent, type ListenFailure } from './listen-failure.ts';
import type { EventCounter, ListenAddress, OutgoingTls, TlsMaterialSource } from './options.ts';
import { StreamFlow, type StreamFlowOwner } from './stream-flow.ts';
import { type Dial, dialTcp, listenTcp, type TcpListener } from './tcp.ts';
import { TlsAcceptor, TlsDialer } from './tls.ts';
import type { Destination, TransportError } from './transport.ts';

type StreamTransport = 'tcp' | 'tls';
/** Listeners of one kind share their TLS settings. */
type TlsKind = 'modern' | 'legacy' | 'client';

export interface StreamsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: RandomSource;
  readonly count: EventCounter;
  readonly locality: Locality;
  readonly outgoingTls: OutgoingTls;
  readonly onItem: (item: FramedItem, flow: StreamFlow) => void;
}

interface OpenListener {
  readonly transport: StreamTransport;
  readonly listen: ListenAddress;
  readonly tcp: TcpListener;
}

/** What an outgoing connection starts from: the listener whose port the peer is told, and where to bind. */
interface Origin {
  readonly listener: OpenListener | undefined;
  readonly localAddress: string | undefined;
}

export class Streams {
  readonly #options: StreamsOptions;
  readonly #registry: FlowRegistry;
  readonly #owner: StreamFlowOwner;
  readonly #dialer: TlsDialer;
  readonly #listeners: OpenListener[] = [];
  /** Connections being made: callers that want the same one share it. */
  readonly #dialling = new Map<string, Promise<Result<StreamFlow, TransportError>>>();
  readonly #stopped = new AbortController();
  readonly #acceptors = new Map<TlsKind, TlsAcceptor>();
  readonly #forgetMaterial: (() => void)[] = [];

  constructor(options: StreamsOptions) {
    const { clock, count, log } = options;
    this.#options = options;
    this.#registry = new FlowRegistry(clock, count);
    this.#dialer = new TlsDialer(options.outgoingTls);
    this.#owner = {
      clock,
      count,
      onItem: options.onItem,
      onFinished: (flow, cause) => {
        this.#registry.remove(flow);
        log.debug(
          { flow: flow.id, transport: flow.transport, remoteAddress: flow.remoteAddress, cause },
          'flow closed',
        );
      },
      onFault: (fault) => log.error({ fault: String(fault) }, 'flow listener failed'),
    };
  }

  get flows(): number {
    return this.#registry.size;
  }

  get incoming(): number {
    return this.#registry.incoming;
  }

  listeners(): { transport: StreamTransport; address: string; port: number }[] {
    return this.#listeners.map(({ transport, tcp }) => ({ transport, address: tcp.address, port: tcp.port }));
  }

  /** Reads the TLS material and follows its changes. Before the first TLS listener of this kind. */
  useTls(source: TlsMaterialSource, kind: TlsKind, clientCa: string | null): Result<void, string> {
    const { clock, log, count } = this.#options;
    const onSecure = (socket: Socket) => this.#accepted('tls', socket);
    const policy = { isLegacy: kind === 'legacy', clientCa };
    const created = TlsAcceptor.create(source.current(), { clock, log, count, policy, onSecure });
    if (!created.ok) return created;
    this.#acceptors.set(kind, created.value);
    this.#forgetMaterial.push(source.onChange((material) => created.value.replace(material)));
    return ok(undefined);
  }

  /** Begins the housekeeping. */
  start(): void {
    this.#registry.start();
  }

  /** Opens one listener. A family that this machine does not have is no failure of a wildcard. */
  async listen(
    transport: StreamTransport,
    listen: ListenAddress,
    port: number,
    tlsKind: TlsKind = 'modern',
  ): Promise<Result<void, ListenFailure>> {
    const { log } = this.#options;
    const address = normalizeAddress(listen.address);
    const accept = (socket: Socket) => {
      if (!this.#registry.admit(socket)) return;
      if (transport === 'tcp') this.#accepted('tcp', socket);
      else this.#acceptors.get(tlsKind)?.accept(socket);
    };
    const opened = await listenTcp(transport, bindAddress(listen.address), port, log, accept);
    if (!opened.ok) {
      if (!isWildcard(address) || !isAddressAbsent(opened.error.code)) return opened;
      log.info({ transport, address }, 'address family is absent on this machine: listener left out');
      return ok(undefined);
    }
    this.#listeners.push({ transport, listen, tcp: opened.value });
    return ok(undefined);
  }

  #accepted(transport: StreamTransport, socket: Socket): void {
    // The peer may be gone already: then there is no address to speak of.
    if (socket.destroyed || socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const localAddress = normalizeAddress(socket.localAddress ?? '');
    const listener = this.#listeners.find(
      (open) =>
        open.transport === transport &&
        open.tcp.port === socket.localPort &&
        (isWildcard(open.tcp.address) || open.tcp.address === localAddress),
    );
    this.#newFlow(transport, socket, true, null, listener);
  }

  #newFlow(
    transport: StreamTransport,
    socket: Socket,
    isIncoming: boolean,
    verifiedName: string | null,
    listener: OpenListener | undefined,
  ): StreamFlow {
    const { locality, random } = this.#options;
    const advertised = (localAddress: string, remoteAddress: string, localPort: number) => ({
      host: locality.advertisedHost(localAddress, remoteAddress, listener?.listen.publicAddress),
      port: listener?.tcp.port ?? localPort,
    });
    const id = random(16).toString('hex');
    const flow = new StreamFlow({ id, transport, socket, isIncoming, verifiedName, advertised }, this.#owner);
    this.#registry.add(flow);
    return flow;
  }

  /** The flow to a TCP or TLS destination, whose address is canonical. `routeAddress`: where the kernel's route to it starts. */
  async connect(
    transport: StreamTransport,
    destination: Destination,
    routeAddress: string,
    signal: AbortSignal | undefined,
  ): Promise<Result<StreamFlow, TransportError>> {
    const { address, port } = destination;
    const verifiedName = transport === 'tls' ? this.#dialer.verifiedName(destination) : null;
    const known = this.#registry.find(transport, address, port, verifiedName);
    if (known) return ok(known);
    if (this.#stopped.signal.aborted) return err({ code: 'closed', detail: 'gateway stops' });
    const key = `${transport} ${address} ${port} ${verifiedName ?? ''}`;
    let attempt = this.#dialling.get(key);
    if (!attempt) {
      const origin = this.#originFor(transport, address, routeAddress);
      attempt = this.#dial(transport, destination, verifiedName, origin);
      this.#dialling.set(key, attempt);
      void attempt.then(() => this.#dialling.delete(key));
    }
    return signal ? orGivenUp(attempt, signal) : attempt;
  }

  async #dial(
    transport: StreamTransport,
    destination: Destination,
    verifiedName: string | null,
    origin: Origin,
  ): Promise<Result<StreamFlow, TransportError>> {
    const { clock, count } = this.#options;
    const { address, port } = destination;
    const dial: Dial = { address, port, localAddress: origin.localAddress, clock, signal: this.#stopped.signal };
    const plain = await dialTcp(dial);
    const ready = plain.ok && transport === 'tls' ? await this.#dialer.secure(plain.value, destination, dial) : plain;
    if (!ready.ok) {
      count('connectFailed');
      return ready;
    }
    const socket: Socket = ready.value;
    if (socket.destroyed || socket.remoteAddress === undefined)
      return err({ code: 'closed', detail: 'peer closed at once' });
    return ok(this.#newFlow(transport, socket, false, verifiedName, origin.listener));
  }

  /**
   * The listener whose port is written into Via and Contact. Where explicit listeners do not cover the address that the kernel
   * would take, the connection is bound to a listener's address: what we write must be where we can be reached.
   */
  #originFor(transport: StreamTransport, remoteAddress: string, routeAddress: string): Origin {
    const family = familyOf(remoteAddress);
    const candidates = this.#listeners.filter(
      (open) => open.transport === transport && familyOf(open.tcp.address) === family,
    );
    const covering = candidates.find(({ tcp }) => isWildcard(tcp.address) || tcp.address === routeAddress);
    if (covering) return { listener: covering, localAddress: undefined };
    const near = candidates.find(({ tcp }) => isLoopback(tcp.address) === isLoopback(remoteAddress));
    return { listener: near, localAddress: near?.tcp.address };
  }

  /** Closes listeners, flows and attempts. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    for (const forget of this.#forgetMaterial.splice(0)) forget();
    const closing = this.#listeners.splice(0).map((listener) => listener.tcp.close());
    // A listener is closed when its last connection is.
    this.#registry.stop();
    await Promise.all([...closing, ...this.#dialling.values()]);
  }
}

function orGivenUp(
  attempt: Promise<Result<StreamFlow, TransportError>>,
  signal: AbortSignal,
): Promise<Result<StreamFlow, TransportError>> {
  const givenUp: Result<StreamFlow, TransportError> = err({ code: 'closed', detail: 'given up' });
  if (signal.aborted) return Promise.resolve(givenUp);
  return new Promise((resolve) => {
    const onAbort = () => resolve(givenUp);
    signal.addEventListener('abort', onAbort, { once: true });
    void attempt.then((result) => {
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    });
  });
}
