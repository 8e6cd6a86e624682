// One media stream of one call: a connection to the application's server, a tap on the call's audio, and, where it is two-way, the
// server's audio into the call (twiml.md 9). It owns its socket, its tap and its play, and lets go of all three in `#end`.
//
//   call ──tap──▶ media ─────────────▶ server        forked: one or both tracks, the call goes on beside it
//   call ◀─play── media, mark, clear ◀─ server        two-way: inbound track, the call is the server's until it closes

import type { Unsubscribe } from '../base/emitter.ts';
import { limits } from '../base/limits.ts';
import type { EndpointId, PlayId } from '../media/engine.ts';
import type { AudioTrack, TapId } from '../media/engine-audio.ts';
import type { StreamCall } from './call.ts';
import type { StreamEnd, StreamFailure, StreamOptions, StreamTrack } from './options.ts';
import { CONNECTED, MessageWriter, readMessage } from './protocol.ts';
import type { StreamServices } from './services.ts';
import type { Socket } from './socket.ts';

const TRACKS: Readonly<Record<StreamTrack, readonly AudioTrack[]>> = {
  inbound_track: ['inbound'],
  outbound_track: ['outbound'],
  both_tracks: ['inbound', 'outbound'],
};

export const tracksOf = (track: StreamTrack): readonly AudioTrack[] => TRACKS[track];

export type StreamMode = 'forked' | 'twoWay';

/** Who brings audio and marks of the engine to the stream. */
export interface AudioRoutes {
  ownTap(tap: TapId, listener: (track: AudioTrack, payload: Uint8Array, timestampMs: number) => void): void;
  ownPlay(play: PlayId, onMark: (name: string) => void): void;
  ownSpeech(endpoint: EndpointId, listener: (isSpeaking: boolean) => void): void;
  forget(tap: TapId | undefined, play: PlayId | undefined, speech?: EndpointId | undefined): void;
}

export class MediaStream {
  readonly sid: string;
  readonly options: StreamOptions;
  readonly #call: StreamCall;
  readonly #mode: StreamMode;
  readonly #services: StreamServices;
  readonly #routes: AudioRoutes;
  readonly #writer: MessageWriter;
  readonly #stopping = new AbortController();
  #socket: Socket | undefined;
  #tap: TapId | undefined;
  #play: PlayId | undefined;
  #unsubscribe: Unsubscribe = () => {};
  #marksWaiting = 0;
  #isComplained = false;
  #hasStarted = false;
  #finish: (failure: StreamFailure | undefined) => void = () => {};

