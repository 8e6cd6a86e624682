// What media tests share: plans, packets, a virtual UDP network on the virtual clock, and real UDP peers that send and measure tones.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock, Timer } from '../../src/base/clock.ts';
import { err, ok, type Result } from '../../src/base/result.ts';
import type { MediaEngine, MediaEvent } from '../../src/media/engine.ts';
import { decode, encode } from '../../src/media/g711.ts';
import { toneShare } from '../../src/media/goertzel.ts';
import type { BindFailure, MediaSocket, SocketFactory, SocketHandlers } from '../../src/media/sockets.ts';
import { toneSamples } from '../../src/media/tone.ts';
import type { AudioCodec, MediaPlan } from '../../src/sdp/plan.ts';
import { seededRandom } from './network.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** A plan as a call between us and a G.711 phone would have it; `changes` replace single fields. */
export function plan(remotePort: number, changes: Partial<MediaPlan> = {}): MediaPlan {
  const codec = changes.codec ?? 'PCMU';
  return {
    remoteAddress: '127.0.0.1',
    remotePort,
    remoteRtcpPort: remotePort + 1,
    rtcpMux: false,
    direction: 'sendrecv',
    codec,
    payloadType: codec === 'PCMU' ? 0 : 8,
    receivePayloadTypes: [
      { payloadType: 0, codec: 'PCMU' },
      { payloadType: 8, codec: 'PCMA' },
    ],
    telephoneEventSend: 101,
    telephoneEventReceive: 101,
    packetTimeMs: 20,
    srtp: null,
    ...changes,
  };
}

export const strictSource = { signallingAddress: null, nat: false } as const;

export interface RtpFields {
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

/** Builds a packet by hand, apart from the code under test. */
export function rtpPacket(fields: Partial<RtpFields> = {}): Buffer {
  const { payloadType = 0, sequence = 1, timestamp = 160, ssrc = 0x11223344, marker = false } = fields;
  const payload = fields.payload ?? new Uint8Array(160).fill(0xff);
  const packet = Buffer.alloc(12 + payload.length);
  packet[0] = 0x80;
  packet[1] = (marker ? 0x80 : 0) | payloadType;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(timestamp >>> 0, 4);
  packet.writeUInt32BE(ssrc >>> 0, 8);
  packet.set(payload, 12);
  return packet;
}

/** Reads a packet without CSRC list, extension and padding: all that we ever send. */
export function readRtp(packet: Buffer): RtpFields {
  return {
    payloadType: packet[1]! & 0x7f,
    marker: packet[1]! >= 0x80,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    payload: packet.subarray(12),
  };
}

/** `count` consecutive packets of a tone. */
export function tonePackets(
  frequency: number,
  codec: AudioCodec,
  count: number,
  first: Partial<RtpFields> = {},
): Buffer[] {
  const samples = toneSamples([frequency], -10, count * 20);
  const { sequence = 100, timestamp = 5_000 } = first;
  return Array.from({ length: count }, (_, index) => {
    const payload = new Uint8Array(160);
    encode(codec, samples.subarray(index * 160, (index + 1) * 160), payload);
    return rtpPacket({
      payloadType: codec === 'PCMU' ? 0 : 8,
      ...first,
      payload,
      sequence: sequence + index,
      timestamp: timestamp + index * 160,
    });
  });
}

/** Share of the energy of all `packets` (of one codec, in order) at `frequency`. */
export function shareOf(packets: readonly Buffer[], codec: AudioCodec, frequency: number): number {
  const samples = new Int16Array(packets.length * 160);
  for (const [index, packet] of packets.entries()) {
    decode(codec, packet.subarray(12), samples.subarray(index * 160, (index + 1) * 160));
  }
  return toneShare(samples, frequency);
}

/** RFC 4733 payload. */
export const eventPayload = (event: number, end: boolean, duration: number): Uint8Array =>
  Uint8Array.of(event, (end ? 0x80 : 0) | 10, duration >> 8, duration & 0xff);

/** A clock that runs at another speed than the one it is made from, and can jump: a drifting machine, a thread that stood still. */
export class SkewedClock implements Clock {
  readonly #base: Clock;
  #rate: number;
  #jumpedMs = 0;

