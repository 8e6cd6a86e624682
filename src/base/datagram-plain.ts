// UDP sockets of node:dgram, for a Node whose handles are not as datagram.ts expects them. Sends are synchronous: the name look-up, which
// would put every send off by a tick, is replaced by one that answers at once, since only addresses come in here.

import { createSocket, type Socket } from 'node:dgram';
import type { BindDatagram, DatagramHandlers, DatagramSocket } from './datagram.ts';
import { err, ok } from './result.ts';

/** 65,535 less the headers of IPv4 and UDP. */
const DATAGRAM_MAX_BYTES = 65_507;

type Lookup = (host: string, family: unknown, callback: (error: null, address: string, family: number) => void) => void;
const lookup: Lookup = (host, _family, callback) => callback(null, host, host.includes(':') ? 6 : 4);

const codeOf = (fault: unknown): string => {
  const { code, message } = fault as NodeJS.ErrnoException;
  return code ?? message;
};

export const bindPlain: BindDatagram = (address, port, handlers, { receiveBufferBytes } = {}) =>
  new Promise((resolve) => {
    const isV6 = address.includes(':');
    const socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      ipv6Only: isV6,
      ...(receiveBufferBytes === undefined ? {} : { recvBufferSize: receiveBufferBytes }),
      lookup: lookup as never,
    });
    const onBindError = (fault: NodeJS.ErrnoException) => {
      socket.close();
      resolve(err(codeOf(fault)));
    };
    socket.once('error', onBindError);
    socket.once('listening', () => {
      socket.off('error', onBindError);
      resolve(ok(openSocket(socket, handlers)));
    });
    socket.bind({ address, port, exclusive: true });
  });

function openSocket(socket: Socket, handlers: DatagramHandlers): DatagramSocket {
  let closing: Promise<void> | null = null;
  let isConnected = false;
  socket.on('error', (fault) => handlers.error(codeOf(fault)));
  socket.on('message', (packet, source) => handlers.packet(packet, source.address, source.port));
  // dgram throws on misuse, on a closed socket and on a port of 0; what comes from a peer must never reach the caller so.
  const attempt = (act: () => void): string | null => {
    try {
      act();
      return null;
    } catch (fault) {
      return codeOf(fault);
    }
  };
  const { address, port } = socket.address();
  return {
    address,
    port,
    receiveBufferBytes: socket.getRecvBufferSize() / 2,
    // Without a callback, which costs much, dgram tells of no fault but misuse.
    send: (bytes, toPort, toAddress) =>
      bytes.length > DATAGRAM_MAX_BYTES
        ? 'EMSGSIZE'
        : attempt(() => (isConnected ? socket.send(bytes) : socket.send(bytes, toPort, toAddress))),
    connect(toPort, toAddress) {
      this.disconnect();
      return attempt(() => {
        socket.connect(toPort, toAddress);
        // The look-up answers at once, so the socket is connected by now, or has failed with an 'error' event.
        socket.remoteAddress();
        isConnected = true;
      });
    },
    disconnect() {
      if (!isConnected) return null;
      isConnected = false;
      return attempt(() => socket.disconnect());
    },
    close() {
      closing ??= new Promise((resolve) => socket.close(() => resolve()));
      return closing;
    },
  };
}
