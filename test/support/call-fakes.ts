// What tests of the call layer share: a leg that does as the test says, a media engine that keeps a list, and calls on a virtual clock.

import type { CallEvent } from '../../src/base/events.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Domain } from '../../src/base/records.ts';
import { ok } from '../../src/base/result.ts';
import type { Call, CallOptions } from '../../src/call/call.ts';
import { Calls } from '../../src/call/calls.ts';
import type { AnswerOutcome, HeaderPair, LegDriver, LegEvent } from '../../src/call/leg-driver.ts';
import type { LegFailureCause } from '../../src/call/outcome.ts';
import type { Conferences } from '../../src/conference/conferences.ts';
import type { EndpointId, MediaEngine, MediaEvent, PlayOptions } from '../../src/media/engine.ts';
import type { AudioTrack, MixerMember, RecordingOptions, RecordingResult } from '../../src/media/engine-audio.ts';
import type { MediaDirection } from '../../src/sdp/plan.ts';
import { seededRandom } from './network.ts';
import { VirtualClock } from './virtual-clock.ts';

/**
 * A leg in a test's hand. `hangUp` of an unanswered outgoing leg waits for the 487 (`canceled`), that of an answered one ends at once,
 * as sip-leg.ts does.
 */
export class FakeLeg implements LegDriver {
  signallingId: string | undefined = 'call-id@fake';
  remoteAddress: string | undefined = '192.0.2.7';
  remoteDirection: MediaDirection = 'sendrecv';
  /** What was asked of it, in order. */
  readonly done: string[] = [];
  answerOutcome: AnswerOutcome = { ok: true, detail: '' };
  offersEarlyMedia = true;
  probeOutcome = true;
  /** A cancelled leg gives its 487 at once, not when the test says so. */
  cancelsAtOnce = true;
  /** Called inside `start`. */
  onStart: () => void = () => {};
  readonly #endpoint: EndpointId | undefined;
  readonly #incoming: boolean;
  #listener: (event: LegEvent) => void = () => {};
  #phase: 'idle' | 'early' | 'answered' | 'ended';

  constructor(endpoint: EndpointId | undefined, incoming = false) {
    this.#endpoint = endpoint;
    this.#incoming = incoming;
    this.#phase = incoming ? 'early' : 'idle';
  }

  get endpoint(): EndpointId | undefined {
    return this.#phase === 'ended' ? undefined : this.#endpoint;
  }
  get phase(): string {
    return this.#phase;
  }

  onEvent(listener: (event: LegEvent) => void): void {
    this.#listener = listener;
  }
  emit(event: LegEvent): void {
    this.#listener(event);
  }

  // --- what the peer does

  rings(earlyMedia = false, status = earlyMedia ? 183 : 180): void {
    this.emit({ type: 'ringing', status, earlyMedia });
  }
  answers(headers: readonly HeaderPair[] = []): void {
    this.#phase = 'answered';
    this.emit({ type: 'answered', status: 200, headers });
  }
  fails(status: number, cause: LegFailureCause = 'response', headers: readonly HeaderPair[] = []): void {
    this.#phase = 'ended';
    this.emit({ type: 'failed', status, cause, detail: String(status), headers });
  }
  cancels(): void {
    this.#phase = 'ended';
    this.emit({ type: 'canceled' });
  }
  presses(digit: string): void {
    this.emit({ type: 'digit', digit, durationMs: 100 });
  }
  offers(direction: MediaDirection): void {
    this.remoteDirection = direction;
    this.emit({ type: 'direction', direction });
  }
  hangsUp(headers: readonly HeaderPair[] = []): void {
    this.#phase = 'ended';
    this.emit({ type: 'ended', by: 'remote', headers });
  }

  // --- LegDriver

