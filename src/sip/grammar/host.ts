// RFC 3261 25.1 host: a name, an IPv4 address, or an IPv6 reference in brackets. Values hold hosts in lower case and IPv6 without
// brackets; printing adds the brackets. RFC 5954 4.2: IPv6 addresses are compared by their bits.

import { parseDecimal } from './chars.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number | undefined;
  /** Where the scan stopped: the first character behind host and port. */
  readonly end: number;
}

const MAX_PORT = 65_535;
const MAX_NAME_CHARS = 255;
const COLON = 0x3a;

export function isIpv4(text: string): boolean {
  let octets = 0;
  let start = 0;
  for (let position = 0; position <= text.length; position++) {
    if (position < text.length && text.charCodeAt(position) !== 0x2e) continue;
    if (position - start > 3 || parseDecimal(text, start, position, 255) < 0) return false;
    octets++;
    start = position + 1;
  }
  return octets === 4;
}

/** The eight 16-bit groups of an IPv6 address (RFC 4291 2.2), or undefined when it is none. No zone index. */
export function ipv6Groups(text: string): number[] | undefined {
  if (text.length < 2 || text.length > 45) return undefined;
  const gap = text.indexOf('::');
  if (gap < 0) {
    const groups = groupsOf(text);
    return groups?.length === 8 ? groups : undefined;
  }
  const head = gap === 0 ? [] : groupsOf(text.slice(0, gap));
  const tail = gap + 2 === text.length ? [] : groupsOf(text.slice(gap + 2));
  // Dotted quads stand at the end only: not in front of `::`.
  if (!head || !tail || head.length + tail.length > 7 || text.slice(0, gap).includes('.')) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function groupsOf(text: string): number[] | undefined {
  const pieces = text.split(':');
  const groups: number[] = [];
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index]!;
    if (index === pieces.length - 1 && piece.includes('.')) {
      if (!isIpv4(piece)) return undefined;
      const octets = piece.split('.').map(Number);
      groups.push(octets[0]! * 256 + octets[1]!, octets[2]! * 256 + octets[3]!);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(piece)) {
      groups.push(Number.parseInt(piece, 16));
    } else return undefined;
  }
  return groups;
}

export const isIpv6 = (text: string): boolean => ipv6Groups(text) !== undefined;

/** Letters, digits, `-`, `.`; `_` too, as container names have it. Purely numeric names must be IPv4 addresses. */
export function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > MAX_NAME_CHARS) return false;
  let labelChars = 0;
  let isNumeric = true;
  for (let position = 0; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code === 0x2e) {
      if (labelChars === 0) return false;
      labelChars = 0;
      continue;
    }
    const lower = code | 0x20;
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isDigit) {
      if (!(lower >= 0x61 && lower <= 0x7a) && code !== 0x2d && code !== 0x5f) return false;
      isNumeric = false;
    }
    labelChars++;
  }
  return isNumeric ? isIpv4(text) : true;
}

/** True for what may stand in a value's `host` field: name, IPv4, or IPv6 without brackets. */
export const isHost = (text: string): boolean => (text.includes(':') ? isIpv6(text) : isHostName(text));

/** How a host is written in a URI or a Via: IPv6 in brackets. */
export const serializeHost = (host: string): string => (host.indexOf(':') < 0 ? host : `[${host}]`);

/** A form in which equal hosts are equal texts: IPv6 by its bits (RFC 5954 4.2), names without case. */
export function comparableHost(host: string): string {
  const groups = host.includes(':') ? ipv6Groups(host) : undefined;
  return groups ? groups.map((group) => group.toString(16)).join(':') : host.toLowerCase();
}

/**
 * Scans `host [":" port]` from `from`; the host ends at any character that cannot be part of one.
 * Returns a short English reason when there is no valid host or port there.
 */
export function scanHostPort(text: string, from: number): HostPort | string {
  let end = from;
  let host: string;
  if (text.charCodeAt(from) === 0x5b) {
    const close = text.indexOf(']', from);
    if (close < 0) return 'IPv6 address without closing bracket';
    // RFC 5118 4.10: the grammar of RFC 3261 allows `:::` in front of an embedded IPv4 address; read it as `::`.
    host = text
      .slice(from + 1, close)
      .toLowerCase()
      .replace(/:::(?=[0-9.]+$)/, '::');
    if (!isIpv6(host)) return 'not an IPv6 address between brackets';
    end = close + 1;
  } else {
    while (end < text.length && isHostChar(text.charCodeAt(end))) end++;
    host = text.slice(from, end).toLowerCase();
    if (!isHostName(host)) return host === '' ? 'host is missing' : 'not a host name or address';
  }
  if (text.charCodeAt(end) !== COLON) return { host, port: undefined, end };
  let portEnd = end + 1;
  while (portEnd < text.length && text.charCodeAt(portEnd) >= 0x30 && text.charCodeAt(portEnd) <= 0x39) portEnd++;
  const port = parseDecimal(text, end + 1, portEnd, MAX_PORT);
  return port < 0 ? 'port is not a number from 0 to 65535' : { host, port, end: portEnd };
}

function isHostChar(code: number): boolean {
  const lower = code | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2e ||
    code === 0x2d ||
    code === 0x5f
  );
}
