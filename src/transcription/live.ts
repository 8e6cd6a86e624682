// Live transcriptions: what is said on a call as text, sentence by sentence, told to the application (twiml.md 10.3). Started by TwiML or
// REST, beside everything else that happens on the call; ended by name, by sid or with the call.
//
//   transcription-started ─▶ transcription-content … ─▶ transcription-stopped          transcription-error: the recogniser failed

import type { Clock } from '../base/clock.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Recogniser, RecogniserFailure } from '../base/recogniser.ts';
import type { HttpMethod } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { LiveTranscriptionRecord } from '../base/transcriptions-api.ts';
import type { AudioListeners } from '../media/audio-listeners.ts';
import type { TranscriptionOptions, TranscriptionRefusal } from './options.ts';
import { TranscribedTrack } from './track.ts';

/** The call, as far as a transcription needs it. */
export interface TranscribedCall {
  readonly callSid: string;
  readonly accountSid: string;
  readonly endpoint: string | undefined;
  /** Aborted when the call ends. */
  readonly signal: AbortSignal;
  notify(level: 'error' | 'warning', code: number, message: string): void;
}

export interface LiveTranscriptionServices {
  readonly recogniser: Recogniser;
  readonly audio: AudioListeners;
  readonly callBack: (request: {
    readonly url: string;
    readonly method: HttpMethod;
    readonly params: ReadonlyMap<string, string>;
    readonly accountSid: string;
    readonly callSid: string;
  }) => void;
  readonly clock: Clock;
  readonly random: RandomSource;
}

const NO_RECOGNISER = 13343;
const RECOGNISER_FAILED = 13340;
const NAME_IN_USE = 12200;

export class LiveTranscriptions {
  readonly #services: LiveTranscriptionServices;
  /** By CallSid, those that run and, until the call ends, those that ran. */
  readonly #calls = new Map<string, LiveTranscription[]>();

  constructor(services: LiveTranscriptionServices) {
    this.#services = services;
  }

