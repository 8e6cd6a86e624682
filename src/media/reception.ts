// What RFC 3550 appendix A keeps about a received stream: highest sequence number with its cycles, losses (A.3), jitter (A.8) and
// what the last sender report said. One per endpoint; a new SSRC begins a new count, losses of former streams stay in the total.

import { readPayloadType, readSequence, readSsrc, readTimestamp, sequenceDistance } from './rtp.ts';
import { field, type SlotStatistics } from './statistics.ts';

/** RFC 3550 A.1: a jump further than this is a restart of the sender, not loss. */
const DROPOUT_MAX = 3_000;
const UNITS_PER_MS = 8;

export class Reception {
  ssrc = -1;
  /** Cycles · 2^16 + highest sequence number. */
  highest = 0;
  jitterUnits = 0;
  /** Payload type of the last packet of audio; -1: none came since it was set so. */
  audioType = -1;
  #base = 0;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #lostEarlier = 0;
  #transit: number | null = null;
  #senderReportMiddle = 0;
  #senderReportAtMs = -1;
  /** While others relay packets of this stream, and until the first one that comes here after that: gaps are theirs, no losses. */
  #hasUnseen: 'no' | 'now' | 'until then' = 'no';
  /** Packets in such gaps that they have not told of yet. */
  #ahead = 0;

  /** A fast path that tells of its packets late, and not of their numbers, shares this stream with us; or does no longer. */
  share(isShared: boolean): void {
    this.#hasUnseen = isShared ? 'now' : 'until then';
    this.#ahead = 0;
  }

  /** Counts one accepted packet. Amounts are plain numbers: nothing is allocated here. */
  count(ssrc: number, sequence: number, timestamp: number, nowMs: number, isAudio: boolean): void {
    if (ssrc !== this.ssrc) this.#restart(ssrc, sequence);
    const distance = sequenceDistance(this.highest & 0xffff, sequence);
    if (distance > DROPOUT_MAX || distance < -DROPOUT_MAX) this.#restart(ssrc, sequence);
    else if (distance > 0) this.#advance(distance);
    this.#received += 1;
    // A.8: packets of one telephone event share a timestamp and say nothing about transit time.
    if (!isAudio) return;
    const transit = (nowMs * UNITS_PER_MS - timestamp) % 0x1_0000_0000;
    if (this.#transit !== null) {
      const change = Math.abs(Math.round(transit - this.#transit) | 0);
      // Beyond a second it is a jump of the sender's timestamps (new source behind the same SSRC), not jitter.
      if (change < 1_000 * UNITS_PER_MS) this.jitterUnits += (change - this.jitterUnits) / 16;
    }
    this.#transit = transit;
  }

  /** Counts one accepted packet here and in the statistics. */
  countPacket(packet: Uint8Array, payloadBytes: number, isAudio: boolean, nowMs: number, to: SlotStatistics): void {
    this.count(readSsrc(packet), readSequence(packet), readTimestamp(packet), nowMs, isAudio);
    if (isAudio) this.audioType = readPayloadType(packet);
    to.add(field.packetsReceived, 1);
    to.add(field.bytesReceived, payloadBytes);
    this.#show(to);
  }

  /** Packets of the current stream that a fast path received. `numbers` null: none of them was lost, as far as it knows. */
  passed(packets: number, numbers: PassedNumbers | null, to: SlotStatistics): void {
    if (packets === 0) return;
    // What a gap has shown already is not counted again.
    const known = Math.min(packets, this.#ahead);
    this.#ahead -= known;
    this.#received += packets - known;
    const distance = numbers ? sequenceDistance(this.highest & 0xffff, numbers.highestSequence) : packets - known;
    if (distance > 0) this.highest += distance;
    if (numbers) this.jitterUnits = numbers.jitterUnits;
    this.#transit = null;
    this.#show(to);
  }

  #advance(distance: number): void {
    this.highest += distance;
    if (this.#hasUnseen === 'no') return;
    this.#received += distance - 1;
    if (this.#hasUnseen === 'now') this.#ahead += distance - 1;
    else this.#hasUnseen = 'no';
  }

  #show(to: SlotStatistics): void {
    to.set(field.packetsLost, this.lost);
    to.set(field.jitterMs, this.jitterUnits / UNITS_PER_MS);
  }

  /** A sender report came: `ntpMiddle` is the middle 32 bits of its NTP timestamp (6.4.1). */
  senderReport(ntpMiddle: number, nowMs: number): void {
    this.#senderReportMiddle = ntpMiddle;
    this.#senderReportAtMs = nowMs;
  }

  /** A.3: expected minus received over all streams, not below 0 (duplicates count as received). */
  get lost(): number {
    return this.#lostEarlier + Math.max(0, this.#expected - this.#received);
  }

  get hasStream(): boolean {
    return this.ssrc >= 0;
  }

  /** Report block for the current stream; the fraction covers the time since the last call (A.3). */
  report(nowMs: number): ReportBlock {
    const expected = this.#expected - this.#expectedBefore;
    const lost = expected - (this.#received - this.#receivedBefore);
    this.#expectedBefore = this.#expected;
    this.#receivedBefore = this.#received;
    const hasSenderReport = this.#senderReportAtMs >= 0;
    return {
      ssrc: this.ssrc,
      fractionLost: expected <= 0 || lost <= 0 ? 0 : Math.min(255, Math.floor((lost * 256) / expected)),
      cumulativeLost: this.#expected - this.#received,
      highestSequence: this.highest >>> 0,
      jitterUnits: Math.floor(this.jitterUnits) >>> 0,
      lastSenderReport: hasSenderReport ? this.#senderReportMiddle : 0,
      delaySinceUnits: hasSenderReport ? Math.round(((nowMs - this.#senderReportAtMs) * 65_536) / 1_000) >>> 0 : 0,
    };
  }

  get #expected(): number {
    return this.hasStream ? this.highest - this.#base + 1 : 0;
  }

  #restart(ssrc: number, sequence: number): void {
    this.#lostEarlier = this.lost;
    this.ssrc = ssrc;
    this.highest = sequence;
    this.#base = sequence;
    this.#received = 0;
    this.#ahead = 0;
    this.#expectedBefore = 0;
    this.#receivedBefore = 0;
    this.#transit = null;
    this.#senderReportAtMs = -1;
  }
}

/** How far a fast path got in a stream. */
interface PassedNumbers {
  readonly highestSequence: number;
  readonly jitterUnits: number;
}

/** RFC 3550 6.4.1, one reception report. */
export interface ReportBlock {
  readonly ssrc: number;
  /** 0 to 255: share · 256. */
  readonly fractionLost: number;
  /** Signed 24 bits. */
  readonly cumulativeLost: number;
  readonly highestSequence: number;
  readonly jitterUnits: number;
  /** Middle 32 bits of the last sender report's NTP time; 0 = none. */
  readonly lastSenderReport: number;
  /** 1/65,536 s. */
  readonly delaySinceUnits: number;
}
