// One recording from its start to the moment when its media is in its place. It owns the record; what it says goes to `put`, and to the
// status callback. The media engine writes the file; what becomes of it afterwards is decided here.
//
//   recordingEnded ─▶ nothing written: absent (16101), failed (90916)
//                  ─▶ trimmed, and silence only: absent (16102)
//                  ─▶ processing ─▶ silence cut off ─▶ completed          written in part (disk full): failed, what there is stays

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { RecordingChange, RecordingRequest, RunningRecording } from '../base/recordings-api.ts';
import type { Recording, RecordingStatus } from '../base/voice-records.ts';
import type { AudioEngine, RecordingId, RecordingResult } from '../media/engine-audio.ts';
import type { RecordingFiles } from './files.ts';
import { changeOf, isRunning } from './states.ts';

export interface LiveServices {
  readonly engine: Pick<AudioEngine, 'pauseRecording' | 'resumeRecording' | 'stopRecording'>;
  readonly files: Pick<RecordingFiles, 'cut' | 'sizeOf' | 'remove' | 'settled'>;
  readonly put: (record: Recording) => void;
  /** A state that a callback may be about. */
  readonly tell: (record: Recording, request: RecordingRequest) => void;
  /** A warning or error of the call. */
  readonly notify: (record: Recording, code: number, message: string) => void;
  readonly urlOf: (record: Recording) => string;
  readonly clock: Clock;
  readonly log: Log;
}

/** RecordingStatus of the result, where the file could not be written. */
const NOT_WRITTEN = 90916;
const TOO_SHORT = 16101;
const ONLY_SILENCE = 16102;

export class LiveRecording implements RunningRecording {
  readonly request: RecordingRequest;
  readonly engineId: RecordingId;
  /** Endpoint or mixer. */
  readonly of: string;
  readonly name: string | undefined;
  /** The call that was recorded, which may be a child of the one that the record names. */
  readonly legSid: string | undefined;
  readonly ended: Promise<Recording>;
  readonly #services: LiveServices;
  #resolve: (record: Recording) => void = () => {};
  #record: Recording;
  #isOver = false;

  constructor(
    record: Recording,
    what: {
      readonly engineId: RecordingId;
      readonly of: string;
      readonly request: RecordingRequest;
      readonly name?: string | undefined;
      readonly legSid?: string | undefined;
    },
    services: LiveServices,
  ) {
    this.#record = record;
    this.engineId = what.engineId;
    this.of = what.of;
    this.request = what.request;
    this.name = what.name;
    this.legSid = what.legSid;
    this.#services = services;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    services.put(record);
    services.tell(record, this.request);
  }

  get sid(): string {
    return this.#record.sid;
  }
  get record(): Recording {
    return this.#record;
  }
  get url(): string {
    return this.#services.urlOf(this.#record);
  }
  get isRunning(): boolean {
    return isRunning(this.#record.status);
  }

  stop(): void {
    if (!this.isRunning) return;
    this.#move('stopped');
    this.#services.engine.stopRecording(this.engineId);
  }

  /** False where the state does not allow it. */
  change({ status, pauseBehavior }: RecordingChange): boolean {
    const action = changeOf(this.#record.status, status);
    if (action === undefined) return false;
    const { engine } = this.#services;
    if (action === 'stop') this.stop();
    if (action === 'pause') engine.pauseRecording(this.engineId, pauseBehavior);
    if (action === 'resume') engine.resumeRecording(this.engineId);
    if (action === 'pause' || action === 'resume') this.#move(status);
    return true;
  }

  /** The engine has written the last of it. Never rejects. */
  async finish(result: RecordingResult): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      await this.#complete(result);
    } catch (fault) {
      // The file stays as the engine wrote it.
      this.#services.log.error({ err: fault, recordingSid: this.sid }, 'a recording could not be finished');
      await this.#conclude('failed', NOT_WRITTEN, result.durationMs);
    }
    this.#resolve(this.#record);
  }

  async #complete({ durationMs, speech, failure }: RecordingResult): Promise<void> {
    const isEmpty = durationMs < limits.recordingMinMs;
    if (failure !== null) {
      this.#services.notify(this.#record, NOT_WRITTEN, `a recording could not be written: ${failure}`);
      return this.#conclude(isEmpty ? this.#nothing() : 'failed', NOT_WRITTEN, isEmpty ? 0 : durationMs);
    }
    if (isEmpty) return this.#conclude('absent', TOO_SHORT, 0);
    if (!this.request.trim) return this.#conclude('completed', null, durationMs);
    // twiml.md 5.5: the Record verb keeps a message that is silence only.
    if (!speech && this.request.source === 'RecordVerb') return this.#conclude('completed', null, durationMs);
    if (!speech) return this.#conclude('absent', ONLY_SILENCE, 0);
    this.#move('processing');
    const part = {
      firstMs: Math.max(0, speech.firstMs - limits.recordingTrimMarginMs),
      lastMs: Math.min(durationMs, speech.lastMs + limits.recordingTrimMarginMs),
    };
    await this.#conclude('completed', null, await this.#cut(part, durationMs));
  }

  // A disk on which nothing more can be written leaves the recording as it is, silence and all.
  async #cut(part: { readonly firstMs: number; readonly lastMs: number }, durationMs: number): Promise<number> {
    try {
      return await this.#services.files.cut(this.#record, part);
    } catch (fault) {
      this.#services.log.warn({ err: fault, recordingSid: this.sid }, 'silence of a recording could not be cut off');
      return durationMs;
    }
  }

  /** twiml.md 8.3: only the Record verb knows `failed`. */
  #nothing(): RecordingStatus {
    return this.request.source === 'RecordVerb' ? 'failed' : 'absent';
  }

  async #conclude(status: RecordingStatus, errorCode: number | null, durationMs: number): Promise<void> {
    const { files } = this.#services;
    const hasMedia = durationMs > 0;
    if (!hasMedia) await files.remove(this.#record).catch(() => {});
    const sizeBytes = hasMedia ? await files.sizeOf(this.#record) : null;
    this.#record = {
      ...this.#record,
      status,
      errorCode,
      durationSeconds: Math.round(durationMs / 1_000),
      sizeBytes,
      media: hasMedia ? this.#record.media : null,
      dateUpdated: this.#services.clock.wall(),
    };
    this.#services.put(this.#record);
    if (hasMedia) files.settled(this.#record);
    this.#services.tell(this.#record, this.request);
  }

  #move(status: RecordingStatus): void {
    this.#record = { ...this.#record, status, dateUpdated: this.#services.clock.wall() };
    this.#services.put(this.#record);
  }
}