  start(): void {
    this.done.push('start');
    this.#phase = 'early';
    this.onStart();
  }
  ring(): void {
    this.done.push('ring');
  }
  earlyMedia(): boolean {
    this.done.push('earlyMedia');
    return this.offersEarlyMedia;
  }
  async answer(): Promise<AnswerOutcome> {
    if (this.#phase !== 'early') return { ok: false, detail: 'leg has ended' };
    this.done.push('answer');
    if (this.answerOutcome.ok) this.#phase = 'answered';
    return this.answerOutcome;
  }
  refuse(status: number): void {
    if (this.#phase !== 'early') return;
    this.done.push(`refuse ${status}`);
    this.#phase = 'ended';
  }
  /** What the last hangUp said. */
  hungUpFor: 'elsewhere' | undefined;
  hangUp(why?: 'elsewhere'): void {
    if (this.#phase === 'ended') return;
    this.done.push('hangUp');
    this.hungUpFor = why;
    if (this.#phase === 'answered') {
      this.#phase = 'ended';
      this.emit({ type: 'ended', by: 'local', headers: [] });
    } else if (this.#incoming) this.#phase = 'ended';
    else if (this.#phase === 'idle' || this.cancelsAtOnce) this.fails(487, 'canceled');
  }
  async offerDirection(direction: MediaDirection): Promise<boolean> {
    this.done.push(`offer ${direction}`);
    return true;
  }
  limitDirection(most: MediaDirection): void {
    this.done.push(`limit ${most}`);
  }
  async probe(): Promise<boolean> {
    this.done.push('probe');
    return this.probeOutcome;
  }
}

/** Keeps what it was told; plays end when the test says so. */
export class FakeEngine implements MediaEngine {
  readonly done: string[] = [];
  readonly bridgesNow = new Map<string, readonly [EndpointId, EndpointId]>();
  /** Members of each mixer. */
  readonly mixersNow = new Map<string, Map<EndpointId, MixerMember>>();
  readonly playsNow = new Map<string, { readonly endpoint: EndpointId; readonly options: PlayOptions }>();
  readonly tapsNow = new Map<string, EndpointId>();
  readonly recordingsNow = new Map<string, { readonly of: string; readonly options: RecordingOptions }>();
  readonly #listeners = new Set<(event: MediaEvent) => void>();
  #next = 0;
  /** Tells the leg that owns the endpoint. */
  onPlayEnded: (endpoint: EndpointId, play: string, outcome: 'finished' | 'stopped' | 'failed') => void = () => {};

  async start() {
    return ok(undefined);
  }
  async stop(): Promise<void> {}
  async open() {
    const id = `e${++this.#next}`;
    return ok({ id, localAddress: '127.0.0.1', rtpPort: 10_000, rtcpPort: 10_001 });
  }
  configure(endpoint: EndpointId): void {
    this.done.push(`configure ${endpoint}`);
  }
  close(endpoint: EndpointId): void {
    this.done.push(`close ${endpoint}`);
  }
  bridge(a: EndpointId, b: EndpointId): string {
    const id = `b${++this.#next}`;
    this.bridgesNow.set(id, [a, b]);
    this.done.push(`bridge ${a} ${b}`);
    return id;
  }
  unbridge(bridge: string): void {
    const pair = this.bridgesNow.get(bridge);
    if (!pair) return;
    this.bridgesNow.delete(bridge);
    this.done.push(`unbridge ${pair.join(' ')}`);
  }
  play(endpoint: EndpointId, options: PlayOptions): string {
    const id = `p${++this.#next}`;
    this.playsNow.set(id, { endpoint, options });
    this.done.push(`play ${endpoint}`);
    return id;
  }
  stopPlay(play: string): void {
    const running = this.playsNow.get(play);
    if (!running) return;
    this.playsNow.delete(play);
    this.done.push(`stopPlay ${running.endpoint}`);
    this.onPlayEnded(running.endpoint, play, 'stopped');
  }
  /** Ends the oldest play. */
  finishPlay(outcome: 'finished' | 'failed' = 'finished'): void {
    const [play, running] = [...this.playsNow][0]!;
    this.playsNow.delete(play);
    this.onPlayEnded(running.endpoint, play, outcome);
  }
  createMixer(): string {
    const id = `m${++this.#next}`;
    this.mixersNow.set(id, new Map());
    this.done.push(`createMixer ${id}`);
    return id;
  }
  removeMixer(mixer: string): void {
    if (this.mixersNow.delete(mixer)) this.done.push(`removeMixer ${mixer}`);
  }
  joinMixer(mixer: string, endpoint: EndpointId, member: MixerMember): void {
    this.mixersNow.get(mixer)?.set(endpoint, member);
    this.done.push(`joinMixer ${mixer} ${endpoint}`);
  }
  updateMember(mixer: string, endpoint: EndpointId, member: MixerMember): void {
    this.mixersNow.get(mixer)?.set(endpoint, member);
    this.done.push(`updateMember ${mixer} ${endpoint}`);
  }
  leaveMixer(mixer: string, endpoint: EndpointId): void {
    if (this.mixersNow.get(mixer)?.delete(endpoint)) this.done.push(`leaveMixer ${mixer} ${endpoint}`);
  }
  playToMixer(mixer: string, options: PlayOptions): string {
    return this.play(mixer, options);
  }
  setComfort(endpoint: EndpointId, mode: string): void {
    this.done.push(`comfort ${endpoint} ${mode}`);
  }
  insertDigits(endpoint: EndpointId, digits: string): void {
    this.done.push(`insert ${endpoint} ${digits}`);
  }
  detectInbandDigits(endpoint: EndpointId, on: boolean): void {
    this.done.push(`inband ${endpoint} ${on}`);
  }
  setEcho(): void {}
  capture(): void {}
  tap(endpoint: EndpointId, tracks: readonly AudioTrack[]): string {
    const id = `t${++this.#next}`;
    this.tapsNow.set(id, endpoint);
    this.done.push(`tap ${endpoint} ${tracks.join(' ')}`);
    return id;
  }
  fork(from: EndpointId, track: AudioTrack, to: EndpointId): string {
    const id = `f${++this.#next}`;
    this.tapsNow.set(id, from);
    this.done.push(`fork ${from} ${track} ${to}`);
    return id;
  }
  closeFork(fork: string): void {
    if (this.tapsNow.delete(fork)) this.done.push(`closeFork ${fork}`);
  }
  closeTap(tap: string): void {
    if (this.tapsNow.delete(tap)) this.done.push(`closeTap ${tap}`);
  }
  startRecording(of: string, options: RecordingOptions): string {
    const id = `r${++this.#next}`;
    this.recordingsNow.set(id, { of, options });
    this.done.push(`startRecording ${of}`);
    return id;
  }
  pauseRecording(recording: string, behaviour: 'silence' | 'skip'): void {
    this.done.push(`pauseRecording ${recording} ${behaviour}`);
  }
  resumeRecording(recording: string): void {
    this.done.push(`resumeRecording ${recording}`);
  }
  stopRecording(recording: string): void {
    this.endRecording(recording);
  }
  /** Ends a recording as the engine does, a little later. */
  endRecording(recording: string, result: Partial<RecordingResult> = {}): void {
    const running = this.recordingsNow.get(recording);
    if (!running) return;
    this.recordingsNow.delete(recording);
    this.done.push(`stopRecording ${running.of}`);
    const whole = { file: running.options.file, durationMs: 1_000, speech: null, failure: null, ...result };
    queueMicrotask(() => this.tell({ type: 'recordingEnded', endpoint: running.of, recording, result: whole }));
  }
  openStream(endpoint: EndpointId): string {
    const id = `p${++this.#next}`;
    this.playsNow.set(id, { endpoint, options: { sources: [], loop: 0 } });
    this.done.push(`openStream ${endpoint}`);
    return id;
  }
  feedStream(stream: string, payload: Uint8Array): void {
    this.done.push(`feedStream ${stream} ${payload.length}`);
  }
  markStream(stream: string, name: string): void {
    this.done.push(`markStream ${stream} ${name}`);
  }
  clearStream(stream: string): void {
    this.done.push(`clearStream ${stream}`);
  }
  watchSpeech(endpoint: EndpointId, on: boolean): void {
    this.done.push(`watchSpeech ${endpoint} ${on}`);
  }
  /** Tells all listeners of an event. */
  tell(event: MediaEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
  expectSilence(endpoint: EndpointId, silent: boolean): void {
    this.done.push(`expectSilence ${endpoint} ${silent}`);
  }
  statistics(): undefined {
    return undefined;
  }
  onEvent(listener: (event: MediaEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  counts() {
    const nothing = { mixerMembers: 0, portsInUse: 0, portsResting: 0, portsFree: 0 };
    return {
      endpoints: 0,
      bridges: this.bridgesNow.size,
      plays: this.playsNow.size,
      mixers: this.mixersNow.size,
      taps: this.tapsNow.size,
      recordings: this.recordingsNow.size,
      ...nothing,
    };
  }
}

/** For tests without conferences: nobody can join one. */
export const noConferences: Pick<Conferences, 'join'> = {
  join: async () => ({ how: 'notJoined', code: 16022, detail: 'there are no conferences here' }),
};

export const ACCOUNT = `AC${'a'.repeat(32)}`;

export const callOptions = (changes: Partial<CallOptions> = {}): Omit<CallOptions, 'sid'> => ({
  accountSid: ACCOUNT,
  direction: 'inbound',
  from: 'sip:alice@office.example',
  to: 'sip:1000@office.example',
  parentCallSid: null,
  domain: undefined,
  statusCallback: undefined,
  sipParams: new Map(),
  callerName: null,
  ...changes,
});

/** Calls on a virtual clock with fake legs: everything they say is kept. */
export class CallBench {
  readonly clock = new VirtualClock();
  readonly engine = new FakeEngine();
  readonly events: CallEvent[] = [];
  readonly calls: Calls;
  readonly #legs = new Map<string, FakeLeg>();
  #next = 0;

  constructor(maxCalls = 100, seed = 1) {
    const random = seededRandom(seed).bytes;
    this.calls = new Calls({ clock: this.clock, log: silentLog, random, maxCalls });
    this.calls.onEvent((event) => this.events.push(event));
    this.engine.onPlayEnded = (endpoint, play, outcome) =>
      queueMicrotask(() => this.#legs.get(endpoint)?.emit({ type: 'playEnded', play, outcome }));
  }

  leg(incoming = false): FakeLeg {
    const endpoint = `leg${++this.#next}`;
    const leg = new FakeLeg(endpoint, incoming);
    this.#legs.set(endpoint, leg);
    return leg;
  }

  inbound(changes: Partial<CallOptions> = {}): { call: Call; leg: FakeLeg } {
    const call = this.calls.create(callOptions(changes));
    const leg = this.leg(true);
    call.attach(leg);
    return { call, leg };
  }

  outbound(changes: Partial<CallOptions> = {}): { call: Call; leg: FakeLeg } {
    const call = this.calls.create(callOptions({ direction: 'outbound-dial', ...changes }));
    const leg = this.leg();
    call.attach(leg);
    return { call, leg };
  }

  /** Events of one call as short words: `status ringing`, `ended busy 486`. */
  story(call: Call): string[] {
    return this.events.filter((event) => event.callSid === call.sid).map(wordsOf);
  }
}

function wordsOf(event: CallEvent): string {
  switch (event.type) {
    case 'status':
      return `status ${event.status}`;
    case 'ended':
      return `ended ${event.status} ${event.sipResponseCode}`;
    case 'media':
      return `media ${event.change}`;
    case 'notification':
      return `${event.level} ${event.errorCode}`;
    default:
      return event.type;
  }
}

export const domainRecord = (changes: Partial<Domain> = {}): Domain => ({
  sid: `SD${'1'.repeat(32)}`,
  accountSid: ACCOUNT,
  domainName: 'office.example',
  friendlyName: 'office',
  realm: 'realm',
  voiceUrl: 'http://app.example/voice',
  voiceMethod: 'POST',
  voiceFallbackUrl: null,
  voiceFallbackMethod: 'POST',
  voiceStatusCallbackUrl: null,
  voiceStatusCallbackMethod: 'POST',
  voiceTwiml: null,
  sipRegistration: true,
  secure: false,
  mediaEncryption: 'optional',
  nat: false,
  digestSha256: false,
  attendedTransfer: true,
  musicOnHold: 'none',
  dtmfInband: false,
  emergencyCallingEnabled: false,
  emergencyCallerSid: null,
  emergencyAddress: null,
  byocTrunkSid: null,
  declared: false,
  dateCreated: 0,
  dateUpdated: 0,
  ...changes,
});
