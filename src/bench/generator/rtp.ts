// The RTP side of the generator: some sockets that all streams share (one datagram per wake-up and socket would cost the generator
// more than what it measures), and one clock of 1 ms that sends each stream every 20 ms at its own phase.

import type { Socket } from 'node:dgram';
import { realClock } from '../../base/clock.ts';
import { Histogram } from './histogram.ts';
import { stampedStream } from './marks.ts';
import type { Effort, MediaAnswer } from './protocol.ts';
import { FRAME_MS, Stream, type StreamOptions, type Tally } from './stream.ts';
import { boundSocket } from './wire.ts';

const HOST = '127.0.0.1';
/** A generator that was away for longer leaves packets out, as a phone would; they count as late. */
const CATCH_UP_MS = 100;

export interface RtpSocket {
  readonly port: number;
  readonly socket: Socket;
}

export class Rtp {
  readonly tally: Tally = { isMeasuring: false, received: 0, latency: new Histogram(), returned: new Histogram() };
  readonly late = new Histogram();
  readonly #sockets: RtpSocket[] = [];
  readonly #rtcp: Socket[] = [];
  /** Index: the other side's port. A port of the gateway belongs to one call. */
  readonly #byPort: (Stream | undefined)[] = new Array(65_536).fill(undefined);
  readonly #slots: Set<Stream>[] = Array.from({ length: FRAME_MS }, () => new Set<Stream>());
  readonly #streams = new Map<number, Stream>();
  /** Whose packet it is tells the packet, not the port that it comes from: without signalling, ports need not be told apart. */
  isByStamp = false;
  /** Told every millisecond, for whoever sends at a pace beside RTP. */
  readonly ticks = new Set<(now: number) => void>();
  #numbers = 0;
  #turn = 0;
  #nextMs = 0;
  #isOpen = false;

  /** Opens `count` / 2 sockets for RTP and as many for RTCP, which is read and thrown away. */
  async open(first: number, count: number): Promise<void> {
    for (let port = first; port + 1 < first + count; port += 2) {
      const socket = await boundSocket(port, (packet, _host, from) => this.#take(packet, from));
      this.#sockets.push({ port, socket });
      this.#rtcp.push(await boundSocket(port + 1, () => {}));
    }
    this.#isOpen = true;
    this.#nextMs = realClock.now();
    this.#schedule();
  }

  /** The socket for the next stream, in turn. */
  nextSocket(): RtpSocket {
    return this.socketOf(this.#turn++);
  }

  socketOf(index: number): RtpSocket {
    return this.#sockets[index % this.#sockets.length]!;
  }

  get host(): string {
    return HOST;
  }

  get streams(): Iterable<Stream> {
    return this.#streams.values();
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  add(options: Omit<StreamOptions, 'number'>): Stream {
    const stream = new Stream({ ...options, number: ++this.#numbers });
    this.#streams.set(stream.number, stream);
    this.#byPort[stream.remote.port] = stream;
    const slot = this.#slots.reduce((least, one) => (one.size < least.size ? one : least));
    slot.add(stream);
    return stream;
  }

  remove(stream: Stream): void {
    this.#streams.delete(stream.number);
    if (this.#byPort[stream.remote.port] === stream) this.#byPort[stream.remote.port] = undefined;
    for (const slot of this.#slots) slot.delete(stream);
  }

  #take(packet: Buffer, from: number): void {
    const stream = this.isByStamp ? this.#streams.get(stampedStream(packet))?.peer : this.#byPort[from];
    stream?.take(packet, realClock.now(), this.tally);
  }

  #schedule(): void {
    if (!this.#isOpen) return;
    realClock.after(1, () => {
      this.#tick();
      this.#schedule();
    });
  }

  #tick(): void {
    const begun = realClock.now();
    if (begun - this.#nextMs > CATCH_UP_MS) {
      this.late.add(begun - this.#nextMs);
      this.#nextMs = begun - CATCH_UP_MS;
    }
    for (; this.#nextMs <= begun; this.#nextMs++) {
      for (const stream of this.#slots[Math.floor(this.#nextMs) % FRAME_MS]!) {
        const now = realClock.now();
        stream.send(now);
        if (this.tally.isMeasuring) this.late.add(now - this.#nextMs);
      }
    }
    for (const tick of this.ticks) tick(begun);
  }

  beginMeasure(): void {
    this.tally.latency.clear();
    this.tally.returned.clear();
    this.late.clear();
    this.tally.received = 0;
    for (const stream of this.#streams.values()) stream.beginMeasure();
    this.tally.isMeasuring = true;
  }

  endMeasure(): void {
    for (const stream of this.#streams.values()) stream.endMeasure();
    this.tally.isMeasuring = false;
  }

  /** What was measured; called when what was on its way has come. */
  answer(seconds: number, effort: Effort): MediaAnswer {
    let sent = 0;
    let lost = 0;
    let jitter = 0;
    let worst = 0;
    let heard = 0;
    for (const stream of this.#streams.values()) {
      const { peer } = stream;
      // What a mixer leaves out to keep its pace is no loss on the way.
      if (peer && !stream.isPlayedTo) {
        const expected = Math.max(0, Math.min(peer.end, peer.next) - peer.first);
        sent += expected;
        lost += Math.max(0, expected - stream.arrived);
      } else if (stream.packets > 0) {
        sent += stream.packets + stream.missing;
        lost += stream.missing;
      }
      if (stream.isPlayedTo)
        lost += Math.max(0, Math.floor((seconds * 1_000) / FRAME_MS) - 1 - stream.packets - stream.missing);
      if (stream.packets === 0) continue;
      heard++;
      jitter += stream.jitterMs;
      worst = Math.max(worst, stream.jitterMs);
    }
    return {
      ...{ seconds, sent, lost, received: this.tally.received, latencyMs: this.tally.latency.spread() },
      ...{
        jitterMs: heard === 0 ? 0 : jitter / heard,
        worstJitterMs: worst,
        returnMs: this.tally.returned.spread(),
        effort,
      },
    };
  }

  close(): void {
    this.#isOpen = false;
    for (const { socket } of this.#sockets) socket.close();
    for (const socket of this.#rtcp) socket.close();
  }
}
