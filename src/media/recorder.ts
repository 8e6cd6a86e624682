// Records what a peer sends: packets go through a jitter buffer, one frame per tick is taken out, decoded and written. What was lost
// or never came is silence, so that the file lasts as long as the recording did.

import { limits } from '../base/limits.ts';
import { ok, type Result } from '../base/result.ts';
import type { AudioCodec } from '../sdp/plan.ts';
import { decode } from './g711.ts';
import { JitterBuffer } from './jitter-buffer.ts';
import { FRAME_SAMPLES } from './tone.ts';
import { openWavFile, type WavWriter } from './wav-writer.ts';

const NOTHING = new Uint8Array(0);
/** Samples kept of packets longer than a frame: 180 ms. */
const PENDING_SAMPLES = 1_440;

/** Opens a recording to `file`; the error text is the operating system's. */
export function openRecorder(file: string): Result<Recorder, string> {
  const writer = openWavFile(file);
  return writer.ok ? ok(new Recorder(file, writer.value)) : writer;
}

export class Recorder {
  readonly file: string;
  readonly #writer: WavWriter;
  readonly #buffer = new JitterBuffer();
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  readonly #decoded = new Int16Array(PENDING_SAMPLES);
  /** Decoded samples that no frame has taken yet. */
  #pending = 0;
  #ssrc = -1;
  #codec: AudioCodec = 'PCMU';

  constructor(file: string, writer: WavWriter) {
    this.file = file;
    this.#writer = writer;
  }

  get durationMs(): number {
    return this.#writer.durationMs;
  }

  get failure(): string | null {
    return this.#writer.failure;
  }

  /** True when the file is as long as it may be, or cannot be written: it is to be stopped. */
  get isFinished(): boolean {
    return this.#writer.failure !== null || this.#writer.durationMs >= limits.recordingMs;
  }

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
      this.#buffer.reset();
    }
    if (codec) this.#codec = codec;
    this.#buffer.push(sequence, timestamp, codec ? payload : NOTHING, nowMs);
  }

  /** Writes the next 20 ms. */
  tick(nowMs: number): void {
    while (this.#pending < FRAME_SAMPLES) {
      const pulled = this.#buffer.pull(nowMs);
      if (pulled.kind !== 'packet') break;
      this.#pending += decode(this.#codec, pulled.payload, this.#decoded.subarray(this.#pending));
    }
    const count = Math.min(this.#pending, FRAME_SAMPLES);
    this.#frame.set(this.#decoded.subarray(0, count));
    this.#frame.fill(0, count);
    this.#decoded.copyWithin(0, count, this.#pending);
    this.#pending -= count;
    this.#writer.write(this.#frame);
  }

  close(): void {
    this.#writer.close();
  }
}
