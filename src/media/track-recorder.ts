// One recording: takes the frames of an endpoint (or of a mixer) tick by tick and writes a WAVE file. It lasts as long as the recording
// did: what was lost, and ticks that a busy thread left out, are in it as silence. Knows nothing of packets.
//
//   frame      │ in: audio │ in: lost │ pause: silence │ pause: skip │ in: audio │
//   file       │ inbound   │ stand-in │ silence        │             │ inbound   │      one channel: the sum of both tracks

import { limits } from '../base/limits.ts';
import type { RecordingId, RecordingOptions, RecordingResult } from './engine-audio.ts';
import { QueuedFile } from './queued-file.ts';
import { SealedSink } from './sealed-file.ts';
import { SpeechActivity } from './speech-activity.ts';
import { FRAME_SAMPLES, SAMPLE_RATE } from './tone.ts';
import type { TrackFrame } from './track-reader.ts';
import { WAV_HEADER_BYTES, WAV_PATCH_MS, type WavSink, WavWriter } from './wav-writer.ts';

const FRAME_MS = 20;
/** A thread that stood still longer than this is not made up for. */
const MADE_UP_FRAMES = 500;

const SILENCE: TrackFrame = { samples: new Int16Array(FRAME_SAMPLES), state: 'empty' };

/** The writer appends whole seconds, which are the pieces of an encrypted file. */
function sealed(file: WavSink, key: Uint8Array | undefined, channels: 1 | 2): WavSink {
  const pieceBytes = SAMPLE_RATE * 2 * channels;
  return key ? new SealedSink(file, key, { headBytes: WAV_HEADER_BYTES, pieceBytes }) : file;
}

export class TrackRecorder {
  readonly id: RecordingId;
  readonly #options: RecordingOptions;
  readonly #file: QueuedFile;
  readonly #writer: WavWriter;
  readonly #out: Int16Array;
  readonly #activities: readonly SpeechActivity[];
  readonly #maxDurationMs: number;
  #pause: 'silence' | 'skip' | null = null;
  #lastFrame = -1;
  #firstSpeechMs = -1;
  #lastSpeechMs = -1;

  constructor(id: RecordingId, options: RecordingOptions) {
    this.id = id;
    this.#options = options;
    this.#file = new QueuedFile(options.file);
    const channels = options.track === 'both' ? options.channels : 1;
    this.#writer = new WavWriter(sealed(this.#file, options.key, channels), channels);
    this.#out = new Int16Array(FRAME_SAMPLES * channels);
    this.#activities = [new SpeechActivity(), new SpeechActivity()];
    const { maxDurationMs } = options;
    this.#maxDurationMs = maxDurationMs >= 0 ? Math.min(maxDurationMs, limits.recordingMs) : limits.recordingMs;
  }

  /** True when the file is as long as it may be, or cannot be written: it is to be closed. */
  get isFinished(): boolean {
    return this.#failure !== null || this.#writer.durationMs >= this.#maxDurationMs;
  }

  get #failure(): string | null {
    return this.#writer.failure ?? this.#file.failure;
  }

  needs(track: 'inbound' | 'outbound'): boolean {
    return this.#options.track === 'both' || this.#options.track === track;
  }

  pause(behaviour: 'silence' | 'skip'): void {
    this.#pause = behaviour;
  }

  resume(): void {
    this.#pause = null;
  }

  /** The frames of tick number `frame`. Of a mixer: its sum as `inbound`. */
  take(frame: number, inbound: TrackFrame | null, outbound: TrackFrame | null): void {
    const leftOut = this.#lastFrame < 0 ? 0 : Math.min(MADE_UP_FRAMES, frame - this.#lastFrame - 1);
    this.#lastFrame = frame;
    if (this.#pause === 'skip') return;
    for (let made = 0; made < leftOut; made++) this.#write(SILENCE, SILENCE);
    if (this.#pause === 'silence') return this.#write(SILENCE, SILENCE);
    const [first, second] = this.#tracks(inbound ?? SILENCE, outbound ?? SILENCE);
    this.#listen(this.#activities[0]!, first);
    if (second) this.#listen(this.#activities[1]!, second);
    this.#write(first, second);
  }

  #tracks(inbound: TrackFrame, outbound: TrackFrame): readonly [TrackFrame, TrackFrame | null] {
    if (this.#options.track === 'both') return [inbound, outbound];
    return [this.#options.track === 'inbound' ? inbound : outbound, null];
  }

  #listen(activity: SpeechActivity, { samples, state }: TrackFrame): void {
    const atMs = this.#writer.durationMs;
    const hasBegun = activity.push(state === 'audio' ? samples : null) && activity.isSpeaking;
    if (hasBegun && this.#firstSpeechMs < 0) {
      this.#firstSpeechMs = Math.max(0, atMs + FRAME_MS - activity.onsetMs);
    }
    if (activity.isVoiced) this.#lastSpeechMs = atMs + FRAME_MS;
  }

  #write(first: TrackFrame, second: TrackFrame | null): void {
    const out = this.#out;
    if (!second) {
      out.set(first.samples);
    } else if (out.length > FRAME_SAMPLES) {
      for (let index = 0; index < FRAME_SAMPLES; index++) {
        out[index * 2] = first.samples[index]!;
        out[index * 2 + 1] = second.samples[index]!;
      }
    } else {
      for (let index = 0; index < FRAME_SAMPLES; index++) {
        const sum = first.samples[index]! + second.samples[index]!;
        out[index] = sum > 32_767 ? 32_767 : sum < -32_768 ? -32_768 : sum;
      }
    }
    const roomMs = this.#maxDurationMs - this.#writer.durationMs;
    if (roomMs >= FRAME_MS) return this.#writer.write(out);
    const samples = Math.max(0, Math.round((roomMs * SAMPLE_RATE) / 1_000));
    this.#writer.write(out.subarray(0, samples * (out.length / FRAME_SAMPLES)));
  }

  /** Ends it; resolves when the file is complete. Never rejects. */
  async close(): Promise<RecordingResult> {
    this.#writer.close();
    await this.#file.closed;
    const failure = this.#failure;
    // What is behind the last patch of the header does not count.
    const writtenMs = failure === null ? this.#writer.durationMs : this.#file.patches * WAV_PATCH_MS;
    const durationMs = Math.min(writtenMs, this.#writer.durationMs);
    return { file: this.#options.file, durationMs, speech: this.#speechWithin(durationMs), failure };
  }

  #speechWithin(durationMs: number): RecordingResult['speech'] {
    if (this.#firstSpeechMs < 0 || this.#firstSpeechMs >= durationMs) return null;
    return { firstMs: this.#firstSpeechMs, lastMs: Math.min(this.#lastSpeechMs, durationMs) };
  }
}
