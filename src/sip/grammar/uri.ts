// RFC 3261 19.1: SIP and SIPS URIs, and what else may stand where a URI is allowed (tel:, others kept as text).
// Reading is a little wider than the grammar where phones are (a bare `#` in the user part, an empty parameter); printing is exact.

import { strict as assert } from 'node:assert';
import { err, ok, type Result } from '../../base/result.ts';
import { charClass, isToken, type SyntaxProblem } from './chars.ts';
import { escapedOctet, escapeUri, unescapeUri } from './escapes.ts';
import { comparableHost, isHost, scanHostPort, serializeHost } from './host.ts';

export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** Unescaped; undefined where the URI has no user part. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Names lower case; value undefined for a flag such as `lr`; values unescaped. */
  readonly params: ReadonlyMap<string, string | undefined>;
  /** The part behind `?`, unescaped, in order, case of names kept. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface OtherUri {
  readonly scheme: string;
  /** The whole URI as written. `tel:` URIs stay like this too. */
  readonly text: string;
}

export type Uri = SipUri | OtherUri;

export const isSipUri = (uri: Uri): uri is SipUri => uri.scheme === 'sip' || uri.scheme === 'sips';

type UriParams = Map<string, string | undefined>;
type UriHeaders = (readonly [name: string, value: string])[];

const NO_PARAMS: ReadonlyMap<string, string | undefined> = new Map();
const NO_HEADERS: SipUri['headers'] = [];
const PERCENT = 0x25;
const EQUALS = 0x3d;
const SEMICOLON = 0x3b;
const QUESTION = 0x3f;
const AMPERSAND = 0x26;

const problem = (detail: string, offset: number) => err<SyntaxProblem>({ detail, offset });

/** Parses a whole URI, without angle brackets. Offsets count characters of `text`. */
export function parseUri(text: string): Result<Uri, SyntaxProblem> {
  const colon = text.indexOf(':');
  if (colon <= 0) return problem('URI has no scheme', 0);
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(text, scheme, colon + 1);
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) return problem('not a URI scheme', 0);
  // Other schemes are opaque: printable, no delimiters of ours, not empty.
  for (let position = colon + 1; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code <= 0x20 || code === 0x7f || code === 0x3c || code === 0x3e || code === 0x22) {
      return problem('character that a URI cannot hold', position);
    }
  }
  if (colon + 1 === text.length) return problem('URI ends behind its scheme', colon + 1);
  return ok({ scheme, text });
}

function parseSipUri(text: string, scheme: 'sip' | 'sips', start: number): Result<SipUri, SyntaxProblem> {
  let user: string | undefined;
  let password: string | undefined;
  let position = start;
  // The grammar has no unescaped `@` elsewhere, so the first one ends the user part, whatever `;`, `?` or `/` it holds.
  const at = text.indexOf('@', start);
  if (at >= 0) {
    const end = spanEscaped(charClass.userLenient, text, start, at);
    if (end !== at) return problem('character that a user part cannot hold', end);
    if (at === start) return problem('user part is empty', at);
    const colon = text.indexOf(':', start);
    if (colon === start) return problem('user part is empty', start);
    if (colon >= 0 && colon < at) {
      user = unescapeUri(text.slice(start, colon));
      password = unescapeUri(text.slice(colon + 1, at));
    } else user = unescapeUri(text.slice(start, at));
    position = at + 1;
  }
  const hostPort = scanHostPort(text, position);
  if (typeof hostPort === 'string') return problem(hostPort, position);
  const { host, port } = hostPort;
  position = hostPort.end;
  if (position === text.length) {
    return ok({ scheme, user, password, host, port, params: NO_PARAMS, headers: NO_HEADERS });
  }
  const params: UriParams = new Map();
  position = scanParams(text, position, params);
  const headers: UriHeaders = [];
  if (position >= 0 && text.charCodeAt(position) === QUESTION) position = scanHeaders(text, position + 1, headers);
  if (position < 0) return problem('broken escape or name in URI parameters', -position - 1);
  if (position !== text.length) return problem('character that a URI cannot hold', position);
  return ok({ scheme, user, password, host, port, params, headers });
}