  /** `rate` 1.0002: 200 ppm fast. */
  constructor(base: Clock, rate = 1) {
    this.#base = base;
    this.#rate = rate;
  }

  now = (): number => this.#base.now() * this.#rate + this.#jumpedMs;
  wall = (): number => this.#base.wall();
  after = (delayMs: number, fire: () => void): Timer => this.#base.after(delayMs / this.#rate, fire);

  /** From now on; timers that are set already keep their time. */
  setRate(rate: number): void {
    this.#jumpedMs += this.#base.now() * (this.#rate - rate);
    this.#rate = rate;
  }

  /** Time passes, and no timer had its turn meanwhile. */
  stall(ms: number): void {
    this.#jumpedMs += ms;
  }
}

// --- virtual network

export interface DatagramsOptions {
  readonly clock: VirtualClock;
  readonly seed?: number;
  readonly loss?: number;
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
}

interface VirtualSocket {
  readonly handlers: SocketHandlers;
  peer: string | null;
}

/** UDP on the virtual clock: loss, and delays that reorder; sockets are told by `address port`. */
export class VirtualDatagrams implements SocketFactory {
  /** `address port` that another program holds. */
  readonly busy = new Set<string>();
  readonly #options: DatagramsOptions;
  readonly #random: () => number;
  readonly #sockets = new Map<string, VirtualSocket>();

  constructor(options: DatagramsOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1).next;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Of the socket that is bound there. */
  handlersOf(address: string, port: number): SocketHandlers {
    return this.#sockets.get(`${address} ${port}`)!.handlers;
  }

  isConnected(address: string, port: number): boolean {
    return this.#sockets.get(`${address} ${port}`)?.peer != null;
  }

  async bind(address: string, port: number, handlers: SocketHandlers): Promise<Result<MediaSocket, BindFailure>> {
    if (address === '192.0.2.99') return err({ code: 'noAddress', detail: 'EADDRNOTAVAIL' });
    const name = `${address} ${port}`;
    if (this.busy.has(name) || this.#sockets.has(name)) return err({ code: 'inUse', detail: 'EADDRINUSE' });
    const socket: VirtualSocket = { handlers, peer: null };
    this.#sockets.set(name, socket);
    const send = (packet: Uint8Array, to: string, toPort: number) => {
      this.#send(Buffer.from(packet), address, port, socket.peer ?? `${to} ${toPort}`);
      return true;
    };
    return ok({
      send,
      sendSoon: send,
      connect: (to, toPort) => {
        socket.peer = `${to} ${toPort}`;
      },
      disconnect: () => {
        socket.peer = null;
      },
      close: () => {
        if (this.#sockets.get(name) === socket) this.#sockets.delete(name);
      },
    });
  }

  #send(packet: Buffer, address: string, port: number, to: string): void {
    const { clock, loss = 0, minDelayMs = 0, maxDelayMs = minDelayMs } = this.#options;
    if (this.#random() < loss) return;
    clock.after(minDelayMs + this.#random() * (maxDelayMs - minDelayMs), () => {
      const target = this.#sockets.get(to);
      if (target && (target.peer === null || target.peer === `${address} ${port}`)) {
        target.handlers.packet(packet, address, port);
      }
    });
  }
}

/** A peer on the virtual network: an RTP and an RTCP socket that keep what comes. */
export class VirtualPeer {
  readonly rtp: Buffer[] = [];
  readonly rtcp: Buffer[] = [];
  readonly address: string;
  readonly port: number;
  readonly #sockets: readonly [MediaSocket, MediaSocket];

