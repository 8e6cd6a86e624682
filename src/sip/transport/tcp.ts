// TCP: listening sockets (also those under TLS) and outgoing connections. What becomes of a socket is the caller's matter.

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { normalizeAddress } from './addresses.ts';
import { faultCode, type ListenFailure, listenFailure } from './listen-failure.ts';
import type { TransportError } from './transport.ts';

/** Connections that the kernel holds for us until they are accepted; it caps the number itself. */
const BACKLOG = 1_024;

export interface TcpListener {
  /** Normalised. */
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Opens one listening socket. `transport` names it in the error. */
export function listenTcp(
  transport: 'tcp' | 'tls',
  address: string,
  port: number,
  log: Log,
  accept: (socket: Socket) => void,
): Promise<Result<TcpListener, ListenFailure>> {
  const server = createServer({ noDelay: true }, accept);
  return new Promise((resolve) => {
    const onError = (fault: Error) => resolve(listenFailure(transport, address, port, fault));
    server.once('error', onError);
    server.listen({ host: address, port, ipv6Only: true, exclusive: true, backlog: BACKLOG }, () => {
      server.removeListener('error', onError);
      // No more descriptors, for example: the server goes on.
      server.on('error', (fault) => log.error({ transport, address, code: faultCode(fault) }, 'listener error'));
      resolve(ok({ address: normalizeAddress(address), port: boundPort(server), close: () => closeServer(server) }));
    });
  });
}

function boundPort(server: Server): number {
  const bound = server.address();
  return bound !== null && typeof bound === 'object' ? bound.port : 0;
}

const closeServer = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

export interface Dial {
  readonly address: string;
  readonly port: number;
  /** Bind here; undefined leaves it to the kernel. */
  readonly localAddress: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Connects within `limits.flowConnectMs`. The socket comes without listeners of ours. */
export function dialTcp(dial: Dial): Promise<Result<Socket, TransportError>> {
  const { address, port, localAddress } = dial;
  const socket = connect({ host: address, port, noDelay: true, ...(localAddress ? { localAddress } : {}) });
  return untilReady(socket, 'connect', limits.flowConnectMs, dial);
}

/** Waits for the event that says the socket can be used; destroys the socket when it does not come. */
export function untilReady<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  { clock, signal, address, port }: Pick<Dial, 'clock' | 'signal' | 'address' | 'port'>,
): Promise<Result<S, TransportError>> {
  // Whatever fails later only means that the socket closes: its next owner listens for that.
  socket.on('error', () => {});
  return new Promise((resolve) => {
    const settle = (result: Result<S, TransportError>) => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
      socket.removeListener(event, onReady);
      if (!result.ok) socket.destroy();
      resolve(result);
    };
    const where = `${address} port ${port}`;
    const fail = (code: TransportError['code'], detail: string) => settle(err({ code, detail: `${where}: ${detail}` }));
    const onReady = () => settle(ok(socket));
    const onError = (fault: Error) => fail(connectCode(fault, event), `${fault.message || faultCode(fault)}`);
    const onClose = () => fail('closed', 'connection closed during set-up');
    const onAbort = () => fail('closed', 'given up');
    const timer = clock.after(timeoutMs, () => fail('timeout', `no connection within ${timeoutMs} ms`));
    socket.once(event, onReady);
    socket.once('error', onError);
    socket.once('close', onClose);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

const CODES: Readonly<Record<string, TransportError['code']>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
};

function connectCode(fault: Error, event: 'connect' | 'secureConnect'): TransportError['code'] {
  const code = faultCode(fault);
  return CODES[code] ?? (event === 'secureConnect' ? 'tls' : 'unreachable');
}
