// The AudioEngine half of the dispatcher: gives ids to taps and recordings, remembers whose they are, and turns calls into commands for
// the core of their endpoint or mixer.

import { statSync } from 'node:fs';
import { limits } from '../base/limits.ts';
import type { RecordingCommand, StreamCommand } from './audio-messages.ts';
import { compact } from './compact.ts';
import type {
  AudioEvent,
  AudioTrack,
  MixerId,
  RecordingId,
  RecordingOptions,
  RecordingResult,
  TapId,
  TapPace,
} from './engine-audio.ts';
import type { EndpointId, PlayId } from './engine-plays.ts';
import type { CoreCommand } from './messages.ts';
import { WAV_HEADER_BYTES } from './wav-writer.ts';

/** What the dispatcher knows. */
export interface AudioHost {
  /** Worker of an endpoint, or home and number of a mixer; undefined when there is neither. */
  place(of: EndpointId | MixerId): { readonly worker: number; readonly mixer?: number } | undefined;
  send(worker: number, command: CoreCommand): void;
  /** Tells the listeners of the engine. */
  emit(event: AudioEvent): void;
  nextSerial(): number;
}

interface OpenTap {
  readonly endpoint: EndpointId;
  readonly worker: number;
}

interface RunningRecording {
  readonly of: EndpointId | MixerId;
  readonly options: RecordingOptions;
  /** It stays where it began; undefined: nowhere. */
  readonly worker: number | undefined;
  readonly mixer: number | undefined;
}

export class AudioDispatcher {
  readonly #host: AudioHost;
  readonly #taps = new Map<TapId, OpenTap>();
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

  tap(endpoint: EndpointId, tracks: readonly AudioTrack[], pace: TapPace = 'steady'): TapId {
    const tap = `tap-${this.#host.nextSerial()}`;
    const worker = this.#host.place(endpoint)?.worker;
    if (worker === undefined) return tap;
    this.#taps.set(tap, { endpoint, worker });
    this.#host.send(worker, { type: 'tap', endpoint, tap, tracks: [...new Set(tracks)], pace });
    return tap;
  }

  closeTap(tap: TapId): void {
    const open = this.#taps.get(tap);
    if (!open) return;
    this.#taps.delete(tap);
    this.#host.send(open.worker, { type: 'closeTap', endpoint: open.endpoint, tap });
  }

  startRecording(of: EndpointId | MixerId, asked: RecordingOptions): RecordingId {
    const recording = `recording-${this.#host.nextSerial()}`;
    const { worker, mixer } = this.#host.place(of) ?? {};
    // The sum of a mixer is one track of one channel, whatever was asked for.
    const ofMixer = mixer === undefined ? {} : ({ channels: 1, track: 'inbound' } as const);
    const options: RecordingOptions = { ...asked, ...ofMixer, key: asked.key && compact(asked.key) };
    const running = { of, options, worker, mixer };
    this.#recordings.set(recording, running);
    if (worker !== undefined) this.#command(running, { type: 'startRecording', endpoint: of, recording, options });
    // Not before the caller has the id.
    else queueMicrotask(() => this.#fail(recording, 'there is no such endpoint', 0));
    return recording;
  }

  pauseRecording(recording: RecordingId, behaviour: 'silence' | 'skip'): void {
    const running = this.#recordings.get(recording);
    if (running) this.#command(running, { type: 'pauseRecording', endpoint: running.of, recording, behaviour });
  }

  resumeRecording(recording: RecordingId): void {
    const running = this.#recordings.get(recording);
    if (running) this.#command(running, { type: 'resumeRecording', endpoint: running.of, recording });
  }

  stopRecording(recording: RecordingId): void {
    const running = this.#recordings.get(recording);
    if (running) this.#command(running, { type: 'stopRecording', endpoint: running.of, recording });
  }

  #command({ worker, mixer }: RunningRecording, command: RecordingCommand): void {
    if (worker === undefined) return;
    this.#host.send(worker, mixer === undefined ? command : { type: 'recordMixer', mixer, command });
  }

  recordingEnded(recording: RecordingId): void {
    this.#recordings.delete(recording);
  }

  /** An endpoint was closed; its recordings end by themselves. */
  forget(endpoint: EndpointId): void {
    for (const [tap, open] of this.#taps) if (open.endpoint === endpoint) this.#taps.delete(tap);
  }

  /** So much as was written of its recordings is there. */
  workerFailed(worker: number): void {
    for (const [recording, running] of this.#recordings) {
      if (running.worker === worker) this.#fail(recording, 'media worker failed', writtenMs(running.options));
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
  const size = (statSync(file, { throwIfNoEntry: false })?.size ?? 0) - WAV_HEADER_BYTES;
  const bytesPerMs = 16 * (track === 'both' ? channels : 1);
  return Math.max(0, Math.floor(size / bytesPerMs));
}
