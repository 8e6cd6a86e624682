// The shortest way through JavaScript for a steady bridge: what endpoint.ts, latching.ts, reception.ts, outlet.ts and outgoing-stream.ts
// do to a packet, for one that changes nothing of what they know, with one object for each direction in place of theirs. With many calls
// each packet finds all of it in no cache of the processor; so what it does not touch is what counts.
//
//   socket ─▶ ShortDirection: as described? ─yes─▶ header in place ─▶ the other socket, at the end of the turn
//                                     └─no──▶ the endpoint, as before
//
// SRTP is taken off and put on by the endpoints' own contexts: nothing is to be handed over when the bridge goes back.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { AudioCodec } from '../sdp/plan.ts';
import type { FastCount, FastDirection, FastDrop, FastPair, FastPath, FastRelay } from './fast-path.ts';
import { PacketBuffers } from './packet-buffers.ts';
import type { RelaySink } from './relay-sink.ts';
import { payloadStart, RTP_HEADER_BYTES, readTimestamp, writeUint16, writeUint32 } from './rtp.ts';
import { SRTP_REPLAYED, SRTP_UNAUTHENTICATED, type SrtpReceiver, type SrtpSender } from './srtp.ts';
import { FRAME_SAMPLES } from './tone.ts';
import { type PacketRelay, UdpMediaSocket } from './udp.ts';

/** RFC 3550 A.1: a jump further than this is a restart of the sender. */
const DROPOUT_MAX = 3_000;
const UNITS_PER_MS = 8;
/** Beyond a second it is a jump of the sender's timestamps, not jitter. */
const JITTER_MAX_UNITS = 1_000 * UNITS_PER_MS;
/** No payload type has this number. */
export const NO_TYPE = 255;
const PER_MS = limits.mediaPacketsPerSecond / 1_000;
const NO_DROPS: FastCount['drops'] = {};
const NOTHING_RECEIVED = { low: 0, high: 0 };

/** Places of the numbers that are no small integers: fields of an object would each be an object of their own. */
const at = {
  heardMs: 0,
  tokens: 1,
  refilledMs: 2,
  jitterUnits: 3,
  transit: 4,
  latestTimestamp: 5,
  bytes: 6,
  sentBytes: 7,
} as const;

export class ShortPath implements FastPath {
  readonly #clock: Clock;
  /** For plain packets that leave under SRTP: they have no room for its tag. */
  readonly #buffers = new PacketBuffers();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Nothing is received for the core here that it did not get at once. */
  settle(): void {}

