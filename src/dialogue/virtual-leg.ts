// CallControl of a virtual call: what verbs ask for takes the time that it would take, is seen by the script, and gets its outcome from it.
// A called party whose screening document runs is a leg of its own.

import { sleep } from '../base/clock.ts';
import { aborted } from '../base/signal.ts';
import { statusOfRefusal } from '../call/outcome.ts';
import type { RecordingControl } from '../recording/control.ts';
import type {
  AudioSource,
  CallControl,
  Collected,
  CollectOptions,
  DialOptions,
  DialOutcome,
  PlayOutcome,
  ReferOutcome,
} from '../twiml/call-control.ts';
import { collectDigits } from '../twiml/collect.ts';
import { collectInput } from '../twiml/collect-speech.ts';
import type { ConferenceControl } from '../twiml/conference-control.ts';
import { prepare } from '../twiml/media-sources.ts';
import type { QueueControl } from '../twiml/queue-control.ts';
import type { StreamControl } from '../twiml/stream-control.ts';
import type { WebhookParams } from '../webhook/webhook.ts';
import { virtualDial } from './virtual-dial.ts';
import { speechMs } from './virtual-input.ts';
import { virtualConferences, virtualQueues, virtualRefer, virtualStreams } from './virtual-parties.ts';
import { virtualRecordings } from './virtual-recordings.ts';
import { type LegIdentity, plainText, type VirtualWorld } from './virtual-world.ts';

const KEY_TONE_MS = 200;
const SAMPLES_PER_MS = 8;

export class VirtualLeg implements CallControl {
  readonly #call: VirtualWorld;
  readonly #identity: LegIdentity;
  readonly #over = new AbortController();
  readonly recordings: RecordingControl;
  readonly streams: StreamControl;
  readonly queues: QueueControl;
  readonly conferences: ConferenceControl;
  readonly transcriptions = { start: () => undefined, stop: () => true };
  readonly siprec = { start: () => undefined, stop: () => true };
  readonly hearsSpeech = true;
  #isAnswered: boolean;
  #status = 'ringing';

  constructor(call: VirtualWorld, identity: LegIdentity) {
    this.#call = call;
    this.#identity = identity;
    this.#isAnswered = identity.isScreening;
    if (identity.isScreening) this.#status = 'in-progress';
    this.recordings = virtualRecordings(call, this);
    this.streams = virtualStreams(call);
    this.queues = virtualQueues(call, this);
    this.conferences = virtualConferences(call, this);
  }

  get callSid(): string {
    return this.#identity.callSid;
  }
  get accountSid(): string {
    return this.#call.options.accountSid;
  }
  get callSignal(): AbortSignal {
    return this.#over.signal;
  }
  isAnswered(): boolean {
    return this.#isAnswered;
  }
  isScreening(): boolean {
    return this.#identity.isScreening;
  }

