// Payload types of an audio section → codecs. Static numbers of RFC 3551 6, overridden by a=rtpmap (dynamic numbers). Pure.
// A new codec is a row in CODECS (and its coder in media/).

import { type Attribute, attributeValues, type MediaSection } from './parse.ts';
import type { AudioCodec } from './plan.ts';

interface CodecRow {
  readonly name: AudioCodec;
  /** RFC 3551 table 4; the number of our offers. */
  readonly staticType: number;
}

const CODECS: readonly CodecRow[] = [
  { name: 'PCMU', staticType: 0 },
  { name: 'PCMA', staticType: 8 },
];
const CLOCK_RATE = 8_000;

export interface CodecPayload {
  readonly payloadType: number;
  readonly codec: AudioCodec;
}

export interface AudioPayloads {
  /** In the order of the m= line. */
  readonly codecs: readonly CodecPayload[];
  /** First telephone-event with our clock rate, null where there is none. */
  readonly telephoneEvent: { readonly payloadType: number; readonly hasFlash: boolean } | null;
}

export const staticPayloadType = (codec: AudioCodec): number => CODECS.find((row) => row.name === codec)!.staticType;

/** `<type> <name>/<clock rate>[/<channels>]` → name in upper case; undefined when clock rate or channels are not ours. */
function mappings(attributes: readonly Attribute[]): Map<number, string | undefined> {
  const names = new Map<number, string | undefined>();
  for (const value of attributeValues(attributes, 'rtpmap')) {
    const match = /^(\d{1,3})[ \t]+([^\s/]+)[ \t]*\/[ \t]*(\d{1,9})(?:[ \t]*\/[ \t]*(\d{1,9}))?[ \t]*$/.exec(value);
    if (!match) continue;
    const isOurs = Number(match[3]) === CLOCK_RATE && (match[4] === undefined || match[4] === '1');
    names.set(Number(match[1]), isOurs ? match[2]!.toUpperCase() : undefined);
  }
  return names;
}

/** What of an audio section we understand. */
export function audioPayloads(section: MediaSection): AudioPayloads {
  const names = mappings(section.attributes);
  const codecs: CodecPayload[] = [];
  let telephoneEvent: number | undefined;
  for (const format of section.formats) {
    const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : 128;
    if (payloadType > 127) continue;
    const row = CODECS.find(({ name, staticType }) =>
      names.has(payloadType) ? names.get(payloadType) === name : staticType === payloadType,
    );
    if (row) codecs.push({ payloadType, codec: row.name });
    if (names.get(payloadType) === 'TELEPHONE-EVENT') telephoneEvent ??= payloadType;
  }
  return {
    codecs: codecs.filter((entry, index) => codecs.findIndex((e) => e.payloadType === entry.payloadType) === index),
    telephoneEvent:
      telephoneEvent === undefined
        ? null
        : { payloadType: telephoneEvent, hasFlash: coversFlash(section.attributes, telephoneEvent) },
  };
}

/** RFC 4733 2.4.1: whether the events of a=fmtp include 16 (flash). Without the line they are 0-15. */
function coversFlash(attributes: readonly Attribute[], payloadType: number): boolean {
  const events = attributeValues(attributes, 'fmtp').find((value) => value.startsWith(`${payloadType} `));
  if (events === undefined) return false;
  const list = events.slice(events.indexOf(' ')).replace(/events=/i, '');
  return list.split(/[,;]/).some((part) => {
    const range = /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(part);
    return range !== null && Number(range[1]) <= 16 && Number(range[2] ?? range[1]) >= 16;
  });
}
