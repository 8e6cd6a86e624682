// HTTP Digest as SIP uses it: RFC 3261 22, RFC 7616, RFC 8760. Values only: nonces, users and policy are the business of others.

import { hash } from 'node:crypto';
import { remembered } from '../../base/remembered.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { charClass, type SyntaxProblem, skipBlanks, spanOf } from './chars.ts';
import { closingQuote, quote, unquote } from './params.ts';

export type DigestAlgorithm = 'MD5' | 'MD5-sess' | 'SHA-256' | 'SHA-256-sess' | 'SHA-512-256' | 'SHA-512-256-sess';

export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque?: string | undefined;
  /** As written; undefined means MD5 (RFC 7616 3.3). */
  readonly algorithm?: string | undefined;
  /** Offered qualities of protection, lower case; empty when the challenge has none (RFC 2069 form). */
  readonly qop: readonly string[];
  readonly stale?: boolean | undefined;
  readonly domain?: string | undefined;
  /** Parameters not named above: name lower case, value as written, quotes included. */
  readonly params?: ReadonlyMap<string, string> | undefined;
}

export interface Credentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  /** digest-uri as written. */
  readonly uri: string;
  /** Hex, as written. */
  readonly response: string;
  readonly algorithm?: string | undefined;
  readonly cnonce?: string | undefined;
  readonly opaque?: string | undefined;
  readonly qop?: string | undefined;
  /** Eight hex digits. */
  readonly nc?: string | undefined;
  /** Parameters not named above: name lower case, value as written, quotes included. */
  readonly params?: ReadonlyMap<string, string> | undefined;
}

const COMMA = 0x2c;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const problem = (detail: string, offset: number) => err<SyntaxProblem>({ detail, offset });

/** Reads a WWW-Authenticate or Proxy-Authenticate value. Another scheme than Digest is an error. */
export function parseChallenge(value: string): Result<Challenge, SyntaxProblem> {
  const scanned = scanAuthParams(value);
  if (!scanned.ok) return scanned;
  const all = scanned.value;
  const take = taker(all);
  const realm = take('realm');
  const nonce = take('nonce');
  if (realm === undefined || nonce === undefined) return problem('challenge without realm or nonce', 0);
  const qop = take('qop');
  const stale = take('stale');
  return ok({
    realm,
    nonce,
    opaque: take('opaque'),
    algorithm: take('algorithm'),
    qop: qop === undefined ? [] : splitWords(qop),
    stale: stale === undefined ? undefined : stale.toLowerCase() === 'true',
    domain: take('domain'),
    params: othersOf(all, CHALLENGE),
  });
}

/** Reads an Authorization or Proxy-Authorization value. Another scheme than Digest is an error. */
export function parseCredentials(value: string): Result<Credentials, SyntaxProblem> {
  const scanned = scanAuthParams(value);
  if (!scanned.ok) return scanned;
  const all = scanned.value;
  const take = taker(all);
  const [username, realm, nonce] = [take('username'), take('realm'), take('nonce')];
  const [uri, response] = [take('uri'), take('response')];
  if (
    username === undefined ||
    realm === undefined ||
    nonce === undefined ||
    uri === undefined ||
    response === undefined
  ) {
    return problem('credentials without username, realm, nonce, uri or response', 0);
  }
  const [algorithm, cnonce, opaque, qop, nc] = ['algorithm', 'cnonce', 'opaque', 'qop', 'nc'].map(take);
  // RFC 7616 3.4: with qop, cnonce and an eight-digit nc are mandatory.
  if (qop !== undefined && (cnonce === undefined || nc === undefined || !/^[0-9a-fA-F]{8}$/.test(nc))) {
    return problem('credentials with qop but without cnonce or nc', 0);
  }
  return ok({
    username,
    realm,
    nonce,
    uri,
    response,
    algorithm,
    cnonce,
    opaque,
    qop: qop?.toLowerCase(),
    nc,
    params: othersOf(all, CREDENTIALS),
  });
}

