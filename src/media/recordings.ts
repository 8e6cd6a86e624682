// The recordings that run on one endpoint or mixer. Each ends with one `recordingEnded`, when its file is complete.

import { limits } from '../base/limits.ts';
import type { RecordingCommand } from './audio-messages.ts';
import type { AudioEvent, AudioTrack, MixerId, RecordingId, RecordingOptions } from './engine-audio.ts';
import type { EndpointId } from './engine-plays.ts';
import type { TrackFrame } from './track-reader.ts';
import { TrackRecorder } from './track-recorder.ts';

export interface RecordingsHost {
  emit(event: AudioEvent): void;
  /** A file that is being completed: the core does not stop before it. */
  finish(closing: Promise<void>): void;
}

export class Recordings {
  readonly #of: EndpointId | MixerId;
  readonly #host: RecordingsHost;
  readonly #running = new Map<RecordingId, TrackRecorder>();

  constructor(of: EndpointId | MixerId, host: RecordingsHost) {
    this.#of = of;
    this.#host = host;
  }

  get isEmpty(): boolean {
    return this.#running.size === 0;
  }

  needs(track: AudioTrack): boolean {
    for (const recorder of this.#running.values()) if (recorder.needs(track)) return true;
    return false;
  }

  obey(command: RecordingCommand): void {
    switch (command.type) {
      case 'startRecording':
        return this.start(command.recording, command.options);
      case 'pauseRecording':
        return this.#running.get(command.recording)?.pause(command.behaviour);
      case 'resumeRecording':
        return this.#running.get(command.recording)?.resume();
      case 'stopRecording':
        return this.#stop(command.recording);
    }
  }

  start(recording: RecordingId, options: RecordingOptions): void {
    if (this.#running.size < limits.recordingsPerEndpoint) {
      this.#running.set(recording, new TrackRecorder(recording, options));
      return;
    }
    const result = { file: options.file, durationMs: 0, speech: null, failure: 'too many recordings at once' };
    this.#host.emit({ type: 'recordingEnded', endpoint: this.#of, recording, result });
  }

  #stop(recording: RecordingId): void {
    const recorder = this.#running.get(recording);
    if (!recorder) return;
    this.#running.delete(recording);
    const close = async () => {
      const result = await recorder.close();
      this.#host.emit({ type: 'recordingEnded', endpoint: this.#of, recording, result });
    };
    this.#host.finish(close());
  }

  stopAll(): void {
    for (const recording of [...this.#running.keys()]) this.#stop(recording);
  }

  /** The frames of tick number `frame`; of a mixer its sum as `inbound`. */
  take(frame: number, inbound: TrackFrame | null, outbound: TrackFrame | null): void {
    for (const [id, recorder] of this.#running) {
      recorder.take(frame, inbound, outbound);
      if (recorder.isFinished) this.#stop(id);
    }
  }
}
