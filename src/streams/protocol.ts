// The messages of a media stream (twiml.md 9.1, 9.2): texts towards the server, checked values from it. Pure.
// Numbers are written as text, as the vendor writes them.

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { AudioTrack } from '../media/engine-audio.ts';

export const CONNECTED = JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' });

export interface StreamFacts {
  readonly accountSid: string;
  readonly callSid: string;
  readonly streamSid: string;
  readonly tracks: readonly AudioTrack[];
  readonly parameters: ReadonlyMap<string, string>;
}

/** Numbers the messages of one stream. */
export class MessageWriter {
  readonly #facts: StreamFacts;
  #sequenceNumber = 0;
  #chunk = 0;

  constructor(facts: StreamFacts) {
    this.#facts = facts;
  }

  start(): string {
    const { accountSid, callSid, streamSid, tracks, parameters } = this.#facts;
    return this.#message('start', {
      accountSid,
      streamSid,
      callSid,
      tracks,
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
      customParameters: Object.fromEntries(parameters),
    });
  }

  media(track: AudioTrack, timestampMs: number, payload: Uint8Array): string {
    this.#chunk++;
    return this.#message('media', {
      track,
      chunk: String(this.#chunk),
      timestamp: String(Math.round(timestampMs)),
      payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64'),
    });
  }

  dtmf(digit: string): string {
    return this.#message('dtmf', { track: 'inbound_track', digit });
  }

  mark(name: string): string {
    return this.#message('mark', { name });
  }

  stop(): string {
    const { accountSid, callSid } = this.#facts;
    return this.#message('stop', { accountSid, callSid });
  }

  #message(event: string, body: object): string {
    this.#sequenceNumber++;
    const sequenceNumber = String(this.#sequenceNumber);
    return JSON.stringify({ event, sequenceNumber, [event]: body, streamSid: this.#facts.streamSid });
  }
}

export type ServerMessage =
  | { readonly event: 'media'; readonly payload: Buffer }
  | { readonly event: 'mark'; readonly name: string }
  | { readonly event: 'clear' };

/** Without a regular expression that loops over groups: payloads have millions of characters. */
function isBase64(text: string): boolean {
  const digits = text.replace(/={1,2}$/, '');
  return digits.length % 4 !== 1 && !/[^A-Za-z0-9+/]/.test(digits);
}

/** Reads what the server sent. The error says what is wrong with it, without repeating it. */
export function readMessage(text: string, streamSid: string): Result<ServerMessage, string> {
  const message = parsed(text);
  if (!isRecord(message)) return err('a message is not a JSON object');
  const { event } = message;
  if (event !== 'media' && event !== 'mark' && event !== 'clear') return err('a message is of an unknown event');
  if (message.streamSid !== streamSid) return err(`streamSid of a ${event} message is missing or wrong`);
  if (event === 'clear') return ok({ event });
  const body = message[event];
  if (!isRecord(body)) return err(`a ${event} message has no ${event} object`);
  return event === 'media' ? readMedia(body) : readMark(body);
}

function readMedia({ payload }: Readonly<Record<string, unknown>>): Result<ServerMessage, string> {
  if (typeof payload !== 'string') return err('a media message has no payload');
  if (!isBase64(payload)) return err('the payload of a media message is not base64');
  return ok({ event: 'media', payload: Buffer.from(payload, 'base64') });
}

function readMark({ name }: Readonly<Record<string, unknown>>): Result<ServerMessage, string> {
  if (typeof name !== 'string') return err('a mark message has no name');
  if (name.length > limits.streamMarkChars) return err('the name of a mark is too long');
  return ok({ event: 'mark', name });
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined for what is no JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
