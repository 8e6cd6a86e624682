// Session descriptions that we write: one shape for offers and answers (sip-interface.md 1.6). Pure; all text in it is ours, or
// was checked by parse.ts (kind, protocol and format of a refused media section; t=).

import { type CryptoLine, serializeCrypto } from './crypto.ts';
import type { CodecPayload } from './payloads.ts';
import type { AudioCodec, LocalMedia, MediaDirection } from './plan.ts';

/** Milliseconds of audio per packet, ours and what we ask for. */
export const PACKET_TIME_MS = 20;

export interface AudioLines {
  readonly protocol: 'RTP/AVP' | 'RTP/SAVP';
  readonly codecs: readonly CodecPayload[];
  readonly telephoneEvent: { readonly payloadType: number; readonly hasFlash: boolean } | null;
  readonly direction: MediaDirection;
  readonly rtcpMux: boolean;
  readonly crypto: CryptoLine | null;
  /** Of a description with several audio sections: the port of this one, and what names it elsewhere (RFC 4574). */
  readonly port?: number;
  readonly label?: string;
}

/** A media section of the offer that is refused: port 0 in the same place (RFC 3264 6). */
export interface RefusedSection {
  readonly kind: string;
  readonly protocol: string;
  readonly formats: readonly string[];
}

const CLOCK_RATES: Readonly<Record<AudioCodec, number>> = { PCMU: 8_000, PCMA: 8_000 };
const lineEnd = '\r\n';
const addressType = (address: string): string => (address.includes(':') ? 'IP6' : 'IP4');

function audioLines(port: number, audio: AudioLines): string[] {
  const { codecs, telephoneEvent, crypto } = audio;
  const types = codecs.map(({ payloadType }) => payloadType);
  if (telephoneEvent) types.push(telephoneEvent.payloadType);
  const lines = [`m=audio ${port} ${audio.protocol} ${types.join(' ')}`];
  for (const { payloadType, codec } of codecs) lines.push(`a=rtpmap:${payloadType} ${codec}/${CLOCK_RATES[codec]}`);
  if (telephoneEvent) {
    const { payloadType, hasFlash } = telephoneEvent;
    lines.push(`a=rtpmap:${payloadType} telephone-event/8000`, `a=fmtp:${payloadType} 0-${hasFlash ? 16 : 15}`);
  }
  lines.push(`a=ptime:${PACKET_TIME_MS}`, `a=maxptime:${PACKET_TIME_MS}`);
  if (audio.rtcpMux) lines.push('a=rtcp-mux');
  if (crypto) lines.push(`a=crypto:${serializeCrypto(crypto)}`);
  lines.push(`a=${audio.direction}`);
  if (audio.label !== undefined) lines.push(`a=label:${audio.label}`);
  return lines;
}

/** Writes a description; `sections` are in the order of the offer. Where several of them are our audio, each has a port of its own. */
export function serializeSdp(
  local: LocalMedia,
  version: number,
  timing: string,
  sections: readonly (AudioLines | RefusedSection)[],
): string {
  const network = `IN ${addressType(local.address)} ${local.address}`;
  const lines = [
    'v=0',
    `o=- ${local.sessionId} ${version} ${network}`,
    's=Hookswitch',
    `c=${network}`,
    `t=${timing}`,
    ...sections.flatMap((section) =>
      'codecs' in section
        ? audioLines(section.port ?? local.port, section)
        : [`m=${section.kind} 0 ${section.protocol} ${section.formats[0]}`],
    ),
  ];
  return lines.join(lineEnd) + lineEnd;
}
