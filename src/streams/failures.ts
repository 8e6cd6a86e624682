// From what a WebSocket library reports to the vendor's numbers (twiml.md 9.2, 14). Pure.
//
//   before the 101:  31901 no answer   31902 refused    31904 unreachable   31910 TLS   31920 not a 101   31922 scheme
//   after it:        31903 broken      31921 closed badly                   31924 not WebSocket         31951 not our protocol

import { RefusedAddress } from '../base/private-addresses.ts';
import type { StreamFailure } from './options.ts';

const UNREACHABLE: ReadonlySet<string> = new Set(
  'ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH EADDRNOTAVAIL EHOSTDOWN ENETDOWN'.split(' '),
);
const BROKEN: ReadonlySet<string> = new Set('ECONNRESET EPIPE ECONNABORTED'.split(' '));
/** RFC 6455 7.4.1: 1000 normal, 1001 going away, 1005 without a code. */
const CLEAN_CODES: ReadonlySet<number> = new Set([1000, 1001, 1005]);

/** Cause of a RefusedAddress: it would do with TLS. */
export const INSECURE = 'insecure';

const fail = (errorCode: number, detail: string): StreamFailure => ({ errorCode, detail });

/** Node's error codes of certificates and of the TLS library. */
const isTls = (code: string): boolean =>
  code === 'EPROTO' || /^(ERR_SSL|ERR_TLS|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|CRL_)/.test(code);

const codeOf = (error: Error): string => String((error as NodeJS.ErrnoException).code ?? '');

/** The server answered our TLS record with something that is none, or hung up on it. Never so when its certificate was bad. */
export const speaksNoTls = (error: Error): boolean =>
  /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO|ECONNRESET)$/.test(codeOf(error));

/** What kept a connection from opening. */
export function connectFailure(error: Error): StreamFailure {
  if (error instanceof RefusedAddress) {
    if (error.cause === INSECURE) return fail(31922, 'ws is for loopback and private addresses only: use wss');
    return fail(31904, 'private addresses are not allowed (webhookAllowPrivate)');
  }
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return fail(31902, 'the server refused the connection');
  if (code === 'ETIMEDOUT') return fail(31901, 'the server did not answer');
  if (UNREACHABLE.has(code)) return fail(31904, `the host cannot be reached (${code})`);
  if (isTls(code)) return fail(31910, `the TLS handshake failed (${code})`);
  if (BROKEN.has(code)) return fail(31920, 'the connection was lost in the handshake');
  return fail(31920, `the handshake failed: ${error.message}`);
}

/** What broke an open connection. */
export function brokenFailure(error: Error): StreamFailure {
  const code = codeOf(error);
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return fail(31951, 'a message is too large');
  if (code.startsWith('WS_ERR_')) return fail(31924, `not a WebSocket frame: ${error.message}`);
  return fail(31903, `the connection broke (${code || error.message})`);
}

/** How the server closed; undefined when it did so in good order. */
export function closeFailure(code: number, reason: string): StreamFailure | undefined {
  if (CLEAN_CODES.has(code)) return undefined;
  const text = reason === '' ? '' : `: ${reason.replace(/[\x00-\x1f\x7f]/g, '?').slice(0, 123)}`;
  return code === 1006
    ? fail(31921, 'the connection ended without a close frame')
    : fail(31921, `closed with code ${code}${text}`);
}
