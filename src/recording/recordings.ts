// All recordings of this node that are not finished: started here, found here, told here what the media engine says of them, and
// forgotten here when their media is in its place. Who may record what is decided by who asks (verbs, Dial, REST, conferences).

import type { CallControlError } from '../base/calls-api.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type {
  ConferenceRecordings,
  RecordedConference,
  RecordingOwner,
  RecordingRequest,
} from '../base/recordings-api.ts';
import type { HttpMethod } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Recording } from '../base/voice-records.ts';
import type { Call } from '../call/call.ts';
import type { MediaEvent } from '../media/engine.ts';
import type { AudioEngine, AudioEvent } from '../media/engine-audio.ts';
import { callbackParams, isSubscribed } from './callback.ts';
import type { RecordingSummary } from './control.ts';
import type { RecordingFiles } from './files.ts';
import { LiveRecording, type LiveServices } from './live-recording.ts';

/** What of the media engine is used. */
export type RecordingEngine = Pick<
  AudioEngine,
  'startRecording' | 'pauseRecording' | 'resumeRecording' | 'stopRecording' | 'watchSpeech'
> & { onEvent(listener: (event: MediaEvent | AudioEvent) => void): void };

export interface CallbackRequest {
  readonly url: string;
  readonly method: HttpMethod;
  readonly params: ReadonlyMap<string, string>;
  readonly accountSid: string;
  readonly callSid: string;
}

export interface RecordingServices {
  readonly engine: RecordingEngine;
  readonly files: RecordingFiles;
  readonly isEncrypted: boolean;
  readonly put: (record: Recording) => void;
  readonly callBack: (request: CallbackRequest) => void;
  readonly findCall: (callSid: string) => Pick<Call, 'notify'> | undefined;
  /** Origin of URLs that are given to applications. */
  readonly origin: () => string;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

export const summaryOf = (record: Recording, url: string): RecordingSummary => ({
  sid: record.sid,
  url,
  durationSeconds: record.durationSeconds ?? 0,
});

interface Owner {
  readonly accountSid: string;
  readonly callSid: string;
  readonly conferenceSid: string | null;
}

export const refusal = (code: number, status: number, message: string): Result<never, CallControlError> =>
  err({ code, status, message });

export class Recordings implements ConferenceRecordings {
  readonly #services: RecordingServices;
  readonly #live = new Map<string, LiveRecording>();
  readonly #ofCalls = new WeakMap<object, LiveRecording>();
  readonly #speech = new Map<string, (isSpeaking: boolean) => void>();
  readonly #liveServices: LiveServices;

  constructor(services: RecordingServices) {
    this.#services = services;
    const { engine, files, put, clock, log } = services;
    this.#liveServices = {
      engine,
      files,
      put,
      clock,
      log,
      urlOf: (record) => this.urlOf(record),
      tell: (record, request) => this.#tell(record, request),
      notify: (record, code, message) => this.#notify(record, code, message),
    };
    engine.onEvent((event) => this.#onMedia(event));
  }

  get count(): number {
    return this.#live.size;
  }

  /** Of the media, without extension. */
  urlOf({ accountSid, sid }: Pick<Recording, 'accountSid' | 'sid'>): string {
    return `${this.#services.origin()}/2010-04-01/Accounts/${accountSid}/Recordings/${sid}`;
  }

  // ------------------------------------------------------------------ starting

  /** Records what `call` hears and says; its endpoint must be open. The recording ends with the call at the latest. */
  start(call: Call, request: RecordingRequest, more: StartOptions = {}): Result<LiveRecording, CallControlError> {
    const endpoint = call.isOver ? undefined : call.leg.endpoint;
    if (endpoint === undefined) return refusal(21220, 400, 'The call has no media that could be recorded');
    const { accountSid, parentCallSid } = call.options;
    // rest-api.md 10: `call_sid` is always the parent leg.
    const owner = { accountSid, callSid: parentCallSid ?? call.sid, conferenceSid: null };
    return this.#begin(endpoint, owner, request, { ...more, legSid: call.sid });
  }

  startOnConference(
    { accountSid, callSid, conferenceSid, mixer }: RecordedConference,
    request: RecordingRequest,
  ): Result<LiveRecording, CallControlError> {
    const mono: RecordingRequest = { ...request, channels: 1, track: 'both' };
    return this.#begin(mixer, { accountSid, callSid, conferenceSid }, mono, {});
  }

