// Bridges to another worker, as far as this one receives for them: while an endpoint is steady, its packets go from the socket straight
// into the ring, by the receiving half of short-path.ts. What comes out of the ring is sent by the endpoint itself. core.ts owns it.
//
//   linked ─▶ waiting ──housekeeping: the endpoint is steady──▶ taken ──command, packet, silence──▶ waiting

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { FastCount, FastDrop } from './fast-path.ts';
import type { FastHold, SteadyEndpoint } from './fast-relays.ts';
import { codecOfType } from './payload-types.ts';
import type { RelaySink } from './relay-sink.ts';
import { Round } from './round.ts';
import { NO_TYPE, ShortDirection, type ShortTarget } from './short-path.ts';
import { drop, field } from './statistics.ts';
import { UdpMediaSocket } from './udp.ts';

/** What an endpoint is here. */
interface LinkedEndpoint {
  fast: FastHold | null;
  readonly sink: RelaySink | null;
  steady(nowMs: number): SteadyEndpoint | null;
  passed(atMs: number, way: 'in'): void;
}

/** Of a target that is a sink. */
const UNSENT: Omit<ShortTarget, 'sink' | 'codec'> = {
  ...{ socket: null, sender: null, buffers: null, address: '', port: 0, audio: NO_TYPE, event: NO_TYPE },
  ...{ translation: null, outgoingSsrc: 0, baseSequence: 0, sequenceOffset: 0, timestampOffset: 0 },
};

export class ShortLinks {
  readonly #clock: Clock;
  readonly #links = new Map<number, ShortLink>();
  readonly #round = new Round(this.#links);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The endpoint was bridged to one of another worker. */
  linked(number: number, endpoint: LinkedEndpoint): void {
    this.#links.set(number, new ShortLink(endpoint, this.#clock));
  }

  /** The bridge ends. */
  left(number: number): void {
    this.#links.get(number)?.takeBack();
    this.#links.delete(number);
  }

  /** A turn of a round that takes half a second, before the endpoints' own housekeeping. */
  housekeep(turns: number): void {
    this.#round.visit(turns, (link) => link.housekeep());
  }
}

interface TakenLink {
  readonly direction: ShortDirection;
  readonly socket: UdpMediaSocket;
  readonly side: SteadyEndpoint;
  readonly sinceMs: number;
  counted: FastCount | null;
}

class ShortLink implements FastHold {
  readonly #endpoint: LinkedEndpoint;
  readonly #clock: Clock;
  #taken: TakenLink | null = null;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(endpoint: LinkedEndpoint, clock: Clock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
  }

  housekeep(): void {
    const nowMs = this.#clock.now();
    const taken = this.#taken;
    if (!taken) return this.#take(nowMs);
    const { silentMs } = this.#apply(taken, nowMs);
    // The latch, comfort and the RTP timeout know what silence means.
    if ((silentMs < 0 ? nowMs - taken.sinceMs : silentMs) >= limits.latchSilenceMs) this.takeBack();
  }

  takeBack(): void {
    const taken = this.#taken;
    if (!taken) return;
    this.#taken = null;
    taken.socket.relay = null;
    if (this.#endpoint.fast === this) this.#endpoint.fast = null;
    this.#apply(taken, this.#clock.now());
  }

  packetCame(): void {
    if (!this.#taken) return;
    this.takeBack();
    this.#restsUntilMs = this.#clock.now() + limits.fastPathRestMs;
  }

  #take(nowMs: number): void {
    const { sink, fast } = this.#endpoint;
    // The bridge before this one may still have the endpoint.
    const side = nowMs < this.#restsUntilMs || !sink || fast ? null : this.#endpoint.steady(nowMs);
    const codec = side && codecOfType(side.plan, side.reception.audioType);
    if (!side || !sink || !codec || !(side.socket instanceof UdpMediaSocket) || side.socket.relay) return;
    const { socket, plan, reception, latch, protection } = side;
    const { ssrc, jitterUnits, audioType } = reception;
    if (protection.receiver && !protection.receiver.progress(ssrc)) return;
    const source = {
      ...{ port: latch.port, ssrc, audio: audioType, event: plan.telephoneEventReceive ?? NO_TYPE },
      ...{ highestSequence: reception.highest & 0xffff, jitterUnits, receiver: protection.receiver },
    };
    const direction = new ShortDirection(source, socket, { ...UNSENT, sink, codec }, this.#clock);
    socket.relay = direction;
    this.#taken = { direction, socket, side, sinceMs: nowMs, counted: null };
    this.#endpoint.fast = this;
  }

  #apply(taken: TakenLink, nowMs: number): FastCount {
    const { statistics, reception } = taken.side;
    const before = taken.counted;
    const count = taken.direction.count();
    taken.counted = count;
    const received = count.received - (before?.received ?? 0);
    statistics.add(field.packetsReceived, received);
    statistics.add(field.bytesReceived, count.receivedBytes - (before?.receivedBytes ?? 0));
    for (const [reason, total] of Object.entries(count.drops) as [FastDrop, number][]) {
      statistics.add(drop[reason], total - (before?.drops[reason] ?? 0));
    }
    reception.passed(received, count.numbers, statistics);
    if (received > 0) this.#endpoint.passed(nowMs - Math.max(0, count.silentMs), 'in');
    return count;
  }
}
