// Recognition over a WebSocket, while the words are spoken. The protocol is that of the Vosk server: a configuration, 16-bit samples as
// binary messages, the end; back come partial texts and, at pauses, finished ones. One connection for each utterance.
//
//   we ─▶ {"config":{"sample_rate":8000}} ─▶ samples… ─▶ {"eof":1}
//   it ─▶ {"partial":"one tw"} … {"text":"one two","result":[{"conf":0.98,…}]} … and a last text after the eof

import WebSocket from 'ws';
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { RecognisedText, Recogniser, RecogniserFailure, Utterance, UtteranceOptions } from '../base/recogniser.ts';
import { err, ok, type Result } from '../base/result.ts';
import { failedUtterance, linearBytes, UtteranceAudio } from './utterance-audio.ts';

export interface WebSocketRecogniserSettings {
  /** `ws:` or `wss:`. */
  readonly url: string;
  readonly apiKey: string | null;
}

type Outcome = Result<RecognisedText, RecogniserFailure>;

export function createWebSocketRecogniser(settings: WebSocketRecogniserSettings, clock: Clock): Recogniser {
  const live = new Set<Conversation>();
  return {
    name: `websocket ${new URL(settings.url).host}`,
    isConfigured: true,
    begin(options) {
      if (live.size >= limits.recogniserConnections)
        return failedUtterance({ code: 'busy', detail: 'too many utterances at once' });
      const conversation: Conversation = new Conversation(settings, options, clock, () => live.delete(conversation));
      live.add(conversation);
      return conversation;
    },
    close() {
      for (const conversation of [...live]) conversation.abandon();
    },
  };
}

class Conversation implements Utterance {
  readonly #options: UtteranceOptions;
  readonly #clock: Clock;
  readonly #onOver: () => void;
  readonly #socket: WebSocket;
  /** Counts what was taken; and before the connection stands, keeps it. */
  readonly #audio = new UtteranceAudio();
  readonly #before: Buffer[] = [];
  readonly #texts: string[] = [];
  readonly #confidences: number[] = [];
  readonly #outcome = Promise.withResolvers<Outcome>();
  #timer: Timer | undefined;
  #isFinished = false;
  /** It has said what it understood, be it nothing. */
  #hasAnswered = false;
  #partial = '';
  isOver = false;

  constructor(settings: WebSocketRecogniserSettings, options: UtteranceOptions, clock: Clock, onOver: () => void) {
    this.#options = options;
    this.#clock = clock;
    this.#onOver = onOver;
    const { url, apiKey } = settings;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: limits.recogniserAnswerBytes,
      ...(apiKey ? { headers: { authorization: `Bearer ${apiKey}` } } : {}),
    });
    this.#socket = socket;
    socket.on('open', () => this.#opened(socket));
    socket.on('message', (data, isBinary) => !isBinary && this.#heard(data.toString()));
    socket.on('error', (fault) => this.#end(err({ code: 'failed', detail: `recogniser: ${fault.message}` })));
    socket.on('close', () => this.#closed());
    this.#timer = clock.after(limits.recogniserTimeoutMs, () => this.#late('no connection'));
  }

  push(audio: Uint8Array): void {
    if (this.isOver || this.#isFinished || !this.#audio.push(audio)) return;
    const samples = linearBytes(audio);
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(samples);
    else this.#before.push(samples);
  }

  finish(): Promise<Outcome> {
    if (!this.isOver && !this.#isFinished) {
      this.#isFinished = true;
      this.#timer?.cancel();
      this.#timer = this.#clock.after(limits.recogniserTimeoutMs, () => this.#late('no text'));
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(EOF);
    }
    return this.#outcome.promise;
  }

  abandon(): void {
    this.#end(err({ code: 'aborted', detail: 'no longer wanted' }));
  }

  #opened(socket: WebSocket): void {
    if (this.isOver) return;
    if (!this.#isFinished) this.#timer?.cancel();
    const { hints } = this.#options;
    const words = hints.length > 0 ? { phrase_list: hints } : {};
    socket.send(JSON.stringify({ config: { sample_rate: 8_000, words: true, ...words } }));
    for (const samples of this.#before.splice(0)) socket.send(samples);
    if (this.#isFinished) socket.send(EOF);
  }

  #heard(text: string): void {
    if (this.isOver) return;
    const message = parsed(text);
    if (!message) return this.#end(err({ code: 'failed', detail: 'recogniser sent something else than JSON' }));
    if (typeof message.partial === 'string') return this.#tell([...this.#texts, message.partial].join(' ').trim());
    if (typeof message.text !== 'string') return;
    this.#hasAnswered = true;
    if (message.text.trim() !== '' && this.#texts.length < limits.recognisedTextChars)
      this.#texts.push(message.text.trim());
    for (const word of Array.isArray(message.result) ? message.result : []) {
      const { conf } = (word ?? {}) as { conf?: unknown };
      if (typeof conf === 'number') this.#confidences.push(conf);
    }
    this.#tell(this.#texts.join(' '));
    // The first text after the end of the audio is the last one: some servers do not close.
    if (this.#isFinished) this.#end(ok(this.#recognised()));
  }

  #tell(text: string): void {
    if (this.#isFinished || text === this.#partial) return;
    this.#partial = text;
    this.#options.onPartial?.(text.slice(0, limits.recognisedTextChars));
  }

  #recognised(): RecognisedText {
    const text = this.#texts.join(' ').slice(0, limits.recognisedTextChars);
    const sum = this.#confidences.reduce((total, value) => total + value, 0);
    const confidence = this.#confidences.length === 0 ? null : Math.min(1, Math.max(0, sum / this.#confidences.length));
    return { text, confidence };
  }

  #closed(): void {
    if (this.#isFinished && this.#hasAnswered) this.#end(ok(this.#recognised()));
    else this.#end(err({ code: 'failed', detail: 'recogniser closed the connection' }));
  }

  #late(what: string): void {
    this.#end(err({ code: 'timeout', detail: `${what} after ${limits.recogniserTimeoutMs} ms` }));
  }

  #end(outcome: Outcome): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#timer?.cancel();
    this.#before.length = 0;
    this.#socket.terminate();
    this.#outcome.resolve(outcome);
    this.#onOver();
  }
}

const EOF = '{"eof" : 1}';

interface Message {
  readonly partial?: unknown;
  readonly text?: unknown;
  readonly result?: unknown;
}

function parsed(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}