  constructor(
    sid: string,
    options: StreamOptions,
    mode: StreamMode,
    call: StreamCall,
    services: StreamServices,
    routes: AudioRoutes,
  ) {
    this.sid = sid;
    this.options = options;
    this.#mode = mode;
    this.#call = call;
    this.#services = services;
    this.#routes = routes;
    this.#writer = new MessageWriter({
      accountSid: call.accountSid,
      callSid: call.callSid,
      streamSid: sid,
      tracks: tracksOf(options.track),
      parameters: options.parameters,
    });
  }

  /** Connects and streams. Resolves when all is over: stopped, closed by the server, failed, or the end of the call. Never rejects. */
  async run(): Promise<StreamEnd> {
    const onAbort = () => this.stop();
    this.#call.signal.addEventListener('abort', onAbort, { once: true });
    if (this.#call.signal.aborted) this.stop();
    try {
      return await this.#run();
    } finally {
      this.#call.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends it from our side. Idempotent. */
  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<StreamEnd> {
    const closed = new Promise<StreamFailure | undefined>((resolve) => {
      this.#finish = resolve;
    });
    const headers = { 'X-Twilio-Signature': this.#services.sign(this.#call.accountSid, this.options.url) };
    const listener = {
      onMessage: (text: string | undefined) => this.#receive(text),
      onClosed: (failure: StreamFailure | undefined) => this.#finish(failure),
      onDropped: (frames: number) => this.#services.onDropped(frames),
    };
    const opened = await this.#services.open(this.options.url, headers, listener, this.#stopping.signal);
    if (!opened.ok) return this.#stopping.signal.aborted ? this.#over('stopped') : this.#over('failed', opened.error);
    this.#socket = opened.value;
    if (this.#stopping.signal.aborted) return this.#end('stopped');
    this.#begin(opened.value);
    const stopped = new Promise<'stopped'>((resolve) =>
      this.#stopping.signal.addEventListener('abort', () => resolve('stopped'), { once: true }),
    );
    const end = await Promise.race([closed, stopped]);
    if (end === 'stopped') return this.#end('stopped');
    return end ? this.#end('failed', end) : this.#end('closed');
  }

  #begin(socket: Socket): void {
    const endpoint = this.#call.endpoint();
    socket.send(CONNECTED, false);
    socket.send(this.#writer.start(), false);
    this.#hasStarted = true;
    this.#report('stream-started');
    if (endpoint === undefined) return;
    const { engine } = this.#services;
    this.#tap = engine.tap(endpoint, tracksOf(this.options.track), 'prompt');
    this.#routes.ownTap(this.#tap, (track, payload, timestampMs) =>
      socket.send(this.#writer.media(track, timestampMs, payload), true),
    );
    if (this.#mode === 'forked') return;
    this.#play = engine.openStream(endpoint);
    this.#routes.ownPlay(this.#play, (name) => this.#markReached(name));
    this.#unsubscribe = this.#call.onDigit((digit) => socket.send(this.#writer.dtmf(digit), false));
  }

  // --- from the server

  #receive(text: string | undefined): void {
    if (text === undefined) return this.#complain('a binary message came');
    const read = readMessage(text, this.sid);
    if (!read.ok) return this.#complain(read.error);
    const play = this.#play;
    if (play === undefined) {
      if (this.#mode === 'forked') this.#complain(`a ${read.value.event} message came on a one-way stream`);
      return;
    }
    const { engine } = this.#services;
    switch (read.value.event) {
      case 'media':
        return engine.feedStream(play, read.value.payload);
      case 'clear':
        return engine.clearStream(play);
      case 'mark':
        if (this.#marksWaiting >= limits.streamMarksWaiting) return this.#complain('too many marks wait');
        this.#marksWaiting++;
        return engine.markStream(play, read.value.name);
    }
  }

  #markReached(name: string): void {
    this.#marksWaiting = Math.max(0, this.#marksWaiting - 1);
    this.#socket?.send(this.#writer.mark(name), false);
  }

  /** twiml.md 9.2, 31951: once per stream; the message is not obeyed. */
  #complain(detail: string): void {
    if (this.#isComplained) return;
    this.#isComplained = true;
    this.#call.notify('warning', 31951, `Stream: invalid message: ${detail}`, this.options.url);
  }

  // --- the end

  #end(how: StreamEnd['how'], failure?: StreamFailure): StreamEnd {
    const { engine } = this.#services;
    if (this.#tap !== undefined) engine.closeTap(this.#tap);
    if (this.#play !== undefined) engine.stopPlay(this.#play);
    this.#routes.forget(this.#tap, this.#play);
    this.#unsubscribe();
    if (how === 'stopped' && this.#hasStarted) this.#socket?.send(this.#writer.stop(), false);
    this.#socket?.close();
    return this.#over(how, failure);
  }

  #over(how: StreamEnd['how'], failure?: StreamFailure): StreamEnd {
    if (failure) {
      this.#call.notify('error', failure.errorCode, `Stream: ${failure.detail}`, this.options.url);
      this.#report('stream-error', `${failure.errorCode}: ${failure.detail}`);
    } else if (this.#hasStarted) {
      this.#report('stream-stopped');
    }
    return { streamSid: this.sid, name: this.options.name, how, failure };
  }

  #report(event: string, error?: string): void {
    const { statusCallback, name } = this.options;
    if (!statusCallback) return;
    const { callSid, accountSid } = this.#call;
    const params = new Map([
      ['AccountSid', accountSid],
      ['CallSid', callSid],
      ['StreamSid', this.sid],
      ['StreamName', name ?? this.sid],
      ['StreamEvent', event],
      ...(error === undefined ? [] : [['StreamError', error] as const]),
      ['Timestamp', new Date(this.#services.clock.wall()).toISOString()],
    ]);
    this.#services.callBack({ ...statusCallback, params, accountSid, callSid });
  }
}
