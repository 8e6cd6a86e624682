// What one endpoint sends as one unbroken RTP stream, whoever gives the audio: SSRC for life, sequence numbers without a gap and
// timestamps that follow real time when the source changes (design.md 6). Pure: it computes header fields, the endpoint sends.
//
//   source        play           │ bridge: peer's own numbers  │ comfort
//   theirs                       │ seq 9000 9001 9003          │
//   sequence      41 42 43       │ 44 45 47   (9002 was lost)  │ 48 49
//   timestamp     + 160 each     │ + elapsed, then theirs      │ + elapsed, then 160 each
//   marker        M              │ M                           │ M

import type { RandomSource } from '../base/ids.ts';
import { sequenceDistance } from './rtp.ts';
import { FRAME_SAMPLES } from './tone.ts';

const UNITS_PER_MS = 8;
/** RFC 3550 A.1: a jump further than this is a restart of the sender. */
const DROPOUT_MAX = 3_000;

/** Names a giver of audio; another number than before is a change of source. */
export type SourceToken = number;

export class OutgoingStream {
  readonly ssrc: number;
  /** Fields of the packet to be sent, valid after a call that returned true. */
  sequence: number;
  timestamp: number;
  marker = false;

  #token: SourceToken = -1;
  #hasSent = false;
  /** Highest sequence number and latest timestamp sent, and when. */
  #highest: number;
  #latest: number;
  #latestAtMs = 0;
  /** Tick of the latest timestamp, or -1 when a relayed packet set it. */
  #frame = -1;
  #eventTimestamp = 0;
  // Relay: what is added to the peer's numbers.
  #theirSsrc = -1;
  #theirBase = 0;
  #theirHighest = 0;
  #sequenceOffset = 0;
  #timestampOffset = 0;

  constructor(random: RandomSource) {
    const seed = random(12);
    this.ssrc = seed.readUInt32BE(0);
    // RFC 3711 3.3.1: starting in the lower half keeps the first roll-over away from the first packets.
    this.#highest = seed.readUInt16BE(4) & 0x7fff;
    this.#latest = seed.readUInt32BE(8);
    this.sequence = this.#highest;
    this.timestamp = this.#latest;
  }

  /** Timestamp that belongs to `nowMs`, for sender reports. */
  timestampAt(nowMs: number): number {
    return (this.#latest + Math.round((nowMs - this.#latestAtMs) * UNITS_PER_MS)) >>> 0;
  }

  /** The next packet of a source that gives one frame per tick. `frame` is the number of the tick. */
  generated(token: SourceToken, frame: number, nowMs: number): void {
    const isNew = token !== this.#token;
    this.#token = token;
    this.timestamp = this.#nextFrameTimestamp(frame, nowMs);
    this.marker = isNew || frame - this.#frame > 1;
    this.#frame = frame;
    this.#advance(nowMs);
  }

  /** The next packet of a telephone event that we make: all of one press have the timestamp of its start (RFC 4733 2.3). */
  generatedEvent(token: SourceToken, isStart: boolean, frame: number, nowMs: number): void {
    this.#token = token;
    this.marker = isStart;
    if (isStart) {
      this.timestamp = this.#nextFrameTimestamp(frame, nowMs);
      this.#eventTimestamp = this.timestamp;
      this.#frame = frame;
      this.#advance(nowMs);
    } else {
      this.timestamp = this.#eventTimestamp;
      this.#nextSequence();
    }
  }

  /** A packet of another endpoint. False when it is from before the change of source: its number is taken. */
  relayed(
    token: SourceToken,
    ssrc: number,
    sequence: number,
    timestamp: number,
    marker: boolean,
    nowMs: number,
  ): boolean {
    const distance = sequenceDistance(this.#theirHighest, sequence);
    const isNew =
      token !== this.#token || ssrc !== this.#theirSsrc || distance > DROPOUT_MAX || distance < -DROPOUT_MAX;
    if (isNew) this.#join(token, ssrc, sequence, timestamp, nowMs);
    else if (sequenceDistance(this.#theirBase, sequence) < 0) return false;
    else if (distance > 0) this.#advanceTheirs(sequence);
    this.sequence = (sequence + this.#sequenceOffset) & 0xffff;
    this.timestamp = (timestamp + this.#timestampOffset) >>> 0;
    this.marker = marker || isNew;
    this.#hasSent = true;
    if (sequenceDistance(this.#highest, this.sequence) > 0) this.#highest = this.sequence;
    if (((this.timestamp - this.#latest) | 0) > 0) {
      this.#latest = this.timestamp;
      this.#latestAtMs = nowMs;
    }
    this.#frame = -1;
    return true;
  }

  #join(token: SourceToken, ssrc: number, sequence: number, timestamp: number, nowMs: number): void {
    this.#token = token;
    this.#theirSsrc = ssrc;
    this.#theirBase = sequence;
    this.#theirHighest = sequence;
    this.#sequenceOffset = (this.#highest + 1 - sequence) & 0xffff;
    this.#timestampOffset = (this.#elapsedTimestamp(nowMs) - timestamp) >>> 0;
  }

  /** The first number taken over loses its meaning as theirs move on: it follows at the distance of a restart. */
  #advanceTheirs(sequence: number): void {
    this.#theirHighest = sequence;
    if (sequenceDistance(this.#theirBase, sequence) > DROPOUT_MAX) this.#theirBase = (sequence - DROPOUT_MAX) & 0xffff;
  }

  #nextFrameTimestamp(frame: number, nowMs: number): number {
    if (this.#frame < 0) return this.#elapsedTimestamp(nowMs);
    return (this.#latest + FRAME_SAMPLES * Math.max(1, frame - this.#frame)) >>> 0;
  }

  #elapsedTimestamp(nowMs: number): number {
    if (!this.#hasSent) return this.#latest;
    const elapsed = Math.round((nowMs - this.#latestAtMs) * UNITS_PER_MS);
    return (this.#latest + Math.max(FRAME_SAMPLES, elapsed)) >>> 0;
  }

  #advance(nowMs: number): void {
    this.#latest = this.timestamp;
    this.#latestAtMs = nowMs;
    this.#nextSequence();
  }

  #nextSequence(): void {
    this.#highest = (this.#highest + 1) & 0xffff;
    this.sequence = this.#highest;
    this.#hasSent = true;
  }
}
