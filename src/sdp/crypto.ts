// a=crypto lines, SDES (RFC 4568), for the two suites of sip-interface.md 4. Pure.
//
//   a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:32 KDR=1
//            │ suite                          key and salt, 30 bytes in base64          │   MKI   session parameters
//            tag, echoed by the answer                                          lifetime

import type { SrtpSuite } from './plan.ts';

export interface CryptoLine {
  /** As written: the answer repeats it. */
  readonly tag: string;
  readonly suite: SrtpSuite;
  /** 30 bytes: 16 key, 14 salt. */
  readonly masterKey: Uint8Array;
}

const SUITES: readonly string[] = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] satisfies SrtpSuite[];
const MASTER_KEY_BYTES = 30;
/** 30 bytes are exactly 40 characters, without padding. */
const INLINE_KEY = /^inline:([A-Za-z0-9+/]{40})$/;
/** RFC 4568 6.1: a number of packets or a power of two. A short one asks for a re-key that nobody does; it is ignored. */
const LIFETIME = /^(2\^)?\d{1,15}$/;

const isSuite = (text: string): text is SrtpSuite => SUITES.includes(text);

/**
 * Reads the value of one line. Undefined for a line that we cannot use, so that the next one is tried: another suite (AES_256,
 * GCM), a master key identifier, several keys, a session parameter that changes the protection, a key of the wrong length.
 */
export function parseCrypto(value: string): CryptoLine | undefined {
  const [tag, suite, keys, ...parameters] = value.split(/[ \t]+/);
  if (!tag || !/^\d{1,9}$/.test(tag) || !suite || !isSuite(suite) || !keys) return undefined;
  const [inline, ...qualifiers] = keys.split('|');
  const key = INLINE_KEY.exec(inline!)?.[1];
  if (key === undefined) return undefined;
  // `|lifetime` is fine, `|mki:length` (with or without a lifetime before it) is not.
  if (qualifiers.length > 1 || !qualifiers.every((qualifier) => LIFETIME.test(qualifier))) return undefined;
  if (!parameters.every(isHarmless)) return undefined;
  return { tag, suite, masterKey: Uint8Array.from(Buffer.from(key, 'base64')) };
}

/** RFC 4568 6.3: the replay window is only a hint, and what begins with `-` may be ignored; all else must be understood. */
const isHarmless = (parameter: string): boolean =>
  parameter === '' || parameter.startsWith('WSH=') || parameter.startsWith('-');

/** The value of our line. `masterKey` must be 30 bytes. */
export function serializeCrypto(line: CryptoLine): string {
  if (line.masterKey.length !== MASTER_KEY_BYTES) throw new RangeError('an SRTP master key has 30 bytes');
  return `${line.tag} ${line.suite} inline:${Buffer.from(line.masterKey).toString('base64')}`;
}
