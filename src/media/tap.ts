// A tap: copies tracks of an endpoint as PCMU, 20 ms each, to whoever listens in another thread. Bounded: what the listener has not
// taken yet is counted in shared memory; beyond the limit frames are left out and counted, the time goes on.

import { limits } from '../base/limits.ts';
import type { AudioEvent, AudioTrack, TapId } from './engine-audio.ts';
import type { EndpointId } from './engine-plays.ts';
import { encode } from './g711.ts';
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
  #firstFrame = -1;

  constructor(
    id: TapId,
    endpoint: EndpointId,
    tracks: readonly AudioTrack[],
    statistics: SlotStatistics,
    emit: (event: AudioEvent) => void,
  ) {
    this.id = id;
    this.#endpoint = endpoint;
    this.#tracks = tracks;
    this.#statistics = statistics;
    this.#emit = emit;
  }

  needs(track: AudioTrack): boolean {
    return this.#tracks.includes(track);
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
