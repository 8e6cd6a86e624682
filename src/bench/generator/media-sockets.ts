// The WebSocket server behind <Connect><Stream>: tells how long audio took from the phone to here, and speaks levels of its own
// every 20 ms, whose way to the phone the phone's stream tells.

import { createServer, type Server } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { realClock } from '../../base/clock.ts';
import { LEVELS, levelPayloads, numberOfLevel, readLevel } from './marks.ts';
import type { Rtp } from './rtp.ts';
import { FRAME_MS, type Stream } from './stream.ts';

const REMEMBERED = 256;
const HOST = '127.0.0.1';

/** What the phone of a call hears from the WebSocket. */
export class Talk {
  next = 0;
  readonly sentAt = new Float64Array(REMEMBERED);
  phase: number;
  readonly #socket: WebSocket;
  readonly #messages: readonly string[];

  constructor(socket: WebSocket, streamSid: string, phase: number) {
    this.#socket = socket;
    this.phase = phase;
    this.#messages = levelPayloads.PCMU.map((payload) =>
      JSON.stringify({ event: 'media', streamSid, media: { payload: payload.toString('base64') } }),
    );
  }

  send(now: number): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const number = this.next++;
    this.sentAt[number & (REMEMBERED - 1)] = now;
    this.#socket.send(this.#messages[number & (LEVELS - 1)]!);
  }
}

export interface MediaSocketHost {
  /** The phone's stream of a call. */
  streamOf(index: number): Stream | undefined;
  onTalk(index: number, talk: Talk | undefined): void;
}

export class MediaSockets {
  readonly #server: Server = createServer();
  readonly #upgrades: WebSocketServer;
  readonly #slots: Set<Talk>[] = Array.from({ length: FRAME_MS }, () => new Set<Talk>());
  readonly #rtp: Rtp;
  readonly #host: MediaSocketHost;
  #turn = 0;
  #nextMs = 0;

  constructor(host: MediaSocketHost, rtp: Rtp) {
    this.#host = host;
    this.#rtp = rtp;
    this.#upgrades = new WebSocketServer({ server: this.#server, perMessageDeflate: false });
    this.#upgrades.on('connection', (socket) => this.#serve(socket));
    rtp.ticks.add((now) => this.#tick(now));
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, HOST, () => resolve()));
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  #serve(socket: WebSocket): void {
    let index = -1;
    let talk: Talk | undefined;
    let lastArrived = -1;
    socket.on('error', () => {});
    socket.on('close', () => {
      if (!talk) return;
      for (const slot of this.#slots) slot.delete(talk);
      this.#host.onTalk(index, undefined);
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString('latin1');
      const at = text.indexOf('"payload":"');
      if (at >= 0) {
        lastArrived = this.#onMedia(index, text, at + 11, lastArrived);
        return;
      }
      const started = /"streamSid":"(MZ[0-9a-f]{32})"/.exec(text);
      const named = /"index":"(\d+)"/.exec(text);
      if (!started || !named) return;
      index = Number(named[1]);
      const slot = this.#turn++ % FRAME_MS;
      talk = new Talk(socket, started[1]!, slot);
      this.#slots[slot]!.add(talk);
      this.#host.onTalk(index, talk);
    });
  }

  /** Base64 octets 80 to 82 of the payload, of which one tells the level. Returns the number that arrived last. */
  #onMedia(index: number, text: string, start: number, lastArrived: number): number {
    const { tally } = this.#rtp;
    const stream = this.#host.streamOf(index);
    if (!stream || !tally.isMeasuring) return lastArrived;
    const octets = Buffer.from(text.slice(start, start + 4 * 28), 'base64');
    const level = readLevel(octets, 0, 'PCMU');
    if (level < 0) return lastArrived;
    const number = numberOfLevel(level, stream.next - 1);
    if (number <= lastArrived || number < stream.first || number >= stream.end) return lastArrived;
    tally.latency.add(realClock.now() - stream.sentAt[number & (REMEMBERED - 1)]!);
    return number;
  }

  #tick(now: number): void {
    if (this.#nextMs === 0) this.#nextMs = now;
    for (; this.#nextMs <= now; this.#nextMs++) {
      for (const talk of this.#slots[Math.floor(this.#nextMs) % FRAME_MS]!) talk.send(realClock.now());
    }
  }

  close(): void {
    for (const socket of this.#upgrades.clients) socket.terminate();
    this.#server.close();
  }
}
