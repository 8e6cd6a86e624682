// A first look at a request's text, before it is parsed: what kind it is, and the fields that an answer copies (RFC 3261 8.2.6.2).
// It costs a few microseconds, so that a flood can be answered at the price of looking at it. It takes only what it is sure of:
// a request with folded, missing or repeated fields is "not seen through", and only the parser may say what is wrong with it.

import { scanVia, type Via } from '../grammar/via.ts';

export interface Glance {
  readonly method: string;
  /** As it stands in the start line. */
  readonly uri: string;
  /** The top Via, read; what stands behind it on its line (with the comma), and the lines of further Vias, as they came. */
  readonly via: Via;
  readonly otherVias: string;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly cseq: string;
  readonly hasToTag: boolean;
}

/** What a message is for whoever decides what is served first. */
export type MessageKind = 'response' | 'ack' | 'bye' | 'cancel' | 'invite' | 'register' | 'other';

/** By the first bytes alone. `other` may still be inside a dialog: its To tag tells. */
export function kindOf(bytes: Buffer): MessageKind {
  switch (bytes[0]) {
    case 0x53: // S: `SIP/2.0 200 OK`, but also SUBSCRIBE
      return bytes[1] === 0x49 ? 'response' : 'other';
    case 0x73: // s: the version is compared without case
      return 'response';
    case 0x41: // ACK
      return 'ack';
    case 0x42: // BYE
      return 'bye';
    case 0x43: // CANCEL
      return 'cancel';
    case 0x49: // INVITE and INFO
      return bytes[2] === 0x56 ? 'invite' : 'other';
    case 0x52: // REGISTER and REFER
      return bytes[2] === 0x47 ? 'register' : 'other';
    default:
      return 'other';
  }
}

type Field = 'via' | 'from' | 'to' | 'callId' | 'cseq';

/** By the length of the name: no other name is looked at twice, and no text is cut out for a name. */
const FIELDS: readonly (readonly (readonly [name: string, field: Field])[] | undefined)[] = [
  undefined,
  [
    ['v', 'via'],
    ['f', 'from'],
    ['t', 'to'],
    ['i', 'callId'],
  ],
  [['to', 'to']],
  [['via', 'via']],
  [
    ['from', 'from'],
    ['cseq', 'cseq'],
  ],
  undefined,
  undefined,
  [['call-id', 'callId']],
];
const REQUEST_LINE = /^([A-Z]+) (\S+) SIP\/2\.0\r?$/;

interface Found {
  via?: string;
  furtherVias: string;
  from?: string;
  to?: string;
  callId?: string;
  cseq?: string;
}

/** Reads what it needs of the header block of `text` (one character per byte); undefined = ask the parser. */
export function glance(text: string): Glance | undefined {
  const lineEnd = text.indexOf('\n');
  const start = lineEnd < 0 ? null : REQUEST_LINE.exec(text.slice(0, lineEnd));
  const found = start && readFields(text, lineEnd + 1);
  if (!start || !found) return undefined;
  const { via, from, to, callId, cseq } = found;
  if (via === undefined || !from || !to || !callId || !cseq) return undefined;
  const scanned = scanVia(via, 0);
  const hasToTag = readToTag(to);
  if (!scanned.ok || hasToTag === undefined) return undefined;
  return {
    method: start[1]!,
    uri: start[2]!,
    via: scanned.value.via,
    otherVias: `${via.slice(scanned.value.end)}\r\n${found.furtherVias}`,
    ...{ from, to, callId, cseq, hasToTag },
  };
}

function readFields(text: string, from: number): Found | undefined {
  const found: Found = { furtherVias: '' };
  let position = from;
  let isOurs = false;
  for (;;) {
    const lineFeed = text.indexOf('\n', position);
    if (lineFeed < 0) return undefined;
    const end = text.charCodeAt(lineFeed - 1) === 0x0d && lineFeed > position ? lineFeed - 1 : lineFeed;
    if (end === position) return found;
    const first = text.charCodeAt(position);
    if (first === 0x20 || first === 0x09) {
      // A fold of a field that we copy.
      if (isOurs) return undefined;
    } else {
      const colon = text.indexOf(':', position);
      const field = colon < 0 || colon >= end ? undefined : fieldNamed(text, position, colon);
      isOurs = field !== undefined;
      if (field !== undefined && !note(found, field, text.slice(colon + 1, end).trim())) return undefined;
    }
    position = lineFeed + 1;
  }
}

function fieldNamed(text: string, from: number, colon: number): Field | undefined {
  // Blanks before the colon are allowed, and rare.
  let to = colon;
  while (to > from && (text.charCodeAt(to - 1) === 0x20 || text.charCodeAt(to - 1) === 0x09)) to--;
  const candidates = FIELDS[to - from];
  if (candidates) for (const [name, field] of candidates) if (isNamed(text, from, name)) return field;
  return undefined;
}

/** Whether `name`, which is in lower case, stands at `from` in any case. */
function isNamed(text: string, from: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    const wanted = name.charCodeAt(index);
    const code = text.charCodeAt(from + index);
    if (code !== wanted && (code !== wanted - 0x20 || wanted < 0x61)) return false;
  }
  return true;
}

/** False: the field stands there twice, or holds what must not be copied. */
function note(found: Found, field: Field, value: string): boolean {
  // They would be taken along into our answer.
  if (value.includes('\r') || value.includes('\0')) return false;
  if (field === 'via' && found.via !== undefined) {
    found.furtherVias += `Via: ${value}\r\n`;
    return true;
  }
  if (found[field] !== undefined) return false;
  found[field] = value;
  return true;
}

/** Whether a To value has a tag; undefined where quotes among its parameters make that uncertain. */
function readToTag(to: string): boolean | undefined {
  const params = to.slice(to.lastIndexOf('>') + 1);
  if (params.includes('"')) return undefined;
  return /;\s*tag\s*=/i.test(params);
}

/** The user part of a Request-URI as it stands there: `sip:911@host` gives 911. */
export function userIn(uri: string): string {
  const at = uri.indexOf('@');
  if (at < 0) return '';
  const user = uri.slice(uri.indexOf(':') + 1, at);
  const password = user.indexOf(':');
  return password < 0 ? user : user.slice(0, password);
}