/** The end of what `table` or a well-formed escape covers, at most `end`. Non-ASCII is let through. */
function spanEscaped(table: Uint8Array, text: string, from: number, end: number): number {
  let position = from;
  while (position < end) {
    const code = text.charCodeAt(position);
    if (code === PERCENT) {
      if (position + 3 > end || escapedOctet(text, position) < 0) break;
      position += 3;
    } else if (code >= 0x80 || table[code] === 1) position++;
    else break;
  }
  return position;
}

/** Reads `*(";" name ["=" value])`. Returns the end, or -(offset + 1) of what is wrong. */
function scanParams(text: string, from: number, params: UriParams): number {
  let position = from;
  while (text.charCodeAt(position) === SEMICOLON) {
    const nameStart = position + 1;
    const nameEnd = spanEscaped(charClass.uriParamLenient, text, nameStart, text.length);
    let value: string | undefined;
    position = nameEnd;
    if (text.charCodeAt(nameEnd) === EQUALS) {
      if (nameEnd === nameStart) return -nameStart - 1;
      position = spanEscaped(charClass.uriParamLenient, text, nameEnd + 1, text.length);
      value = unescapeUri(text.slice(nameEnd + 1, position));
    }
    if (nameEnd === nameStart) continue;
    const name = unescapeUri(text.slice(nameStart, nameEnd)).toLowerCase();
    // 19.1.1: a parameter must not appear twice; the first one counts.
    if (!params.has(name)) params.set(name, value);
  }
  return position;
}

/** Reads `name "=" value *("&" name "=" value)`. Returns the end, or -(offset + 1) of what is wrong. */
function scanHeaders(text: string, from: number, headers: UriHeaders): number {
  let position = from;
  for (;;) {
    const nameEnd = spanEscaped(charClass.uriHeaderLenient, text, position, text.length);
    if (nameEnd === position || text.charCodeAt(nameEnd) !== EQUALS) return -position - 1;
    let valueEnd = nameEnd + 1;
    for (;;) {
      valueEnd = spanEscaped(charClass.uriHeaderLenient, text, valueEnd, text.length);
      if (text.charCodeAt(valueEnd) !== EQUALS) break;
      valueEnd++;
    }
    headers.push([unescapeUri(text.slice(position, nameEnd)), unescapeUri(text.slice(nameEnd + 1, valueEnd))]);
    if (text.charCodeAt(valueEnd) !== AMPERSAND) return valueEnd;
    position = valueEnd + 1;
  }
}

/** Prints a URI. What the grammar does not allow unescaped is escaped, so any user text is safe. */
export function serializeUri(uri: Uri): string {
  if (!isSipUri(uri)) return (uri as OtherUri).text;
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) {
    text += escapeUri(uri.user, charClass.user);
    if (uri.password !== undefined) text += `:${escapeUri(uri.password, charClass.password)}`;
    text += '@';
  }
  text += serializeHost(uri.host);
  if (uri.port !== undefined) text += `:${uri.port}`;
  for (const [name, value] of uri.params) {
    text += `;${escapeUri(name, charClass.uriParam)}`;
    if (value !== undefined) text += `=${escapeUri(value, charClass.uriParam)}`;
  }
  let separator = '?';
  for (const [name, value] of uri.headers) {
    text += `${separator}${escapeUri(name, charClass.uriHeader)}=${escapeUri(value, charClass.uriHeader)}`;
    separator = '&';
  }
  return text;
}

export interface SipUriParts {
  /** Default `sip`. */
  readonly scheme?: 'sip' | 'sips';
  /** Unescaped. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Name, IPv4 or IPv6, with or without brackets. */
  readonly host: string;
  readonly port?: number | undefined;
  /** Unescaped; a value of undefined makes a flag. */
  readonly params?: ReadonlyMap<string, string | undefined> | Readonly<Record<string, string | undefined>>;
  readonly headers?: SipUri['headers'];
}

