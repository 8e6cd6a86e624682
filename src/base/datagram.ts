// The port through which SIP and RTP reach the network over UDP. datagram-handles.ts implements it on Node's own handles, datagram-plain.ts
// on node:dgram. Nothing here throws on account of the network: faults are values or told to the handlers.

import type { Result } from './result.ts';

export interface DatagramHandlers {
  /** A datagram. The buffer belongs to the receiver. */
  packet(packet: Buffer, address: string, port: number): void;
  /** The kernel tells of a fault, such as ECONNREFUSED after an ICMP message. */
  error(code: string): void;
}

export interface DatagramSocket {
  readonly address: string;
  readonly port: number;
  /** Bytes that the kernel keeps until they are read; it counts what it keeps beside them too. */
  readonly receiveBufferBytes: number;
  /**
   * Sends to `address` and `port`; to the connected peer when there is one. Null: sent, or queued by the system. Else the name of
   * what is wrong, such as EMSGSIZE. The bytes must stay as they are until 100 more datagrams were sent.
   */
  send(bytes: Uint8Array, port: number, address: string): string | null;
  /** From now on only this peer's packets come in and sends go to it. Null, or the name of what is wrong. */
  connect(port: number, address: string): string | null;
  disconnect(): string | null;
  /** Idempotent. Resolves when the port is free. */
  close(): Promise<void>;
}

export interface BindOptions {
  /** Asked of the kernel, which has limits of its own (net.core.rmem_max) and doubles it. Undefined: the system's default. */
  readonly receiveBufferBytes?: number;
}

/** Binds a socket to an IP address; port 0: any. The error is the system's name of it, such as EADDRINUSE. Never throws. */
export type BindDatagram = (
  address: string,
  port: number,
  handlers: DatagramHandlers,
  options?: BindOptions,
) => Promise<Result<DatagramSocket, string>>;
