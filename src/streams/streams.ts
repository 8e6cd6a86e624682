// The streams of all calls: starts them, finds them by name, counts forked tracks, and brings the engine's audio to each.

import { newSid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { linkedController } from '../base/signal.ts';
import type { StreamRecord } from '../base/streams-api.ts';
import type { EndpointId, PlayId } from '../media/engine.ts';
import type { AudioTrack, TapId } from '../media/engine-audio.ts';
import type { StreamCall } from './call.ts';
import { type AudioRoutes, MediaStream, tracksOf } from './media-stream.ts';
import type { StreamEnd, StreamFailure, StreamOptions } from './options.ts';
import type { RelayEnd, RelayOptions } from './relay/options.ts';
import { type CallFacts, RelaySession } from './relay/session.ts';
import type { RelayVoice } from './relay/voice.ts';
import type { StreamServices } from './services.ts';

interface CallEntry {
  readonly live: Map<string, MediaStream>;
  /** By sid, oldest first; ended ones too, until the call ends. */
  readonly records: Map<string, StreamRecord>;
  forkedTracks: number;
}

type TapListener = (track: AudioTrack, payload: Uint8Array, timestampMs: number) => void;

export class Streams implements AudioRoutes {
  readonly #services: StreamServices;
  readonly #calls = new Map<string, CallEntry>();
  readonly #taps = new Map<TapId, TapListener>();
  readonly #plays = new Map<PlayId, (name: string) => void>();
  readonly #speech = new Map<EndpointId, (isSpeaking: boolean) => void>();
  #live = 0;
  #relays = 0;
  #started = 0;
  #failed = 0;
  #framesDropped = 0;

  constructor(services: Omit<StreamServices, 'onDropped'>) {
    this.#services = { ...services, onDropped: (frames) => this.#dropped(frames) };
    services.engine.onEvent((event) => {
      if (event.type === 'audio') this.#taps.get(event.tap)?.(event.track, event.payload, event.timestampMs);
      else if (event.type === 'markReached') this.#plays.get(event.play)?.(event.name);
      else if (event.type === 'speech') this.#speech.get(event.endpoint)?.(event.isSpeaking);
    });
  }

  /** Streams that run; 0 when idle. */
  counts(): { readonly live: number; readonly relays: number; readonly calls: number } {
    return { live: this.#live, relays: this.#relays, calls: this.#calls.size };
  }

  totals(): { readonly started: number; readonly failed: number; readonly framesDropped: number } {
    return { started: this.#started, failed: this.#failed, framesDropped: this.#framesDropped };
  }

  /** Forks audio of the call to a server, beside everything else. */
  start(call: StreamCall, options: StreamOptions): Result<StreamRecord, StreamFailure> {
    const refusal = this.#refusalOf(call, options);
    if (refusal) return err(refusal);
    const tracks = tracksOf(options.track).length;
    if (!this.claimTracks(call, tracks)) {
      const detail = `a call may have ${limits.forkedTracksPerCall} forked tracks at most`;
      return err({ errorCode: 12200, detail });
    }
    const { record } = this.#launch(call, options, 'forked', () => this.releaseTracks(call, tracks));
    return ok(record);
  }

  /** A two-way stream: resolves when it is over. `signal` ends it. */
  async connect(call: StreamCall, options: StreamOptions, signal: AbortSignal): Promise<StreamEnd> {
    const refusal = this.#refusalOf(call, options);
    if (refusal) {
      call.notify('error', refusal.errorCode, `Stream: ${refusal.detail}`, options.url);
      return { streamSid: '', name: options.name, how: 'failed', failure: refusal };
    }
    const { stream, end } = this.#launch(call, options, 'twoWay', () => {});
    const onAbort = () => stream.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) stream.stop();
    const ended = await end;
    signal.removeEventListener('abort', onAbort);
    return ended;
  }

  /** A ConversationRelay session: resolves when it is over. `signal` ends it. */
  async relay(
    call: StreamCall,
    facts: CallFacts,
    options: RelayOptions,
    voice: RelayVoice,
    signal: AbortSignal,
  ): Promise<RelayEnd> {
    const session = new RelaySession(options, facts, call, this.#services, this, voice);
    const ending = linkedController(call.signal);
    const onAbort = () => ending.controller.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#relays++;
    const end = await session.run(ending.controller.signal);
    this.#relays--;
    signal.removeEventListener('abort', onAbort);
    ending.dispose();
    return end;
  }

  /** By sid or name. Undefined: this call has and had none. */
  stop(callSid: string, sidOrName: string): StreamRecord | undefined {
    const entry = this.#calls.get(callSid);
    if (!entry) return undefined;
    for (const [sid, stream] of entry.live) {
      if (sid !== sidOrName && stream.options.name !== sidOrName) continue;
      this.#markStopped(entry, sid);
      stream.stop();
      return entry.records.get(sid);
    }
    return entry.records.get(sidOrName) ?? [...entry.records.values()].findLast(({ name }) => name === sidOrName);
  }

  /** Takes places among the forked tracks of the call (twiml.md 9: shared with session recording). */
  claimTracks(call: StreamCall, count: number): boolean {
    const entry = this.#entryOf(call);
    if (entry.forkedTracks + count > limits.forkedTracksPerCall) return false;
    entry.forkedTracks += count;
    return true;
  }

  releaseTracks(call: StreamCall, count: number): void {
    const entry = this.#calls.get(call.callSid);
    if (entry) entry.forkedTracks -= count;
  }

  // --- AudioRoutes

  ownTap(tap: TapId, listener: TapListener): void {
    this.#taps.set(tap, listener);
  }

  ownPlay(play: PlayId, onMark: (name: string) => void): void {
    this.#plays.set(play, onMark);
  }

  ownSpeech(endpoint: EndpointId, listener: (isSpeaking: boolean) => void): void {
    this.#speech.set(endpoint, listener);
  }

  forget(tap: TapId | undefined, play: PlayId | undefined, speech?: EndpointId | undefined): void {
    if (tap !== undefined) this.#taps.delete(tap);
    if (play !== undefined) this.#plays.delete(play);
    if (speech !== undefined) this.#speech.delete(speech);
  }

  // --- inside

  #launch(call: StreamCall, options: StreamOptions, mode: 'forked' | 'twoWay', onEnd: () => void) {
    const entry = this.#entryOf(call);
    const { random, clock } = this.#services;
    const sid = newSid('MZ', random);
    const stream = new MediaStream(sid, options, mode, call, this.#services, this);
    const { accountSid, callSid } = call;
    const name = options.name ?? null;
    const record: StreamRecord = { sid, accountSid, callSid, name, status: 'in-progress', dateUpdated: clock.wall() };
    entry.live.set(sid, stream);
    entry.records.set(sid, record);
    if (entry.records.size > limits.streamsKeptPerCall) this.#forgetOldest(entry);
    this.#live++;
    this.#started++;
    const end = stream.run().then((ended) => {
      this.#live--;
      if (ended.how === 'failed') this.#failed++;
      entry.live.delete(sid);
      this.#markStopped(entry, sid);
      onEnd();
      return ended;
    });
    return { stream, record, end };
  }

  #entryOf(call: StreamCall): CallEntry {
    const known = this.#calls.get(call.callSid);
    if (known) return known;
    const entry: CallEntry = { live: new Map(), records: new Map(), forkedTracks: 0 };
    this.#calls.set(call.callSid, entry);
    const forget = () => this.#calls.delete(call.callSid);
    if (call.signal.aborted) forget();
    else call.signal.addEventListener('abort', forget, { once: true });
    return entry;
  }

  #markStopped(entry: CallEntry, sid: string): void {
    const record = entry.records.get(sid);
    if (!record || record.status === 'stopped') return;
    entry.records.set(sid, { ...record, status: 'stopped', dateUpdated: this.#services.clock.wall() });
  }

  #forgetOldest(entry: CallEntry): void {
    for (const sid of entry.records.keys()) {
      if (entry.live.has(sid)) continue;
      entry.records.delete(sid);
      return;
    }
  }

  #refusalOf(call: StreamCall, { name }: StreamOptions): StreamFailure | undefined {
    if (name === undefined) return undefined;
    const live = [...(this.#calls.get(call.callSid)?.live.values() ?? [])];
    const isTaken = live.some((stream) => stream.options.name === name);
    return isTaken ? { errorCode: 12200, detail: `the call has a stream named ${name} already` } : undefined;
  }

  #dropped(frames: number): void {
    if (this.#framesDropped === 0) this.#services.log.warn({}, 'a stream server is slow: audio for it is dropped');
    this.#framesDropped += frames;
  }
}
