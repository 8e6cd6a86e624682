// RFC 3261 19.1.2, 25.1: `%` HEXHEX escapes in URIs. Escaped octets are UTF-8; octets that are not (they are legal) are kept as
// lone surrogates U+DC80 to U+DCFF, so that reading and printing gives the same octets back.

import { isUtf8 } from 'node:buffer';

const PERCENT = 0x25;
const RAW_OCTET = 0xdc00;

const hexValue = (code: number): number => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
};

/** The octet written at `%` in `text[position]`, or -1 when two hex digits do not follow. */
export function escapedOctet(text: string, position: number): number {
  const high = hexValue(text.charCodeAt(position + 1));
  const low = hexValue(text.charCodeAt(position + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** Undoes the escapes of a part of a URI whose escapes are known to be well formed. */
export function unescapeUri(text: string): string {
  let percent = text.indexOf('%');
  if (percent < 0) return text;
  let result = '';
  let done = 0;
  while (percent >= 0) {
    result += text.slice(done, percent);
    const octets: number[] = [];
    let position = percent;
    for (; text.charCodeAt(position) === PERCENT; position += 3) octets.push(escapedOctet(text, position) & 0xff);
    result += decodeOctets(octets);
    done = position;
    percent = text.indexOf('%', position);
  }
  return result + text.slice(done);
}

function decodeOctets(octets: readonly number[]): string {
  const bytes = Buffer.from(octets);
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (const octet of octets) text += String.fromCharCode(octet < 0x80 ? octet : RAW_OCTET + octet);
  return text;
}

/** Prints `text` with every character that `allowed` lacks as `%XX` of its UTF-8 octets. */
export function escapeUri(text: string, allowed: Uint8Array): string {
  let position = 0;
  while (position < text.length && isAllowed(allowed, text.charCodeAt(position))) position++;
  if (position === text.length) return text;
  let result = text.slice(0, position);
  for (const character of text.slice(position)) {
    const code = character.codePointAt(0)!;
    result += isAllowed(allowed, code) ? character : escapeCharacter(character, code);
  }
  return result;
}

const isAllowed = (allowed: Uint8Array, code: number): boolean => code < 0x80 && allowed[code] === 1;

function escapeCharacter(character: string, code: number): string {
  if (code >= RAW_OCTET + 0x80 && code <= RAW_OCTET + 0xff) return hexEscape(code - RAW_OCTET);
  let escaped = '';
  for (const octet of Buffer.from(character, 'utf8')) escaped += hexEscape(octet);
  return escaped;
}

const hexEscape = (octet: number): string => `%${(octet < 16 ? '0' : '') + octet.toString(16).toUpperCase()}`;
