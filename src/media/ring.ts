// Packets from one worker to another through shared memory, without messages: one ring per ordered pair of workers, one writer and
// one reader each. The reader sleeps on a doorbell of its own (Atomics.waitAsync) that every writer rings.
//
//   head, tail: counters that only grow (mod 2^32); slot = counter mod packets
//   slot: │ bridge(4) │ length(2) │ codec(1) │ - │ RTP header of 12, payload … │
//
// A full ring drops the packet and says so; nothing ever waits for the other side.

import { limits } from '../base/limits.ts';
import type { AudioCodec } from '../sdp/plan.ts';
import { PacketBuffers } from './packet-buffers.ts';

const HEAD_BYTES = 16;
const SLOT_HEAD_BYTES = 8;
const SLOT_BYTES = SLOT_HEAD_BYTES + Math.ceil(limits.mediaDatagramBytes / 8) * 8;
/** Packets taken from one ring before the next has its turn. */
const BATCH = 64;

const codecOf: readonly (AudioCodec | null)[] = [null, 'PCMU', 'PCMA'];

export const ringMemory = (): SharedArrayBuffer =>
  new SharedArrayBuffer(HEAD_BYTES + limits.mediaRingPackets * SLOT_BYTES);
export const doorbellMemory = (): SharedArrayBuffer => new SharedArrayBuffer(4);

/** Of all rings that the thread reads; made when the first packet comes. */
let copies: PacketBuffers | undefined;

/** `codec` null: a telephone event. The packet is a copy that may be changed, valid until 255 more were read. */
export type RingReader = (bridge: number, packet: Buffer, codec: AudioCodec | null) => void;

export class PacketRing {
  readonly #counters: Int32Array;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.#counters = new Int32Array(memory, 0, HEAD_BYTES / 4);
    this.#view = new DataView(memory, HEAD_BYTES);
    this.#bytes = new Uint8Array(memory, HEAD_BYTES);
  }

  /** Copies a packet (its first 12 octets and from `start` to `end`) into the ring. False when the ring is full. */
  push(bridge: number, packet: Uint8Array, start: number, end: number, codec: AudioCodec | null): boolean {
    const head = Atomics.load(this.#counters, 0);
    const length = 12 + end - start;
    if (((head - Atomics.load(this.#counters, 1)) | 0) >= limits.mediaRingPackets) return false;
    if (length > SLOT_BYTES - SLOT_HEAD_BYTES) return false;
    const at = slotOf(head);
    this.#view.setUint32(at, bridge);
    this.#view.setUint16(at + 4, length);
    this.#view.setUint8(at + 6, codecOf.indexOf(codec));
    const body = at + SLOT_HEAD_BYTES;
    for (let index = 0; index < 12; index++) this.#bytes[body + index] = packet[index]!;
    for (let index = start, to = body + 12; index < end; index++, to++) this.#bytes[to] = packet[index]!;
    Atomics.store(this.#counters, 0, (head + 1) | 0);
    return true;
  }

  /** Hands at most one batch to `reader`; true when there may be more. */
  drain(reader: RingReader): boolean {
    for (let count = 0; count < BATCH; count++) {
      const tail = Atomics.load(this.#counters, 1);
      if (tail === Atomics.load(this.#counters, 0)) return false;
      const at = slotOf(tail);
      const length = this.#view.getUint16(at + 4);
      const body = at + SLOT_HEAD_BYTES;
      copies ??= new PacketBuffers();
      const copy = copies.next();
      for (let index = 0; index < length; index++) copy[index] = this.#bytes[body + index]!;
      const packet = copy.subarray(0, length);
      const bridge = this.#view.getUint32(at);
      const codec = codecOf[this.#view.getUint8(at + 6)] ?? null;
      Atomics.store(this.#counters, 1, (tail + 1) | 0);
      reader(bridge, packet, codec);
    }
    return true;
  }

  /** Forgets what a worker that failed did not read. */
  skipAll(): void {
    Atomics.store(this.#counters, 1, Atomics.load(this.#counters, 0));
  }
}

const slotOf = (counter: number): number => ((counter >>> 0) % limits.mediaRingPackets) * SLOT_BYTES;

/** Wakes the reader of a worker's rings. */
export class Doorbell {
  readonly #bell: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.#bell = new Int32Array(memory);
  }

  ring(): void {
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
  }

  /** Calls `wake` once for each time that it was rung (rings in quick succession may be one). */
  listen(wake: () => void): { stop(): void } {
    let isListening = true;
    const loop = () => {
      while (isListening) {
        const seen = Atomics.load(this.#bell, 0);
        wake();
        const wait = Atomics.waitAsync(this.#bell, 0, seen);
        if (wait.async) {
          void wait.value.then(loop);
          return;
        }
      }
    };
    loop();
    return {
      stop: () => {
        isListening = false;
        this.ring();
      },
    };
  }
}
