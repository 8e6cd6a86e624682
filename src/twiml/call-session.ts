// CallControl on a real Call: what verbs ask for becomes media commands, waits and Dials.

import { type Clock, sleep } from '../base/clock.ts';
import { levelOf } from '../base/errors.ts';
import type { Recogniser } from '../base/recogniser.ts';
import { aborted } from '../base/signal.ts';
import type { Call } from '../call/call.ts';
import type { DialOptions, DialOutcome } from '../call/dial-options.ts';
import { documentParams } from '../call/params.ts';
import { playToEnd } from '../call/play.ts';
import { type ReferOutcome, refer } from '../call/refer.ts';
import type { Conferences } from '../conference/conferences.ts';
import type { AudioListeners } from '../media/audio-listeners.ts';
import type { MediaEngine } from '../media/engine.ts';
import type { RecordingControl } from '../recording/control.ts';
import type { LiveTranscriptions } from '../transcription/live.ts';
import { type WebhookParams, withoutSecrets } from '../webhook/webhook.ts';
import { AudioAhead } from './audio-ahead.ts';
import type { AudioSource, CallControl, Collected, CollectOptions, PlayOutcome } from './call-control.ts';
import { type SiprecControlServices, siprecControl } from './call-siprec.ts';
import { type CollectServices, collectDigits } from './collect.ts';
import { collectInput } from './collect-speech.ts';
import type { ConferenceControl } from './conference-control.ts';
import { type MediaSourceServices, NOT_SPOKEN, prepare } from './media-sources.ts';
import type { QueueControl } from './queue-control.ts';
import type { SiprecControl } from './siprec-control.ts';
import type { StreamControl } from './stream-control.ts';
import { type TranscriptionControl, transcriptionControl } from './transcription-control.ts';

export interface CallSessionServices extends MediaSourceServices {
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly recogniser: Recogniser;
  readonly audio: AudioListeners;
  /** SIP status of a call that is rejected and not busy; default 404 (sip-interface.md 1.4). */
  readonly rejectStatus?: number;
  readonly conferences: Pick<Conferences, 'join'>;
  readonly dial: (call: Call, options: DialOptions, signal: AbortSignal) => Promise<DialOutcome>;
  readonly queues: (call: Call) => QueueControl;
  readonly recordings: (call: Call) => RecordingControl;
  readonly streams: (call: Call) => StreamControl;
  readonly siprec: SiprecControlServices;
  readonly transcriptions: LiveTranscriptions;
  /** Told of what begins to be heard, for whoever tests on this machine (trace/call-watch.ts). */
  readonly onHeard?: ((callSid: string, what: 'say' | 'ssml' | 'play', text: string) => void) | undefined;
}

/** Speech recognition works badly or not at all (twiml.md 14). */
const SPEECH_FAILED = 13340;

/** What is no audio has a number of its own inside Gather. */
const promptCode = (code: number): number => (code === 13420 ? 13325 : code);

export class CallSession implements CallControl {
  readonly #call: Call;
  readonly #services: CallSessionServices;
  readonly #screening: boolean;
  readonly #ahead: AudioAhead;

  constructor(call: Call, services: CallSessionServices, screening: boolean) {
    this.#call = call;
    this.#services = services;
    this.#screening = screening;
    this.#ahead = new AudioAhead((source, signal) => prepare(source, call.sid, services, signal));
    if (call.isAnswered) this.#keepMediaAlive();
  }

