// One direction pair of RTP at one side of a call: a prebuilt packet that is sent every 20 ms, and what is known of what comes back.
// Nothing is allocated per packet here.

import type { Socket } from 'node:dgram';
import { linearToALaw } from '../../media/g711.ts';
import {
  payloadStart,
  RTP_HEADER_BYTES,
  readSequence,
  readUint32,
  sequenceDistance,
  writeHeader,
  writeUint16,
  writeUint32,
} from '../../media/rtp.ts';
import { SRTP_TRAILER_BYTES, SrtpReceiver, SrtpSender } from '../../media/srtp.ts';
import type { Histogram } from './histogram.ts';
import { type Codec, LEVELS, levelPayloads, numberOfLevel, PAYLOAD_BYTES, readLevel, writeStamp } from './marks.ts';
import type { Place } from './protocol.ts';

export const FRAME_MS = 20;
/** Send times that are remembered: 5 s. A power of two. */
const REMEMBERED = 256;
const PAYLOAD_TYPES: Readonly<Record<Codec, number>> = { PCMU: 0, PCMA: 8 };

/** What a stream sends: numbered octets, levels, silence, or nothing; and how its numbers are read where they arrive. */
export type Voice = 'stamp' | 'level' | 'silence' | 'none';

export interface StreamOptions {
  readonly number: number;
  readonly socket: Socket;
  readonly remote: Place;
  readonly codec: Codec;
  readonly voice: Voice;
  /** Audio is sent to it all the time, so that what does not come is lost. */
  readonly isPlayedTo?: boolean;
  readonly keys?: StreamKeys | undefined;
}

/** Master keys of SRTP, AES_CM_128_HMAC_SHA1_80: what is sent, and what comes. */
export interface StreamKeys {
  readonly ours: Buffer;
  readonly theirs: Buffer;
}

const SUITE = 'AES_CM_128_HMAC_SHA1_80';

/** Sums over all streams while time is measured. */
export interface Tally {
  isMeasuring: boolean;
  received: number;
  readonly latency: Histogram;
  /** From WebSockets to phones. */
  readonly returned: Histogram;
}

export class Stream {
  readonly number: number;
  readonly remote: Place;
  readonly voice: Voice;
  readonly codec: Codec;
  readonly isPlayedTo: boolean;
  /** Whose packets arrive here; its own for an echo. */
  peer: Stream | undefined;
  /** What comes from a WebSocket in place of a peer. */
  talk: { readonly next: number; readonly sentAt: Float64Array } | undefined;
  /** Number of the next packet. */
  next = 0;
  readonly sentAt = new Float64Array(REMEMBERED);
  /** The numbers [first, end) were sent while time was measured. */
  first = 0;
  end = Number.MAX_SAFE_INTEGER;
  /** Of those numbers of the peer, how many came. */
  arrived = 0;
  /** Any packet while time was measured, and the gaps in their sequence numbers. */
  packets = 0;
  missing = 0;
  jitterMs = 0;
  readonly #socket: Socket;
  readonly #packet = Buffer.alloc(RTP_HEADER_BYTES + PAYLOAD_BYTES + SRTP_TRAILER_BYTES);
  readonly #plain: Buffer;
  readonly #sender: SrtpSender | undefined;
  readonly #receiver: SrtpReceiver | undefined;
  #lastSequence = -1;
  #lastArrived = -1;
  #lastTransit = Number.NaN;
  #lastArrival = Number.NaN;

