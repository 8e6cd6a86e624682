// User name and password of a URL as its Authorization header (twiml.md 2.7): Basic (RFC 7617) at once; a server that answers 401 and asks
// for Digest (RFC 7616) gets that instead, once. Pure.

import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  readonly algorithm: 'MD5' | 'SHA-256';
  /** False: the form of RFC 2069, which counts nothing. */
  readonly hasQop: boolean;
}

interface AuthorizedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  /** Random text of ours. */
  readonly clientNonce: string;
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** `name=value`, `name="value"`, or the name of a scheme. */
const PART = /([A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([A-Za-z][\w-]*)/g;
const HASHES = { MD5: 'md5', 'SHA-256': 'sha256' } as const;

/** Percent-decoded; undefined where the URL has none. */
function credentialsOf(url: URL): Credentials | undefined {
  if (url.username === '' && url.password === '') return undefined;
  return { username: decodePercent(url.username), password: decodePercent(url.password) };
}

/** Value of the header; undefined without user information in the URL. */
export function authorizationOf(
  url: URL,
  { challenge, ...request }: AuthorizedRequest & { readonly challenge: DigestChallenge | undefined },
): string | undefined {
  const credentials = credentialsOf(url);
  if (!credentials) return undefined;
  if (challenge) return answerChallenge(challenge, credentials, request);
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`;
}

/** The challenge of an answer that the user information of `url` can meet. */
export function challengeFor(
  url: URL,
  { status, headers }: { readonly status: number; readonly headers: IncomingHttpHeaders },
): DigestChallenge | undefined {
  return status === 401 && credentialsOf(url) ? readChallenge(headers['www-authenticate']) : undefined;
}

/** The strongest challenge of a WWW-Authenticate header that can be answered; undefined: none. */
export function readChallenge(header: string | undefined): DigestChallenge | undefined {
  const schemes: { readonly name: string; readonly values: Map<string, string> }[] = [];
  for (const [, name, quoted, token = '', scheme] of (header ?? '').matchAll(PART)) {
    if (scheme !== undefined) schemes.push({ name: scheme.toLowerCase(), values: new Map() });
    else if (name !== undefined)
      schemes.at(-1)?.values.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token);
  }
  const challenges = schemes.flatMap(({ name, values }) => (name === 'digest' ? (challengeOf(values) ?? []) : []));
  return challenges.find(({ algorithm }) => algorithm === 'SHA-256') ?? challenges[0];
}

function challengeOf(values: ReadonlyMap<string, string>): DigestChallenge | undefined {
  const algorithm = (values.get('algorithm') ?? 'MD5').toUpperCase();
  const realm = values.get('realm');
  const nonce = values.get('nonce');
  const qop = values
    .get('qop')
    ?.toLowerCase()
    .split(/[\s,]+/);
  if (realm === undefined || nonce === undefined || (algorithm !== 'MD5' && algorithm !== 'SHA-256')) return undefined;
  if (qop && !qop.includes('auth')) return undefined;
  return { realm, nonce, opaque: values.get('opaque'), algorithm, hasQop: qop !== undefined };
}

/** Value of the Authorization header. */
export function answerChallenge(
  { realm, nonce, opaque, algorithm, hasQop }: DigestChallenge,
  { username, password }: Credentials,
  { method, target, clientNonce }: AuthorizedRequest,
): string {
  const hash = (text: string) => createHash(HASHES[algorithm]).update(text, 'utf8').digest('hex');
  const secret = hash(`${username}:${realm}:${password}`);
  const count = '00000001';
  const middle = hasQop ? `${nonce}:${count}:${clientNonce}:auth` : nonce;
  const response = hash(`${secret}:${middle}:${hash(`${method}:${target}`)}`);
  const parts = [
    `username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(target)}`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(hasQop ? [`qop=auth`, `nc=${count}`, `cnonce=${quote(clientNonce)}`] : []),
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
  ];
  return `Digest ${parts.join(', ')}`;
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
