// RecordingControl on a call: the message of the Record verb, and recordings that Start begins (twiml.md 5.5, 10.1).
//
//   beep ─▶ recording ──┬── key of finishOnKey ──▶ Digits=key
//                       ├── silence for `timeout` ─▶ (speech restarts the wait)
//                       ├── maxLength: the engine stops by itself
//                       └── hang-up ─────────────▶ Digits=hangup

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Call } from '../call/call.ts';
import { playToEnd } from '../call/play.ts';
import type { EndpointStatistics, MediaEngine } from '../media/engine.ts';
import type { Message, MessageOptions, NamedRecording, RecordingControl, Transcriber } from './control.ts';
import type { LiveRecording } from './live-recording.ts';
import { type Recordings, summaryOf } from './recordings.ts';

export interface VerbServices {
  readonly recordings: Recordings;
  readonly engine: MediaEngine;
  readonly clock: Clock;
  /** Undefined: no recogniser is configured (twiml.md 5.5: 13614). */
  readonly transcriber: Transcriber | undefined;
}

const BEEP = { kind: 'tone', frequencies: [1_000], levelDb: -10, durationMs: limits.recordingBeepMs } as const;
const NOT_TRANSCRIBED = 13614;

/** What verbs may do with recordings of `call`. */
export function recordingControl(call: Call, services: VerbServices): RecordingControl {
  return {
    takeMessage: (options, signal) => takeMessage(call, options, services, signal),
    start: (options) => start(call, options, services.recordings),
    stop: (name) => stop(call, name, services.recordings),
  };
}

type End = Pick<Message, 'reason' | 'finishedOnKey'>;

async function takeMessage(
  call: Call,
  options: MessageOptions,
  services: VerbServices,
  signal: AbortSignal,
): Promise<Message> {
  if (options.transcription && !services.transcriber)
    call.notify('warning', NOT_TRANSCRIBED, 'transcribe: no speech recogniser is configured, the text will not come');
  if (options.playBeep) await playToEnd(services.engine, call, { sources: [BEEP], loop: 1 }, signal);
  const none = { finishedOnKey: '', recording: undefined };
  if (signal.aborted) return { ...none, reason: call.isOver ? 'hangUp' : 'aborted' };
  const started = services.recordings.start(call, options.recording, { maxDurationMs: options.maxLengthMs });
  if (!started.ok) return { ...none, reason: 'failed' };
  const recording = started.value;
  const end = await endOfMessage(call, recording, options, services, signal);
  recording.stop();
  const record = await services.recordings.settled(recording);
  if (options.transcription && record.status === 'completed')
    services.transcriber?.transcribe(record, options.transcription);
  return { ...end, recording: summaryOf(record, recording.url) };
}

function endOfMessage(
  call: Call,
  recording: LiveRecording,
  { timeoutMs, finishOnKey }: MessageOptions,
  services: VerbServices,
  signal: AbortSignal,
): Promise<End> {
  const silence = new SilenceWatch(call, timeoutMs, services);
  return new Promise<End>((resolve) => {
    const finish = (reason: End['reason'], finishedOnKey = '') => {
      silence.stop();
      unsubscribe();
      signal.removeEventListener('abort', onAbort);
      resolve({ reason, finishedOnKey });
    };
    const onAbort = () => finish(call.isOver ? 'hangUp' : 'aborted');
    const unsubscribe = call.onLegEvent((event) => {
      if (event.type === 'digit' && finishOnKey.includes(event.digit)) finish('finishKey', event.digit);
    });
    signal.addEventListener('abort', onAbort, { once: true });
    // Ended by the engine: full, or it could not be written. A call that ends aborts the signal.
    void recording.ended.then(({ status }) => {
      if (call.isOver) finish('hangUp');
      else finish(status === 'failed' ? 'failed' : 'maxLength');
    });
    silence.start(() => finish('silence'));
    if (signal.aborted) onAbort();
  });
}

/**
 * Silence of the peer for `timeoutMs`: a timer that speech holds up. Packets that did not come are not silence (twiml.md 5.5): when less
 * than half of the time was heard, it is waited for again.
 */
class SilenceWatch {
  readonly #call: Call;
  readonly #timeoutMs: number;
  readonly #services: VerbServices;
  #timer: Timer | undefined;
  #received = 0;
  #isOver = false;
  #onSilence: () => void = () => {};
  #unwatch: () => void = () => {};

  constructor(call: Call, timeoutMs: number, services: VerbServices) {
    this.#call = call;
    this.#timeoutMs = timeoutMs;
    this.#services = services;
  }

  start(onSilence: () => void): void {
    const endpoint = this.#call.leg.endpoint;
    if (this.#timeoutMs === 0 || endpoint === undefined || this.#isOver) return;
    this.#onSilence = onSilence;
    this.#unwatch = this.#services.recordings.watchSpeech(endpoint, (isSpeaking) => {
      if (isSpeaking) this.#timer?.cancel();
      else this.#wait();
    });
    this.#wait();
  }

  #wait(): void {
    this.#timer?.cancel();
    this.#received = this.#statistics()?.packetsReceived ?? 0;
    this.#timer = this.#services.clock.after(this.#timeoutMs, () => {
      const heard = (this.#statistics()?.packetsReceived ?? 0) - this.#received;
      if (heard * PACKET_MS * 2 < this.#timeoutMs) this.#wait();
      else this.#onSilence();
    });
  }

  #statistics(): EndpointStatistics | undefined {
    const endpoint = this.#call.leg.endpoint;
    return endpoint === undefined ? undefined : this.#services.engine.statistics(endpoint);
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#unwatch();
  }
}

const PACKET_MS = 20;

const isOfStart = (one: LiveRecording): boolean => one.request.source === 'StartCallRecordingAPI';

function start(call: Call, { name, recording }: NamedRecording, recordings: Recordings) {
  const owner = { accountSid: call.options.accountSid, callSid: call.sid };
  const running = recordings.of(owner).filter((one) => one.isRunning);
  if (name !== undefined && running.some((one) => one.name === name))
    return { code: 12200, message: 'a recording of this name runs already' };
  const started = recordings.start(call, recording, { name });
  return started.ok ? undefined : { code: started.error.code, message: started.error.message };
}

function stop(call: Call, name: string | undefined, recordings: Recordings): boolean {
  const owner = { accountSid: call.options.accountSid, callSid: call.sid };
  const meant = recordings
    .of(owner)
    .filter((one) => one.isRunning && (name === undefined ? isOfStart(one) : one.name === name));
  for (const one of meant) one.stop();
  return meant.length > 0;
}
