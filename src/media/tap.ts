// A tap: copies tracks of an endpoint as PCMU, 20 ms each, to whoever listens in another thread, steadily or promptly (engine-audio.ts). Bounded: what the listener has not
// taken yet is counted in shared memory; beyond the limit frames are left out and counted, the time goes on.

import { limits } from '../base/limits.ts';
import type { AudioCodec } from '../sdp/plan.ts';
import type { AudioEvent, AudioTrack, TapId, TapPace } from './engine-audio.ts';
import type { EndpointId } from './engine-plays.ts';
import { encode } from './g711.ts';
import { PromptTrack } from './prompt-tap.ts';
import { drop, field, type SlotStatistics } from './statistics.ts';
import { FRAME_SAMPLES } from './tone.ts';
import type { TrackFrame } from './track-reader.ts';

const FRAME_MS = 20;

export class Tap {
  readonly id: TapId;
  readonly #endpoint: EndpointId;
  readonly #tracks: readonly AudioTrack[];
  readonly #statistics: SlotStatistics;
  readonly #emit: (event: AudioEvent) => void;
  /** Of a prompt tap. */
  readonly #prompt: readonly PromptTrack[];
  readonly #byTrack: { readonly inbound: PromptTrack | undefined; readonly outbound: PromptTrack | undefined };
  #firstFrame = -1;

  constructor(
    id: TapId,
    endpoint: EndpointId,
    tracks: readonly AudioTrack[],
    statistics: SlotStatistics,
    emit: (event: AudioEvent) => void,
    pace: TapPace,
    nowMs: number,
  ) {
    this.id = id;
    this.#endpoint = endpoint;
    this.#tracks = tracks;
    this.#statistics = statistics;
    this.#emit = emit;
    const promptTrack = (track: AudioTrack): PromptTrack | undefined =>
      pace === 'prompt' && tracks.includes(track)
        ? new PromptTrack(track, nowMs, (of, samples, timestampMs) => this.#give(of, samples, timestampMs))
        : undefined;
    this.#byTrack = { inbound: promptTrack('inbound'), outbound: promptTrack('outbound') };
    this.#prompt = Object.values(this.#byTrack).filter((track) => track !== undefined);
  }

  /** Packets are given to it as they come; else frames, tick by tick. */
  get isPrompt(): boolean {
    return this.#prompt.length > 0;
  }

  /** A packet of a track, for a prompt tap. */
  push(
    track: AudioTrack,
    ssrc: number,
    sequence: number,
    payload: Uint8Array,
    codec: AudioCodec | null,
    nowMs: number,
  ): void {
    this.#byTrack[track]?.push(ssrc, sequence, payload, codec, nowMs);
  }

  /** A prompt tap fills what did not come. */
  tick(nowMs: number): void {
    for (const track of this.#prompt) track.tick(nowMs);
  }

  /** Whether it wants the frames of a track. */
  needs(track: AudioTrack): boolean {
    return !this.isPrompt && this.#tracks.includes(track);
  }

  /** The frames of tick number `frame`. */
  take(frame: number, inbound: TrackFrame | null, outbound: TrackFrame | null): void {
    if (this.#firstFrame < 0) this.#firstFrame = frame;
    const timestampMs = (frame - this.#firstFrame) * FRAME_MS;
    for (const track of this.#tracks) {
      const given = track === 'inbound' ? inbound : outbound;
      if (given) this.#give(track, given.samples, timestampMs);
    }
  }

  #give(track: AudioTrack, samples: Int16Array, timestampMs: number): void {
    const statistics = this.#statistics;
    if (statistics.get(field.tapFramesGiven) - statistics.get(field.tapFramesTaken) >= limits.tapFramesWaiting) {
      return statistics.add(drop.tap, 1);
    }
    statistics.add(field.tapFramesGiven, 1);
    const payload = new Uint8Array(FRAME_SAMPLES);
    encode('PCMU', samples, payload);
    this.#emit({ type: 'audio', endpoint: this.#endpoint, tap: this.id, track, payload, timestampMs });
  }
}
