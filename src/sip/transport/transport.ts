// The transport port: what the layers above know of sockets. udp.ts, tcp.ts and tls.ts are behind it and open the sockets.
//
//            ┌────────────── Transport ──────────────┐
//   message ─┤ send(message, flow)      onMessage     ├─ (message, flow)
//            │ connect(destination) → Flow            │
//            └──┬──────────────┬──────────────┬───────┘
//             udp.ts         tcp.ts         tls.ts
//
// A Flow is one owner object for one TCP/TLS connection, or for one (UDP socket, remote address) pair. Replies and in-dialog
// requests leave by the flow the request came in on (design.md 5.3).

import type { Unsubscribe } from '../../base/emitter.ts';
import type { Result } from '../../base/result.ts';
import type { Message } from '../grammar/message.ts';
import type { ParseFailure } from '../grammar/parse.ts';

export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

export interface Flow {
  /** Unique and random, for logs and maps. For UDP stable per (local socket, remote address, remote port). */
  readonly id: string;
  readonly transport: TransportName;
  /** Addresses normalised: v4-mapped IPv6 is written as IPv4, no brackets, no zone. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** TCP, TLS, WS, WSS. */
  readonly isReliable: boolean;
  /** TLS, WSS. */
  readonly isSecure: boolean;
  /** False once the connection is gone. UDP flows are always alive. */
  readonly isAlive: boolean;
  /** Host and port that this side writes into Via and Contact towards this peer (public or local address, design.md 4). */
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  /** Called once when a reliable flow is gone. Never for UDP. */
  onClosed(listener: (cause: string) => void): Unsubscribe;
  /** Sends a keep-alive: CRLF (RFC 5626 3.5.1 double CRLF on reliable flows, CRLF on UDP). */
  keepAlive(): void;
}

/** One resolved place to send to (RFC 3263 result). */
export interface Destination {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
  /** Name for TLS SNI and verification; the URI host. */
  readonly serverName: string;
  /** False: the certificate of this peer is not verified, whatever the setting says. */
  readonly verify?: boolean;
}

export type TransportError = {
  readonly code: 'refused' | 'timeout' | 'closed' | 'tls' | 'unreachable' | 'tooLarge' | 'noSocket';
  readonly detail: string;
};

export interface TransportCounts {
  readonly flows: number;
  readonly udpSockets: number;
}

export interface Transport {
  /** Opens the listeners; the error names the listener that failed and why. */
  start(): Promise<Result<void, string>>;
  /** Closes every listener and flow. */
  stop(): Promise<void>;
  /**
   * Sends one message by a flow. UDP: resolves when the kernel took it. Errors come as values; ICMP errors of connected peers do not.
   * `message` may be bytes that were serialized before (retransmissions).
   */
  send(message: Message | Buffer, flow: Flow): Promise<Result<void, TransportError>>;
  /** The flow for a destination: an existing connection to it, a new one, or the UDP socket with a route to it. */
  connect(destination: Destination, signal?: AbortSignal): Promise<Result<Flow, TransportError>>;
  /** The UDP flow for an exact pair of our socket and a remote address (restored bindings), if that socket exists. */
  udpFlow(local: { address: string; port: number }, remote: { address: string; port: number }): Flow | undefined;
  /** One receiver. Via `received`/`rport` are filled in already (RFC 3261 18.2.1, RFC 3581). */
  onMessage(receiver: (message: Message, flow: Flow) => void): void;
  /** One receiver of what did not parse. Where `failure.request` is set a stateless answer can be made. */
  onUnparsable(receiver: (failure: ParseFailure, flow: Flow) => void): void;
  /** Every message in and out as bytes, for the trace. `callId` is undefined when it did not parse. */
  onTraffic(tap: (direction: 'in' | 'out', bytes: Buffer, flow: Flow, message: Message | undefined) => void): void;
  /** True when host (and port, if given) is an address or name of this gateway: Route and Request-URI checks. */
  isOwnAddress(host: string, port?: number): boolean;
  /** Bound listeners, for the start-up message and tests (port 0). */
  listeners(): readonly { readonly transport: TransportName; readonly address: string; readonly port: number }[];
  counts(): TransportCounts;
}