/** Builds a SIP URI. Asserts what would be a fault of ours: a host or a parameter name that cannot be written. */
export function makeSipUri(parts: SipUriParts): SipUri {
  const bare = parts.host.startsWith('[') ? parts.host.replace(/^\[(.*)\]$/, '$1') : parts.host;
  const host = bare.toLowerCase();
  assert(isHost(host), 'host of a SIP URI');
  assert(parts.port === undefined || (Number.isInteger(parts.port) && parts.port >= 0 && parts.port <= 65_535));
  const entries = parts.params instanceof Map ? parts.params : Object.entries(parts.params ?? {});
  let params: UriParams | undefined;
  for (const [name, value] of entries as Iterable<[string, string | undefined]>) {
    assert(isToken(name), 'name of a URI parameter');
    params ??= new Map();
    params.set(name.toLowerCase(), value);
  }
  return {
    scheme: parts.scheme ?? 'sip',
    user: parts.user === '' ? undefined : parts.user,
    password: parts.password,
    host,
    port: parts.port,
    params: params ?? NO_PARAMS,
    headers: parts.headers ?? NO_HEADERS,
  };
}

/** The URI without its `?` part: what may stand in a Request-URI (RFC 3261 19.1.1). */
export function withoutUriHeaders<U extends Uri>(uri: U): U {
  return 'headers' in uri && uri.headers.length > 0 ? { ...uri, headers: NO_HEADERS } : uri;
}

/** The URI with one parameter set (undefined makes a flag); another scheme is returned unchanged. */
export function withUriParam<U extends Uri>(uri: U, name: string, value: string | undefined): U {
  if (!('params' in uri)) return uri;
  return { ...uri, params: new Map(uri.params).set(name.toLowerCase(), value) };
}

/** The URI without one parameter; another scheme is returned unchanged. */
export function withoutUriParam<U extends Uri>(uri: U, name: string): U {
  if (!('params' in uri) || !uri.params.has(name.toLowerCase())) return uri;
  const params = new Map(uri.params);
  params.delete(name.toLowerCase());
  return { ...uri, params };
}

// 19.1.4: these never match when only one URI has them. `transport` is not in the section's list but in its examples.
const MUST_BE_IN_BOTH = ['user', 'ttl', 'method', 'maddr', 'transport'];

/**
 * RFC 3261 19.1.4 (with RFC 5954 4.2 for IPv6): whether two URIs are equivalent. An omitted port differs from the default port.
 * Escaped and unescaped forms of a reserved character count as equal here, since values are kept unescaped.
 */
export function uriEquals(a: Uri, b: Uri): boolean {
  if (!isSipUri(a) || !isSipUri(b)) return !isSipUri(a) && !isSipUri(b) && otherUriEquals(a as OtherUri, b as OtherUri);
  if (a.scheme !== b.scheme || a.user !== b.user || a.password !== b.password || a.port !== b.port) return false;
  if (comparableHost(a.host) !== comparableHost(b.host)) return false;
  for (const name of MUST_BE_IN_BOTH) if (a.params.has(name) !== b.params.has(name)) return false;
  for (const [name, value] of a.params) {
    if (b.params.has(name) && b.params.get(name)?.toLowerCase() !== value?.toLowerCase()) return false;
  }
  const comparable = (uri: SipUri) => uri.headers.map(([name, value]) => `${name.toLowerCase()}=${value}`).sort();
  const [ours, theirs] = [comparable(a), comparable(b)];
  return ours.length === theirs.length && ours.every((entry, index) => entry === theirs[index]);
}

/** RFC 3966 5: tel URIs without case and visual separators; other schemes as text, the scheme without case. */
function otherUriEquals(a: OtherUri, b: OtherUri): boolean {
  if (a.scheme !== b.scheme) return false;
  const comparable = (uri: OtherUri) => {
    const rest = uri.text.slice(uri.scheme.length + 1);
    if (uri.scheme !== 'tel') return rest;
    const [number = '', ...params] = rest.toLowerCase().split(';');
    return [number.replace(/[-.()]/g, ''), ...params.sort()].join(';');
  };
  return comparable(a) === comparable(b);
}
