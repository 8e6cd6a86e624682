// Payload types of an audio section → codecs. Static numbers of RFC 3551 6, overridden by a=rtpmap (dynamic numbers). Pure.
// A new codec is a row in CODECS (and its coder in media/).

import { remembered } from '../base/remembered.ts';
import type { Attribute, MediaSection } from './parse.ts';
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
const TELEPHONE_EVENT = 'TELEPHONE-EVENT';
const NAMES: readonly string[] = [...CODECS.map(({ name }) => name), TELEPHONE_EVENT];
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

interface Mapping {
  readonly payloadType: number;
  /** One of ours, in upper case; undefined: another one, or clock rate or channels are not ours. */
  readonly name: string | undefined;
}

/** `<type> <name>/<clock rate>[/<channels>]`; null for what has not this shape. The same few lines come with every call. */
const mappingOf = remembered(1_024, (value): Mapping | null => {
  const match = /^(\d{1,3})[ \t]+([^\s/]+)[ \t]*\/[ \t]*(\d{1,9})(?:[ \t]*\/[ \t]*(\d{1,9}))?[ \t]*$/.exec(value);
  if (!match) return null;
  const isOurs = Number(match[3]) === CLOCK_RATE && (match[4] === undefined || match[4] === '1');
  const upper = match[2]!.toUpperCase();
  // A text of ours: one cut out of a message would keep the message.
  return { payloadType: Number(match[1]), name: isOurs ? NAMES.find((name) => name === upper) : undefined };
});

function mappings(attributes: readonly Attribute[]): Map<number, string | undefined> {
  const names = new Map<number, string | undefined>();
  for (const { name, value } of attributes) {
    const mapping = name === 'rtpmap' ? mappingOf(value) : null;
    if (mapping) names.set(mapping.payloadType, mapping.name);
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
    if (names.get(payloadType) === TELEPHONE_EVENT) telephoneEvent ??= payloadType;
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
  const start = `${payloadType} `;
  const events = attributes.find(({ name, value }) => name === 'fmtp' && value.startsWith(start));
  return events !== undefined && hasFlash(events.value);
}

const hasFlash = remembered(256, (value): boolean => {
  const list = value.slice(value.indexOf(' ')).replace(/events=/i, '');
  return list.split(/[,;]/).some((part) => {
    const range = /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(part);
    return range !== null && Number(range[1]) <= 16 && Number(range[2] ?? range[1]) >= 16;
  });
});

const listOf = remembered(64, (text): readonly CodecPayload[] =>
  text.split(',').map((entry) => {
    const [payloadType, codec] = entry.split(' ');
    return { payloadType: Number(payloadType), codec: codec as AudioCodec };
  }),
);

/** The same list for all whose codecs are the same: it is kept for as long as a call lasts, and nobody writes to it. */
export const sharedCodecs = (codecs: readonly CodecPayload[]): readonly CodecPayload[] =>
  codecs.length === 0 ? codecs : listOf(codecs.map(({ payloadType, codec }) => `${payloadType} ${codec}`).join());