  constructor({ number, socket, remote, codec, voice, isPlayedTo = false, keys }: StreamOptions) {
    this.isPlayedTo = isPlayedTo;
    this.number = number;
    this.remote = remote;
    this.codec = codec;
    this.voice = voice;
    this.#socket = socket;
    this.#sender = keys && new SrtpSender(SUITE, keys.ours);
    this.#receiver = keys && new SrtpReceiver(SUITE, keys.theirs);
    this.#plain = this.#packet.subarray(0, RTP_HEADER_BYTES + PAYLOAD_BYTES);
    // RFC 3550 5.1: SSRC and first numbers at random; here told from the number of the stream, which is as good for a test.
    const ssrc = (0x5eed_0000 + number * 2_654_435_761) >>> 0;
    writeHeader(this.#packet, 0, false, PAYLOAD_TYPES[codec], 0, 0, ssrc);
    this.#plain.fill(codec === 'PCMU' ? 0xff : linearToALaw(0), RTP_HEADER_BYTES);
  }

  /** Sends the next packet. */
  send(now: number): void {
    if (this.voice === 'none') return;
    const packet = this.#packet;
    const number = this.next++;
    writeUint16(packet, 2, number & 0xffff);
    writeUint32(packet, 4, (number * PAYLOAD_BYTES) >>> 0);
    if (this.voice === 'level') packet.set(levelPayloads[this.codec][number & (LEVELS - 1)]!, RTP_HEADER_BYTES);
    else if (this.voice === 'stamp') {
      // Encrypted in place: what was sent before is no longer in the buffer.
      if (this.#sender) packet.fill(0x55, RTP_HEADER_BYTES, RTP_HEADER_BYTES + PAYLOAD_BYTES);
      writeStamp(packet, RTP_HEADER_BYTES, this.number, number);
    }
    this.sentAt[number & (REMEMBERED - 1)] = now;
    if (this.#sender) {
      const end = this.#sender.protect(packet, RTP_HEADER_BYTES + PAYLOAD_BYTES);
      this.#socket.send(packet, 0, end, this.remote.port, this.remote.host);
    } else this.#socket.send(this.#plain, this.remote.port, this.remote.host);
  }

  /** RFC 4733: one digit, as seven packets of 20 ms and two more of its end. `packet` 0 to 8. */
  sendDigit(digit: number, packet: number): void {
    const bytes = Buffer.alloc(RTP_HEADER_BYTES + 4);
    const sequence = this.next++;
    const begin = (sequence - packet) * PAYLOAD_BYTES;
    writeHeader(bytes, 0, packet === 0, 101, sequence & 0xffff, begin >>> 0, readUint32(this.#packet, 8));
    const isEnd = packet >= 6;
    bytes[12] = digit;
    bytes[13] = (isEnd ? 0x80 : 0) | 10;
    writeUint16(bytes, 14, Math.min(packet + 1, 7) * PAYLOAD_BYTES);
    this.#socket.send(bytes, this.remote.port, this.remote.host);
  }

  /** A packet came. `bytes` is ours until the next one. */
  take(bytes: Buffer, now: number, tally: Tally): void {
    let length = bytes.length;
    if (this.#receiver) length = this.#receiver.unprotect(bytes, length);
    const start = length > 0 ? payloadStart(bytes, length) : -1;
    if (start < 0) return;
    this.#count(readSequence(bytes), now, tally);
    if (this.talk && tally.isMeasuring) this.#hear(this.talk, bytes, start, now, tally);
    const { peer } = this;
    if (!peer) return;
    const number = this.#numberIn(bytes, start, peer);
    if (number < 0 || number <= this.#lastArrived) return;
    this.#lastArrived = number;
    if (number < peer.first || number >= peer.end) return;
    const transit = now - peer.sentAt[number & (REMEMBERED - 1)]!;
    this.arrived++;
    tally.latency.add(transit);
    this.#jitter(transit);
  }

  #hear(
    talk: { readonly next: number; readonly sentAt: Float64Array },
    bytes: Buffer,
    start: number,
    now: number,
    tally: Tally,
  ): void {
    const level = readLevel(bytes, start, this.codec);
    const number = level < 0 ? -1 : numberOfLevel(level, talk.next - 1);
    if (number <= this.#lastArrived) return;
    this.#lastArrived = number;
    tally.returned.add(now - talk.sentAt[number & (REMEMBERED - 1)]!);
  }

  #numberIn(bytes: Buffer, start: number, peer: Stream): number {
    if (peer.voice === 'stamp') {
      return readUint32(bytes, start) === peer.number ? readUint32(bytes, start + 4) : -1;
    }
    const level = readLevel(bytes, start, this.codec);
    return level < 0 ? -1 : numberOfLevel(level, peer.next - 1);
  }

  #count(sequence: number, now: number, tally: Tally): void {
    if (tally.isMeasuring) {
      this.packets++;
      tally.received++;
      const step = this.#lastSequence < 0 ? 1 : sequenceDistance(this.#lastSequence, sequence);
      // More than a second is another stream's beginning, not a loss.
      if (step > 1 && step < 50) this.missing += step - 1;
      if (!this.peer && !Number.isNaN(this.#lastArrival))
        this.#jitter(now - this.#lastArrival - FRAME_MS + (this.#lastTransit || 0));
    }
    this.#lastSequence = sequence;
    this.#lastArrival = now;
  }

  /** RFC 3550 6.4.1: J += (|D| - J) / 16. */
  #jitter(transit: number): void {
    const difference = Math.abs(transit - this.#lastTransit);
    if (!Number.isNaN(difference)) this.jitterMs += (difference - this.jitterMs) / 16;
    this.#lastTransit = transit;
  }

  beginMeasure(): void {
    this.first = this.next;
    this.end = Number.MAX_SAFE_INTEGER;
    this.arrived = 0;
    this.packets = 0;
    this.missing = 0;
    this.jitterMs = 0;
    this.#lastTransit = Number.NaN;
    this.#lastArrival = Number.NaN;
    this.#lastSequence = -1;
  }

  endMeasure(): void {
    this.end = this.next;
  }
}