const splitWords = (text: string): string[] =>
  text
    .toLowerCase()
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** Gives a parameter of `all` without its quotes. */
const taker = (all: ReadonlyMap<string, string>) => (name: string) => {
  const raw = all.get(name);
  return raw?.startsWith('"') ? unquote(raw.slice(1, -1)) : raw;
};

/** Parameters that have a field of their own. */
const CHALLENGE: ReadonlySet<string> = new Set('realm nonce qop stale opaque algorithm domain'.split(' '));
const CREDENTIALS: ReadonlySet<string> = new Set(
  'username realm nonce uri response algorithm cnonce opaque qop nc'.split(' '),
);
const NO_OTHERS: ReadonlyMap<string, string> = new Map();

/** What has no field of its own; nearly always nothing. */
function othersOf(all: ReadonlyMap<string, string>, own: ReadonlySet<string>): ReadonlyMap<string, string> {
  let others: Map<string, string> | undefined;
  for (const [name, raw] of all) {
    if (own.has(name)) continue;
    others ??= new Map();
    others.set(name, raw);
  }
  return others ?? NO_OTHERS;
}

/** Scans `Digest name=value, name="value"`. Values stay as written; a parameter that comes twice is an error. */
function scanAuthParams(text: string): Result<ReadonlyMap<string, string>, SyntaxProblem> {
  const params = new Map<string, string>();
  let position = skipBlanks(text, 0);
  const schemeEnd = spanOf(charClass.token, text, position);
  if (text.slice(position, schemeEnd).toLowerCase() !== 'digest') return problem('scheme is not Digest', position);
  position = skipBlanks(text, schemeEnd);
  while (position < text.length) {
    if (text.charCodeAt(position) === COMMA) {
      position = skipBlanks(text, position + 1);
      continue;
    }
    const nameEnd = spanOf(charClass.token, text, position);
    const name = text.slice(position, nameEnd).toLowerCase();
    const equals = skipBlanks(text, nameEnd);
    if (name === '' || text.charCodeAt(equals) !== EQUALS) return problem('not an auth parameter', position);
    if (params.has(name)) return problem(`more than one ${name}`, position);
    const valueStart = skipBlanks(text, equals + 1);
    const valueEnd = authValueEnd(text, valueStart);
    if (valueEnd <= valueStart) return problem(`${name} has no value`, valueStart);
    params.set(name, text.slice(valueStart, valueEnd));
    position = skipBlanks(text, valueEnd);
    if (position < text.length && text.charCodeAt(position) !== COMMA) return problem('comma expected', position);
  }
  return ok(params);
}

function authValueEnd(text: string, from: number): number {
  return text.charCodeAt(from) === QUOTE
    ? closingQuote(text, from) + 1
    : spanOf(charClass.paramValueLenient, text, from, true);
}

// RFC 3261 25.1 says which values are quoted and which are tokens; phones insist on it.
export function serializeChallenge(challenge: Challenge): string {
  const parts = [`realm=${quote(challenge.realm)}`];
  if (challenge.domain !== undefined) parts.push(`domain=${quote(challenge.domain)}`);
  if (challenge.qop.length > 0) parts.push(`qop=${quote(challenge.qop.join(','))}`);
  parts.push(`nonce=${quote(challenge.nonce)}`);
  if (challenge.opaque !== undefined) parts.push(`opaque=${quote(challenge.opaque)}`);
  if (challenge.stale !== undefined) parts.push(`stale=${challenge.stale}`);
  if (challenge.algorithm !== undefined) parts.push(`algorithm=${challenge.algorithm}`);
  for (const [name, raw] of challenge.params ?? []) parts.push(`${name}=${raw}`);
  // No blanks behind the commas: the form that the vendor's clients know (sip-interface 1.2).
  return `Digest ${parts.join(',')}`;
}

