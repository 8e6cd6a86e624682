// The RTP side of the generator: some sockets that all streams share (one datagram per wake-up and socket would cost the generator
// more than what it measures), and one clock of 1 ms that sends each stream every 20 ms at its own phase.

import type { Socket } from 'node:dgram';
import { realClock } from '../../base/clock.ts';
import { Histogram } from './histogram.ts';
import type { RtpNeed } from './kinds.ts';
import { stampedStream } from './marks.ts';
import { NativeRtp } from './native-rtp.ts';
import type { Effort, MediaAnswer, OpenQuestion } from './protocol.ts';
import { FRAME_MS, Stream, type StreamOptions, type Tally } from './stream.ts';
import { boundSocket } from './wire.ts';

/** A generator that was away for longer leaves packets out, as a phone would; they count as late. */
const CATCH_UP_MS = 100;
const SLOTS_AT_ONCE = 4;
/** Without streams of its own it only wakes whoever listens to ticks: a core that measures others must not be kept busy. */
const RESTING_MS = FRAME_MS;

export interface RtpSocket {
  readonly port: number;
  /** Undefined: it is one of the generator in C, and this its index there. */
  readonly socket: Socket | undefined;
  readonly index: number;
}

export class Rtp {
  readonly tally: Tally = { isMeasuring: false, received: 0, latency: new Histogram(), returned: new Histogram() };
  readonly late = new Histogram();
  readonly #sockets: RtpSocket[] = [];
  #native: NativeRtp | undefined;
  #nativeSockets: readonly RtpSocket[] = [];
  readonly #nativeStreams = new Set<Stream>();
  /** Whether what is measured went through it. */
  #isNative = false;
  readonly #rtcp: Socket[] = [];
  /** Index: the other side's port. A port of the gateway belongs to one call. */
  readonly #byPort: (Stream | undefined)[] = new Array(65_536).fill(undefined);
  readonly #slots: Set<Stream>[] = Array.from({ length: FRAME_MS }, () => new Set<Stream>());
  readonly #streams = new Map<number, Stream>();
  /** Whose packet it is tells the packet, not the port that it comes from: without signalling, ports need not be told apart. */
  isByStamp = false;
  /** Told every millisecond while there are streams, else every RESTING_MS: for whoever sends at a pace beside RTP. */
  readonly ticks = new Set<(now: number) => void>();
  #numbers = 0;
  #turn = 0;
  #nextMs = 0;
  #isOpen = false;

  /** Opens half of the ports for RTP, and half for RTCP, which is read and thrown away. */
  async open({ first, count }: OpenQuestion['rtpPorts'], native: OpenQuestion['nativeRtp']): Promise<void> {
    for (const port of evenPorts(first, count)) {
      const socket = await boundSocket(port, (packet, _host, from) => this.#take(packet, from));
      this.#sockets.push({ port, socket, index: this.#sockets.length });
      this.#rtcp.push(await boundSocket(port + 1, () => {}));
    }
    if (native) await this.#openNative(native);
    this.#isOpen = true;
    this.#nextMs = realClock.now();
    this.#schedule();
  }

  async #openNative({ program, first, count }: NonNullable<OpenQuestion['nativeRtp']>): Promise<void> {
    const ports = evenPorts(first, count);
    this.#native = await NativeRtp.open(program, ports);
    this.#nativeSockets = ports.map((port, index) => ({ port, socket: undefined, index }));
    for (const port of ports) this.#rtcp.push(await boundSocket(port + 1, () => {}));
  }

  /** The socket for the next stream, in turn. */
  nextSocket(need: RtpNeed): RtpSocket {
    return this.socketOf(this.#turn++, need);
  }

  /** The generator in C takes over what it can. */
  socketOf(index: number, need: RtpNeed): RtpSocket {
    const isNative = need === 'srtp' ? this.#native?.hasSrtp : need === 'stamps' && this.#native;
    const sockets = isNative ? this.#nativeSockets : this.#sockets;
    return sockets[index % sockets.length]!;
  }

  get streams(): Iterable<Stream> {
    return [...this.#streams.values(), ...this.#nativeStreams];
  }

  get streamCount(): number {
    return this.#streams.size + this.#nativeStreams.size;
  }

  add(options: Omit<StreamOptions, 'number' | 'socket'> & { readonly socket: RtpSocket }): Stream {
    const { socket, index } = options.socket;
    const number = ++this.#numbers;
    if (!socket) return this.#addNative(number, index, options);
    const stream = new Stream({ ...options, socket, number });
    this.#streams.set(stream.number, stream);
    this.#byPort[stream.remote.port] = stream;
    const slot = this.#slots.reduce((least, one) => (one.size < least.size ? one : least));
    slot.add(stream);
    return stream;
  }

  /** Only a name here: sent, received and counted in C. */
  #addNative(number: number, index: number, options: Omit<StreamOptions, 'number' | 'socket'>): Stream {
    const stream = new Stream({
      ...options,
      keys: undefined,
      voice: 'none',
      number,
      socket: this.#sockets[0]!.socket!,
    });
    this.#nativeStreams.add(stream);
    this.#native?.add(number, index, stream.remote.port, options.keys);
    this.#isNative = true;
    return stream;
  }

  remove(stream: Stream): void {
    if (this.#nativeStreams.delete(stream)) {
      this.#native?.remove(stream.number);
      return;
    }
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
    const next = () => {
      this.#tick();
      this.#schedule();
    };
    if (this.#streams.size === 0) {
      this.#nextMs = realClock.now() + RESTING_MS;
      realClock.after(RESTING_MS, next);
      return;
    }
    // Behind the plan: on as soon as the sockets were read.
    if (this.#nextMs + 1 < realClock.now()) setImmediate(next);
    else realClock.after(1, next);
  }

  #tick(): void {
    const begun = realClock.now();
    if (begun - this.#nextMs > CATCH_UP_MS) {
      this.late.add(begun - this.#nextMs);
      this.#nextMs = begun - CATCH_UP_MS;
    }
    // Some slots, then what has come is read: sending shall not starve receiving.
    for (let turn = 0; turn < SLOTS_AT_ONCE && this.#nextMs <= begun; turn++, this.#nextMs++) {
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
    this.#isNative = this.#nativeStreams.size > 0;
    this.#native?.begin();
  }

  endMeasure(): void {
    for (const stream of this.#streams.values()) stream.endMeasure();
    this.tally.isMeasuring = false;
    this.#native?.end();
  }

  /** What was measured; called when what was on its way has come. */
  async answer(seconds: number, effort: Effort): Promise<MediaAnswer> {
    if (!this.#native || !this.#isNative) return this.#ownAnswer(seconds, effort);
    const { cpuMs, lateMs, ...counted } = await this.#native.report();
    const cpu = effort.cpu + cpuMs / 1_000 / Math.max(seconds, 0.001);
    return { ...counted, seconds, returnMs: this.tally.returned.spread(), effort: { cpu, lateMs } };
  }

  #ownAnswer(seconds: number, effort: Effort): MediaAnswer {
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

  async close(): Promise<void> {
    this.#isOpen = false;
    for (const { socket } of this.#sockets) socket?.close();
    for (const socket of this.#rtcp) socket.close();
    await this.#native?.close();
  }
}

const evenPorts = (first: number, count: number): number[] =>
  Array.from({ length: Math.floor(count / 2) }, (_, index) => first + 2 * index);
