// From what went wrong on the wire to the vendor's error numbers (twiml.md 2.4), in one table. Pure.

import { errors } from 'undici';
import type { ConnectFailure } from './agents.ts';
import type { RetryCause } from './overrides.ts';

/** Why one HTTP exchange gave no complete answer. */
export type ExchangeFailure =
  | { readonly kind: 'connect'; readonly cause: ConnectFailure }
  /** Nothing came within the read timeout, or the gap between two packets was longer. */
  | { readonly kind: 'readTimeout'; readonly isPartial: boolean }
  | { readonly kind: 'tooLarge' }
  /** The body could not be decompressed. */
  | { readonly kind: 'encoding'; readonly detail: string }
  | { readonly kind: 'network'; readonly cause: unknown; readonly isPartial: boolean; readonly isStale: boolean }
  | { readonly kind: 'aborted' };

export interface Classified {
  readonly code: number;
  readonly detail: string;
  /** Which retry policy covers it; undefined = none does. */
  readonly retry: RetryCause | undefined;
}

const CHAIN_CODES: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

export function classify(failure: ExchangeFailure): Classified {
  switch (failure.kind) {
    case 'connect':
      return classifyConnect(failure.cause);
    case 'readTimeout':
      return { code: 11200, detail: 'read timeout', retry: failure.isPartial ? undefined : 'rt' };
    case 'tooLarge':
      return { code: 11750, detail: 'response body too large', retry: undefined };
    case 'encoding':
      return { code: 11206, detail: failure.detail, retry: undefined };
    case 'aborted':
      return { code: 11205, detail: 'given up by the gateway', retry: undefined };
    case 'network': {
      const code = codeOf(failure.cause);
      // undici's parser error may come without a code.
      if (
        failure.cause instanceof errors.HTTPParserError ||
        code.startsWith('HPE_') ||
        code.startsWith('UND_ERR_RES') ||
        code === 'UND_ERR_HEADERS_OVERFLOW'
      )
        return { code: 11206, detail: `not HTTP (${code})`, retry: undefined };
      return { code: 11205, detail: `connection lost (${code})`, retry: undefined };
    }
  }
}

function classifyConnect(failure: ConnectFailure): Classified {
  if (failure.kind === 'timeout') return { code: 11201, detail: 'connect timed out', retry: 'ct' };
  if (failure.kind === 'privateAddress') return { code: 11205, detail: 'private address refused', retry: undefined };
  const code = codeOf(failure.cause);
  if (code === 'ECONNREFUSED') return { code: 11202, detail: 'connection refused', retry: 'ct' };
  if (code === 'ETIMEDOUT' || code === 'UND_ERR_CONNECT_TIMEOUT')
    return { code: 11201, detail: 'connect timed out', retry: 'ct' };
  if (code === 'ENOTFOUND' || code === 'ENODATA' || code.startsWith('EAI_'))
    return { code: 11210, detail: `host name does not resolve (${code})`, retry: undefined };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return { code: 11235, detail: 'certificate is for another name', retry: 'ct' };
  if (code === 'CERT_HAS_EXPIRED') return { code: 11236, detail: 'certificate expired', retry: 'ct' };
  if (CHAIN_CODES.has(code)) return { code: 11237, detail: `certificate chain not trusted (${code})`, retry: 'ct' };
  if (code === 'EPROTO' || /^ERR_(SSL|TLS)|^CERT_/.test(code))
    return { code: 11220, detail: `TLS handshake failed (${code})`, retry: 'ct' };
  return { code: 11205, detail: `connection failed (${code})`, retry: 'ct' };
}

/** The error code of a system, TLS or undici error; of several attempts (RFC 8305) a timeout first, else the first. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) {
    const codes = error.errors.map(codeOf);
    return codes.find((code) => code === 'ETIMEDOUT') ?? codes[0] ?? 'unknown';
  }
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return 'unknown';
}
