// Real UDP sockets for the media core, one per port. Connected sockets make sends cheaper and let the kernel drop what strangers send.

import type { BindDatagram } from '../base/datagram.ts';
import { bindDatagram } from '../base/datagram-handles.ts';
import { err, ok } from '../base/result.ts';
import { SendQueue } from '../base/send-queue.ts';
import { bindFailures, type SocketFactory } from './sockets.ts';

/** The kernel doubles it: some 150 packets of 20 ms. More would only keep late audio. */
const RECEIVE_BUFFER_BYTES = 65_536;

/** Sockets of the media core on those of the system. */
export function udpSocketsOn(bindSocket: BindDatagram): SocketFactory {
  const queue = new SendQueue((flush) => setImmediate(flush));
  return {
    async bind(address, port, handlers) {
      const failed = () => handlers.error();
      const ours = { packet: handlers.packet, error: failed };
      const bound = await bindSocket(address, port, ours, { receiveBufferBytes: RECEIVE_BUFFER_BYTES });
      if (!bound.ok) return err({ code: bindFailures[bound.error] ?? 'failed', detail: bound.error });
      const socket = bound.value;
      const queued = { socket, failed };
      return ok({
        send: (packet, toAddress, toPort) => socket.send(packet, toPort, toAddress) === null,
        sendSoon: (packet, toAddress, toPort) => {
          queue.add(queued, packet, toAddress, toPort);
          return true;
        },
        connect: (toAddress, toPort) => {
          queue.flush();
          if (socket.connect(toPort, toAddress) !== null) failed();
        },
        disconnect: () => {
          queue.flush();
          if (socket.disconnect() !== null) failed();
        },
        close: () => {
          queue.flush();
          void socket.close();
        },
      });
    },
  };
}

export const udpSockets: SocketFactory = udpSocketsOn(bindDatagram);
