// Sip inside Dial (twiml.md 6.6, sip-interface.md 2.1): one URI, or several with priority and weight, and headers to add to the
// INVITE. What leaves this file is a clean `sip:` URI whose header part holds only allowed names, percent-encoded.

import { limits } from '../../../base/limits.ts';
import { AttributeReader } from '../../attributes.ts';
import type { DialTarget } from '../../call-control.ts';
import type { ParseContext } from '../../verb.ts';
import { childElements, textOf, type XmlElement } from '../../xml.ts';
import { readDetection, readTargetOptions } from './options.ts';

/** Names that need no `X-`. */
const PLAIN_HEADERS: ReadonlySet<string> = new Set([
  'user-to-user',
  'remote-party-id',
  'p-preferred-identity',
  'p-called-party-id',
]);
// RFC 3261 25.1: token.
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
const CONTROL = /[\x00-\x1f\x7f]/;

/** Reads the noun; its warnings go to `report`. In order of trial; empty when no URI can be dialled (13243). */
export function parseSip(
  element: XmlElement,
  context: ParseContext,
  report: (read: AttributeReader) => void,
): readonly DialTarget[] {
  const read = new AttributeReader(element, context);
  const options = { ...readTargetOptions(read, 13241), machineDetection: readDetection(read) };
  const children = childElements(element);
  const extraHeaders = children
    .filter(({ name }) => name === 'Headers')
    .flatMap(childElements)
    .map((header) => [header.attributes.get('name') ?? '', header.attributes.get('value') ?? ''] as const);
  const uris = children.filter(({ name }) => name === 'Uri');
  const sources = uris.length > 0 ? orderUris(uris, read, context) : [element];
  const targets: DialTarget[] = [];
  for (const source of sources) {
    const uri = cleanUri(textOf(source), extraHeaders, read);
    if (uri === undefined) continue;
    const own = readCredentials(new AttributeReader(source, context), read);
    const shared = source === element ? own : readCredentials(read, read);
    const credentials = own.username === undefined ? shared : own;
    targets.push({ kind: 'sip', uri, ...credentials, ...options });
  }
  report(read);
  return targets;
}

function readCredentials(from: AttributeReader, read: AttributeReader) {
  const username = from.text('username') || undefined;
  const password = from.text('password') || undefined;
  const isBad = (text = '') => text.length > 255 || CONTROL.test(text);
  if (isBad(username) || isBad(password) || (password !== undefined && username === undefined)) {
    read.warn(13249, 'username or password of Sip is invalid');
    return { username: undefined, password: undefined };
  }
  return { username, password };
}

// RFC 2782 in spirit: lowest priority number first; among equals each is drawn in proportion to its weight.
function orderUris(uris: readonly XmlElement[], read: AttributeReader, context: ParseContext): readonly XmlElement[] {
  if (uris.length > limits.sipNounUris) read.warn(13250, `more than ${limits.sipNounUris} Uri elements`);
  const entries = uris.slice(0, limits.sipNounUris).map((element) => {
    const own = new AttributeReader(element, context);
    const rank = { min: 0, max: 65_535, code: 12200 };
    return {
      element,
      priority: own.integer('priority', { ...rank, fallback: 0 }),
      weight: own.integer('weight', { ...rank, fallback: 1 }),
    };
  });
  entries.sort((a, b) => a.priority - b.priority);
  const ordered: XmlElement[] = [];
  while (entries.length > 0) {
    const equals = entries.filter(({ priority }) => priority === entries[0]!.priority);
    const chosen = drawByWeight(equals, context.random());
    ordered.push(chosen.element);
    entries.splice(entries.indexOf(chosen), 1);
  }
  return ordered;
}

function drawByWeight<T extends { readonly weight: number }>(entries: readonly T[], drawn: number): T {
  let left = drawn * entries.reduce((sum, { weight }) => sum + weight, 0);
  for (const entry of entries) {
    left -= entry.weight;
    if (left < 0) return entry;
  }
  return entries[0]!;
}

