// The MediaEngine as the call layer sees it, over one or more cores: gives ids, chooses the core of a new endpoint, remembers which
// endpoints, bridges and plays exist, and turns calls into commands. The cores are in worker threads (workers.ts) or in this thread
// (inline.ts); the dispatcher knows them only as links.

import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { ok, type Result } from '../base/result.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import { BridgeDirectory } from './bridge-directory.ts';
import { compact, compactPlan, compactPlay } from './compact.ts';
import { AudioDispatcher, feedCommand } from './dispatcher-audio.ts';
import type {
  BridgeId,
  EndpointId,
  EndpointInfo,
  EndpointOptions,
  EndpointStatistics,
  MediaCounts,
  MediaEngine,
  MediaEvent,
  PlayId,
  PlayOptions,
  SourceRule,
} from './engine.ts';
import type { AudioEvent, MixerId, MixerMember } from './engine-audio.ts';
import { ForkDirectory } from './fork-directory.ts';
import type { CoreCommand, CoreReply, OpenFailure } from './messages.ts';
import { MixerDirectory } from './mixer-directory.ts';
import { Openings, type Place } from './openings.ts';
import type { CaptureOptions } from './packet-tap.ts';
import type { ComfortMode } from './playback.ts';
import type { StatisticsTable } from './statistics.ts';

/** One core, wherever it runs. */
export interface CoreLink {
  readonly statistics: StatisticsTable;
  send(command: CoreCommand): void;
  /** Time by the core's clock, for its statistics. */
  nowMs(): number;
}

/** Starts and ends what the links lead to. */
export interface CoreHost {
  readonly links: readonly CoreLink[];
  start(): Promise<Result<void, string>>;
  /** After every core has stopped. */
  stop(): Promise<void>;
}

export class MediaDispatcher implements MediaEngine {
  readonly #host: CoreHost;
  readonly #events: Emitter<MediaEvent>;
  readonly #openings: Openings;
  readonly #endpoints = new Map<EndpointId, Place>();
  readonly #bridges: BridgeDirectory;
  readonly #mixers: MixerDirectory;
  readonly #audio: AudioDispatcher;
  readonly #forks: ForkDirectory;
  readonly #plays = new Map<PlayId, EndpointId | MixerId>();
  readonly #stopWaits = new Map<number, () => void>();
  #serial = 0;
  #isRunning = false;

