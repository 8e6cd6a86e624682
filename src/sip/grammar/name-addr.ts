// RFC 3261 20.10, 25.1: name-addr and addr-spec with header parameters: From, To, Contact, Route, Record-Route, Refer-To, Path …

import { strict as assert } from 'node:assert';
import { err, ok, type Result } from '../../base/result.ts';
import { isSafeHeaderValue, isToken, type SyntaxProblem, skipBlanks } from './chars.ts';
import { closingQuote, quote, scanParams, serializeParams, trimBlanks, unquote } from './params.ts';
import { parseUri, serializeUri, type Uri } from './uri.ts';

export interface NameAddr {
  /** Unquoted, unescaped. */
  readonly displayName: string | undefined;
  readonly uri: Uri;
  /** Header parameters (`tag`, `expires`, `q` …): names lower case, value undefined for a flag. */
  readonly params: ReadonlyMap<string, string | undefined>;
}

const QUOTE = 0x22;
const LESS = 0x3c;
const COMMA = 0x2c;

const problem = (detail: string, offset: number) => err<SyntaxProblem>({ detail, offset });

/** Parses one value that fills `text`. Without angle brackets, parameters belong to the header (RFC 3261 20.10). */
export function parseNameAddr(text: string): Result<NameAddr, SyntaxProblem> {
  const scanned = scanNameAddr(text, 0);
  if (!scanned.ok) return scanned;
  return scanned.value.end === text.length
    ? ok(scanned.value.nameAddr)
    : problem('more than one value', scanned.value.end);
}

/** Parses a comma-separated list. Empty entries are skipped; a list without any entry is an error. */
export function parseNameAddrList(text: string): Result<NameAddr[], SyntaxProblem> {
  const values: NameAddr[] = [];
  for (let position = 0; position < text.length; ) {
    const start = skipBlanks(text, position);
    if (start === text.length) break;
    if (text.charCodeAt(start) === COMMA) {
      position = start + 1;
      continue;
    }
    const scanned = scanNameAddr(text, start);
    if (!scanned.ok) return scanned;
    values.push(scanned.value.nameAddr);
    position = scanned.value.end + 1;
  }
  return values.length > 0 ? ok(values) : problem('value is empty', 0);
}

/** Scans one value from `from` to a comma or the end. */
function scanNameAddr(text: string, from: number): Result<{ nameAddr: NameAddr; end: number }, SyntaxProblem> {
  let position = skipBlanks(text, from);
  let displayName: string | undefined;
  if (text.charCodeAt(position) === QUOTE) {
    const close = closingQuote(text, position);
    if (close < 0) return problem('quoted display name does not end', position);
    displayName = unquote(text.slice(position + 1, close));
    position = skipBlanks(text, close + 1);
    if (text.charCodeAt(position) !== LESS) return problem('display name without <URI>', position);
  } else {
    const name = displayNameEnd(text, position);
    if (name >= 0) {
      displayName = name === position ? undefined : trimBlanks(text, position, name) || undefined;
      position = name;
    }
  }
  const bracketed = text.charCodeAt(position) === LESS;
  const uriStart = bracketed ? position + 1 : position;
  const uriEnd = bracketed ? text.indexOf('>', uriStart) : addrSpecEnd(text, uriStart);
  if (uriEnd < 0) return problem('angle bracket is not closed', position);
  const uriText = text.slice(uriStart, uriEnd);
  // 20.10: a URI with a question mark must stand in angle brackets.
  if (!bracketed && uriText.indexOf('?') >= 0) return problem('URI with headers outside angle brackets', uriStart);
  const uri = parseUri(uriText);
  if (!uri.ok) return problem(uri.error.detail, uriStart + uri.error.offset);
  const scanned = scanParams(text, bracketed ? uriEnd + 1 : uriEnd);
  if (!scanned.ok) return scanned;
  return ok({ nameAddr: { displayName, uri: uri.value, params: scanned.value.params }, end: scanned.value.end });
}

/**
 * The index of the `<` behind an unquoted display name that starts at `from`, or -1 when what follows is an addr-spec.
 * Wider than `*(token LWS)`: carriers send parentheses, `@` or raw UTF-8; what structures the header ends the search.
 */
function displayNameEnd(text: string, from: number): number {
  for (let position = from; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code === LESS) return position;
    if (code === 0x3a || code === 0x3b || code === COMMA || code === 0x3e || code === QUOTE) return -1;
  }
  return -1;
}

/** 20.10: outside brackets a semicolon, a comma or a blank ends the URI. */
function addrSpecEnd(text: string, from: number): number {
  let position = from;
  for (; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code === 0x3b || code === COMMA || code === 0x20 || code === 0x09) break;
  }
  return position;
}

/** Prints a value, the URI always in angle brackets. */
export function serializeNameAddr(value: NameAddr): string {
  const name = value.displayName;
  const display = name === undefined || name === '' ? '' : isToken(name) ? `${name} ` : `${quote(name)} `;
  return `${display}<${serializeUri(value.uri)}>${serializeParams(value.params)}`;
}

/** A copy with one header parameter set; undefined makes a flag. */
export function withParam(nameAddr: NameAddr, name: string, value: string | undefined): NameAddr {
  assert(isToken(name) && (value === undefined || isSafeHeaderValue(value)), 'header parameter');
  return { ...nameAddr, params: new Map(nameAddr.params).set(name.toLowerCase(), value) };
}

/** A copy without one header parameter. */
export function withoutParam(nameAddr: NameAddr, name: string): NameAddr {
  const params = new Map(nameAddr.params);
  params.delete(name.toLowerCase());
  return { ...nameAddr, params };
}

const NO_PARAMS: NameAddr['params'] = new Map();

/** A value with a URI and nothing else. */
export const nameAddr = (uri: Uri, displayName?: string, params: NameAddr['params'] = NO_PARAMS): NameAddr => ({
  displayName,
  uri,
  params,
});