  private constructor(
    address: string,
    port: number,
    sockets: readonly [MediaSocket, MediaSocket],
    rtp: Buffer[],
    rtcp: Buffer[],
  ) {
    this.address = address;
    this.port = port;
    this.#sockets = sockets;
    this.rtp = rtp;
    this.rtcp = rtcp;
  }

  static async open(network: VirtualDatagrams, address: string, port: number): Promise<VirtualPeer> {
    const rtp: Buffer[] = [];
    const rtcp: Buffer[] = [];
    const first = await network.bind(address, port, { packet: (packet) => rtp.push(packet), error: () => {} });
    const second = await network.bind(address, port + 1, { packet: (packet) => rtcp.push(packet), error: () => {} });
    if (!first.ok || !second.ok) throw new Error(`virtual port ${port} is taken`);
    return new VirtualPeer(address, port, [first.value, second.value], rtp, rtcp);
  }

  sendRtp(packet: Buffer, address: string, port: number): void {
    this.#sockets[0].send(packet, address, port);
  }

  sendRtcp(packet: Buffer, address: string, port: number): void {
    this.#sockets[1].send(packet, address, port);
  }
}

// --- real peers

const DEADLINE_MS = 8_000;

/** A phone's audio side on 127.0.0.1 or ::1. */
export class RtpPeer {
  readonly packets: Buffer[] = [];
  readonly port: number;
  readonly #socket: Socket;
  readonly #address: string;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#address = socket.address().address;
    this.port = socket.address().port;
    socket.on('message', (packet) => this.packets.push(packet));
  }

  static async open(address: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<RtpPeer> {
    const socket = createSocket(address === '::1' ? 'udp6' : 'udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new RtpPeer(socket);
  }

  send(packets: readonly Buffer[], port: number): void {
    for (const packet of packets) this.#socket.send(packet, port, this.#address);
  }

  /** Sends on each packet that comes, from the socket of `sender` to `port`: what an endpoint plays becomes what a phone says. */
  passOn(sender: RtpPeer, port: number): void {
    this.#socket.on('message', (packet) => sender.send([packet], port));
  }

  /** Resolves when `condition` holds for what came so far; rejects after a deadline with what did come. */
  async until(condition: (packets: readonly Buffer[]) => boolean): Promise<readonly Buffer[]> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    while (!condition(this.packets)) {
      try {
        await once(this.#socket, 'message', { signal });
      } catch {
        throw new Error(`deadline: ${this.packets.length} packets came, which was not what was waited for`);
      }
    }
    return this.packets;
  }

  close(): void {
    this.#socket.close();
  }
}

/** Keeps the events of an engine and lets a test wait for one. */
export class EventLog {
  readonly events: MediaEvent[] = [];
  readonly #waits = new Set<() => void>();

  constructor(engine: MediaEngine) {
    engine.onEvent((event) => {
      this.events.push(event);
      for (const check of this.#waits) check();
    });
  }

  ofType<T extends MediaEvent['type']>(type: T): Extract<MediaEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<MediaEvent, { type: T }> => event.type === type);
  }

  /** Resolves with the first event that fits, past or future; rejects after a deadline. */
  async waitFor<T extends MediaEvent['type']>(
    type: T,
    fits: (event: Extract<MediaEvent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<MediaEvent, { type: T }>> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => {
        this.#waits.delete(check);
        reject(new Error(`deadline: no ${type}; came: ${this.events.map((event) => event.type).join(' ')}`));
      }, DEADLINE_MS);
      const check = () => {
        const found = this.ofType(type).find(fits);
        if (!found) return;
        clearTimeout(deadline);
        this.#waits.delete(check);
        resolve(found);
      };
      this.#waits.add(check);
      check();
    });
  }
}

/** Polls until `condition` holds: for numbers in shared memory, which announce nothing. Rejects after a deadline. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`deadline: ${what}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
