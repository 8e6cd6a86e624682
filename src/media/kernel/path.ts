// The kernel as a fast path of a core (fast-path.ts): which bridges it can have, and what is known of them. It only asks; the driver in
// another thread speaks with the kernel (driver.ts), so that nothing here ever waits.
//
// The sockets stay open and the core goes on relaying whatever comes to them: before the kernel has a bridge, after it has given it back,
// and all packets that are not 20 ms of the described audio. Headers are the same by either way, so that nothing is lost in between.

import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { plainAddress } from '../address.ts';
import type { FastCount, FastCounts, FastDirection, FastPair, FastPath, FastRelay } from '../fast-path.ts';
import { Outbox } from '../outbox.ts';
import { isExpressible } from './flow.ts';
import { type KernelLink, type KernelMessage, type PlainFlow, Slots, slotState } from './slots.ts';

export class KernelPath implements FastPath {
  readonly needsUnchanged = true;
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #outbox: Outbox<KernelMessage>;
  readonly #free: number[];
  /** Given back, and not yet out of the kernel. */
  #leaving: number[] = [];
  #isGone = false;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(link: KernelLink, clock: Clock) {
    this.#clock = clock;
    this.#slots = new Slots(link.memory);
    this.#outbox = new Outbox((messages) => link.port.postMessage(messages));
    this.#free = Array.from({ length: this.#slots.count }, (_, index) => this.#slots.count - 1 - index);
    link.port.on('close', () => {
      this.#isGone = true;
    });
    link.port.unref();
  }

  settle(): void {}

  take(pair: FastPair): FastRelay | null {
    if (this.#isGone || !pair.isUnchanged || this.#clock.now() < this.#restsUntilMs) return null;
    const flows = [flowOf(pair.directions[0]), flowOf(pair.directions[1])] as const;
    if (!flows.every((flow) => isExpressible({ ...flow, id: 1, ssrcOrder: 'both' }) && isRouted(flow))) return null;
    const slot = this.#takeSlot();
    if (slot === undefined) return null;
    this.#slots.begin(slot);
    this.#outbox.add({ type: 'add', slot, flows });
    return this.#relay(slot);
  }

  #takeSlot(): number | undefined {
    if (this.#free.length === 0) {
      const isFree = (slot: number) => this.#slots.state(slot) === slotState.free;
      this.#free.push(...this.#leaving.filter(isFree));
      this.#leaving = this.#leaving.filter((slot) => !isFree(slot));
    }
    return this.#free.pop();
  }

  #relay(slot: number): FastRelay {
    const slots = this.#slots;
    const clock = this.#clock;
    const watch = new Watch(clock.now());
    const counts = (): FastCounts => {
      watch.look(slots.reads(slot), [slots.packets(slot, 0), slots.packets(slot, 1)], clock.now());
      return [0, 1].map((index) => this.#count(slot, index as 0 | 1, watch)) as [FastCount, FastCount];
    };
    return {
      isShared: true,
      poll: () => {
        const last = counts();
        const isStale = clock.now() - watch.readAtMs > limits.kernelStaleMs;
        if (!this.#isGone && !isStale && slots.state(slot) !== slotState.failed) return last;
        // What kept this one out keeps others out: they are for the next fast path, or stay where they are.
        this.#restsUntilMs = clock.now() + limits.kernelRestMs;
        return null;
      },
      end: () => {
        this.#outbox.add({ type: 'remove', slot });
        this.#leaving.push(slot);
        return counts();
      },
    };
  }

  #count(slot: number, direction: 0 | 1, watch: Watch): FastCount {
    const packets = this.#slots.packets(slot, direction);
    const bytes = this.#slots.bytes(slot, direction);
    const totals = { received: packets, receivedBytes: bytes, sent: packets, sentBytes: bytes };
    return { ...totals, silentMs: watch.silentMs(direction), drops: {}, numbers: null };
  }
}

/** When counters were read last, and when each was first seen where it is. Time without a reading is no silence. */
class Watch {
  readAtMs: number;
  #reads = 0;
  readonly #packets: [number, number] = [0, 0];
  readonly #movedAtMs: [number, number];

  constructor(nowMs: number) {
    this.readAtMs = nowMs;
    this.#movedAtMs = [nowMs, nowMs];
  }

  look(reads: number, packets: readonly [number, number], nowMs: number): void {
    if (reads === this.#reads) return;
    // The time that it took to get into the kernel is no silence either.
    const isFirst = this.#reads === 0;
    this.#reads = reads;
    this.readAtMs = nowMs;
    for (const index of [0, 1] as const) {
      if (isFirst || packets[index] !== this.#packets[index]) this.#movedAtMs[index] = nowMs;
      this.#packets[index] = packets[index];
    }
  }

  silentMs(direction: 0 | 1): number {
    return this.readAtMs - this.#movedAtMs[direction];
  }
}

const flowOf = ({ from, to, ssrc, audio }: FastDirection): PlainFlow => ({
  sourceAddress: from.remoteAddress,
  sourcePort: from.remotePort,
  arrivalAddress: plainAddress(from.localAddress) ?? '',
  arrivalPort: from.localPort,
  ssrc,
  payloadType: audio.in,
  departureAddress: plainAddress(to.localAddress) ?? '',
  departurePort: to.localPort,
  targetAddress: to.remoteAddress,
  targetPort: to.remotePort,
});

/** Packets of this machine to itself pass no routing. */
const isRouted = ({ sourceAddress, targetAddress }: PlainFlow): boolean =>
  [sourceAddress, targetAddress].every((address) => !address.startsWith('127.') && address !== '::1');
