// A fork: one track of an endpoint, sent frame by frame to the peer of another endpoint (session recording). The audio stays in the media
// plane: within one core it goes from endpoint to endpoint, between two through the ring. The peer gets a packet per tick, silence
// included, so that several forks of one endpoint keep their place to each other.
//
//   listeners of `from` ── frame per tick ──▶ packet ──▶ `to`                  one core
//                                                  └──▶ ring ══▶ │ inlet ──▶ `to`   two cores

import type { AudioTrack } from './engine-audio.ts';
import { encode } from './g711.ts';
import type { PacketBuffers } from './packet-buffers.ts';
import type { RelaySink } from './relay-sink.ts';
import { RTP_HEADER_BYTES, writeHeader } from './rtp.ts';
import { FRAME_SAMPLES } from './tone.ts';

export class Fork {
  readonly track: AudioTrack;
  readonly #number: number;
  readonly #sink: RelaySink;
  readonly #buffers: PacketBuffers;

  constructor(number: number, track: AudioTrack, sink: RelaySink, buffers: PacketBuffers) {
    this.#number = number;
    this.track = track;
    this.#sink = sink;
    this.#buffers = buffers;
  }

  /** 20 ms of the track. The numbers of the packet count ticks; who sends it on gives it its own. */
  give(frame: number, samples: Int16Array, nowMs: number): void {
    const packet = this.#buffers.next();
    const end = RTP_HEADER_BYTES + FRAME_SAMPLES;
    writeHeader(packet, 0, false, 0, frame & 0xffff, (frame * FRAME_SAMPLES) >>> 0, this.#number >>> 0);
    encode('PCMU', samples, packet.subarray(RTP_HEADER_BYTES, end));
    this.#sink.relay(packet, RTP_HEADER_BYTES, end, 'PCMU', nowMs);
  }
}
