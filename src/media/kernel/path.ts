// The kernel as a fast path of a core (fast-path.ts): which bridges it can have, and what is known of them. It only asks; the driver in
// another thread speaks with the kernel (driver.ts), so that nothing here ever waits.
//
// The sockets stay open and the core goes on relaying whatever comes to them: before the kernel has a bridge, after it has given it back,
// and all packets that are not 20 ms of the described audio. Headers are the same by either way, so that nothing is lost in between.

import type { Clock } from '../../base/clock.ts';
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
    if (this.#isGone || !pair.isUnchanged) return null;
    const flows = [flowOf(pair.directions[0]), flowOf(pair.directions[1])] as const;
    if (!flows.every((flow) => isExpressible({ ...flow, id: 1 }) && isRouted(flow))) return null;
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
    const sources = [new Source(this.#clock), new Source(this.#clock)] as const;
    const count = (direction: 0 | 1): FastCount =>
      sources[direction].counted(slots.packets(slot, direction), slots.bytes(slot, direction));
    const counts = (): FastCounts => [count(0), count(1)];
    return {
      isShared: true,
      poll: () => (this.#isGone || slots.state(slot) === slotState.failed ? null : counts()),
      end: () => {
        this.#outbox.add({ type: 'remove', slot });
        this.#leaving.push(slot);
        return counts();
      },
    };
  }
}

/** One direction of a relay: when its counter was last seen to move. */
class Source {
  readonly #clock: Clock;
  #packets = 0;
  #movedAtMs = -1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  counted(packets: number, bytes: number): FastCount {
    const nowMs = this.#clock.now();
    if (packets !== this.#packets) this.#movedAtMs = nowMs;
    this.#packets = packets;
    const silentMs = this.#movedAtMs < 0 ? -1 : nowMs - this.#movedAtMs;
    const totals = { received: packets, receivedBytes: bytes, sent: packets, sentBytes: bytes };
    return { ...totals, silentMs, drops: {}, numbers: null };
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
