// What one endpoint sends as one unbroken RTP stream, whoever gives the audio: SSRC for life, sequence numbers without a gap and
// timestamps that follow real time when the source changes (design.md 6). Pure: it computes header fields, the endpoint sends.
// A stream that begins with a relayed packet takes over its SSRC and numbers, so that a plain bridge changes no header. One that follows
// its sources does so whenever packets are relayed, and has an SSRC of its own for what is generated in between: for a fast path that
// can have plain bridges only.
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

/** How packets of one source are numbered anew: `theirs + offset`. */
export interface RelayNumbering {
  /** Of the source: highest sequence number so far, and the lowest that still has a number of ours. */
  readonly highestSequence: number;
  readonly baseSequence: number;
  readonly sequenceOffset: number;
  readonly timestampOffset: number;
}

export class OutgoingStream {
  #ssrc: number;
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
  #keepsOwn = false;
  readonly #follows: boolean;
  /** While a source's SSRC is in its place: our own, and how far its numbers got. */
  #own: {
    readonly ssrc: number;
    readonly highest: number;
    readonly latest: number;
    readonly latestAtMs: number;
  } | null = null;
  /** A fast path that does not look into packets has relayed since the last one that we saw. */
  #isEstimated = false;

  constructor(random: RandomSource, follows = false) {
    this.#follows = follows;
    const seed = random(12);
    this.#ssrc = seed.readUInt32BE(0);
    // RFC 3711 3.3.1: starting in the lower half keeps the first roll-over away from the first packets.
    this.#highest = seed.readUInt16BE(4) & 0x7fff;
    this.#latest = seed.readUInt32BE(8);
    this.sequence = this.#highest;
    this.timestamp = this.#latest;
  }

  get ssrc(): number {
    return this.#ssrc;
  }

  /** From now on no source's SSRC is taken over: its owner is who hears us (RFC 3550 8.2), or SRTP counts on our first numbers. */
  keepOwn(): void {
    this.#keepsOwn = true;
  }

  /** Timestamp that belongs to `nowMs`, for sender reports. */
  timestampAt(nowMs: number): number {
    return (this.#latest + Math.round((nowMs - this.#latestAtMs) * UNITS_PER_MS)) >>> 0;
  }

  /** The next packet of a source that gives one frame per tick. `frame` is the number of the tick. */
  generated(token: SourceToken, frame: number, nowMs: number): void {
    const isNew = token !== this.#token;
    this.#token = token;
    this.#returnToOwn();
    this.timestamp = this.#nextFrameTimestamp(frame, nowMs);
    this.marker = isNew || frame - this.#frame > 1;
    this.#frame = frame;
    this.#advance(nowMs);
  }

  /** The next packet of a telephone event that we make: all of one press have the timestamp of its start (RFC 4733 2.3). */
  generatedEvent(token: SourceToken, isStart: boolean, frame: number, nowMs: number): void {
    this.#token = token;
    this.#returnToOwn();
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
    const isOther = token !== this.#token || ssrc !== this.#theirSsrc;
    if (this.#isEstimated && !isOther) this.#correct(sequence);
    const distance = sequenceDistance(this.#theirHighest, sequence);
    const isNew = isOther || distance > DROPOUT_MAX || distance < -DROPOUT_MAX;
    if (isNew) this.#join(token, ssrc, sequence, timestamp, nowMs);
    else if (sequenceDistance(this.#theirBase, sequence) < 0) return false;
    else if (distance > 0) this.#advanceTheirs(sequence);
    this.sequence = (sequence + this.#sequenceOffset) & 0xffff;
    this.timestamp = (timestamp + this.#timestampOffset) >>> 0;
    this.marker = marker || isNew;
    this.#hasSent = true;
    this.#advanceTo(this.sequence, this.timestamp, nowMs);
    return true;
  }

  /** How the packets of `ssrc` of this giver are numbered; null while another one gives. */
  numbering(token: SourceToken, ssrc: number): RelayNumbering | null {
    if (token !== this.#token || ssrc !== this.#theirSsrc) return null;
    return {
      highestSequence: this.#theirHighest,
      baseSequence: this.#theirBase,
      sequenceOffset: this.#sequenceOffset,
      timestampOffset: this.#timestampOffset,
    };
  }

  /** A fast path has sent packets of the source as numbered, up to this sequence number and timestamp of the source. */
  passed(sequence: number, timestamp: number, atMs: number): void {
    if (sequenceDistance(this.#theirHighest, sequence) > 0) this.#advanceTheirs(sequence);
    this.#advanceTo((sequence + this.#sequenceOffset) & 0xffff, (timestamp + this.#timestampOffset) >>> 0, atMs);
  }

  /** The same where nothing is known but how many there were: numbers after it are beyond all that can have been sent. */
  passedUnseen(packets: number, nowMs: number): void {
    const frames = Math.max(packets, Math.ceil(((nowMs - this.#latestAtMs) * UNITS_PER_MS) / FRAME_SAMPLES));
    if (packets === 0) return;
    this.#isEstimated = true;
    this.#theirHighest = (this.#theirHighest + frames) & 0xffff;
    this.#theirBase = (this.#theirHighest - DROPOUT_MAX) & 0xffff;
    this.#advanceTo((this.#highest + frames) & 0xffff, (this.#latest + FRAME_SAMPLES * frames) >>> 0, nowMs);
  }

  /** The source is where it says, not where it was thought to be: it goes on with the same offsets. */
  #correct(sequence: number): void {
    this.#isEstimated = false;
    this.#theirHighest = sequence;
    this.#theirBase = (sequence - DROPOUT_MAX) & 0xffff;
  }

  #advanceTo(sequence: number, timestamp: number, atMs: number): void {
    if (sequenceDistance(this.#highest, sequence) > 0) this.#highest = sequence;
    if (((timestamp - this.#latest) | 0) > 0) {
      this.#latest = timestamp;
      this.#latestAtMs = atMs;
    }
    this.#frame = -1;
  }

  #join(token: SourceToken, ssrc: number, sequence: number, timestamp: number, nowMs: number): void {
    this.#token = token;
    this.#theirSsrc = ssrc;
    this.#theirBase = sequence;
    this.#theirHighest = sequence;
    this.#isEstimated = false;
    if (!this.#keepsOwn && (this.#follows || !this.#hasSent)) return this.#takeOver(ssrc, sequence, timestamp, nowMs);
    this.#sequenceOffset = (this.#highest + 1 - sequence) & 0xffff;
    this.#timestampOffset = (this.#elapsedTimestamp(nowMs) - timestamp) >>> 0;
  }

  #takeOver(ssrc: number, sequence: number, timestamp: number, nowMs: number): void {
    if (this.#follows) {
      this.#own ??= { ssrc: this.#ssrc, highest: this.#highest, latest: this.#latest, latestAtMs: this.#latestAtMs };
    }
    this.#ssrc = ssrc;
    this.#highest = (sequence - 1) & 0xffff;
    this.#latest = timestamp;
    this.#latestAtMs = nowMs;
    this.#sequenceOffset = 0;
    this.#timestampOffset = 0;
  }

  /** What is generated has a number space of its own: the source goes on in its own meanwhile. */
  #returnToOwn(): void {
    if (!this.#own || this.#keepsOwn) return;
    const { ssrc, highest, latest, latestAtMs } = this.#own;
    this.#own = null;
    this.#ssrc = ssrc;
    this.#highest = highest;
    this.#latest = latest;
    this.#latestAtMs = latestAtMs;
    this.#frame = -1;
  }

  /** The first number taken over loses its meaning as theirs move on: it follows at the distance of a restart. */
  #advanceTheirs(sequence: number): void {
    this.#theirHighest = sequence;
    // Below 0: a fast path went on by more than half the numbers.
    const distance = sequenceDistance(this.#theirBase, sequence);
    if (distance > DROPOUT_MAX || distance < 0) this.#theirBase = (sequence - DROPOUT_MAX) & 0xffff;
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
