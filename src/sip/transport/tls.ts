// TLS on top of TCP sockets: the vendor's suites, RSA and EC certificates side by side, material that can be replaced while
// connections live. SNI is ignored: one set of certificates for every name. Client certificates are asked for only where a setting
// names their authority. A legacy listener takes TLS 1.0 and 1.1 too, for phones that know no better; it is a listener of its own.

import type { Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  createServer,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { familyOf } from './addresses.ts';
import { faultCode } from './listen-failure.ts';
import type { EventCounter, OutgoingTls, TlsMaterial } from './options.ts';
import { type Dial, untilReady } from './tcp.ts';
import type { Destination, TransportError } from './transport.ts';

/** sip-interface.md 0: the vendor's ten suites, and the ECDSA twins of its older page. Forward secrecy and GCM come first. */
export const TLS12_SUITES = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-SHA256',
  'ECDHE-RSA-AES128-SHA256',
  'ECDHE-ECDSA-AES256-SHA384',
  'ECDHE-RSA-AES256-SHA384',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA256',
  'AES256-SHA256',
  'AES128-SHA',
  'AES256-SHA',
] as const;

export const TLS13_SUITES = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
] as const;

const CIPHERS = [...TLS13_SUITES, ...TLS12_SUITES].join(':');

/** OpenSSL 3 speaks TLS 1.0 and 1.1 only at security level 0. */
const LEGACY_CIPHERS = `${CIPHERS}:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0`;

/** What a listener asks of its clients. */
export interface TlsPolicy {
  /** TLS 1.0 and 1.1 are taken too. */
  readonly isLegacy: boolean;
  /** PEM of the authorities of client certificates, one of which is then required; null: none is asked for. */
  readonly clientCa: string | null;
}

function contextOptions(material: TlsMaterial, { isLegacy, clientCa }: TlsPolicy): SecureContextOptions {
  return {
    cert: material.pairs.map((pair) => pair.cert),
    key: material.pairs.map((pair) => pair.key),
    ciphers: isLegacy ? LEGACY_CIPHERS : CIPHERS,
    honorCipherOrder: true,
    minVersion: isLegacy ? 'TLSv1' : 'TLSv1.2',
    ...(clientCa === null ? {} : { ca: clientCa }),
  };
}

export interface TlsAcceptorOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly count: EventCounter;
  readonly policy: TlsPolicy;
  readonly onSecure: (socket: TLSSocket) => void;
}

/** Turns accepted TCP sockets into TLS sockets. It does not listen itself: tcp.ts does, and admits sockets before any cost. */
export class TlsAcceptor {
  readonly #server: Server;
  readonly #options: TlsAcceptorOptions;
  readonly #handshakes = new Map<string, Timer>();

  private constructor(server: Server, options: TlsAcceptorOptions) {
    this.#server = server;
    this.#options = options;
    server.on('secureConnection', (socket) => {
      this.#handshakeOver(endpointKey(socket));
      options.onSecure(socket);
    });
    server.on('tlsClientError', (fault, socket) => {
      options.count('handshakeFailed');
      options.log.debug({ remoteAddress: socket.remoteAddress, code: faultCode(fault) }, 'TLS handshake failed');
      socket.destroy();
    });
  }

  /** The error is OpenSSL's reason to refuse the material. */
  static create(material: TlsMaterial, options: TlsAcceptorOptions): Result<TlsAcceptor, string> {
    try {
      // Its own deadline stands behind ours, for good measure.
      const { clientCa } = options.policy;
      const server = createServer({
        ...contextOptions(material, options.policy),
        handshakeTimeout: 2 * limits.flowHandshakeMs,
        ...(clientCa === null ? {} : { requestCert: true, rejectUnauthorized: true }),
      });
      return ok(new TlsAcceptor(server, options));
    } catch (fault) {
      return err(`the TLS certificate or key is refused: ${String(fault)}`);
    }
  }

  /** New connections get the new material; a refused one is logged and the old one stays. */
  replace(material: TlsMaterial): void {
    try {
      this.#server.setSecureContext(contextOptions(material, this.#options.policy));
    } catch (fault) {
      this.#options.log.error(
        { fault: String(fault) },
        'the new TLS certificate or key is refused, the old one stays in use',
      );
    }
  }

  /** Begins the handshake on an accepted connection. It ends in `onSecure` or in a closed socket. */
  accept(socket: Socket): void {
    const { clock, count } = this.#options;
    const key = endpointKey(socket);
    const timer = clock.after(limits.flowHandshakeMs, () => {
      count('handshakeTimeout');
      socket.destroy();
    });
    this.#handshakes.set(key, timer);
    socket.once('close', () => this.#handshakeOver(key));
    this.#server.emit('connection', socket);
  }

  #handshakeOver(key: string): void {
    this.#handshakes.get(key)?.cancel();
    this.#handshakes.delete(key);
  }
}

/** The same for a TCP socket and for the TLS socket on top of it. */
const endpointKey = (socket: Socket): string =>
  `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;

/** Outgoing TLS. RFC 5922 7.1: the certificate must name the host of the URI, not the address that DNS gave for it. */
export class TlsDialer {
  readonly #context: SecureContext;
  readonly #verify: boolean;

  /** Throws when `settings.ca` is no PEM certificate: the configuration has checked it. */
  constructor(settings: OutgoingTls) {
    this.#verify = settings.verify;
    this.#context = createSecureContext({
      ciphers: CIPHERS,
      minVersion: 'TLSv1.2',
      ...(settings.ca === null ? {} : { ca: [...rootCertificates, settings.ca] }),
    });
  }

  /** The name that a connection must be verified for; null when peers are not verified, or this one is not. */
  verifiedName({ serverName, verify = true }: Destination): string | null {
    return this.#verify && verify ? serverName.toLowerCase() : null;
  }

  /** Hands back a socket after the handshake, or the reason; the TCP socket is used up either way. */
  secure(socket: Socket, destination: Destination, dial: Dial): Promise<Result<TLSSocket, TransportError>> {
    const { serverName } = destination;
    const isAddress = familyOf(serverName) !== undefined;
    const secured = connect({
      socket,
      host: serverName,
      // RFC 6066 3: no addresses in SNI.
      servername: isAddress ? '' : serverName,
      secureContext: this.#context,
      rejectUnauthorized: this.verifiedName(destination) !== null,
    });
    return untilReady(secured, 'secureConnect', limits.flowHandshakeMs, dial);
  }
}
