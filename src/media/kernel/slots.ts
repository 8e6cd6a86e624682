// Memory between a media worker and the thread that drives the kernel: for each relay its state and its counters, read without a
// message. And the messages that go the one way that there is.

import type { Flow } from './flow.ts';

/** free and waiting are written by the worker's side of a relay, which begins it; the others by the driver. */
export const slotState = { free: 0, waiting: 1, active: 2, failed: 3 } as const;

const FIELDS = 6;

export const slotMemory = (slots: number): SharedArrayBuffer =>
  new SharedArrayBuffer(slots * FIELDS * Float64Array.BYTES_PER_ELEMENT);

export class Slots {
  readonly count: number;
  readonly #values: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#values = new Float64Array(memory);
    this.count = this.#values.length / FIELDS;
  }

  state(slot: number): number {
    return this.#values[slot * FIELDS]!;
  }

  setState(slot: number, state: number): void {
    this.#values[slot * FIELDS] = state;
  }

  /** Begins a relay. */
  begin(slot: number): void {
    this.#values.fill(0, slot * FIELDS, (slot + 1) * FIELDS);
    this.setState(slot, slotState.waiting);
  }

  packets(slot: number, direction: 0 | 1): number {
    return this.#values[slot * FIELDS + 1 + 2 * direction]!;
  }

  /** Octets of payload. */
  bytes(slot: number, direction: 0 | 1): number {
    return this.#values[slot * FIELDS + 2 + 2 * direction]!;
  }

  /** How often the counters were read since the relay began. */
  reads(slot: number): number {
    return this.#values[slot * FIELDS + 5]!;
  }

  countRead(slot: number): void {
    this.#values[slot * FIELDS + 5] = this.reads(slot) + 1;
  }

  setCounts(slot: number, direction: 0 | 1, packets: number, bytes: number): void {
    this.#values[slot * FIELDS + 1 + 2 * direction] = packets;
    this.#values[slot * FIELDS + 2 + 2 * direction] = bytes;
  }
}

/** A flow as a worker describes it. */
export type PlainFlow = Omit<Flow, 'id' | 'ssrcOrder'>;

export type KernelMessage =
  | { readonly type: 'add'; readonly slot: number; readonly flows: readonly [PlainFlow, PlainFlow] }
  | { readonly type: 'remove'; readonly slot: number };

/** A media worker's end. */
export interface KernelLink {
  readonly memory: SharedArrayBuffer;
  readonly port: import('node:worker_threads').MessagePort;
}
