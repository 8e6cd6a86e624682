// One member of a mixer: takes what the endpoint's peer sends through a jitter buffer of its own and says, per frame of 20 ms, whether
// it speaks and what. Silence is found by its level, so that those who only listen cost the mix nothing.
//
//   endpoint ──packet──▶ jitter buffer ──20 ms──▶ decode, level ─┬─ speaks: its samples are in the sum
//            telephone event: a gap without sound                └─ silent: it is not added
//
// Muted members are not even decoded.

import type { AudioCodec } from '../sdp/plan.ts';
import type { Endpoint } from './endpoint.ts';
import { aLawToLinear, muLawToLinear } from './g711.ts';
import { JitterBuffer } from './jitter-buffer.ts';
import type { SourceToken } from './outgoing-stream.ts';
import type { RelaySink } from './relay-sink.ts';
import { readSequence, readSsrc, readTimestamp } from './rtp.ts';
import { FRAME_SAMPLES } from './tone.ts';

const NOTHING = new Uint8Array(0);
/** Samples kept of packets longer than a frame: 180 ms. */
const PENDING_SAMPLES = 1_440;
/** Mean magnitude of a frame below which it is silence: about -53 dBm0. */
const SILENCE_LEVEL = 32;
/** The end of a word is quieter than that: so long after the last loud frame it is still speech. */
const HANGOVER_FRAMES = 15;
/** Sound that comes along with a telephone event is the same press as a tone; so long after the event's last packet it is left out. */
const PRESS_MS = 60;
export const DEFAULT_JITTER_MS = 60;

/** A member as the cores know it: endpoints are numbers, which frames between workers can carry. */
export interface SeatOptions {
  readonly isHeard: boolean;
  readonly hears: boolean;
  readonly jitterMs: number;
  /** Seat of the only one who hears it; null: everybody. */
  readonly coaches: number | null;
}

export class MixerSeat {
  readonly seat: number;
  readonly endpoint: Endpoint;
  readonly token: SourceToken;
  /** What it says in this frame, when `speaks`. */
  readonly samples = new Int16Array(FRAME_SAMPLES);
  speaks = false;
  options: SeatOptions;
  readonly #sink: RelaySink;
  readonly #decoded = new Int16Array(PENDING_SAMPLES);
  #buffer: JitterBuffer;
  /** Decoded samples that no frame has taken yet. */
  #pending = 0;
  #ssrc = -1;
  #codec: AudioCodec = 'PCMU';
  #hangover = 0;
  #pressUntilMs = Number.NEGATIVE_INFINITY;

  constructor(seat: number, endpoint: Endpoint, options: SeatOptions, token: SourceToken) {
    this.seat = seat;
    this.endpoint = endpoint;
    this.token = token;
    this.options = options;
    this.#buffer = jitterBufferOf(options.jitterMs);
    this.#sink = { relay: (packet, start, end, codec, nowMs) => this.#take(packet, start, end, codec, nowMs) };
    endpoint.sink = this.#sink;
    endpoint.isMixed = options.hears;
  }

  /** Whether the endpoint still is ours: a bridge made later takes it over. */
  get isSeated(): boolean {
    return this.endpoint.sink === this.#sink;
  }

  update(options: SeatOptions): void {
    if (options.jitterMs !== this.options.jitterMs) this.#buffer = jitterBufferOf(options.jitterMs);
    // What was said before muting is not heard after it, nor what was said while muted.
    if (options.isHeard !== this.options.isHeard) this.#forget();
    this.options = options;
    if (this.isSeated) this.endpoint.isMixed = options.hears;
  }

  leave(): void {
    if (!this.isSeated) return;
    this.endpoint.sink = null;
    this.endpoint.isMixed = false;
  }

  /** Takes the next 20 ms out of the buffer: sets `speaks` and `samples`. */
  next(nowMs: number): void {
    this.speaks = false;
    if (!this.options.isHeard || !this.#fill(nowMs)) return;
    const count = Math.min(this.#pending, FRAME_SAMPLES);
    let level = 0;
    for (let index = 0; index < count; index++) {
      const sample = this.#decoded[index]!;
      this.samples[index] = sample;
      level += sample < 0 ? -sample : sample;
    }
    this.samples.fill(0, count);
    if (this.#pending > count) this.#decoded.copyWithin(0, count, this.#pending);
    this.#pending -= count;
    if (level > SILENCE_LEVEL * FRAME_SAMPLES) this.#hangover = HANGOVER_FRAMES;
    else if (this.#hangover > 0) this.#hangover -= 1;
    this.speaks = this.#hangover > 0 && nowMs >= this.#pressUntilMs;
  }

  /** Decodes until a frame is there; false when there is nothing at all. */
  #fill(nowMs: number): boolean {
    while (this.#pending < FRAME_SAMPLES) {
      const pulled = this.#buffer.pull(nowMs);
      if (pulled.kind !== 'packet') break;
      const { payload } = pulled;
      const table = this.#codec === 'PCMU' ? muLawToLinear : aLawToLinear;
      const count = Math.min(payload.length, PENDING_SAMPLES - this.#pending);
      for (let index = 0; index < count; index++) this.#decoded[this.#pending + index] = table[payload[index]!]!;
      this.#pending += count;
    }
    return this.#pending > 0;
  }

  #take(packet: Buffer, start: number, end: number, codec: AudioCodec | null, nowMs: number): void {
    if (codec === null) this.#pressUntilMs = nowMs + this.options.jitterMs + PRESS_MS;
    if (!this.options.isHeard) return;
    const ssrc = readSsrc(packet);
    if (ssrc !== this.#ssrc || (codec !== null && codec !== this.#codec)) {
      this.#ssrc = ssrc;
      this.#codec = codec ?? this.#codec;
      this.#forget();
    }
    const payload = codec === null ? NOTHING : packet.subarray(start, end);
    this.#buffer.push(readSequence(packet), readTimestamp(packet), payload, nowMs);
  }

  #forget(): void {
    this.#buffer.reset();
    this.#pending = 0;
    this.#hangover = 0;
  }
}

function jitterBufferOf(jitterMs: number): JitterBuffer {
  // Without a buffer a packet is mixed in the next tick; what comes late makes the delay a little longer, up to a frame.
  if (jitterMs <= 0) return new JitterBuffer({ startMs: 0, minMs: 0, maxMs: 20 });
  return new JitterBuffer({ startMs: jitterMs, minMs: jitterMs, maxMs: Math.max(100, jitterMs) });
}
