// The ng protocol of rtpengine: a cookie, a blank, and a bencoded dictionary, over UDP; the answer has the same cookie.

import type { Socket } from 'node:dgram';
import { realClock } from '../../base/clock.ts';
import { boundSocket } from '../generator/wire.ts';

const ANSWER_MS = 2_000;
const TRIES = 3;

type Dictionary = Readonly<Record<string, string>>;

const encode = (value: Dictionary): string =>
  `d${Object.keys(value)
    .sort()
    .map((key) => `${key.length}:${key}${Buffer.byteLength(value[key]!)}:${value[key]}`)
    .join('')}e`;

/** A string in a bencoded answer. */
function stringIn(text: string, key: string): string | undefined {
  const match = new RegExp(`${key.length}:${key}(\\d+):`).exec(text);
  if (!match) return undefined;
  const from = match.index + match[0].length;
  return text.slice(from, from + Number(match[1]));
}

export class NgClient {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #waiting = new Map<string, (answer: string) => void>();
  #cookie = 0;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
  }

  static async open(port: number): Promise<NgClient> {
    let client: NgClient | undefined;
    const socket = await boundSocket(0, (packet) => client?.take(packet.toString('latin1')));
    client = new NgClient(socket, port);
    return client;
  }

  take(text: string): void {
    const blank = text.indexOf(' ');
    this.#waiting.get(text.slice(0, blank))?.(text.slice(blank + 1));
  }

  /** Gives the answer's SDP; undefined for a command without, or when the answer is an error or does not come. */
  async command(fields: Dictionary): Promise<{ readonly result: string; readonly sdp: string | undefined }> {
    for (let tried = 0; tried < TRIES; tried++) {
      const answer = await this.#once(`c${++this.#cookie}`, encode(fields));
      if (answer !== undefined) return { result: stringIn(answer, 'result') ?? '', sdp: stringIn(answer, 'sdp') };
    }
    return { result: 'no answer', sdp: undefined };
  }

  #once(cookie: string, body: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = realClock.after(ANSWER_MS, () => done(undefined));
      const done = (answer: string | undefined) => {
        timer.cancel();
        this.#waiting.delete(cookie);
        resolve(answer);
      };
      this.#waiting.set(cookie, done);
      this.#socket.send(`${cookie} ${body}`, this.#port, '127.0.0.1');
    });
  }

  close(): void {
    this.#socket.close();
  }
}