type HeaderPair = readonly [name: string, value: string];

/** The URI to dial, or undefined with 13243. Exported for its tests. */
export function cleanUri(text: string, extraHeaders: readonly HeaderPair[], read: AttributeReader): string | undefined {
  const question = text.indexOf('?');
  const core = question < 0 ? text : text.slice(0, question);
  const headerPart = question < 0 ? '' : text.slice(question + 1);
  const address = cleanAddress(core);
  if (address === undefined) {
    read.warn(13243, 'invalid SIP URI');
    return undefined;
  }
  if (isSips(core)) read.warn(32114, 'sips is not carried end to end: dialled as sip with transport=tls');
  const headers = [...readHeaderPart(headerPart, read), ...extraHeaders];
  const written = writeHeaders(headers, read);
  return written === '' ? address : `${address}?${written}`;
}

// Nothing that could break out of a header line or of angle brackets. The scheme may be missing.
const ADDRESS =
  /^(?:(sips?):)?((?:[^\s@<>"?;]+(?:;[^\s@<>"?]*)?@)?)(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(:\d{1,5})?((?:;[^\s;@<>"?]+)*)$/i;

const isSips = (core: string): boolean => /^sips:/i.test(core);

function cleanAddress(core: string): string | undefined {
  if (core.length >= limits.sipNounUriChars || CONTROL.test(core)) return undefined;
  const match = ADDRESS.exec(core);
  if (!match) return undefined;
  const [, , user = '', host = '', port = '', parameterText = ''] = match;
  if (port !== '' && (Number(port.slice(1)) < 1 || Number(port.slice(1)) > 65_535)) return undefined;
  const parameters = parameterText
    .split(';')
    .filter((parameter) => parameter !== '')
    // Where the vendor's call would leave from: this gateway stands in one place.
    .filter((parameter) => !/^(region|edge)(=|$)/i.test(parameter))
    // sip-interface.md 2.1: `sips:` is turned into `sip` over TLS, whatever transport it names.
    .filter((parameter) => !isSips(core) || !/^transport=/i.test(parameter));
  if (isSips(core)) parameters.push('transport=tls');
  return `sip:${user}${host}${port}${parameters.map((parameter) => `;${parameter}`).join('')}`;
}

function readHeaderPart(text: string, read: AttributeReader): HeaderPair[] {
  const headers: HeaderPair[] = [];
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodePercent(equals < 0 ? pair : pair.slice(0, equals));
    const value = decodePercent(equals < 0 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined)
      read.warn(13252, 'header of the SIP URI is not percent-encoded correctly');
    else headers.push([name, value]);
  }
  return headers;
}

function writeHeaders(headers: readonly HeaderPair[], read: AttributeReader): string {
  const written: string[] = [];
  let length = 0;
  for (const [name, value] of headers) {
    if (!TOKEN.test(name) || !(/^x-./i.test(name) || PLAIN_HEADERS.has(name.toLowerCase()))) {
      read.warn(
        13252,
        `header ${name.replace(/[^\x20-\x7e]/g, '?').slice(0, 40)} is not sent: allowed are X-…, User-to-User, Remote-Party-ID, P-Preferred-Identity and P-Called-Party-ID`,
      );
      continue;
    }
    // CR, LF and NUL would become lines of their own (design.md 9).
    if (CONTROL.test(value)) {
      read.warn(13252, `value of header ${name} holds control characters`);
      continue;
    }
    const pair = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
    // The URL-encoded length counts, separators included.
    if (length + pair.length + 1 > limits.sipNounHeaderChars) {
      read.warn(13253, `headers of the SIP URI exceed ${limits.sipNounHeaderChars} characters`);
      continue;
    }
    length += pair.length + 1;
    written.push(pair);
  }
  return written.join('&');
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
