// a=crypto lines, SDES (RFC 4568), for the two suites of sip-interface.md 4. Pure.
//
//   a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 WSH=128
//            │ suite                          key and salt, 30 bytes in base64          │   │   session parameters
//            tag, echoed by the answer                                          lifetime   MKI and its length in bytes
//
// Several keys, `inline:…|1:4;inline:…|2:4`, need identifiers of one length. What a line says about keys is about the packets of who
// wrote it (6.1, 7.1.2): our own lines have one key without identifier, whatever the peer's have.

import { limits } from '../base/limits.ts';
import type { IdentifiedKey, SrtpSuite } from './plan.ts';

export interface CryptoLine {
  /** As written: the answer repeats it. */
  readonly tag: string;
  readonly suite: SrtpSuite;
  /** 30 bytes: 16 key, 14 salt; the first one where there are several. */
  readonly masterKey: Uint8Array;
  /** All keys, where the packets carry the identifier of theirs. */
  readonly identifiedKeys?: readonly IdentifiedKey[];
}

const SUITES: readonly string[] = ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'] satisfies SrtpSuite[];
const MASTER_KEY_BYTES = 30;
/** 30 bytes are exactly 40 characters, without padding. */
const INLINE_KEY = /^inline:([A-Za-z0-9+/]{40})$/;
/** RFC 4568 6.1: a number of packets or a power of two. A short one asks for a re-key that nobody does; it is ignored. */
const LIFETIME = /^(2\^)?\d{1,15}$/;
/** RFC 4568 6.1: a decimal number and its length in packets; 128 bytes have 309 digits. */
const IDENTIFIER = /^(\d{1,309}):(\d{1,3})$/;
const IDENTIFIER_BYTES_MAX = 128;

const isSuite = (text: string): text is SrtpSuite => SUITES.includes(text);

/**
 * Reads the value of one line. Undefined for a line that we cannot use, so that the next one is tried: another suite (AES_256,
 * GCM), several keys without identifiers, a session parameter that changes the protection, a key of the wrong length.
 */
export function parseCrypto(value: string): CryptoLine | undefined {
  const [tag, suite, keys, ...parameters] = value.split(/[ \t]+/);
  if (!tag || !/^\d{1,9}$/.test(tag) || !suite || !isSuite(suite) || !keys) return undefined;
  if (!parameters.every(isHarmless)) return undefined;
  const texts = keys.split(';');
  if (texts.length > limits.srtpKeysPerLine) return undefined;
  const read = texts.map(parseKey);
  const [first] = read;
  if (!first) return undefined;
  if (read.length === 1 && first.identifier === undefined) return { tag, suite, masterKey: first.masterKey };
  const identifiedKeys = read.filter((key) => key !== undefined && hasIdentifier(key));
  if (identifiedKeys.length !== read.length || !isUnambiguous(identifiedKeys)) return undefined;
  return { tag, suite, masterKey: first.masterKey, identifiedKeys };
}

type KeyParameter = { readonly masterKey: Uint8Array; readonly identifier: Uint8Array | undefined };
const hasIdentifier = (key: KeyParameter): key is IdentifiedKey => key.identifier !== undefined;

/** `inline:key`, `|lifetime`, `|identifier:length`, the last two optional and in this order. */
function parseKey(text: string): KeyParameter | undefined {
  const [inline, ...qualifiers] = text.split('|');
  const key = INLINE_KEY.exec(inline!)?.[1];
  if (key === undefined) return undefined;
  const masterKey = Uint8Array.from(Buffer.from(key, 'base64'));
  if (LIFETIME.test(qualifiers[0] ?? '')) qualifiers.shift();
  if (qualifiers.length === 0) return { masterKey, identifier: undefined };
  const identifier = qualifiers.length === 1 ? parseIdentifier(qualifiers[0]!) : undefined;
  return identifier && { masterKey, identifier };
}

/** RFC 4568 6.1: without a length, or with one above 128, the whole line is invalid. Bytes are in network order. */
function parseIdentifier(text: string): Uint8Array | undefined {
  const [, value = '', length = ''] = IDENTIFIER.exec(text) ?? [];
  const sizeBytes = Number(length);
  if (value === '' || sizeBytes < 1 || sizeBytes > IDENTIFIER_BYTES_MAX) return undefined;
  const digits = BigInt(value).toString(16);
  if (digits.length > sizeBytes * 2) return undefined;
  return Uint8Array.from(Buffer.from(digits.padStart(sizeBytes * 2, '0'), 'hex'));
}

/** RFC 4568 6.1: identifiers of one line are of one length; two keys with the same one could not be told apart. */
function isUnambiguous(keys: readonly IdentifiedKey[]): boolean {
  const texts = keys.map(({ identifier }) => Buffer.from(identifier).toString('hex'));
  return new Set(texts).size === texts.length && texts.every((text) => text.length === texts[0]!.length);
}

/** RFC 4568 6.3: the replay window is only a hint, and what begins with `-` may be ignored; all else must be understood. */
const isHarmless = (parameter: string): boolean =>
  parameter === '' || parameter.startsWith('WSH=') || parameter.startsWith('-');

/** The value of our line. `masterKey` must be 30 bytes. */
export function serializeCrypto(line: Omit<CryptoLine, 'identifiedKeys'>): string {
  if (line.masterKey.length !== MASTER_KEY_BYTES) throw new RangeError('an SRTP master key has 30 bytes');
  return `${line.tag} ${line.suite} inline:${Buffer.from(line.masterKey).toString('base64')}`;
}
