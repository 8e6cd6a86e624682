// How messages leave and come: one UDP socket, or one TLS connection for all calls (RFC 3261 18.3 framing by Content-Length).

import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:tls';
import type { Place } from './protocol.ts';
import { CRLF, field } from './sip-text.ts';

export interface Wire {
  readonly transport: 'UDP' | 'TLS';
  readonly port: number;
  /** Whether the transport keeps messages by itself, so that nothing is sent again. */
  readonly isReliable: boolean;
  /** False once the other side has closed it. */
  readonly isOpen: boolean;
  send(text: string, to: Place): void;
  close(): void;
}

export type OnMessage = (text: string, from: Place) => void;

/** Asked for; the kernel's own bound may be lower. A storm of answers waits here while we are busy. */
const RECEIVE_BUFFER_BYTES = 4 << 20;

type Lookup = (host: string, family: unknown, callback: (error: null, address: string, family: number) => void) => void;
/** Only addresses come in here: answered at once, so that a send is made when it is asked for. */
export const addressLookup: Lookup = (host, _family, callback) => callback(null, host, 4);

/** A bound UDP socket. */
export function boundSocket(
  port: number,
  onPacket: (packet: Buffer, host: string, port: number) => void,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', lookup: addressLookup as never });
    socket.once('error', reject);
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => {
      socket.off('error', reject);
      // What the kernel says of closed ports of the other side: not our concern.
      socket.on('error', () => {});
      socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
      socket.setSendBufferSize(RECEIVE_BUFFER_BYTES);
      socket.on('message', (packet, source) => onPacket(packet, source.address, source.port));
      resolve(socket);
    });
  });
}

export async function udpWire(port: number, onMessage: OnMessage): Promise<Wire> {
  const socket = await boundSocket(port, (packet, host, from) =>
    onMessage(packet.toString('latin1'), { host, port: from }),
  );
  return {
    transport: 'UDP',
    port: socket.address().port,
    isReliable: false,
    isOpen: true,
    send: (text, to) => socket.send(Buffer.from(text, 'latin1'), to.port, to.host),
    close: () => socket.close(),
  };
}

export function tlsWire(to: Place, onMessage: OnMessage): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: to.host, port: to.port, rejectUnauthorized: false });
    let rest = '';
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      rest += piece;
      for (;;) {
        const next = firstMessage(rest);
        if (next === undefined) return;
        rest = rest.slice(next.length);
        if (next.trim() !== '') onMessage(next, to);
      }
    });
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve({
        transport: 'TLS',
        port: socket.localPort ?? 0,
        isReliable: true,
        get isOpen() {
          return !socket.destroyed;
        },
        send: (text) => socket.write(text, 'latin1'),
        close: () => socket.destroy(),
      });
    });
  });
}

/** The first whole message of a stream, or a keep-alive; undefined = more must come. */
function firstMessage(text: string): string | undefined {
  if (text.startsWith(CRLF)) return CRLF;
  const headEnd = text.indexOf(`${CRLF}${CRLF}`);
  if (headEnd < 0) return undefined;
  const end = headEnd + 4 + Number(field(text.slice(0, headEnd + 4), 'Content-Length') || '0');
  return text.length < end ? undefined : text.slice(0, end);
}
