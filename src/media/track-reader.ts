// One track of an endpoint as frames of 20 ms: packets go through a jitter buffer, one frame per tick comes out, decoded, in order and
// paced, whatever the packets' size and codec. Made only while somebody listens (listeners.ts, mixers).
//
//   packets   │1│2│ │4│   (3 is lost)   telephone event: counted as there, without sound
//   frames    │1│2│2'│4│                2': what was heard last, quieter; silence after 60 ms of it

import type { AudioCodec } from '../sdp/plan.ts';
import { decode } from './g711.ts';
import { JitterBuffer } from './jitter-buffer.ts';
import { FRAME_SAMPLES } from './tone.ts';

const NOTHING = new Uint8Array(0);
/** Longest packet that the jitter buffer keeps: 180 ms; one frame may wait before it. */
const PENDING_SAMPLES = 1_440 + FRAME_SAMPLES;
/** How long what was heard last stands in for what is lost. */
const CONCEALED_SAMPLES = 480;

/** 20 ms of a track. */
export interface TrackFrame {
  readonly samples: Int16Array;
  /** `lost`: its packet is missing, `samples` stand in for it. `empty`: nothing was sent (or has come yet), `samples` are silence. */
  readonly state: 'audio' | 'lost' | 'empty';
}

export class TrackReader implements TrackFrame {
  /** The frame of the last `read`. */
  readonly samples = new Int16Array(FRAME_SAMPLES);
  state: TrackFrame['state'] = 'empty';
  readonly #buffer = new JitterBuffer();
  readonly #pending = new Int16Array(PENDING_SAMPLES);
  /** Samples in `#pending` that no frame has taken yet. */
  #count = 0;
  #packetSamples = FRAME_SAMPLES;
  #concealed = 0;
  #ssrc = -1;
  #codec: AudioCodec = 'PCMU';
  /** The codec before it, which packets of an earlier timestamp than this one have: some still wait. */
  #formerCodec: AudioCodec = 'PCMU';
  #codecSince = 0;

  /** One packet; the payload is copied. `codec` null: a telephone event, which is silence here. */
  push(
    ssrc: number,
    sequence: number,
    timestamp: number,
    payload: Uint8Array,
    codec: AudioCodec | null,
    nowMs: number,
  ): void {
    if (ssrc !== this.#ssrc) {
      this.#ssrc = ssrc;
      this.#formerCodec = this.#codec;
      this.#buffer.reset();
    }
    if (codec && codec !== this.#codec) {
      this.#formerCodec = this.#codec;
      this.#codec = codec;
      this.#codecSince = timestamp;
    }
    this.#buffer.push(sequence, timestamp, codec ? payload : NOTHING, nowMs);
  }

  /** Takes the next 20 ms into `samples`. To be called once per tick. */
  read(nowMs: number): void {
    let state: TrackFrame['state'] = this.#count > 0 ? 'audio' : 'empty';
    while (this.#count < FRAME_SAMPLES) {
      const pulled = this.#buffer.pull(nowMs);
      if (pulled.kind === 'empty') break;
      if (pulled.kind === 'packet') {
        this.#decode(pulled.payload, pulled.timestamp);
        state = 'audio';
      } else {
        this.#conceal();
        if (state === 'empty') state = 'lost';
      }
    }
    const taken = Math.min(this.#count, FRAME_SAMPLES);
    this.samples.set(this.#pending.subarray(0, taken));
    this.samples.fill(0, taken);
    this.#pending.copyWithin(0, taken, this.#count);
    this.#count -= taken;
    this.state = state;
  }

  #decode(payload: Uint8Array, timestamp: number): void {
    const codec = ((timestamp - this.#codecSince) | 0) < 0 ? this.#formerCodec : this.#codec;
    this.#packetSamples = decode(codec, payload, this.#pending.subarray(this.#count));
    this.#count += this.#packetSamples;
    this.#concealed = 0;
  }

  /** One packet's worth in place of a lost one: the frame before it at half its level, half again for each further one. */
  #conceal(): void {
    const length = Math.min(this.#packetSamples, this.#pending.length - this.#count);
    const isAudible = this.#concealed < CONCEALED_SAMPLES;
    for (let index = 0; index < length; index++) {
      // `samples` still holds the frame before.
      this.#pending[this.#count + index] = isAudible ? this.samples[index % FRAME_SAMPLES]! >> 1 : 0;
    }
    this.#count += length;
    this.#concealed += length;
  }
}