  constructor(host: CoreHost, log: Log) {
    this.#host = host;
    this.#events = new Emitter((fault) => log.error({ fault: String(fault) }, 'a listener of media events failed'));
    this.#bridges = new BridgeDirectory({
      send: (worker, command) => this.#send(worker, command),
      place: (endpoint) => this.#endpoints.get(endpoint),
    });
    this.#mixers = new MixerDirectory({
      send: (worker, command) => this.#send(worker, command),
      place: (endpoint) => this.#endpoints.get(endpoint),
      leastLoaded: (not) => this.#openings.byLoad().find((worker) => worker !== not) ?? 0,
    });
    this.#audio = new AudioDispatcher({
      place: (of) => this.#endpoints.get(of) ?? this.#mixers.homeOf(of),
      send: (worker, command) => this.#send(worker, command),
      emit: (event) => this.#emit(event),
      nextSerial: () => ++this.#serial,
    });
    this.#forks = new ForkDirectory({
      place: (endpoint) => this.#endpoints.get(endpoint),
      send: (worker, command) => this.#send(worker, command),
      nextSerial: () => ++this.#serial,
    });
    this.#openings = new Openings(
      {
        isRunning: () => this.#isRunning,
        place: (endpoint) => this.#endpoints.get(endpoint),
        send: (worker, command) => this.#send(worker, command),
        nextSerial: () => ++this.#serial,
      },
      host.links.map(({ statistics }) => statistics.slots),
    );
  }

  // --- life

  async start(): Promise<Result<void, string>> {
    const started = await this.#host.start();
    this.#isRunning = started.ok;
    return started;
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    const stopped = this.#host.links.map(
      (link, worker) =>
        new Promise<void>((resolve) => {
          this.#stopWaits.set(worker, resolve);
          link.send({ type: 'stop' });
        }),
    );
    await Promise.all(stopped);
    await this.#host.stop();
    this.#endpoints.clear();
    this.#bridges.clear();
    this.#mixers.clear();
    this.#audio.clear();
    this.#forks.clear();
    this.#plays.clear();
  }

  /** What a core answers. */
  receive(worker: number, reply: CoreReply): void {
    if (reply.type === 'opened') {
      this.#openings.answered(reply.request, reply.result);
    } else if (reply.type === 'event') {
      this.#emit(reply.event);
    } else if (reply.type === 'events') {
      for (const event of reply.events) this.#emit(event);
    } else if (reply.type === 'stopped') {
      this.#stopWaits.get(worker)?.();
      this.#stopWaits.delete(worker);
    }
  }

  /** A core is gone with all its endpoints. Its link leads to a new one, now or later. */
  coreFailed(worker: number): void {
    const failed = [...this.#endpoints].filter(([, entry]) => entry.worker === worker).map(([id]) => id);
    this.#openings.workerFailed(worker);
    for (const [play, endpoint] of this.#plays) {
      if (failed.includes(endpoint)) this.#emit({ type: 'playEnded', endpoint, play, outcome: 'failed' });
    }
    this.#audio.workerFailed(worker);
    for (const id of failed) this.#forget(id);
    for (const { id: endpoint, play } of this.#mixers.workerFailed(worker)) {
      this.#emit({ type: 'playEnded', endpoint, play, outcome: 'failed' });
    }
    this.#stopWaits.get(worker)?.();
    this.#stopWaits.delete(worker);
    this.#events.emit({ type: 'workerFailed', endpoints: failed });
  }

  // --- endpoints

  async open(options: EndpointOptions): Promise<Result<EndpointInfo, OpenFailure>> {
    const opened = await this.#openings.open(options);
    if (!opened.ok) return opened;
    const { info, place } = opened.value;
    this.#endpoints.set(info.id, place);
    return ok(info);
  }

  configure(endpoint: EndpointId, plan: MediaPlan, source: SourceRule): void {
    this.#sendTo(endpoint, { type: 'configure', endpoint, plan: compactPlan(plan), source });
  }

  close(endpoint: EndpointId): void {
    const statistics = this.statistics(endpoint);
    if (statistics) this.#emit({ type: 'closed', endpoint, statistics });
    this.#sendTo(endpoint, { type: 'close', endpoint });
    this.#forget(endpoint);
  }

  #forget(endpoint: EndpointId): void {
    const entry = this.#endpoints.get(endpoint);
    if (!entry) return;
    this.#bridges.leave(endpoint);
    this.#mixers.leave(endpoint);
    this.#audio.forget(endpoint);
    this.#forks.forget(endpoint);
    this.#endpoints.delete(endpoint);
    this.#openings.release(entry);
  }

  setComfort(endpoint: EndpointId, mode: ComfortMode, music?: Int16Array): void {
    this.#sendTo(endpoint, { type: 'setComfort', endpoint, mode, music: music ? compact(music) : null });
  }

  insertDigits(endpoint: EndpointId, digits: string): void {
    this.#sendTo(endpoint, { type: 'insertDigits', endpoint, digits });
  }

  detectInbandDigits(endpoint: EndpointId, on: boolean): void {
    this.#sendTo(endpoint, { type: 'detectInbandDigits', endpoint, on });
  }

  setEcho(endpoint: EndpointId, on: boolean): void {
    this.#sendTo(endpoint, { type: 'setEcho', endpoint, on });
  }

  expectSilence(endpoint: EndpointId, silent: boolean): void {
    this.#sendTo(endpoint, { type: 'expectSilence', endpoint, silent });
  }

  capture(endpoint: EndpointId, options: CaptureOptions | null): void {
    this.#sendTo(endpoint, { type: 'capture', endpoint, options });
  }

  // --- bridges

  bridge(a: EndpointId, b: EndpointId): BridgeId {
    this.#serial += 1;
    const number = this.#serial;
    const id = `bridge-${number}`;
    if (a === b || !this.#endpoints.has(a) || !this.#endpoints.has(b)) return id;
    for (const endpoint of [a, b]) this.#mixers.leave(endpoint);
    this.#bridges.join(id, number, a, b);
    return id;
  }

  unbridge(bridge: BridgeId): void {
    this.#bridges.end(bridge);
  }

  // --- mixers

  createMixer(near?: EndpointId): MixerId {
    this.#serial += 1;
    return this.#mixers.create(this.#serial, near);
  }

  removeMixer(mixer: MixerId): void {
    for (const play of this.#mixers.remove(mixer)) this.#playGone(mixer, play, 'stopped');
  }

  joinMixer(mixer: MixerId, endpoint: EndpointId, member: MixerMember): void {
    if (this.#mixers.has(mixer)) this.#bridges.leave(endpoint);
    this.#mixers.join(mixer, endpoint, member);
  }

  updateMember(mixer: MixerId, endpoint: EndpointId, member: MixerMember): void {
    this.#mixers.update(mixer, endpoint, member);
  }

  leaveMixer(mixer: MixerId, endpoint: EndpointId): void {
    this.#mixers.leave(endpoint, mixer);
  }

  playToMixer(mixer: MixerId, options: PlayOptions): PlayId {
    const play = this.#newPlay(mixer);
    if (!this.#mixers.play(mixer, play, compactPlay(options))) this.#playGone(mixer, play, 'failed');
    return play;
  }

  /** Tells of the end of a play that no core tells of, not before the caller has its id. */
  #playGone(target: EndpointId | MixerId, play: PlayId, outcome: 'stopped' | 'failed'): void {
    queueMicrotask(() => {
      if (this.#plays.has(play)) this.#emit({ type: 'playEnded', endpoint: target, play, outcome });
    });
  }

  // --- decoded audio

  tap: MediaEngine['tap'] = (endpoint, tracks, pace) => this.#audio.tap(endpoint, tracks, pace);
  closeTap: MediaEngine['closeTap'] = (tap) => this.#audio.closeTap(tap);
  fork: MediaEngine['fork'] = (from, track, to) => this.#forks.open(from, track, to);
  closeFork: MediaEngine['closeFork'] = (fork) => this.#forks.close(fork);
  startRecording: MediaEngine['startRecording'] = (of, options) => this.#audio.startRecording(of, options);
  pauseRecording: MediaEngine['pauseRecording'] = (recording, how) => this.#audio.pauseRecording(recording, how);
  resumeRecording: MediaEngine['resumeRecording'] = (recording) => this.#audio.resumeRecording(recording);
  stopRecording: MediaEngine['stopRecording'] = (recording) => this.#audio.stopRecording(recording);

  watchSpeech(endpoint: EndpointId, on: boolean): void {
    this.#sendTo(endpoint, { type: 'watchSpeech', endpoint, on });
  }

  openStream(endpoint: EndpointId): PlayId {
    const stream = this.#newPlay(endpoint);
    if (this.#endpoints.has(endpoint)) this.#sendTo(endpoint, { type: 'openStream', endpoint, stream });
    else this.#playGone(endpoint, stream, 'failed');
    return stream;
  }

  feedStream(stream: PlayId, payload: Uint8Array): void {
    const endpoint = this.#plays.get(stream);
    if (endpoint !== undefined) this.#sendTo(endpoint, feedCommand(endpoint, stream, payload));
  }

  markStream(stream: PlayId, name: string): void {
    const endpoint = this.#plays.get(stream);
    if (endpoint !== undefined) this.#sendTo(endpoint, { type: 'markStream', endpoint, stream, name });
  }

  clearStream(stream: PlayId): void {
    const endpoint = this.#plays.get(stream);
    if (endpoint !== undefined) this.#sendTo(endpoint, { type: 'clearStream', endpoint, stream });
  }

  // --- plays

  #newPlay(target: EndpointId | MixerId): PlayId {
    this.#serial += 1;
    const play = `play-${this.#serial}`;
    this.#plays.set(play, target);
    return play;
  }

  play(endpoint: EndpointId, options: PlayOptions): PlayId {
    const play = this.#newPlay(endpoint);
    if (this.#endpoints.has(endpoint)) {
      this.#sendTo(endpoint, { type: 'play', play, endpoint, options: compactPlay(options) });
    } else {
      this.#playGone(endpoint, play, 'failed');
    }
    return play;
  }

  stopPlay(play: PlayId): void {
    const target = this.#plays.get(play);
    if (target === undefined) return;
    if (this.#mixers.has(target)) this.#mixers.stopPlay(target, play);
    else this.#sendTo(target, { type: 'stopPlay', play, endpoint: target });
  }

  // --- what is seen from outside

  statistics(endpoint: EndpointId): EndpointStatistics | undefined {
    const entry = this.#endpoints.get(endpoint);
    const link = entry && this.#host.links[entry.worker];
    return entry && link ? link.statistics.read(entry.slot, link.nowMs()) : undefined;
  }

  onEvent(listener: (event: MediaEvent) => void): () => void {
    return this.#events.on(listener);
  }

  /** Ports are counted in pairs. */
  counts(): MediaCounts {
    const sum = (name: Parameters<StatisticsTable['head']>[0]): number =>
      this.#host.links.reduce((total, { statistics }) => total + statistics.head(name), 0);
    return {
      // A leak shows whichever side has it.
      endpoints: Math.max(this.#endpoints.size, sum('endpoints')),
      bridges: this.#bridges.size,
      plays: this.#plays.size,
      // Each worker that takes part has one.
      mixers: Math.max(this.#mixers.size, ...this.#host.links.map(({ statistics }) => statistics.head('mixers'))),
      mixerMembers: Math.max(this.#mixers.members, sum('mixerMembers')),
      taps: this.#audio.taps + this.#forks.size,
      recordings: this.#audio.recordings,
      portsInUse: sum('inUse'),
      portsResting: sum('resting'),
      portsFree: sum('free'),
    };
  }

  #emit(event: MediaEvent): void {
    if (event.type === 'audio') return this.#emitAudio(event);
    if (event.type === 'recordingEnded') this.#audio.recordingEnded(event.recording);
    if (event.type === 'playEnded') {
      // A mixer that is removed ends its plays here and in its worker.
      if (!this.#plays.delete(event.play)) return;
      this.#mixers.playEnded(event.endpoint, event.play);
    } else if (!isLate(event) && !this.#endpoints.has(event.endpoint)) {
      return;
    }
    this.#events.emit(event);
  }

  /** Makes room for the next frame, whoever listens: frames on their way do not outlive their tap. */
  #emitAudio(event: AudioEvent & { readonly type: 'audio' }): void {
    const entry = this.#endpoints.get(event.endpoint);
    if (!entry) return;
    this.#host.links[entry.worker]!.statistics.takeTapFrame(entry.slot);
    if (this.#audio.hasTap(event.tap)) this.#events.emit(event);
  }

  #sendTo(endpoint: EndpointId, command: CoreCommand): void {
    const entry = this.#endpoints.get(endpoint);
    if (entry) this.#send(entry.worker, command);
  }

  #send(worker: number, command: CoreCommand): void {
    this.#host.links[worker]!.send(command);
  }
}

/** What may tell of an endpoint that is closed. */
const isLate = (
  event: MediaEvent,
): event is Extract<MediaEvent, { type: 'recordingEnded' | 'markReached' | 'captured' | 'workerFailed' }> =>
  event.type === 'recordingEnded' ||
  event.type === 'markReached' ||
  event.type === 'captured' ||
  event.type === 'workerFailed';
