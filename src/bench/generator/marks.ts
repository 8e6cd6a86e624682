// What the payload of a test packet says about itself, so that its time on the way is known at the other end.
//
//   stamp   the first eight octets: stream (32) and number of the packet (32). For what is passed on octet by octet.
//   level   the loudness of the whole packet tells its number modulo 32 (640 ms). Survives another codec, a mixer, base64.

import { aLawToLinear, linearToALaw, linearToMuLaw, muLawToLinear } from '../../media/g711.ts';
import { RTP_HEADER_BYTES, readUint32, writeUint32 } from '../../media/rtp.ts';

export const PAYLOAD_BYTES = 160;
export const LEVELS = 32;
/** µ-law octets of the levels lie so far apart that one step of another codec's rounding does no harm. */
const SPACING = 3;
const LOUDEST = 0x82;
/** The middle: a frame that is cut a little differently still tells its number. */
const PROBE = PAYLOAD_BYTES / 2;

export type Codec = 'PCMU' | 'PCMA';

function levelPayload(level: number, codec: Codec): Buffer {
  const loud = LOUDEST + SPACING * level;
  // The sign changes with each sample: no direct current, which a mixer or a codec might take away.
  const pair = [loud, loud & 0x7f].map((octet) => (codec === 'PCMU' ? octet : linearToALaw(muLawToLinear[octet]!)));
  return Buffer.from(Array.from({ length: PAYLOAD_BYTES }, (_, index) => pair[index % 2]!));
}

const each = <T>(make: (level: number) => T): T[] => Array.from({ length: LEVELS }, (_, level) => make(level));

/** Index: level. */
export const levelPayloads: Readonly<Record<Codec, readonly Buffer[]>> = {
  PCMU: each((level) => levelPayload(level, 'PCMU')),
  PCMA: each((level) => levelPayload(level, 'PCMA')),
};

const levelOf = (muLaw: number): number => {
  const level = Math.round(((muLaw | 0x80) - LOUDEST) / SPACING);
  return level >= 0 && level < LEVELS ? level : -1;
};
const octets = Array.from({ length: 256 }, (_, octet) => octet);
const tables: Readonly<Record<Codec, Int8Array>> = {
  PCMU: Int8Array.from(octets, levelOf),
  PCMA: Int8Array.from(octets, (octet) => levelOf(linearToMuLaw(aLawToLinear[octet]!))),
};

/** Level of a payload that begins at `start`; -1 for silence. */
export const readLevel = (bytes: Uint8Array, start: number, codec: Codec): number =>
  start + PROBE < bytes.length ? tables[codec][bytes[start + PROBE]!]! : -1;

/** The latest number not above `newest` that has this level. */
export const numberOfLevel = (level: number, newest: number): number => newest - ((newest - level) & (LEVELS - 1));

export function writeStamp(packet: Uint8Array, at: number, stream: number, number: number): void {
  writeUint32(packet, at, stream);
  writeUint32(packet, at + 4, number);
}

/** The stream that a stamped packet was sent by; 0 = none. */
export const stampedStream = (packet: Uint8Array): number =>
  packet.length < RTP_HEADER_BYTES + 8 ? 0 : readUint32(packet, RTP_HEADER_BYTES);
