// Counters of endpoints in shared memory: a worker writes, the signalling thread reads, no message is exchanged (design.md 6).
// One table per worker. Each number is a 64-bit float on its own boundary, which the machines we run on read and write whole.
//
//   │ head: endpoints, plays, pairs in use, resting, free … │ slot 0 │ slot 1 │ …      a slot is SLOT_FIELDS numbers

import type { EndpointStatistics } from './engine.ts';

const HEAD_FIELDS = 16;

/** Place of each number within a slot. */
export const field = {
  packetsReceived: 0,
  packetsSent: 1,
  bytesReceived: 2,
  bytesSent: 3,
  packetsLost: 4,
  jitterMs: 5,
  remotePacketsLost: 6,
  roundTripMs: 7,
  lastPacketAtMs: 8,
  /** Frames that taps gave to the signalling thread, and how many of them it has taken; the latter is written there. */
  tapFramesGiven: 24,
  tapFramesTaken: 25,
} as const;

/** Why a packet was not used: a counter for each reason, behind the fields above. */
export const drop = {
  malformed: 9,
  oversized: 10,
  noPlan: 11,
  source: 12,
  rate: 13,
  payloadType: 14,
  authentication: 15,
  replay: 16,
  direction: 17,
  /** From before a change of source: its sequence number is taken. */
  late: 18,
  rtcp: 19,
  /** The ring to the other worker was full. */
  ring: 20,
  sendFailed: 21,
  socketError: 22,
  /** A fault of our own while the packet was handled. */
  fault: 23,
  /** A frame that the listener of a tap had no room for, or a tap too many. */
  tap: 26,
  /** A frame's worth of audio fed to a stream that was full, or a mark too many. */
  stream: 27,
} as const;
const SLOT_FIELDS = 28;

const headNames = ['endpoints', 'plays', 'inUse', 'resting', 'free', 'mixers', 'mixerMembers'] as const;
type HeadField = (typeof headNames)[number];
const headIndex = Object.fromEntries(headNames.map((name, index) => [name, index])) as Record<HeadField, number>;

/** Memory for a table of `slots` endpoints. */
export const statisticsMemory = (slots: number): SharedArrayBuffer =>
  new SharedArrayBuffer((HEAD_FIELDS + slots * SLOT_FIELDS) * Float64Array.BYTES_PER_ELEMENT);

/** One slot, as its endpoint writes it. */
export class SlotStatistics {
  readonly #values: Float64Array;

  constructor(values: Float64Array) {
    this.#values = values;
    this.#values.fill(0);
    this.set(field.lastPacketAtMs, -1);
    this.set(field.remotePacketsLost, -1);
    this.set(field.roundTripMs, -1);
  }

  /** `index`: one of `field` or `drop`. */
  add(index: number, amount: number): void {
    this.#values[index] = this.#values[index]! + amount;
  }

  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  get(index: number): number {
    return this.#values[index]!;
  }
}

const DROPS = Object.entries(drop);

export class StatisticsTable {
  readonly slots: number;
  readonly #values: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#values = new Float64Array(memory);
    this.slots = Math.floor((this.#values.length - HEAD_FIELDS) / SLOT_FIELDS);
  }

  /** Begins a new endpoint: all counters of the slot at their start. */
  claim(slot: number): SlotStatistics {
    return new SlotStatistics(this.#slot(slot));
  }

  /** Counts frames of a tap that have arrived: makes room for more. By the thread that reads the table. */
  takeTapFrame(slot: number): void {
    const values = this.#slot(slot);
    values[field.tapFramesTaken] = values[field.tapFramesTaken]! + 1;
  }

  setHead(name: HeadField, value: number): void {
    this.#values[headIndex[name]] = value;
  }

  head(name: HeadField): number {
    return this.#values[headIndex[name]]!;
  }

  /** `nowMs` by the clock of the worker that writes the table. */
  read(slot: number, nowMs: number): EndpointStatistics {
    const values = this.#slot(slot);
    const value = (index: number): number => values[index]!;
    const drops: Record<string, number> = {};
    for (const [reason, index] of DROPS) if (value(index) > 0) drops[reason] = value(index);
    const lastPacketAtMs = value(field.lastPacketAtMs);
    return {
      packetsReceived: value(field.packetsReceived),
      packetsSent: value(field.packetsSent),
      bytesReceived: value(field.bytesReceived),
      bytesSent: value(field.bytesSent),
      packetsLost: value(field.packetsLost),
      jitterMs: value(field.jitterMs),
      remotePacketsLost: value(field.remotePacketsLost),
      roundTripMs: value(field.roundTripMs),
      drops,
      silentMs: lastPacketAtMs < 0 ? -1 : Math.max(0, nowMs - lastPacketAtMs),
    };
  }

  #slot(slot: number): Float64Array {
    const start = HEAD_FIELDS + slot * SLOT_FIELDS;
    return this.#values.subarray(start, start + SLOT_FIELDS);
  }
}
