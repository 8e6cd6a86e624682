// Who listens to the audio of one endpoint: taps, forks, recordings, speech activity. An endpoint has this object only while there is somebody,
// so that without it nothing is decoded (design.md 6). One jitter buffer per track serves all of them.
//
//   packets from the peer ──▶ inbound reader  ─┐ one frame of 20 ms   ┌─▶ taps, forks, recordings
//   packets to the peer   ──▶ outbound reader ─┴───── per tick ───────┴─▶ speech activity (inbound)
//
// Both tracks go through the same buffering, so that they keep their place to each other in a recording of both.

import { limits } from '../base/limits.ts';
import type { AudioCodec } from '../sdp/plan.ts';
import type { ListenCommand } from './audio-messages.ts';
import type { AudioEvent, AudioTrack, TapId, TapPace } from './engine-audio.ts';
import type { EndpointId } from './engine-plays.ts';
import type { Fork } from './fork.ts';
import { Recordings, type RecordingsHost } from './recordings.ts';
import { SpeechActivity } from './speech-activity.ts';
import { drop, type SlotStatistics } from './statistics.ts';
import { Tap } from './tap.ts';
import { TrackReader } from './track-reader.ts';

export class Listeners {
  readonly #endpoint: EndpointId;
  readonly #statistics: SlotStatistics;
  readonly #emit: (event: AudioEvent) => void;
  readonly #taps = new Map<TapId, Tap>();
  /** Those of the taps that get packets as they come; null: none, the usual case. */
  #prompt: readonly Tap[] | null = null;
  readonly #forks = new Map<number, Fork>();
  readonly #recordings: Recordings;
  #activity: SpeechActivity | null = null;
  #inbound: TrackReader | null = null;
  #outbound: TrackReader | null = null;

  constructor(endpoint: EndpointId, statistics: SlotStatistics, host: RecordingsHost) {
    this.#endpoint = endpoint;
    this.#statistics = statistics;
    this.#emit = (event) => host.emit(event);
    this.#recordings = new Recordings(endpoint, host);
  }

  /** Nobody listens any more. */
  get isEmpty(): boolean {
    return this.#taps.size + this.#forks.size === 0 && this.#recordings.isEmpty && this.#activity === null;
  }

  /** `fork`: what a command of that type begins; null: where it was to lead is gone. */
  obey(command: ListenCommand, nowMs: number, fork: Fork | null = null): void {
    switch (command.type) {
      case 'fork':
        if (fork) this.#forks.set(command.fork, fork);
        break;
      case 'closeFork':
        this.#forks.delete(command.fork);
        break;
      case 'tap':
        this.#tap(command.tap, command.tracks, command.pace, nowMs);
        break;
      case 'closeTap':
        this.#taps.delete(command.tap);
        break;
      case 'watchSpeech':
        if (!command.on) this.#activity = null;
        else this.#activity ??= new SpeechActivity();
        break;
      default:
        this.#recordings.obey(command);
    }
    this.#settle();
  }

  #tap(id: TapId, tracks: readonly AudioTrack[], pace: TapPace, nowMs: number): void {
    if (this.#taps.size >= limits.tapsPerEndpoint) return this.#statistics.add(drop.tap, 1);
    this.#taps.set(id, new Tap(id, this.#endpoint, tracks, this.#statistics, this.#emit, pace, nowMs));
  }

  /** Readers for the tracks that somebody needs, and no others. */
  #settle(): void {
    const prompt = [...this.#taps.values()].filter((tap) => tap.isPrompt);
    this.#prompt = prompt.length > 0 ? prompt : null;
    this.#inbound = this.#needs('inbound') ? (this.#inbound ?? new TrackReader()) : null;
    this.#outbound = this.#needs('outbound') ? (this.#outbound ?? new TrackReader()) : null;
  }

  #needs(track: AudioTrack): boolean {
    if (track === 'inbound' && this.#activity) return true;
    for (const tap of this.#taps.values()) if (tap.needs(track)) return true;
    for (const fork of this.#forks.values()) if (fork.track === track) return true;
    return this.#recordings.needs(track);
  }

  /** A packet of the peer; `codec` null: a telephone event. */
  received(
    ssrc: number,
    sequence: number,
    timestamp: number,
    payload: Uint8Array,
    codec: AudioCodec | null,
    nowMs: number,
  ): void {
    this.#inbound?.push(ssrc, sequence, timestamp, payload, codec, nowMs);
    if (this.#prompt) for (const tap of this.#prompt) tap.push('inbound', ssrc, sequence, payload, codec, nowMs);
  }

  /** A packet that goes to the peer, before it is protected. */
  sent(
    ssrc: number,
    sequence: number,
    timestamp: number,
    payload: Uint8Array,
    codec: AudioCodec | null,
    nowMs: number,
  ): void {
    this.#outbound?.push(ssrc, sequence, timestamp, payload, codec, nowMs);
    if (this.#prompt) for (const tap of this.#prompt) tap.push('outbound', ssrc, sequence, payload, codec, nowMs);
  }

  /** Frame number `frame` (20 ms each) is due. */
  tick(frame: number, nowMs: number): void {
    const inbound = this.#inbound;
    const outbound = this.#outbound;
    inbound?.read(nowMs);
    outbound?.read(nowMs);
    if (this.#activity && inbound) this.#watch(this.#activity, inbound);
    for (const tap of this.#taps.values()) {
      if (tap.isPrompt) tap.tick(nowMs);
      else tap.take(frame, inbound, outbound);
    }
    for (const fork of this.#forks.values()) {
      const reader = fork.track === 'inbound' ? inbound : outbound;
      if (reader) fork.give(frame, reader.samples, nowMs);
    }
    if (this.#recordings.isEmpty) return;
    this.#recordings.take(frame, inbound, outbound);
    if (this.#recordings.isEmpty) this.#settle();
  }

  #watch(activity: SpeechActivity, { samples, state }: TrackReader): void {
    if (!activity.push(state === 'audio' ? samples : null)) return;
    this.#emit({ type: 'speech', endpoint: this.#endpoint, isSpeaking: activity.isSpeaking });
  }

  /** The endpoint is closed: all of it ends. */
  end(): void {
    this.#taps.clear();
    this.#prompt = null;
    this.#forks.clear();
    this.#activity = null;
    this.#recordings.stopAll();
  }
}
