// RFC 3261 25.1: generic-param and quoted-string, and splitting a header at its commas. Used by every header that has parameters.

import { err, ok, type Result } from '../../base/result.ts';
import { charClass, isBlank, isToken, type SyntaxProblem, skipBlanks, spanOf } from './chars.ts';

export type Params = ReadonlyMap<string, string | undefined>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const EQUALS = 0x3d;
const SEMICOLON = 0x3b;
const COMMA = 0x2c;
const LESS = 0x3c;

/** Index of the closing quote of the quoted string that opens at `text[open]`, or -1. */
export function closingQuote(text: string, open: number): number {
  for (let position = open + 1; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code === BACKSLASH) position++;
    else if (code === QUOTE) return position;
  }
  return -1;
}

/** The value between quotes, without the backslashes of quoted pairs. */
export const unquote = (inner: string): string =>
  inner.indexOf('\\') < 0 ? inner : inner.replace(/\\([\s\S])/g, '$1');

/** A quoted string. CR, LF and NUL become a space: none may be printed, and a peer can have sent one escaped. */
export const quote = (text: string): string => `"${text.replace(/[\r\n\0]/g, ' ').replace(/["\\]/g, '\\$&')}"`;

/** A parameter value as it must be written: a token or IPv6 reference as it is, all else quoted. */
export const serializeParamValue = (value: string): string =>
  isToken(value) || /^\[[0-9a-fA-F:.]+\]$/.test(value) ? value : quote(value);

/** `;name=value` for each. RFC 3840 9: values of feature tags (`+sip.instance`) are always quoted. */
export function serializeParams(params: Params): string {
  let text = '';
  for (const [name, value] of params) {
    text += `;${name}`;
    if (value !== undefined) text += `=${name.startsWith('+') ? quote(value) : serializeParamValue(value)}`;
  }
  return text;
}

const NO_PARAMS: Params = new Map();

export interface ScannedParams {
  readonly params: Params;
  /** Index of the first character behind: the end of the text, or a comma. */
  readonly end: number;
}

/** Scans `*(";" name ["=" value])` up to a comma or the end. Names become lower case, values lose their quotes. */
export function scanParams(text: string, from: number): Result<ScannedParams, SyntaxProblem> {
  let params: Map<string, string | undefined> | undefined;
  let position = skipBlanks(text, from);
  while (text.charCodeAt(position) === SEMICOLON) {
    params ??= new Map();
    const nameStart = skipBlanks(text, position + 1);
    const nameEnd = spanOf(charClass.token, text, nameStart);
    if (nameEnd === nameStart) return err({ detail: 'parameter has no name', offset: nameStart });
    const name = text.slice(nameStart, nameEnd).toLowerCase();
    position = skipBlanks(text, nameEnd);
    let value: string | undefined;
    if (text.charCodeAt(position) === EQUALS) {
      const valueStart = skipBlanks(text, position + 1);
      if (text.charCodeAt(valueStart) === QUOTE) {
        const close = closingQuote(text, valueStart);
        if (close < 0) return err({ detail: 'quoted string does not end', offset: valueStart });
        value = unquote(text.slice(valueStart + 1, close));
        position = close + 1;
      } else {
        position = spanOf(charClass.paramValueLenient, text, valueStart, true);
        if (position === valueStart) return err({ detail: `parameter ${name} has no value`, offset: valueStart });
        value = text.slice(valueStart, position);
      }
      position = skipBlanks(text, position);
    }
    // 7.3.1: a parameter must not appear twice; the first one counts.
    if (!params.has(name)) params.set(name, value);
  }
  if (position < text.length && text.charCodeAt(position) !== COMMA) {
    return err({ detail: 'unexpected character behind a value', offset: position });
  }
  return ok({ params: params ?? NO_PARAMS, end: position });
}

/**
 * Splits a header value at its commas, but not inside quotes or angle brackets; entries are trimmed, empty ones dropped
 * (RFC 3261 7.3.1; lists with empty entries are seen in the field).
 */
export function splitList(text: string): string[] {
  if (text.indexOf(',') < 0) {
    const only = text.trim();
    return only === '' ? [] : [only];
  }
  const entries: string[] = [];
  let start = 0;
  const lastClose = text.lastIndexOf('>');
  for (let position = 0; position <= text.length; position++) {
    const code = position === text.length ? COMMA : text.charCodeAt(position);
    if (code === QUOTE) {
      const close = closingQuote(text, position);
      position = close < 0 ? text.length - 1 : close;
    } else if (code === LESS) {
      if (position < lastClose) position = text.indexOf('>', position);
    } else if (code === COMMA) {
      const entry = trimBlanks(text, start, position);
      if (entry !== '') entries.push(entry);
      start = position + 1;
    }
  }
  return entries;
}

/** `text` between two indices, without blanks at either side. */
export function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}
