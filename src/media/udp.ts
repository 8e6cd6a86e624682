// Real UDP sockets for the media core: node:dgram, one socket per port. Sends are synchronous: the name look-up, which would put
// every send off by a tick, is replaced by one that answers at once, since only addresses come in here. Connected sockets make
// sends cheaper and let the kernel drop what strangers send.

import { createSocket, type Socket } from 'node:dgram';
import { err, ok, type Result } from '../base/result.ts';
import {
  type BindFailure,
  bindFailures,
  type MediaSocket,
  type SocketFactory,
  type SocketHandlers,
} from './sockets.ts';

/** The kernel doubles it: some 150 packets of 20 ms. More would only keep late audio. */
const RECEIVE_BUFFER_BYTES = 65_536;

type Lookup = (host: string, family: unknown, callback: (error: null, address: string, family: number) => void) => void;
const lookup: Lookup = (host, _family, callback) => callback(null, host, host.includes(':') ? 6 : 4);

export const udpSockets: SocketFactory = {
  bind: (address, port, handlers) =>
    new Promise((resolve) => {
      const isV6 = address.includes(':');
      const socket = createSocket({
        type: isV6 ? 'udp6' : 'udp4',
        ipv6Only: isV6,
        recvBufferSize: RECEIVE_BUFFER_BYTES,
        lookup: lookup as never,
      });
      const onBindError = (error: NodeJS.ErrnoException) => {
        socket.close();
        const detail = error.code ?? error.message;
        resolve(err({ code: bindFailures[detail] ?? 'failed', detail }));
      };
      socket.once('error', onBindError);
      socket.once('listening', () => {
        socket.off('error', onBindError);
        resolve(ok(openSocket(socket, handlers)));
      });
      socket.bind({ address, port, exclusive: true });
    }) satisfies Promise<Result<MediaSocket, BindFailure>>,
};

function openSocket(socket: Socket, handlers: SocketHandlers): MediaSocket {
  let isOpen = true;
  let isConnected = false;
  socket.on('error', () => handlers.error());
  socket.on('message', (packet, source) => handlers.packet(packet, source.address, source.port));
  return {
    send(packet, address, port) {
      if (!isOpen) return false;
      // dgram throws on misuse and on a port of 0; what comes from a peer's SDP must never reach the caller as an exception.
      try {
        if (isConnected) socket.send(packet);
        else socket.send(packet, port, address);
        return true;
      } catch {
        return false;
      }
    },
    connect(address, port) {
      if (!isOpen) return;
      this.disconnect();
      try {
        socket.connect(port, address);
        // The look-up answers at once, so the socket is connected by now, or has failed with an 'error' event.
        socket.remoteAddress();
        isConnected = true;
      } catch {
        handlers.error();
      }
    },
    disconnect() {
      if (!isOpen || !isConnected) return;
      isConnected = false;
      try {
        socket.disconnect();
      } catch {
        handlers.error();
      }
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      socket.close();
    },
  };
}