  take({ directions }: FastPair): FastRelay | null {
    const [there, back] = directions;
    const { from, to } = there;
    const [first, second] = [from.socket, to.socket];
    if (!(first instanceof UdpMediaSocket && second instanceof UdpMediaSocket)) return null;
    // A bridge that was made before, and has not ended yet.
    if (first.relay || second.relay) return null;
    const ways = [
      new ShortDirection(sourceOf(there), first, this.#targetOf(there, second), this.#clock),
      new ShortDirection(sourceOf(back), second, this.#targetOf(back, first), this.#clock),
    ] as const;
    first.relay = ways[0];
    second.relay = ways[1];
    const counts = () => [ways[0].count(), ways[1].count()] as const;
    return {
      isShared: false,
      poll: counts,
      end: () => {
        first.relay = null;
        second.relay = null;
        return counts();
      },
    };
  }

  #targetOf(one: FastDirection, socket: UdpMediaSocket): ShortTarget {
    const { audio, telephoneEvent, translation, outgoingSsrc, sequenceOffset, timestampOffset, contexts } = one;
    return {
      ...{ socket, sink: null, codec: null, buffers: this.#buffers, sender: contexts.sender },
      ...{ address: one.to.remoteAddress, port: one.to.remotePort, baseSequence: one.baseSequence },
      ...{ audio: audio.out, event: telephoneEvent?.out ?? NO_TYPE, translation },
      ...{ outgoingSsrc, sequenceOffset, timestampOffset },
    };
  }
}

const sourceOf = ({ from, ssrc, audio, telephoneEvent, highestSequence, jitterUnits, contexts }: FastDirection) => ({
  ...{ port: from.remotePort, ssrc, audio: audio.in, event: telephoneEvent?.in ?? NO_TYPE },
  ...{ highestSequence, jitterUnits, receiver: contexts.receiver },
});

/** Whose packets, and how far they have come. */
export interface ShortSource {
  readonly port: number;
  readonly ssrc: number;
  /** Payload types; NO_TYPE: such packets are the endpoint's. */
  readonly audio: number;
  readonly event: number;
  readonly highestSequence: number;
  readonly jitterUnits: number;
  readonly receiver: SrtpReceiver | null;
}

/** Where they go: out of a socket with a new header, or as they are to a sink. */
export interface ShortTarget {
  readonly socket: UdpMediaSocket | null;
  readonly sink: RelaySink | null;
  /** What the sink is told of audio. */
  readonly codec: AudioCodec | null;
  readonly sender: SrtpSender | null;
  readonly address: string;
  readonly port: number;
  readonly audio: number;
  readonly event: number;
  readonly translation: Uint8Array | null;
  readonly outgoingSsrc: number;
  readonly baseSequence: number;
  readonly sequenceOffset: number;
  readonly timestampOffset: number;
  readonly buffers: PacketBuffers | null;
}

export class ShortDirection implements PacketRelay {
  readonly #from: UdpMediaSocket;
  readonly #to: UdpMediaSocket | null;
  readonly #sink: RelaySink | null;
  readonly #codec: AudioCodec | null;
  readonly #clock: Clock;
  readonly #buffers: PacketBuffers | null;
  readonly #receiver: SrtpReceiver | null;
  readonly #sender: SrtpSender | null;
  /** What SRTP has behind each packet that comes. */
  readonly #tagBytes: number;
  readonly #sourcePort: number;
  readonly #address: string;
  readonly #port: number;
  /** As 32 bits with a sign: comparing needs no number beyond the small ones. */
  readonly #ssrc: number;
  readonly #audioIn: number;
  readonly #audioOut: number;
  readonly #eventIn: number;
  readonly #eventOut: number;
  readonly #translation: Uint8Array | null;
  readonly #outgoingSsrc: number;
  readonly #sequenceOffset: number;
  readonly #timestampOffset: number;
  readonly #numbers = new Float64Array(8);
  #highest: number;
  #base: number;
  #received = 0;
  #late = 0;
  #tooMany = 0;
  readonly #refused = { authentication: 0, replay: 0, malformed: 0 };
  #sent = 0;
  #hasTransit = false;

  constructor(source: ShortSource, from: UdpMediaSocket, target: ShortTarget, clock: Clock) {
    this.#from = from;
    this.#clock = clock;
    this.#receiver = source.receiver;
    this.#tagBytes = source.receiver?.tagBytes ?? 0;
    this.#sourcePort = source.port;
    this.#ssrc = source.ssrc | 0;
    this.#audioIn = source.audio;
    this.#eventIn = source.event;
    this.#highest = source.highestSequence;
    this.#to = target.socket;
    this.#sink = target.sink;
    this.#codec = target.codec;
    this.#buffers = target.buffers;
    this.#sender = target.sender;
    this.#address = target.address;
    this.#port = target.port;
    this.#audioOut = target.audio;
    this.#eventOut = target.event;
    this.#translation = target.translation;
    this.#outgoingSsrc = target.outgoingSsrc;
    this.#sequenceOffset = target.sequenceOffset;
    this.#timestampOffset = target.timestampOffset;
    this.#base = target.baseSequence;
    this.#numbers[at.heardMs] = -1;
    this.#numbers[at.tokens] = limits.mediaPacketBurst;
    this.#numbers[at.refilledMs] = clock.now();
    this.#numbers[at.jitterUnits] = source.jitterUnits;
  }

  pass(packet: Buffer, port: number): boolean {
    // Too long for any buffer behind this: the endpoint counts it.
    if (packet.length > limits.mediaDatagramBytes) return false;
    const end = packet.length - this.#tagBytes;
    // Version 2 without padding, from whom it is described; the kernel has looked at the address: the socket is connected.
    if (end < RTP_HEADER_BYTES || (packet[0]! & 0xe0) !== 0x80 || port !== this.#sourcePort) return false;
    const second = packet[1]!;
    const isEvent = (second & 0x7f) === this.#eventIn;
    if ((!isEvent && (second & 0x7f) !== this.#audioIn) || (second >= 192 && second <= 223)) return false;
    if (((packet[8]! << 24) | (packet[9]! << 16) | (packet[10]! << 8) | packet[11]!) !== this.#ssrc) return false;
    const sequence = (packet[2]! << 8) | packet[3]!;
    const distance = ((sequence - this.#highest) << 16) >> 16;
    if (distance > DROPOUT_MAX || distance < -DROPOUT_MAX) return false;
    const start = (packet[0]! & 0x1f) === 0 ? RTP_HEADER_BYTES : payloadStart(packet, end);
    if (start < 0 || (!isEvent && end - start !== FRAME_SAMPLES)) return false;
    const nowMs = this.#clock.now();
    if (!this.#hasBudget(nowMs) || !this.#unprotect(packet)) return true;
    this.#count(packet, distance, sequence, end - start, isEvent, nowMs);
    if (isEvent) this.#from.copy(packet.subarray(0, end));
    if (this.#sink) this.#sink.relay(packet, start, end, isEvent ? null : this.#codec, nowMs);
    else this.#forward(packet, start, end, sequence, isEvent);
    return true;
  }

  #hasBudget(nowMs: number): boolean {
    const numbers = this.#numbers;
    const tokens = numbers[at.tokens]! + (nowMs - numbers[at.refilledMs]!) * PER_MS;
    numbers[at.refilledMs] = nowMs;
    numbers[at.tokens] = Math.min(tokens, limits.mediaPacketBurst);
    if (tokens < 1) {
      this.#tooMany += 1;
      return false;
    }
    numbers[at.tokens] = numbers[at.tokens]! - 1;
    return true;
  }

  #unprotect(packet: Buffer): boolean {
    const receiver = this.#receiver;
    const end = receiver ? receiver.unprotect(packet, packet.length) : 0;
    if (end >= 0) return true;
    if (end === SRTP_REPLAYED) this.#refused.replay += 1;
    else if (end === SRTP_UNAUTHENTICATED) this.#refused.authentication += 1;
    else this.#refused.malformed += 1;
    return false;
  }

  /** As reception.ts counts. */
  #count(
    packet: Buffer,
    distance: number,
    sequence: number,
    payloadBytes: number,
    isEvent: boolean,
    nowMs: number,
  ): void {
    const numbers = this.#numbers;
    const timestamp = readTimestamp(packet);
    if (this.#received === 0 || ((timestamp - numbers[at.latestTimestamp]!) | 0) > 0) {
      numbers[at.latestTimestamp] = timestamp;
    }
    this.#received += 1;
    numbers[at.bytes] = numbers[at.bytes]! + payloadBytes;
    numbers[at.heardMs] = nowMs;
    if (distance > 0) {
      this.#highest = sequence;
      if (((sequence - this.#base) << 16) >> 16 > DROPOUT_MAX) this.#base = (sequence - DROPOUT_MAX) & 0xffff;
    }
    // A.8: packets of one telephone event share a timestamp and say nothing about transit time.
    if (isEvent) return;
    const transit = (nowMs * UNITS_PER_MS - timestamp) % 0x1_0000_0000;
    const change = Math.abs(Math.round(transit - numbers[at.transit]!) | 0);
    if (this.#hasTransit && change < JITTER_MAX_UNITS) {
      numbers[at.jitterUnits] = numbers[at.jitterUnits]! + (change - numbers[at.jitterUnits]!) / 16;
    }
    this.#hasTransit = true;
    numbers[at.transit] = transit;
  }

  /** The new header stands right before the payload: CSRC list and extension are between the peer and us. */
  #forward(packet: Buffer, start: number, end: number, sequence: number, isEvent: boolean): void {
    if (((sequence - this.#base) << 16) >> 16 < 0) {
      this.#late += 1;
      return;
    }
    const translation = this.#translation;
    if (translation && !isEvent) {
      for (let index = start; index < end; index++) packet[index] = translation[packet[index]!]!;
    }
    const header = start - RTP_HEADER_BYTES;
    const timestamp = readTimestamp(packet);
    packet[header + 1] = (packet[1]! & 0x80) | (isEvent ? this.#eventOut : this.#audioOut);
    packet[header] = 0x80;
    writeUint16(packet, header + 2, sequence + this.#sequenceOffset);
    writeUint32(packet, header + 4, timestamp + this.#timestampOffset);
    writeUint32(packet, header + 8, this.#outgoingSsrc);
    if (!this.#send(packet, header, end)) {
      this.#late += 1;
      return;
    }
    this.#sent += 1;
    this.#numbers[at.sentBytes] = this.#numbers[at.sentBytes]! + end - start;
  }

  /** False: SRTP has no index for the packet, it came too late. */
  #send(packet: Buffer, from: number, end: number): boolean {
    const sender = this.#sender;
    let [out, first, last] = [packet, from, end];
    if (sender) {
      if (from > 0 || packet.length - end < sender.tagBytes) {
        out = this.#buffers!.next();
        packet.copy(out, 0, from, end);
        [first, last] = [0, end - from];
      }
      last = sender.protect(out, last);
      if (last < 0) return false;
    }
    const isWhole = first === 0 && last === out.length;
    this.#to!.sendSoon(isWhole ? out : out.subarray(first, last), this.#address, this.#port);
    return true;
  }

  count(): FastCount {
    const numbers = this.#numbers;
    const heardMs = numbers[at.heardMs]!;
    const progress = this.#receiver?.progress(this.#ssrc >>> 0);
    return {
      received: this.#received,
      receivedBytes: numbers[at.bytes]!,
      sent: this.#sent,
      sentBytes: numbers[at.sentBytes]!,
      silentMs: heardMs < 0 ? -1 : this.#clock.now() - heardMs,
      drops: this.#drops(),
      numbers: {
        highestSequence: this.#highest,
        latestTimestamp: numbers[at.latestTimestamp]!,
        jitterUnits: numbers[at.jitterUnits]!,
        receiveIndex: progress?.highest ?? -1,
        receiveWindow: progress ?? NOTHING_RECEIVED,
        sendIndex: this.#sender?.highestIndex ?? -1,
      },
    };
  }

  #drops(): Readonly<Partial<Record<FastDrop, number>>> {
    const { authentication, replay, malformed } = this.#refused;
    const total = this.#late + this.#tooMany + authentication + replay + malformed;
    return total === 0 ? NO_DROPS : { late: this.#late, rate: this.#tooMany, ...this.#refused };
  }
}
