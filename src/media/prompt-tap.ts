// A tap for those who answer while they listen (voice agents): a packet is handed on as it comes, without the wait of a jitter buffer. What
// comes too late is left out, what is lost is filled at once, and while nothing comes the ticks give silence, so that the time of the track
// keeps step with the clock.
//
//   packets   1  2     4     5 │  nothing for a while    │ 6 …        3 is lost: its place is filled when 4 comes
//   frames    1  2     2' 4  5 │ ·  silence · · · · · ·  │ 6 …        2': what was heard last, quieter

import type { AudioCodec } from '../sdp/plan.ts';
import type { AudioTrack } from './engine-audio.ts';
import { decode } from './g711.ts';
import { FRAME_SAMPLES } from './tone.ts';

const FRAME_MS = 20;
/** Longest packet that is decoded: 180 ms; a frame may wait before it. */
const PENDING_SAMPLES = 1_440 + FRAME_SAMPLES;
/** Frames that the track may be behind the clock before silence fills it, and ahead of it before packets are left out. */
const BEHIND_FRAMES = 3;
const AHEAD_FRAMES = 5;
/** More lost packets in a row are left to the clock. */
const FILLED_PACKETS = 3;

export type GiveFrame = (track: AudioTrack, samples: Int16Array, timestampMs: number) => void;

/** One track of one tap. */
export class PromptTrack {
  readonly #track: AudioTrack;
  readonly #give: GiveFrame;
  readonly #startMs: number;
  readonly #pending = new Int16Array(PENDING_SAMPLES);
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  #count = 0;
  #given = 0;
  #ssrc = -1;
  #sequence = 0;
  #packetSamples = FRAME_SAMPLES;

  constructor(track: AudioTrack, startMs: number, give: GiveFrame) {
    this.#track = track;
    this.#startMs = startMs;
    this.#give = give;
  }

  /** One packet; `codec` null: a telephone event, whose time the ticks fill with silence. */
  push(ssrc: number, sequence: number, payload: Uint8Array, codec: AudioCodec | null, nowMs: number): void {
    const distance = ((sequence - this.#sequence) << 16) >> 16;
    const isNew = ssrc !== this.#ssrc;
    // Older than what was given: too late, or twice.
    if (!isNew && distance <= 0) return;
    this.#ssrc = ssrc;
    this.#sequence = sequence;
    if (codec === null) return;
    if (!isNew && distance > 1 && distance <= FILLED_PACKETS + 1) this.#fill(distance - 1, nowMs);
    // A burst after a pause that was filled: the time is used up.
    if (this.#isAhead(nowMs)) return;
    this.#packetSamples = decode(codec, payload, this.#pending.subarray(this.#count));
    this.#count += this.#packetSamples;
    this.#giveFrames();
  }

  /** Silence where nothing came. Once per 20 ms. */
  tick(nowMs: number): void {
    while (this.#given < Math.floor((nowMs - this.#startMs) / FRAME_MS) - BEHIND_FRAMES) {
      this.#pending.fill(0, this.#count, this.#count + FRAME_SAMPLES);
      this.#count += FRAME_SAMPLES;
      this.#giveFrames();
    }
  }

  #isAhead(nowMs: number): boolean {
    return this.#given * FRAME_MS > nowMs - this.#startMs + AHEAD_FRAMES * FRAME_MS;
  }

  #fill(packets: number, nowMs: number): void {
    for (let packet = 0; packet < packets && !this.#isAhead(nowMs); packet++) {
      const length = Math.min(this.#packetSamples, this.#pending.length - this.#count);
      for (let index = 0; index < length; index++) {
        this.#pending[this.#count + index] = this.#frame[index % FRAME_SAMPLES]! >> (packet + 1);
      }
      this.#count += length;
      this.#giveFrames();
    }
  }

  #giveFrames(): void {
    let at = 0;
    for (; this.#count - at >= FRAME_SAMPLES; at += FRAME_SAMPLES) {
      this.#frame.set(this.#pending.subarray(at, at + FRAME_SAMPLES));
      this.#give(this.#track, this.#frame, this.#given * FRAME_MS);
      this.#given += 1;
    }
    this.#pending.copyWithin(0, at, this.#count);
    this.#count -= at;
  }
}