  /** Those that run. */
  get count(): number {
    return [...this.#calls.values()].flat().filter((one) => one.isLive).length;
  }

  start(call: TranscribedCall, options: TranscriptionOptions): Result<LiveTranscriptionRecord, TranscriptionRefusal> {
    const { recogniser } = this.#services;
    const own = this.#calls.get(call.callSid) ?? [];
    const live = own.filter((one) => one.isLive);
    if (call.endpoint === undefined) return err({ code: NO_RECOGNISER, message: 'the call has no audio' });
    if (!recogniser.isConfigured)
      return err({ code: NO_RECOGNISER, message: 'Transcription: no speech recogniser is configured' });
    if (options.name !== undefined && live.some(({ record }) => record.name === options.name))
      return err({ code: NAME_IN_USE, message: 'a Transcription of this name runs already' });
    if (own.length >= limits.transcriptionsPerCall)
      return err({ code: NAME_IN_USE, message: `a call may have ${limits.transcriptionsPerCall} transcriptions` });
    const transcription = new LiveTranscription(call, call.endpoint, options, this.#services);
    if (own.length === 0) {
      this.#calls.set(call.callSid, own);
      const onEnd = () => {
        this.#calls.delete(call.callSid);
        for (const one of own) void one.stop();
      };
      call.signal.addEventListener('abort', onEnd, { once: true });
    }
    own.push(transcription);
    return ok(transcription.record);
  }

  /** By name or sid; undefined: this call has none of it. One that has ended is given back as it is. */
  stop(callSid: string, nameOrSid: string | undefined): LiveTranscriptionRecord | undefined {
    const own = this.#calls.get(callSid) ?? [];
    const fits = ({ record }: LiveTranscription) => record.sid === nameOrSid || record.name === nameOrSid;
    const found =
      nameOrSid === undefined
        ? own.find((one) => one.isLive)
        : (own.find((one) => one.isLive && fits(one)) ?? own.findLast(fits));
    void found?.stop();
    return found?.record;
  }
}

class LiveTranscription {
  readonly #call: TranscribedCall;
  readonly #options: TranscriptionOptions;
  readonly #services: LiveTranscriptionServices;
  readonly #tracks: readonly TranscribedTrack[];
  readonly #sid: string;
  #closeTap = () => {};
  #sequence = 0;
  #endedWall: number | undefined;
  readonly #startedWall: number;
  #hasFailed = false;

  constructor(
    call: TranscribedCall,
    endpoint: string,
    options: TranscriptionOptions,
    services: LiveTranscriptionServices,
  ) {
    this.#call = call;
    this.#options = options;
    this.#services = services;
    this.#sid = newSid('GT', services.random);
    this.#startedWall = services.clock.wall();
    this.#tellStarted();
    const inbound = options.track === 'outbound_track' ? undefined : this.#trackOf('inbound_track');
    const outbound = options.track === 'inbound_track' ? undefined : this.#trackOf('outbound_track');
    this.#tracks = [inbound, outbound].filter((track) => track !== undefined);
    this.#closeTap = services.audio.tap(
      endpoint,
      [...(inbound ? (['inbound'] as const) : []), ...(outbound ? (['outbound'] as const) : [])],
      (payload, _timestampMs, track) => (track === 'inbound' ? inbound : outbound)?.push(payload),
    );
  }

  get isLive(): boolean {
    return this.#endedWall === undefined;
  }

  get record(): LiveTranscriptionRecord {
    return {
      sid: this.#sid,
      accountSid: this.#call.accountSid,
      callSid: this.#call.callSid,
      name: this.#options.name ?? null,
      status: this.isLive ? 'in-progress' : 'stopped',
      dateUpdated: this.#endedWall ?? this.#startedWall,
    };
  }

  /** Resolves when the last words were told. Idempotent. */
  async stop(): Promise<void> {
    if (!this.isLive) return;
    this.#endedWall = this.#services.clock.wall();
    this.#closeTap();
    await Promise.all(this.#tracks.map((track) => track.end()));
    this.#tell('transcription-stopped', []);
  }

  #trackOf(track: 'inbound_track' | 'outbound_track'): TranscribedTrack {
    const { recogniser } = this.#services;
    const content = (data: object, isFinal: boolean) =>
      this.#tell('transcription-content', [
        ['Track', track],
        ['LanguageCode', this.#options.languageCode],
        ['TranscriptionData', JSON.stringify(data)],
        ['Final', String(isFinal)],
      ]);
    return new TranscribedTrack(recogniser, this.#options, {
      onText: (transcript, confidence) => content({ transcript, ...(confidence === null ? {} : { confidence }) }, true),
      onPartial: (transcript) => content({ transcript }, false),
      onFailure: (failure) => this.#tellFailure(failure),
    });
  }

  #tellStarted(): void {
    const { name, track, engine, inboundTrackLabel, outboundTrackLabel, partialResults, languageCode } = this.#options;
    const { speechModel, hints } = this.#options;
    this.#tell('transcription-started', [
      ['Name', name ?? this.#sid],
      ['Track', track],
      ['TranscriptionEngine', engine],
      ['ProviderConfiguration', JSON.stringify({ speechModel, hints: hints.join(',') })],
      ['InboundTrackLabel', inboundTrackLabel],
      ['OutboundTrackLabel', outboundTrackLabel],
      ['PartialResults', String(partialResults)],
      ['LanguageCode', languageCode],
    ]);
  }

  /** The application is told each time, the call's notifications once. */
  #tellFailure({ code, detail }: RecogniserFailure): void {
    if (code === 'aborted') return;
    this.#tell('transcription-error', [
      ['TranscriptionErrorCode', String(RECOGNISER_FAILED)],
      ['TranscriptionError', detail],
    ]);
    if (!this.#hasFailed) this.#call.notify('error', RECOGNISER_FAILED, detail);
    this.#hasFailed = true;
  }

  #tell(event: string, more: readonly (readonly [string, string | undefined])[]): void {
    const { statusCallback } = this.#options;
    if (!statusCallback) return;
    const { accountSid, callSid } = this.#call;
    const params = new Map([
      ['AccountSid', accountSid],
      ['CallSid', callSid],
      ['TranscriptionSid', this.#sid],
      ['TranscriptionEvent', event],
      ['SequenceId', String(++this.#sequence)],
      ['Timestamp', new Date(this.#services.clock.wall()).toISOString()],
    ]);
    for (const [name, value] of more) if (value !== undefined) params.set(name, value);
    this.#services.callBack({ ...statusCallback, params, accountSid, callSid });
  }
}