  params(): WebhookParams {
    const identity: [string, string][] = [
      ['CallSid', this.callSid],
      ['AccountSid', this.accountSid],
      ['CallStatus', this.#status],
    ];
    return new Map([...identity, ...this.#identity.params]);
  }

  async answer(): Promise<void> {
    if (this.#isAnswered || this.callSignal.aborted) return;
    this.#isAnswered = true;
    this.#status = 'in-progress';
    this.#call.see({ kind: 'answered' });
  }

  reject(reason: 'busy' | 'rejected'): void {
    this.#end('application', statusOfRefusal(reason === 'busy' ? 486 : 404), `rejected as ${reason}`);
  }

  hangUp(): void {
    this.end('application', 'the application hung up');
  }

  /** Ends the leg; of the caller this ends the call. */
  end(by: 'caller' | 'application', reason: string): void {
    this.#end(by, this.#isAnswered ? 'completed' : 'canceled', reason);
  }

  #end(by: 'caller' | 'application', status: string, reason: string): void {
    if (this.callSignal.aborted) return;
    this.#status = status;
    if (!this.isScreening()) this.#call.see({ kind: 'ended', by, status, reason });
    this.#over.abort();
  }

  // ------------------------------------------------------------------ heard

  async play(sources: readonly AudioSource[], signal: AbortSignal): Promise<PlayOutcome> {
    let outcome: PlayOutcome = 'finished';
    for (const source of sources) {
      if (signal.aborted) return 'aborted';
      if (!(await this.#playOne(source, signal))) outcome = 'failed';
    }
    return signal.aborted ? 'aborted' : outcome;
  }

  async #playOne(source: AudioSource, signal: AbortSignal): Promise<boolean> {
    const call = this.#call;
    const { clock, heardMs } = call.options;
    switch (source.kind) {
      case 'silence':
        await sleep(clock, source.durationMs, signal);
        return true;
      case 'digits': {
        call.see({ kind: 'play', url: `keys ${source.digits}` });
        await sleep(clock, keysMs(source.digits), signal);
        return true;
      }
      case 'say': {
        const text = plainText(source.spoken.text, source.spoken.ssml);
        call.see({ kind: 'say', text });
        await sleep(clock, source.loop * (heardMs?.(text) ?? speechMs(text)), signal);
        return true;
      }
      case 'url':
        return this.#playFile(source, signal);
    }
  }

  /** The file is really fetched: what the application would get wrong is seen here too. */
  async #playFile(source: Extract<AudioSource, { kind: 'url' }>, signal: AbortSignal): Promise<boolean> {
    const call = this.#call;
    const { clock, webhook, decode, log } = call.options;
    const services = { webhook, decode, log, speaker: SILENT };
    const prepared = await clock.during(prepare(source, this.callSid, services, signal));
    if (signal.aborted) return true;
    call.see({ kind: 'play', url: source.url });
    if (!prepared.ok) {
      const { errorCode, detail } = prepared.error;
      call.see({ kind: 'notice', level: 'warning', code: errorCode, message: detail });
      return false;
    }
    const samples =
      prepared.value.sources.flatMap((one) => (one.kind === 'samples' ? [one.samples] : []))[0] ?? new Int16Array();
    const durationMs = (source.loop * samples.length) / SAMPLES_PER_MS;
    call.audio.plays(samples, durationMs);
    await sleep(clock, durationMs, signal);
    call.audio.stops();
    return true;
  }

  prefetch(): void {}

  pause(durationMs: number, signal: AbortSignal): Promise<void> {
    return sleep(this.#call.options.clock, durationMs, signal);
  }

  async echo(signal: AbortSignal): Promise<void> {
    const stop = this.#call.audio.echo();
    await aborted(signal);
    stop();
  }

  collect(options: CollectOptions, signal: AbortSignal): Promise<Collected> {
    const { input, options: parts } = this.#call;
    const services = {
      clock: parts.clock,
      onDigit: (listener: (digit: string) => void) => input.onKey(listener),
      playPrompt: (promptSignal: AbortSignal) => this.play(options.prompt, promptSignal),
    };
    if (!options.speech) return collectDigits(options, services, signal);
    return collectInput(
      { ...options, speech: options.speech },
      {
        ...services,
        recogniser: input.recogniser,
        listen: (_onAudio, onSpeech) => input.onSpeech(onSpeech),
        onFailure: () => {},
      },
      signal,
    );
  }

  // ------------------------------------------------------------------ others

  dial(options: DialOptions, signal: AbortSignal): Promise<DialOutcome> {
    return virtualDial(this.#call, this, options, signal);
  }

  refer(_target: string, signal: AbortSignal): Promise<ReferOutcome> {
    return virtualRefer(this.#call, signal);
  }
}

/** Nothing is synthesized in virtual time. */
const SILENT: Parameters<typeof prepare>[2]['speaker'] = {
  synthesize: async () => ({ ok: true, value: new Int16Array() }),
};

const keysMs = (keys: string): number =>
  [...keys].reduce((total, key) => total + (key === 'w' ? 500 : key === 'W' ? 1_000 : KEY_TONE_MS), 0);
