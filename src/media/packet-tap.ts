// A tap on the packets of one endpoint, for captures: plain RTP as received and as sent, in batches. Bounded: an endpoint gives so many
// bytes and no more, what is beyond is counted. Without a tap nothing of this runs (endpoint.ts and outlet.ts look at one field).

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { payloadStart } from './rtp.ts';

export interface CaptureOptions {
  /** SRTP is captured too, in clear; otherwise nothing of an endpoint with SRTP is. */
  readonly decrypted: boolean;
  /** Digits stay in telephone events; otherwise each event is an unknown one. */
  readonly digits: boolean;
}

/** One packet of a batch: `data` from `at`, `length` bytes. */
export interface TappedPacket {
  readonly wallMs: number;
  readonly direction: 'in' | 'out';
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly at: number;
  readonly length: number;
}

export interface TappedBatch {
  readonly packets: readonly TappedPacket[];
  readonly data: Uint8Array;
  /** Packets that were over the limit since the last batch. */
  readonly dropped: number;
  /** The tap is gone after this one. */
  readonly isLast: boolean;
}

const BATCH_BYTES = 16_384;
/** RFC 4733 3.2: no event has this number. */
const NO_EVENT = 255;

export class PacketTap {
  readonly options: CaptureOptions;
  readonly #clock: Clock;
  readonly #emit: (batch: TappedBatch) => void;
  #data = new Uint8Array(BATCH_BYTES);
  #used = 0;
  #packets: TappedPacket[] = [];
  #dropped = 0;
  #total = 0;

  constructor(options: CaptureOptions, clock: Clock, emit: (batch: TappedBatch) => void) {
    this.options = options;
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Takes a copy of the plain packet from `start` to `end`. */
  take(
    direction: 'in' | 'out',
    packet: Uint8Array,
    start: number,
    end: number,
    isTelephoneEvent: boolean,
    remoteAddress: string,
    remotePort: number,
  ): void {
    const length = end - start;
    if (length > BATCH_BYTES || this.#total + length > limits.captureRtpBytesPerEndpoint) {
      this.#dropped++;
      return;
    }
    if (this.#used + length > BATCH_BYTES) this.flush();
    const at = this.#used;
    this.#data.set(packet.subarray(start, end), at);
    if (isTelephoneEvent && !this.options.digits) this.#hideDigit(at, length);
    this.#packets.push({ wallMs: this.#clock.wall(), direction, remoteAddress, remotePort, at, length });
    this.#used += length;
    this.#total += length;
  }

  #hideDigit(at: number, length: number): void {
    const packet = this.#data.subarray(at, at + length);
    const start = payloadStart(packet, length);
    if (start >= 0 && start < length) packet[start] = NO_EVENT;
  }

  /** Hands on what has come together: when the batch is full, twice a second, and at the end. */
  flush(isLast = false): void {
    if (!isLast && this.#packets.length === 0 && this.#dropped === 0) return;
    this.#emit({ packets: this.#packets, data: this.#data.slice(0, this.#used), dropped: this.#dropped, isLast });
    this.#packets = [];
    this.#used = 0;
    this.#dropped = 0;
  }
}
