// One audio section of a description, read with the values of the session filled in: protocol, address, direction, payload types,
// keys. Says nothing about whether we want it: that is negotiate.ts. Pure.

import { err, ok, type Result } from '../base/result.ts';
import { type CryptoLine, parseCrypto } from './crypto.ts';
import {
  attributeValues,
  type Connection,
  connectionTo,
  hasAttribute,
  type MediaSection,
  type SessionDescription,
} from './parse.ts';
import { type AudioPayloads, audioPayloads } from './payloads.ts';
import type { MediaDirection, MediaPlan, NegotiationFailure } from './plan.ts';
import { PACKET_TIME_MS } from './serialize.ts';

const DIRECTIONS: readonly MediaDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
const PROTOCOLS = ['RTP/AVP', 'RTP/SAVP'] as const;
type Protocol = (typeof PROTOCOLS)[number];

export const refuse = (status: 415 | 488, reason: string, detail: string, errorCode?: number): NegotiationFailure => ({
  status,
  reason,
  errorCode,
  detail,
});
export const notAcceptable = (detail: string): NegotiationFailure => refuse(488, 'Not Acceptable Here', detail);

export const sends = (direction: MediaDirection): boolean => direction === 'sendrecv' || direction === 'sendonly';
export const receives = (direction: MediaDirection): boolean => direction === 'sendrecv' || direction === 'recvonly';
export const directionOf = (sending: boolean, receiving: boolean): MediaDirection =>
  sending ? (receiving ? 'sendrecv' : 'sendonly') : receiving ? 'recvonly' : 'inactive';

/** A section as far as we need it, session values filled in. */
export interface AudioSection {
  readonly section: MediaSection;
  readonly protocol: Protocol;
  readonly connection: Connection;
  /** As seen from who wrote it. */
  readonly direction: MediaDirection;
  readonly payloads: AudioPayloads;
  /** Usable a=crypto lines; none under RTP/AVP, whatever is written there. */
  readonly cryptos: readonly CryptoLine[];
}

const isProtocol = (text: string): text is Protocol => (PROTOCOLS as readonly string[]).includes(text);

/** RFC 4566 6: the media section's attribute, else the session's, else sendrecv. */
function writtenDirection(section: MediaSection, session: SessionDescription): MediaDirection {
  for (const attributes of [section.attributes, session.attributes]) {
    const name = attributes.find((attribute) => (DIRECTIONS as readonly string[]).includes(attribute.name))?.name;
    if (name !== undefined) return name as MediaDirection;
  }
  return 'sendrecv';
}

/** Reads an audio section that is switched on and has a protocol we speak; why not, otherwise. */
export function readAudio(
  section: MediaSection,
  session: SessionDescription,
): Result<AudioSection, NegotiationFailure> {
  if (section.kind !== 'audio') return err(notAcceptable(`no audio, but ${section.kind}`));
  if (section.port === 0) return err(notAcceptable('audio is switched off'));
  const { protocol } = section;
  if (!isProtocol(protocol)) return err(notAcceptable(`protocol ${protocol}`));
  const connection = section.connection ?? session.connection;
  if (!connection) return err(notAcceptable('no c= line'));
  if (connection.kind === 'unusable') return err(notAcceptable(`c= is no unicast address: ${connection.text}`));
  const written = writtenDirection(section, session);
  return ok({
    section,
    protocol,
    connection,
    // RFC 3264 8.4: an address of zeros is the old form of hold: nothing is to be sent there.
    direction: connection.kind === 'unspecified' ? directionOf(sends(written), false) : written,
    payloads: audioPayloads(section),
    cryptos:
      protocol === 'RTP/SAVP'
        ? attributeValues(section.attributes, 'crypto')
            .map(parseCrypto)
            .filter((line) => line !== undefined)
        : [],
  });
}

/** Where the peer wants RTP and RTCP. */
export function remoteOf(
  audio: AudioSection,
  isMuxOffered: boolean,
): Pick<MediaPlan, 'remoteAddress' | 'remotePort' | 'remoteRtcpPort' | 'rtcpMux' | 'packetTimeMs'> {
  const { port, attributes } = audio.section;
  // RFC 5761 5.1.1: an answer may only take up what was offered.
  const rtcpMux = isMuxOffered && hasAttribute(attributes, 'rtcp-mux');
  // RFC 3605: a port, with an address of its own at times; we send RTCP only to the address of the RTP.
  const named = /^(\d{1,5})(?:[ \t]+IN[ \t]+IP[46][ \t]+(\S+))?$/.exec(attributeValues(attributes, 'rtcp')[0] ?? '');
  const address = audio.connection.kind === 'address' ? audio.connection.address : null;
  const elsewhere = named?.[2] === undefined ? undefined : connectionTo(named[2]);
  const isSameAddress = elsewhere === undefined || (elsewhere.kind === 'address' && elsewhere.address === address);
  const namedPort = named && isSameAddress ? Number(named[1]) : 0;
  const rtcpPort = namedPort >= 1 && namedPort <= 65_535 ? namedPort : Math.min(65_535, port + 1);
  return {
    remoteAddress: address,
    remotePort: port,
    remoteRtcpPort: rtcpMux ? port : rtcpPort,
    rtcpMux,
    packetTimeMs: PACKET_TIME_MS,
  };
}
