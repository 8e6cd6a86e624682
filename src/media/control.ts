// The RTCP side of one endpoint: when a report is due (RFC 3550 6.2: five seconds, randomised), what it says, and what the peer's
// reports tell. Sends through a function of the endpoint, which knows sockets and keys.

import type { RandomSource } from '../base/ids.ts';
import type { OutgoingStream } from './outgoing-stream.ts';
import type { Reception } from './reception.ts';
import { ntpMiddle, type RtcpSummary, readCompound, writeCompound } from './rtcp.ts';
import { field, type SlotStatistics } from './statistics.ts';

const REPORT_MS = 5_000;

export class ControlSession {
  readonly #stream: OutgoingStream;
  readonly #reception: Reception;
  readonly #statistics: SlotStatistics;
  readonly #random: RandomSource;
  readonly #cname: string;
  #dueAtMs: number;
  /** Packets sent at the time of the last report and of the one before: 6.4, a sender is who sent since then. */
  #sentAtLast = 0;
  #sentBeforeLast = 0;

  constructor(
    stream: OutgoingStream,
    reception: Reception,
    statistics: SlotStatistics,
    random: RandomSource,
    nowMs: number,
  ) {
    this.#stream = stream;
    this.#reception = reception;
    this.#statistics = statistics;
    this.#random = random;
    // RFC 7022 4.2: 96 random bits, for this session only.
    this.#cname = random(12).toString('base64');
    // 6.2: the first interval is half as long.
    this.#dueAtMs = nowMs + this.#interval() / 2;
  }

  /** Writes the report that is due into `out` and returns its length, 0 when none is. */
  poll(out: Uint8Array, nowMs: number, wallMs: number): number {
    if (nowMs < this.#dueAtMs) return 0;
    this.#dueAtMs = nowMs + this.#interval();
    return this.#write(out, nowMs, wallMs, false);
  }

  /** The last report, with BYE; 0 when nothing was ever sent (6.3.7). */
  bye(out: Uint8Array, nowMs: number, wallMs: number): number {
    if (this.#statistics.get(field.packetsSent) === 0) return 0;
    return this.#write(out, nowMs, wallMs, true);
  }

  /** A plain compound packet of the peer. False when it is not valid. */
  receive(packet: Uint8Array, end: number, nowMs: number, wallMs: number): boolean {
    const summary = readCompound(packet, end, this.#stream.ssrc);
    if (!summary) return false;
    if (summary.senderReport !== null && summary.senderSsrc === this.#reception.ssrc) {
      this.#reception.senderReport(summary.senderReport, nowMs);
    }
    this.#learn(summary, wallMs);
    return true;
  }

  #learn({ report }: RtcpSummary, wallMs: number): void {
    if (!report) return;
    this.#statistics.set(field.remotePacketsLost, Math.max(0, report.cumulativeLost));
    if (report.lastSenderReport === 0) return;
    // 6.4.1: arrival minus last report minus the peer's delay, in 1/65,536 s; below 0 or above 8 s it is a broken clock.
    const units = (ntpMiddle(wallMs) - report.lastSenderReport - report.delaySinceUnits) | 0;
    if (units >= 0 && units < 8 * 65_536) this.#statistics.set(field.roundTripMs, (units * 1_000) / 65_536);
  }

  #write(out: Uint8Array, nowMs: number, wallMs: number, bye: boolean): number {
    const packets = this.#statistics.get(field.packetsSent);
    const isSender = packets > this.#sentBeforeLast;
    this.#sentBeforeLast = this.#sentAtLast;
    this.#sentAtLast = packets;
    const octets = this.#statistics.get(field.bytesSent);
    const rtpTimestamp = this.#stream.timestampAt(nowMs);
    return writeCompound(out, {
      ssrc: this.#stream.ssrc,
      cname: this.#cname,
      sender: isSender ? { wallMs, rtpTimestamp, packets: packets % 2 ** 32, octets: octets % 2 ** 32 } : null,
      report: this.#reception.hasStream ? this.#reception.report(nowMs) : null,
      bye,
    });
  }

  #interval(): number {
    return REPORT_MS * (0.5 + this.#random(2).readUInt16BE(0) / 0x10000);
  }
}
