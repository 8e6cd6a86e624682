// The port through which the media core reaches the network: a socket factory. udp.ts implements it with real sockets, tests and
// the simulation with a virtual network. Nothing here may throw on account of the network: failures are counted.

import type { Result } from '../base/result.ts';

export interface SocketHandlers {
  /** A datagram. The buffer belongs to the receiver, who rewrites it in place and may send it on. */
  packet(packet: Buffer, address: string, port: number): void;
  /** A telephone event in clear that a fast path (fast-path.ts) has relayed already. */
  copied?(packet: Buffer): void;
  /** A fault of ours in a fast path, with a packet of this socket. */
  faulted?(fault: unknown): void;
  /** An error of the socket (an ICMP message of an unreachable peer, for one). */
  error(): void;
}

export interface MediaSocket {
  /** Sends to `address` and `port`, or to the connected peer when the socket is connected. False when the kernel refused it. */
  send(packet: Uint8Array, address: string, port: number): boolean;
  /**
   * The same at the end of this turn of the event loop, in a row with others. The packet must stay as it is until then, or until 31 more
   * were sent so. What the kernel refuses then is told as an error.
   */
  sendSoon(packet: Uint8Array, address: string, port: number): boolean;
  /** From now on only this peer's packets come in and sends go to it. */
  connect(address: string, port: number): void;
  disconnect(): void;
  /** Idempotent. */
  close(): void;
}

export interface BindFailure {
  readonly code: 'inUse' | 'noAddress' | 'failed';
  /** The operating system's name of the error. */
  readonly detail: string;
}

/** What names of the operating system mean. */
export const bindFailures: Readonly<Record<string, BindFailure['code']>> = {
  EADDRINUSE: 'inUse',
  EADDRNOTAVAIL: 'noAddress',
  EAFNOSUPPORT: 'noAddress',
  EINVAL: 'noAddress',
};

export interface SocketFactory {
  bind(address: string, port: number, handlers: SocketHandlers): Promise<Result<MediaSocket, BindFailure>>;
}