export function serializeCredentials(credentials: Credentials): string {
  const { username, realm, nonce, uri, response, algorithm, cnonce, opaque, qop, nc } = credentials;
  const parts = [`username=${quote(username)}`, `realm=${quote(realm)}`, `nonce=${quote(nonce)}`];
  parts.push(`uri=${quote(uri)}`, `response=${quote(response)}`);
  if (algorithm !== undefined) parts.push(`algorithm=${algorithm}`);
  if (cnonce !== undefined) parts.push(`cnonce=${quote(cnonce)}`);
  if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
  if (qop !== undefined) parts.push(`qop=${qop}`);
  if (nc !== undefined) parts.push(`nc=${nc}`);
  for (const [name, raw] of credentials.params ?? []) parts.push(`${name}=${raw}`);
  return `Digest ${parts.join(', ')}`;
}

const ALGORITHMS: readonly DigestAlgorithm[] = [
  'MD5',
  'MD5-sess',
  'SHA-256',
  'SHA-256-sess',
  'SHA-512-256',
  'SHA-512-256-sess',
];

/** The algorithm that a challenge or credentials name (compared without case; absent = MD5), or undefined if unknown. */
export function digestAlgorithm(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined || name === 'MD5') return 'MD5';
  return ALGORITHMS.find((algorithm) => algorithm.toLowerCase() === name.toLowerCase());
}

const HASHES: Readonly<Record<DigestAlgorithm, string>> = {
  MD5: 'md5',
  'MD5-sess': 'md5',
  'SHA-256': 'sha256',
  'SHA-256-sess': 'sha256',
  'SHA-512-256': 'sha512-256',
  'SHA-512-256-sess': 'sha512-256',
};

const H = (algorithm: DigestAlgorithm, text: string | Buffer): string => hash(HASHES[algorithm], text, 'hex');

/** Hash of a body for `auth-int`, lower-case hex. */
export const digestBodyHash = (algorithm: DigestAlgorithm, body: Buffer): string => H(algorithm, body);

export interface Ha1Parts {
  readonly algorithm: DigestAlgorithm;
  readonly username: string;
  readonly realm: string;
  readonly password: string;
}

/** H(username:realm:password), lower-case hex: what is stored of a password. Of a `-sess` algorithm too: see digestResponse. */
export const ha1 = ({ algorithm, username, realm, password }: Ha1Parts): string =>
  H(algorithm, `${username}:${realm}:${password}`);

export interface DigestResponseParts {
  readonly algorithm: DigestAlgorithm;
  /** As `ha1` makes it. */
  readonly ha1: string;
  readonly method: string;
  /** digest-uri as written in the credentials. */
  readonly uri: string;
  readonly nonce: string;
  /** Eight hex digits; needed with qop. */
  readonly nc?: string | undefined;
  /** Needed with qop and for `-sess`. */
  readonly cnonce?: string | undefined;
  /** `auth`, `auth-int`, or undefined for the RFC 2069 form. */
  readonly qop?: string | undefined;
  /** digestBodyHash of the body, for `auth-int`. */
  readonly bodyHash?: string | undefined;
}

/** Method and digest-uri, which nearly all phones of a domain have in common: hashed once. No secret is in them. */
const md5Ha2 = remembered(256, (text) => H('MD5', text));

/** RFC 7616 3.4.1: the response value, lower-case hex. */
export function digestResponse(parts: DigestResponseParts): string {
  const { algorithm, method, uri, nonce, qop } = parts;
  const cnonce = parts.cnonce ?? '';
  // 3.4.2: a session key hashes the stored HA1 once more with both nonces.
  const key = algorithm.endsWith('-sess') ? H(algorithm, `${parts.ha1}:${nonce}:${cnonce}`) : parts.ha1;
  const a2 = qop === 'auth-int' ? `${method}:${uri}:${parts.bodyHash ?? H(algorithm, '')}` : `${method}:${uri}`;
  const ha2 = algorithm === 'MD5' && qop !== 'auth-int' ? md5Ha2(a2) : H(algorithm, a2);
  return H(
    algorithm,
    qop === undefined ? `${key}:${nonce}:${ha2}` : `${key}:${nonce}:${parts.nc ?? ''}:${cnonce}:${qop}:${ha2}`,
  );
}
