// RTCP: builds our compound reports and reads the peer's (RFC 3550 6). The npm package rtp-packet is not used for it: its sender
// report takes no report blocks, its receiver report needs one, and it reads the cumulative loss as unsigned; it stays the
// oracle of the tests for the rest. All control traffic is our own towards each peer, nothing is relayed.
//
//   │ SR 200 or RR 201 (report block 0..1) │ SDES 202 CNAME │ BYE 203, when the endpoint closes │
//
//   ┌───┬─┬─────┬───────────────┬───────────────────────────────┐
//   │V=2│P│count│  packet type  │   length in 32-bit words − 1  │  then the sender's SSRC
//   └───┴─┴─────┴───────────────┴───────────────────────────────┘

import type { ReportBlock } from './reception.ts';
import { readUint32, writeUint16, writeUint32 } from './rtp.ts';

const SR = 200;
const RR = 201;
const SDES = 202;
const BYE = 203;
const CNAME_ITEM = 1;
const REPORT_BYTES = 24;
const SENDER_INFO_BYTES = 20;
/** Largest compound packet that writeCompound makes, CNAME of 32 octets. */
export const RTCP_BYTES_MAX = 8 + SENDER_INFO_BYTES + REPORT_BYTES + 8 + 36 + 8;
/** Packets read in one compound datagram. */
const COMPOUND_MAX = 16;
/** Seconds between 1900 (NTP) and 1970. */
const NTP_EPOCH_SECONDS = 2_208_988_800;

export interface SenderInfo {
  readonly wallMs: number;
  readonly rtpTimestamp: number;
  readonly packets: number;
  readonly octets: number;
}

export interface CompoundOptions {
  readonly ssrc: number;
  /** At most 32 ASCII characters. */
  readonly cname: string;
  /** null: we sent nothing since the last two reports, a receiver report it is (6.4). */
  readonly sender: SenderInfo | null;
  readonly report: ReportBlock | null;
  readonly bye: boolean;
}

/** Writes a compound packet into `out` (RTCP_BYTES_MAX at least) and returns its length. */
export function writeCompound(out: Uint8Array, options: CompoundOptions): number {
  let at = writeReport(out, options);
  const cname = options.cname.slice(0, 32);
  // 6.5: item list ends with a null octet, padded to a word.
  const chunkBytes = (4 + 2 + cname.length + 1 + 3) & ~3;
  out.fill(0, at, at + 4 + chunkBytes);
  writePacketHeader(out, at, 1, SDES, chunkBytes / 4);
  writeUint32(out, at + 4, options.ssrc);
  out[at + 8] = CNAME_ITEM;
  out[at + 9] = cname.length;
  for (let index = 0; index < cname.length; index++) out[at + 10 + index] = cname.charCodeAt(index);
  at += 4 + chunkBytes;
  if (!options.bye) return at;
  writePacketHeader(out, at, 1, BYE, 1);
  writeUint32(out, at + 4, options.ssrc);
  return at + 8;
}

function writeReport(out: Uint8Array, { ssrc, sender, report }: CompoundOptions): number {
  const words = 1 + (sender ? SENDER_INFO_BYTES / 4 : 0) + (report ? REPORT_BYTES / 4 : 0);
  writePacketHeader(out, 0, report ? 1 : 0, sender ? SR : RR, words);
  writeUint32(out, 4, ssrc);
  let at = 8;
  if (sender) {
    const seconds = sender.wallMs / 1_000 + NTP_EPOCH_SECONDS;
    writeUint32(out, at, Math.floor(seconds));
    writeUint32(out, at + 4, Math.floor((seconds % 1) * 0x1_0000_0000));
    writeUint32(out, at + 8, sender.rtpTimestamp);
    writeUint32(out, at + 12, sender.packets);
    writeUint32(out, at + 16, sender.octets);
    at += SENDER_INFO_BYTES;
  }
  if (!report) return at;
  writeUint32(out, at, report.ssrc);
  const lost = Math.max(-0x800000, Math.min(0x7fffff, report.cumulativeLost));
  writeUint32(out, at + 4, ((report.fractionLost << 24) | (lost & 0xffffff)) >>> 0);
  writeUint32(out, at + 8, report.highestSequence);
  writeUint32(out, at + 12, report.jitterUnits);
  writeUint32(out, at + 16, report.lastSenderReport);
  writeUint32(out, at + 20, report.delaySinceUnits);
  return at + REPORT_BYTES;
}

function writePacketHeader(out: Uint8Array, at: number, count: number, type: number, words: number): void {
  out[at] = 0x80 | count;
  out[at + 1] = type;
  writeUint16(out, at + 2, words);
}

/** Middle 32 bits of the NTP time: 16 bits of seconds, 16 of fraction. */
export function ntpMiddle(wallMs: number): number {
  const seconds = wallMs / 1_000 + NTP_EPOCH_SECONDS;
  return (((Math.floor(seconds) & 0xffff) << 16) | Math.floor((seconds % 1) * 0x10000)) >>> 0;
}

export interface RtcpSummary {
  readonly senderSsrc: number;
  /** Middle 32 bits of the NTP time of a sender report. */
  readonly senderReport: number | null;
  /** The block about `ourSsrc`, if there is one. */
  readonly report: ReportBlock | null;
  readonly bye: boolean;
}

/**
 * Reads a compound packet (plain, after SRTCP). Null when it is not valid by RFC 3550 A.2: version 2, an SR or RR in front,
 * lengths that add up. Unknown packet types are passed over.
 */
export function readCompound(packet: Uint8Array, end: number, ourSsrc: number): RtcpSummary | null {
  if (end < 8 || (packet[1] !== SR && packet[1] !== RR)) return null;
  let senderReport: number | null = null;
  let report: ReportBlock | null = null;
  let bye = false;
  let at = 0;
  for (let count = 0; at < end && count < COMPOUND_MAX; count++) {
    if (at + 4 > end || packet[at]! >> 6 !== 2) return null;
    const next = at + 4 + ((packet[at + 2]! << 8) | packet[at + 3]!) * 4;
    if (next > end) return null;
    const type = packet[at + 1];
    if (type === BYE) bye = true;
    if (type === SR && at + 8 + SENDER_INFO_BYTES <= next) {
      senderReport = ((readUint32(packet, at + 8) << 16) | (readUint32(packet, at + 12) >>> 16)) >>> 0;
    }
    if (type === SR || type === RR) {
      report ??= findReport(packet, at + 8 + (type === SR ? SENDER_INFO_BYTES : 0), next, packet[at]! & 0x1f, ourSsrc);
    }
    at = next;
  }
  return { senderSsrc: readUint32(packet, 4), senderReport, report, bye };
}

function findReport(
  packet: Uint8Array,
  start: number,
  end: number,
  count: number,
  ourSsrc: number,
): ReportBlock | null {
  for (let block = 0, at = start; block < count && at + REPORT_BYTES <= end; block++, at += REPORT_BYTES) {
    if (readUint32(packet, at) !== ourSsrc) continue;
    return {
      ssrc: ourSsrc,
      fractionLost: packet[at + 4]!,
      cumulativeLost: (readUint32(packet, at + 4) << 8) >> 8,
      highestSequence: readUint32(packet, at + 8),
      jitterUnits: readUint32(packet, at + 12),
      lastSenderReport: readUint32(packet, at + 16),
      delaySinceUnits: readUint32(packet, at + 20),
    };
  }
  return null;
}