  get callSid(): string {
    return this.#call.sid;
  }
  get accountSid(): string {
    return this.#call.options.accountSid;
  }
  get callSignal(): AbortSignal {
    return this.#call.signal;
  }
  get streams(): StreamControl {
    return this.#services.streams(this.#call);
  }
  get transcriptions(): TranscriptionControl {
    return transcriptionControl(this.#call, this.#services.transcriptions);
  }
  get siprec(): SiprecControl {
    return siprecControl(this.#call, this.#services.siprec);
  }
  get recordings(): RecordingControl {
    return this.#services.recordings(this.#call);
  }
  isAnswered(): boolean {
    return this.#call.isAnswered;
  }
  isScreening(): boolean {
    return this.#screening;
  }
  params(): WebhookParams {
    return documentParams(this.#call);
  }
  get queues(): QueueControl {
    return this.#services.queues(this.#call);
  }
  get conferences(): ConferenceControl {
    const { conferences } = this.#services;
    return { join: (options, stay, signal) => conferences.join(this.#call, options, stay, signal) };
  }

  async answer(): Promise<void> {
    if (this.#call.isAnswered || this.#call.isOver) return;
    await this.#call.answer();
    this.#keepMediaAlive();
  }

  /** Between two verbs the peer keeps getting RTP, so that its NAT pinhole lives (design.md 6). */
  #keepMediaAlive(): void {
    const endpoint = this.#call.leg.endpoint;
    if (endpoint !== undefined) this.#services.engine.setComfort(endpoint, 'silence');
  }

  reject(reason: 'busy' | 'rejected'): void {
    if (reason === 'busy') this.#call.refuse(486, 'rejected as busy by the application', [], 'Busy Here');
    else this.#call.refuse(this.#services.rejectStatus ?? 404, 'rejected by the application');
  }

  hangUp(): void {
    this.#call.hangUp('the application hung up');
  }

  play(sources: readonly AudioSource[], signal: AbortSignal): Promise<PlayOutcome> {
    return this.#play(sources, (code) => code, signal);
  }

  /** `codeOf`: what a failure is called here. */
  async #play(
    sources: readonly AudioSource[],
    codeOf: (code: number) => number,
    signal: AbortSignal,
  ): Promise<PlayOutcome> {
    const prepared = await Promise.all(sources.map((source) => this.#ahead.get(source, signal)));
    this.#ahead.begin();
    let outcome: PlayOutcome = 'finished';
    for (const [index, audio] of prepared.entries()) {
      if (signal.aborted || this.#call.isOver) return 'aborted';
      if (!audio.ok) {
        const code = codeOf(audio.error.errorCode);
        this.#call.notify(levelOf(code), code, audio.error.detail, audio.error.url);
        outcome = 'failed';
        continue;
      }
      const { warning } = audio.value;
      if (warning !== undefined)
        this.#call.notify('warning', NOT_SPOKEN, `another engine speaks, or a tone: ${warning}`);
      this.#tellHeard(sources[index]!);
      const played = await playToEnd(this.#services.engine, this.#call, audio.value, signal);
      if (played === 'aborted') return 'aborted';
      if (played === 'failed') outcome = 'failed';
    }
    return outcome;
  }

  #tellHeard(source: AudioSource): void {
    const { onHeard } = this.#services;
    if (source.kind === 'say') onHeard?.(this.#call.sid, source.spoken.ssml ? 'ssml' : 'say', source.spoken.text);
    else if (source.kind === 'url') onHeard?.(this.#call.sid, 'play', withoutSecrets(source.url));
  }

  prefetch(sources: readonly AudioSource[], signal: AbortSignal): void {
    this.#ahead.expect(sources, signal);
  }

  pause(durationMs: number, signal: AbortSignal): Promise<void> {
    this.#ahead.begin();
    return sleep(this.#services.clock, durationMs, signal);
  }

  async echo(signal: AbortSignal): Promise<void> {
    const endpoint = this.#call.leg.endpoint;
    if (endpoint === undefined) return;
    this.#services.engine.setEcho(endpoint, true);
    await aborted(signal);
    this.#services.engine.setEcho(endpoint, false);
  }

  get hearsSpeech(): boolean {
    return this.#services.recogniser.isConfigured;
  }

  collect(options: CollectOptions, signal: AbortSignal): Promise<Collected> {
    const { clock, recogniser } = this.#services;
    const services: CollectServices = {
      clock,
      onDigit: (listener) => this.#call.onLegEvent((event) => event.type === 'digit' && listener(event.digit)),
      playPrompt: (promptSignal) => this.#play(options.prompt, promptCode, promptSignal),
    };
    if (!options.speech) return collectDigits(options, services, signal);
    return collectInput(
      { ...options, speech: options.speech },
      {
        ...services,
        recogniser,
        listen: (onAudio, onSpeech) => this.#listen(onAudio, onSpeech),
        onFailure: ({ code, detail }) => {
          if (code !== 'aborted') this.#call.notify('error', SPEECH_FAILED, detail);
        },
      },
      signal,
    );
  }

  #listen(onAudio: (payload: Uint8Array) => void, onSpeech: (isSpeaking: boolean) => void): () => void {
    const { endpoint } = this.#call.leg;
    if (endpoint === undefined) return () => {};
    const { audio } = this.#services;
    const closeTap = audio.tap(endpoint, ['inbound'], onAudio);
    const unwatch = audio.speech(endpoint, onSpeech);
    return () => {
      closeTap();
      unwatch();
    };
  }

  refer(target: string, signal: AbortSignal): Promise<ReferOutcome> {
    return refer(this.#call, target, signal);
  }

  dial(options: DialOptions, signal: AbortSignal): Promise<DialOutcome> {
    return this.#services.dial(this.#call, options, signal);
  }
}
