// Audio of a peer that sends packets of another size than 20 ms (RFC 3551 4.2 lets it choose), as frames of 160 octets. The outlet
// makes one when the first such packet is to be sent on, so that the usual path has nothing of it. Pure: octets in, packets out.
//
//   30 ms in    │ s 7  t 0       │ s 8  t 240     │ lost           │ s 10 t 720     │
//   20 ms out   │ s 7 t 0  │ s 8 t 160 │ s 9 t 320 │ (silence) …     │              │   theirs in time, numbers without a gap
//
// Timestamps stay those of the peer, so that telephone events, which pass as they are, keep their place among the frames; only the
// sequence numbers are counted anew, from the first packet on. What came too late is left out: there is no jitter buffer here.

import type { AudioCodec } from '../sdp/plan.ts';
import type { SourceToken } from './outgoing-stream.ts';
import {
  RTP_HEADER_BYTES,
  readMarker,
  readSequence,
  readSsrc,
  readTimestamp,
  writeHeader,
  writeUint16,
} from './rtp.ts';
import { FRAME_SAMPLES } from './tone.ts';

/** A gap of up to one packet of 60 ms is filled with silence; a longer one is a pause of the peer, and begins a frame of its own. */
const FILL_MAX_SAMPLES = 480;
/** A timestamp further back than this is a restart of the sender, not a late packet. */
const LATE_MAX_SAMPLES = 8_000;
const SILENCE: Readonly<Record<AudioCodec, number>> = { PCMU: 0xff, PCMA: 0xd5 };

export class Reframer {
  readonly #token: SourceToken;
  readonly #ssrc: number;
  readonly #pending = new Uint8Array(FRAME_SAMPLES);
  /** Octets of `#pending` that are there, and their timestamp. */
  #filled = 0;
  #timestamp: number;
  #sequence: number;
  #hasMarker = false;
  #codec: AudioCodec = 'PCMU';
  /** Timestamp behind all that was taken. */
  #expected: number;
  // The packet that is being cut.
  #packet: Uint8Array = this.#pending;
  #at = 0;
  #end = 0;
  #silence = 0;

  /** `packet`: the first one; it is not taken yet. */
  constructor(token: SourceToken, packet: Uint8Array) {
    this.#token = token;
    this.#ssrc = readSsrc(packet);
    this.#sequence = readSequence(packet);
    this.#timestamp = readTimestamp(packet);
    this.#expected = this.#timestamp;
  }

  /** Whether this packet of this giver continues what is being cut. */
  isOf(token: SourceToken, packet: Uint8Array): boolean {
    return token === this.#token && readSsrc(packet) === this.#ssrc;
  }

  /** Takes the payload of a packet, which `next` then gives out. False when it came too late. The buffer is only read. */
  take(packet: Uint8Array, start: number, end: number, codec: AudioCodec): boolean {
    const timestamp = readTimestamp(packet);
    const gap = (timestamp - this.#expected) | 0;
    if (gap < 0 && gap > -LATE_MAX_SAMPLES) return false;
    const continues = this.#filled > 0 && codec === this.#codec && gap >= 0 && gap <= FILL_MAX_SAMPLES;
    if (!continues) {
      this.#filled = 0;
      this.#timestamp = timestamp;
    }
    this.#silence = continues ? gap : 0;
    this.#codec = codec;
    this.#hasMarker ||= readMarker(packet);
    this.#packet = packet;
    this.#at = start;
    this.#end = end;
    this.#expected = (timestamp + end - start) >>> 0;
    return true;
  }

  /** Writes the next whole frame as a packet of the peer's numbers; false when there is none before another `take`. */
  next(into: Uint8Array): boolean {
    while (this.#filled < FRAME_SAMPLES) {
      const room = FRAME_SAMPLES - this.#filled;
      if (this.#silence > 0) this.#silence -= this.#fill(Math.min(room, this.#silence));
      else if (this.#at < this.#end) this.#at += this.#copy(Math.min(room, this.#end - this.#at));
      else return false;
    }
    writeHeader(into, 0, this.#hasMarker, 0, this.#sequence, this.#timestamp, this.#ssrc);
    into.set(this.#pending, RTP_HEADER_BYTES);
    this.#filled = 0;
    this.#hasMarker = false;
    this.#timestamp = (this.#timestamp + FRAME_SAMPLES) >>> 0;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return true;
  }

  /** Gives a telephone event its number among the frames. */
  renumber(packet: Uint8Array): void {
    writeUint16(packet, 2, this.#sequence);
    this.#sequence = (this.#sequence + 1) & 0xffff;
  }

  #fill(count: number): number {
    this.#pending.fill(SILENCE[this.#codec], this.#filled, this.#filled + count);
    this.#filled += count;
    return count;
  }

  #copy(count: number): number {
    for (let index = 0; index < count; index++) this.#pending[this.#filled + index] = this.#packet[this.#at + index]!;
    this.#filled += count;
    return count;
  }
}
