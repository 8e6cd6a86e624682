// What unit tests of streams share: an engine that notes what it is told, a server in the test's hand, and a call.

import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { MediaEvent } from '../../../src/media/engine.ts';
import type { StreamCall } from '../../../src/streams/call.ts';
import type { StreamFailure, StreamOptions } from '../../../src/streams/options.ts';
import type { StatusCallbackRequest, StreamEngine, StreamServices } from '../../../src/streams/services.ts';
import type { Socket, SocketListener } from '../../../src/streams/socket.ts';
import { Streams } from '../../../src/streams/streams.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

export class FakeStreamEngine implements StreamEngine {
  readonly done: string[] = [];
  readonly fed: Uint8Array[] = [];
  readonly #listeners: ((event: MediaEvent) => void)[] = [];
  #next = 0;

  tap(endpoint: string, tracks: readonly string[]): string {
    this.done.push(`tap ${endpoint} ${tracks.join('+')}`);
    return `t${++this.#next}`;
  }
  closeTap(tap: string): void {
    this.done.push(`closeTap ${tap}`);
  }
  openStream(endpoint: string): string {
    this.done.push(`openStream ${endpoint}`);
    return `p${++this.#next}`;
  }
  feedStream(play: string, payload: Uint8Array): void {
    this.fed.push(payload);
    this.done.push(`feed ${play} ${payload.length}`);
  }
  markStream(play: string, name: string): void {
    this.done.push(`mark ${play} ${name}`);
  }
  clearStream(play: string): void {
    this.done.push(`clear ${play}`);
  }
  watchSpeech(endpoint: string, on: boolean): void {
    this.done.push(`watchSpeech ${endpoint} ${on}`);
  }
  stopPlay(play: string): void {
    this.done.push(`stopPlay ${play}`);
  }
  insertDigits(endpoint: string, digits: string): void {
    this.done.push(`digits ${endpoint} ${digits}`);
  }
  onEvent(listener: (event: MediaEvent) => void): () => void {
    this.#listeners.push(listener);
    return () => {};
  }
  emit(event: MediaEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
  /** 20 ms of a track. */
  audio(tap: string, track: 'inbound' | 'outbound', timestampMs: number, payload = new Uint8Array(160)): void {
    this.emit({ type: 'audio', endpoint: 'e1', tap, track, payload, timestampMs });
  }
  reach(play: string, name: string): void {
    this.emit({ type: 'markReached', endpoint: 'e1', play, name });
  }
  speaks(isSpeaking: boolean): void {
    this.emit({ type: 'speech', endpoint: 'e1', isSpeaking });
  }
}

/** One connection as the server sees it. */
export class FakePeer implements Socket {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sent: Record<string, unknown>[] = [];
  isClosed = false;
  readonly #listener: SocketListener;

  constructor(url: string, headers: Readonly<Record<string, string>>, listener: SocketListener) {
    this.url = url;
    this.headers = headers;
    this.#listener = listener;
  }

  send(text: string): void {
    if (!this.isClosed) this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.isClosed = true;
  }
  /** The server speaks. */
  says(message: object | string | undefined): void {
    this.#listener.onMessage(typeof message === 'object' ? JSON.stringify(message) : message);
  }
  /** The connection ends from the other side. */
  ends(failure?: StreamFailure): void {
    this.isClosed = true;
    this.#listener.onClosed(failure);
  }
  of(kind: string): Record<string, unknown>[] {
    return this.sent.filter(({ event, type }) => event === kind || type === kind);
  }
}

export class FakeStreamCall implements StreamCall {
  readonly callSid: string;
  readonly accountSid = `AC${'a'.repeat(32)}`;
  readonly controller = new AbortController();
  readonly notes: (readonly [level: string, code: number, message: string])[] = [];
  readonly #digits = new Set<(digit: string) => void>();
  endpointNow: string | undefined = 'e1';

  constructor(callSid = `CA${'1'.repeat(32)}`) {
    this.callSid = callSid;
  }
  get signal(): AbortSignal {
    return this.controller.signal;
  }
  endpoint(): string | undefined {
    return this.endpointNow;
  }
  onDigit(listener: (digit: string) => void): () => void {
    this.#digits.add(listener);
    return () => this.#digits.delete(listener);
  }
  presses(digit: string): void {
    for (const listener of this.#digits) listener(digit);
  }
  get digitListeners(): number {
    return this.#digits.size;
  }
  notify(level: 'error' | 'warning', code: number, message: string): void {
    this.notes.push([level, code, message]);
  }
  get codes(): number[] {
    return this.notes.map(([, code]) => code);
  }
}

export class StreamBench {
  readonly clock = new VirtualClock();
  readonly engine = new FakeStreamEngine();
  readonly peers: FakePeer[] = [];
  readonly callbacks: StatusCallbackRequest[] = [];
  /** The next connections fail with this. */
  refusal: StreamFailure | undefined;
  /** The next connections neither open nor fail, until their signal aborts. */
  isSilent = false;
  readonly services: Omit<StreamServices, 'onDropped'>;
  readonly streams: Streams;
  readonly call = new FakeStreamCall();

  constructor() {
    this.services = {
      engine: this.engine,
      clock: this.clock,
      random: cryptoRandom,
      log: silentLog,
      sign: (accountSid, url) => `signed ${accountSid.slice(0, 3)} ${url}`,
      callBack: (request) => this.callbacks.push(request),
      open: async (url, headers, listener, signal) => {
        if (this.refusal) return err(this.refusal);
        if (this.isSilent) {
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
          return err({ errorCode: 31901, detail: 'no longer wanted' });
        }
        const peer = new FakePeer(url, headers, listener);
        this.peers.push(peer);
        return ok(peer);
      },
    };
    this.streams = new Streams(this.services);
  }

  get events(): (string | undefined)[] {
    return this.callbacks.map(({ params }) => params.get('StreamEvent'));
  }
}

export const options = (over: Partial<StreamOptions> = {}): StreamOptions => ({
  url: 'wss://agent.example.test/media',
  name: undefined,
  track: 'inbound_track',
  statusCallback: { url: 'https://app.example.test/stream', method: 'POST' },
  parameters: new Map(),
  ...over,
});
