// Session descriptions, text → value (RFC 4566). Pure; negotiate.ts gives the values their meaning.
// Own grammar in place of the npm package sdp-transform: that one drops the type and port of an m= line it cannot match
// (`m=audio 49170/2 …`, two spaces), which RFC 3264 6 makes us echo; keeps only the last of two lines; and cannot tell a broken
// description (400) from one without audio (488).
//
//   v= o= s= … c= t= a=…   session: defaults for every media section
//   m=audio 49170 RTP/AVP 0 8 101
//     c= a=…               section: what stands here wins over the session

import ipaddr from 'ipaddr.js';
import { limits } from '../base/limits.ts';
import { remembered } from '../base/remembered.ts';
import { err, ok, type Result } from '../base/result.ts';

export interface Attribute {
  /** As written: names are case-sensitive. */
  readonly name: string;
  /** Empty for a flag such as `sendrecv`. */
  readonly value: string;
}

export type Connection =
  | { readonly kind: 'address'; readonly address: string }
  /** 0.0.0.0 or ::, the hold of RFC 2543. */
  | { readonly kind: 'unspecified' }
  /** A host name, a multicast or broadcast address: nothing we send media to. */
  | { readonly kind: 'unusable'; readonly text: string };

export interface MediaSection {
  /** audio, video, image, … */
  readonly kind: string;
  /** 0 to 65,535; 0 = refused or switched off. */
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly connection: Connection | undefined;
  readonly attributes: readonly Attribute[];
}

export interface SessionDescription {
  /** The value of t=, `0 0` where there is none. */
  readonly timing: string;
  readonly connection: Connection | undefined;
  readonly attributes: readonly Attribute[];
  readonly media: readonly MediaSection[];
}

export interface SdpFault {
  /** Counted from 1; 0 where no line is to blame. */
  readonly line: number;
  readonly detail: string;
}

type Section = {
  -readonly [Key in 'connection']: Connection | undefined;
} & { readonly attributes: Attribute[] };

const CR = 0x0d;
const LF = 0x0a;
/** RFC 4566 9: token, also what a protocol and a format consist of. Nothing else is ever echoed into an answer. */
const MEDIA_LINE =
  /^([\w!#$%&'*+.^`{|}~-]{1,32})[ \t]+(\d{1,5})(?:\/\d{1,5})?[ \t]+([\w!#$%&'*+./^`{|}~-]{1,64})((?:[ \t]+\S+)*)[ \t]*$/;
const FORMAT = /^[\w!#$%&'*+.^`{|}~-]{1,32}$/;
const TIMING = /^\d{1,20} \d{1,20}$/;

/** Reads a description. Unknown lines are skipped; what makes it unusable is a fault. Never throws, linear in the length. */
export function parseSdp(text: string): Result<SessionDescription, SdpFault> {
  if (text.length > limits.sipBodyBytes) return err({ line: 0, detail: 'description too long' });
  const lines = linesOf(text, limits.sdpLines + 1);
  if (lines.length > limits.sdpLines) return err({ line: 0, detail: 'too many lines' });
  const session: Section = { connection: undefined, attributes: [] };
  const media: (MediaSection & Section)[] = [];
  let section = session;
  let timing: string | undefined;
  let hasVersion = false;
  const hasNul = text.includes('\0');
  let number = 0;
  const fault = (detail: string) => err({ line: number, detail });
  for (const content of lines) {
    number++;
    if (content === '') continue;
    if (!isLine(content) || (hasNul && content.includes('\0'))) return fault('not a line of type=value');
    const type = content[0]!;
    const value = content.slice(2).trim();
    if (!hasVersion) {
      if (type !== 'v' || value !== '0') return fault('does not start with v=0');
      hasVersion = true;
    } else if (type === 'm') {
      const opened = parseMedia(value);
      if (!opened.ok) return fault(opened.error);
      if (media.length >= limits.sdpMediaSections) return fault('too many media sections');
      media.push(opened.value);
      section = opened.value;
    } else if (type === 'c') {
      const connection = parseConnection(value);
      if (!connection) return fault('broken c= line');
      // RFC 4566 5.7: several c= lines are layers of one multicast session; the first one is the base.
      section.connection ??= connection;
    } else if (type === 'a') {
      section.attributes.push(parseAttribute(value));
    } else if (type === 't' && TIMING.test(value)) {
      timing ??= value;
    }
  }
  if (!hasVersion) return err({ line: 0, detail: 'empty description' });
  return ok({ timing: timing ?? '0 0', connection: session.connection, attributes: session.attributes, media });
}

/** Ended by CRLF, or by LF or CR alone; `most` at most. */
function linesOf(text: string, most: number): string[] {
  const lines: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length && lines.length < most; at++) {
    const code = text.charCodeAt(at);
    if (code !== CR && code !== LF) continue;
    lines.push(text.slice(start, at));
    if (code === CR && text.charCodeAt(at + 1) === LF) at++;
    start = at + 1;
  }
  if (lines.length < most) lines.push(text.slice(start));
  return lines;
}

/** A letter and `=`. */
function isLine(content: string): boolean {
  const letter = content.charCodeAt(0) | 0x20;
  return letter >= 0x61 && letter <= 0x7a && content.charCodeAt(1) === 0x3d;
}

function parseMedia(value: string): Result<MediaSection & Section, string> {
  const match = MEDIA_LINE.exec(value);
  if (!match) return err('broken m= line');
  const port = Number(match[2]);
  if (port > 65_535) return err('port out of range');
  const formats = match[4]!.split(/[ \t]+/).filter((format) => format !== '');
  if (formats.length === 0) return err('m= line without a format');
  if (formats.length > limits.sdpFormatsPerMedia) return err('too many formats');
  if (!formats.every((format) => FORMAT.test(format))) return err('broken format in m= line');
  return ok({
    kind: match[1]!.toLowerCase(),
    port,
    protocol: match[3]!,
    formats,
    connection: undefined,
    attributes: [],
  });
}

function parseAttribute(value: string): Attribute {
  const colon = value.indexOf(':');
  if (colon < 0) return { name: value, value: '' };
  return { name: value.slice(0, colon), value: value.slice(colon + 1).trim() };
}

/** `IN IP4 192.0.2.1`, with `/ttl` for multicast. Undefined when the line has not this shape. */
function parseConnection(value: string): Connection | undefined {
  const match = /^IN[ \t]+IP[46][ \t]+([^\s/]{1,255})(?:\/[\d/]*)?$/i.exec(value);
  return match ? connectionTo(match[1]!) : undefined;
}

/** Classifies an address of a c= or a=rtcp: line. */
export const connectionTo = remembered(1_024, classify);

function classify(text: string): Connection {
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && ipaddr.IPv6.isValid(text));
  if (!isAddress || text.includes('%')) return { kind: 'unusable', text };
  const address = ipaddr.process(text);
  const range = address.range();
  if (address.toString() === '0.0.0.0' || range === 'unspecified') return { kind: 'unspecified' };
  if (range === 'multicast' || range === 'broadcast') return { kind: 'unusable', text };
  return { kind: 'address', address: address.toString() };
}

/** All values of one attribute in a section, in order. */
export const attributeValues = (attributes: readonly Attribute[], name: string): string[] =>
  attributes.filter((attribute) => attribute.name === name).map((attribute) => attribute.value);

export const hasAttribute = (attributes: readonly Attribute[], name: string): boolean =>
  attributes.some((attribute) => attribute.name === name);