  #begin(
    of: string,
    owner: Owner,
    request: RecordingRequest,
    { name, legSid, maxDurationMs = limits.recordingMs }: StartOptions & { readonly legSid?: string },
  ): Result<LiveRecording, CallControlError> {
    const { engine, files, clock, random, isEncrypted } = this.#services;
    if ([...this.#live.values()].filter((one) => one.of === of).length >= limits.recordingsPerOwner)
      return refusal(21220, 400, `More than ${limits.recordingsPerOwner} recordings would run at once`);
    const now = clock.wall();
    const sid = newSid('RE', random);
    const channels = request.track === 'both' ? request.channels : 1;
    const media = files.create(sid, now);
    const { track } = request;
    const engineId = engine.startRecording(of, { file: media.file, channels, track, maxDurationMs, key: media.key });
    const record: Recording = {
      sid,
      ...owner,
      status: 'in-progress',
      source: request.source,
      channels,
      track,
      startTime: now,
      durationSeconds: null,
      errorCode: null,
      sizeBytes: null,
      media: media.name,
      isEncrypted,
      dateDeleted: null,
      dateCreated: now,
      dateUpdated: now,
    };
    const live = new LiveRecording(record, { engineId, of, request, name, legSid }, this.#liveServices);
    this.#live.set(sid, live);
    return ok(live);
  }

  // ------------------------------------------------------------------ finding

  live(sid: string): LiveRecording | undefined {
    return this.#live.get(sid);
  }

  ofConference(conferenceSid: string): readonly LiveRecording[] {
    return [...this.#live.values()].filter(({ record }) => record.conferenceSid === conferenceSid);
  }

  of(owner: RecordingOwner): readonly LiveRecording[] {
    const isOf = ({ record, legSid }: LiveRecording) =>
      record.accountSid === owner.accountSid &&
      ('callSid' in owner
        ? record.conferenceSid === null && (record.callSid === owner.callSid || legSid === owner.callSid)
        : record.conferenceSid === owner.conferenceSid);
    return [...this.#live.values()].filter(isOf);
  }

  // ------------------------------------------------------------------ what callbacks of calls say of them (twiml.md 8.1, 8.2)

  /** The completed callback of `call` is to name this recording. */
  attribute(call: object, recording: LiveRecording): void {
    this.#ofCalls.set(call, recording);
  }

  /** The recording that the completed callback of `call` names, when it is finished or has had its time. */
  async ofCallback(call: object): Promise<RecordingSummary | undefined> {
    const recording = this.#ofCalls.get(call);
    if (!recording) return undefined;
    const record = await this.settled(recording);
    return record.status === 'absent' ? undefined : summaryOf(record, recording.url);
  }

  /** For the BYE of a call: the recording that its callback names, else the latest that runs on it; its length as of now. */
  ofBye(call: Call): { readonly sid: string; readonly durationSeconds: number } | undefined {
    const owner = { accountSid: call.options.accountSid, callSid: call.sid };
    const { record } = this.#ofCalls.get(call) ?? this.of(owner).at(-1) ?? {};
    if (!record) return undefined;
    const soFarMs = this.#services.clock.wall() - record.startTime;
    return { sid: record.sid, durationSeconds: record.durationSeconds ?? Math.floor(soFarMs / 1_000) };
  }

  /** The last state of the record, or that of now when it takes too long. */
  async settled(recording: LiveRecording): Promise<Recording> {
    const waiting = new AbortController();
    const late = sleep(this.#services.clock, limits.recordingEndWaitMs, waiting.signal);
    await Promise.race([recording.ended, late]);
    waiting.abort();
    return recording.record;
  }

  // ------------------------------------------------------------------ what the engine says

  /** Whether the peer of an endpoint speaks, until the function that is returned is called. One listener per endpoint. */
  watchSpeech(endpoint: string, listener: (isSpeaking: boolean) => void): () => void {
    this.#speech.set(endpoint, listener);
    this.#services.engine.watchSpeech(endpoint, true);
    return () => {
      if (this.#speech.get(endpoint) !== listener) return;
      this.#speech.delete(endpoint);
      this.#services.engine.watchSpeech(endpoint, false);
    };
  }

  #onMedia(event: MediaEvent | AudioEvent): void {
    if (event.type === 'speech') return this.#speech.get(event.endpoint)?.(event.isSpeaking);
    if (event.type === 'workerFailed') return this.#onWorkerFailed(event.endpoints);
    if (event.type !== 'recordingEnded' || !('recording' in event)) return;
    for (const live of this.#live.values()) if (live.engineId === event.recording) return this.#finish(live, event);
  }

  #finish(live: LiveRecording, { result }: Pick<Extract<AudioEvent, { type: 'recordingEnded' }>, 'result'>): void {
    void live.finish(result).then(() => this.#live.delete(live.sid));
  }

  // The worker is gone, and with it who wrote: what is in the file is what there is.
  #onWorkerFailed(endpoints: readonly string[]): void {
    for (const live of this.#live.values()) {
      if (!endpoints.includes(live.of)) continue;
      void this.#services.files
        .repair(live.record)
        .catch(() => undefined)
        .then((durationMs) => {
          const failure = durationMs === undefined ? 'the media worker failed' : null;
          const speech = { firstMs: 0, lastMs: durationMs ?? 0 };
          this.#finish(live, { result: { file: '', durationMs: durationMs ?? 0, speech, failure } });
        });
    }
  }

  #tell(record: Recording, request: RecordingRequest): void {
    const { callback } = request;
    if (!callback || !isSubscribed(record.status, request)) return;
    const startTime = new Date(record.startTime).toUTCString().replace('GMT', '+0000');
    this.#services.callBack({
      url: callback.url,
      method: callback.method,
      params: callbackParams(record, this.urlOf(record), startTime),
      accountSid: record.accountSid,
      callSid: record.callSid,
    });
  }

  #notify(record: Recording, code: number, message: string): void {
    this.#services.log.error({ callSid: record.callSid, recordingSid: record.sid, errorCode: code }, message);
    this.#services.findCall(record.callSid)?.notify('error', code, message);
  }

  /** Stops all and waits until their media is in its place, a bounded time. */
  async stop(): Promise<void> {
    const running = [...this.#live.values()];
    for (const one of running) one.stop();
    await Promise.all(running.map((one) => this.settled(one)));
  }
}

export interface StartOptions {
  readonly name?: string | undefined;
  readonly maxDurationMs?: number;
}
