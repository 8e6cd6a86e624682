// Real UDP sockets for the media core, one per port. Connected sockets make sends cheaper and let the kernel drop what strangers send.

import type { BindDatagram, DatagramHandlers, DatagramSocket } from '../base/datagram.ts';
import { bindDatagram } from '../base/datagram-handles.ts';
import { err, ok } from '../base/result.ts';
import { type QueuedSocket, SendQueue } from '../base/send-queue.ts';
import { bindFailures, type MediaSocket, type SocketFactory, type SocketHandlers } from './sockets.ts';

/** The kernel doubles it: some 150 packets of 20 ms. More would only keep late audio. */
const RECEIVE_BUFFER = { receiveBufferBytes: 65_536 } as const;

/** Sockets of the media core on those of the system. */
export function udpSocketsOn(bindSocket: BindDatagram): SocketFactory {
  const queue = new SendQueue((flush) => setImmediate(flush));
  return {
    async bind(address, port, handlers) {
      const media = new UdpMediaSocket(queue, handlers);
      const bound = await bindSocket(address, port, media, RECEIVE_BUFFER);
      if (!bound.ok) return err({ code: bindFailures[bound.error] ?? 'failed', detail: bound.error });
      media.socket = bound.value;
      return ok(media);
    },
  };
}

export const udpSockets: SocketFactory = udpSocketsOn(bindDatagram);

/** Takes packets before the endpoint does. */
export interface PacketRelay {
  /** False: it is not for the relay, and nothing was changed. */
  pass(packet: Buffer, port: number): boolean;
}

/** Until a socket is bound. */
const UNBOUND: DatagramSocket = {
  ...{ address: '', port: 0, receiveBufferBytes: 0 },
  ...{ send: () => 'EBADF', connect: () => 'EBADF', disconnect: () => 'EBADF', close: async () => {} },
};

export class UdpMediaSocket implements MediaSocket, QueuedSocket, DatagramHandlers {
  socket: DatagramSocket = UNBOUND;
  relay: PacketRelay | null = null;
  readonly #queue: SendQueue;
  readonly #handlers: SocketHandlers;

  constructor(queue: SendQueue, handlers: SocketHandlers) {
    this.#queue = queue;
    this.#handlers = handlers;
  }

  packet(packet: Buffer, address: string, port: number): void {
    try {
      if (this.relay?.pass(packet, port)) return;
    } catch (fault) {
      this.#handlers.faulted?.(fault);
      return;
    }
    this.#handlers.packet(packet, address, port);
  }

  /** A telephone event that is relayed already. */
  copy(packet: Buffer): void {
    this.#handlers.copied?.(packet);
  }

  error(): void {
    this.#handlers.error();
  }

  failed(): void {
    this.#handlers.error();
  }

  send(packet: Uint8Array, address: string, port: number): boolean {
    return this.socket.send(packet, port, address) === null;
  }

  sendSoon(packet: Uint8Array, address: string, port: number): boolean {
    this.#queue.add(this, packet, address, port);
    return true;
  }

  connect(address: string, port: number): void {
    this.#queue.flush();
    if (this.socket.connect(port, address) !== null) this.failed();
  }

  disconnect(): void {
    this.#queue.flush();
    if (this.socket.disconnect() !== null) this.failed();
  }

  close(): void {
    this.#queue.flush();
    void this.socket.close();
  }
}
