// The AudioEngine half of the dispatcher: gives ids to taps and recordings, remembers whose they are, and turns calls into commands for
// the core of their endpoint or mixer.

import { statSync } from 'node:fs';
import { limits } from '../base/limits.ts';
import type { ListenCommand, StreamCommand } from './audio-messages.ts';
import { compact } from './compact.ts';
import type {
  AudioEvent,
  AudioTrack,
  MixerId,
  RecordingId,
  RecordingOptions,
  RecordingResult,
  TapId,
} from './engine-audio.ts';
import type { EndpointId, PlayId } from './engine-plays.ts';

/** What the dispatcher knows. */
export interface AudioHost {
  /** Whether there is an endpoint or mixer of this name. */
  has(of: EndpointId | MixerId): boolean;
  send(command: ListenCommand): void;
  /** Tells the listeners of the engine. */
  emit(event: AudioEvent): void;
  nextSerial(): number;
}

interface RunningRecording {
  readonly of: EndpointId | MixerId;
  readonly options: RecordingOptions;
}

export class AudioDispatcher {
  readonly #host: AudioHost;
  readonly #taps = new Map<TapId, EndpointId>();
  readonly #recordings = new Map<RecordingId, RunningRecording>();

  constructor(host: AudioHost) {
    this.#host = host;
  }

  get taps(): number {
    return this.#taps.size;
  }

  get recordings(): number {
    return this.#recordings.size;
  }

  hasTap(tap: TapId): boolean {
    return this.#taps.has(tap);
  }

  tap(endpoint: EndpointId, tracks: readonly AudioTrack[]): TapId {
    const tap = `tap-${this.#host.nextSerial()}`;
    if (!this.#host.has(endpoint)) return tap;
    this.#taps.set(tap, endpoint);
    this.#host.send({ type: 'tap', endpoint, tap, tracks: [...new Set(tracks)] });
    return tap;
  }

  closeTap(tap: TapId): void {
    const endpoint = this.#taps.get(tap);
    if (endpoint === undefined) return;
    this.#taps.delete(tap);
    this.#host.send({ type: 'closeTap', endpoint, tap });
  }

  startRecording(of: EndpointId | MixerId, options: RecordingOptions): RecordingId {
    const recording = `recording-${this.#host.nextSerial()}`;
    this.#recordings.set(recording, { of, options });
    if (this.#host.has(of)) this.#host.send({ type: 'startRecording', endpoint: of, recording, options });
    // Not before the caller has the id.
    else queueMicrotask(() => this.#fail(recording, 'there is no such endpoint', 0));
    return recording;
  }

  pauseRecording(recording: RecordingId, behaviour: 'silence' | 'skip'): void {
    const running = this.#recordings.get(recording);
    if (running) this.#host.send({ type: 'pauseRecording', endpoint: running.of, recording, behaviour });
  }

  resumeRecording(recording: RecordingId): void {
    const running = this.#recordings.get(recording);
    if (running) this.#host.send({ type: 'resumeRecording', endpoint: running.of, recording });
  }

  stopRecording(recording: RecordingId): void {
    const running = this.#recordings.get(recording);
    if (running) this.#host.send({ type: 'stopRecording', endpoint: running.of, recording });
  }

  recordingEnded(recording: RecordingId): void {
    this.#recordings.delete(recording);
  }

  /** An endpoint was closed; its recordings end by themselves. */
  forget(endpoint: EndpointId): void {
    for (const [tap, of] of this.#taps) if (of === endpoint) this.#taps.delete(tap);
  }

  /** The core of these endpoints and mixers is gone: so much as was written is there. */
  failed(of: readonly (EndpointId | MixerId)[]): void {
    for (const [recording, running] of this.#recordings) {
      if (of.includes(running.of)) this.#fail(recording, 'media worker failed', writtenMs(running.options));
    }
  }

  clear(): void {
    this.#taps.clear();
    this.#recordings.clear();
  }

  #fail(recording: RecordingId, failure: string, durationMs: number): void {
    const running = this.#recordings.get(recording);
    if (!running) return;
    const result: RecordingResult = { file: running.options.file, durationMs, speech: null, failure };
    this.#host.emit({ type: 'recordingEnded', endpoint: running.of, recording, result });
  }
}

/** What cannot fit does not cross to the worker; the length tells how much it was. */
export function feedCommand(endpoint: EndpointId, stream: PlayId, payload: Uint8Array): StreamCommand {
  const bytes = compact(payload.subarray(0, limits.streamBufferMs * 8));
  return { type: 'feedStream', endpoint, stream, payload: bytes, length: payload.length };
}

/** Length of a file that its writer left behind; sizes in its header may be up to a second short of it. */
function writtenMs({ file, channels, track }: RecordingOptions): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const bytesPerMs = 16 * (track === 'both' ? channels : 1);
  return Math.max(0, Math.floor(size / bytesPerMs));
}
