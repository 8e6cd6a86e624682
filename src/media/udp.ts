// Real UDP sockets for the media core, one per port. Connected sockets make sends cheaper and let the kernel drop what strangers send.

import type { BindDatagram, DatagramSocket } from '../base/datagram.ts';
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
      const bound = await bindSocket(address, port, handlers, RECEIVE_BUFFER);
      if (!bound.ok) return err({ code: bindFailures[bound.error] ?? 'failed', detail: bound.error });
      return ok(new UdpMediaSocket(bound.value, queue, handlers));
    },
  };
}

export const udpSockets: SocketFactory = udpSocketsOn(bindDatagram);

class UdpMediaSocket implements MediaSocket, QueuedSocket {
  readonly socket: DatagramSocket;
  readonly #queue: SendQueue;
  readonly #handlers: SocketHandlers;

  constructor(socket: DatagramSocket, queue: SendQueue, handlers: SocketHandlers) {
    this.socket = socket;
    this.#queue = queue;
    this.#handlers = handlers;
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
