// The bridges of one core that a fast path may have (fast-path.ts): offers those that are steady, feeds its counters to statistics,
// latch and RTP timeout, and takes them back before anything changes. core.ts owns it; endpoints know their bridge as a FastHold.
//
//   joined ─▶ waiting ──housekeeping: both sides steady──▶ taken ──command, packet, silence, failure──▶ waiting
//                ▲ └──refused: rests──┘                                                                    │
//                └─────────────────────────────────────────────────────────────────────────────────────────┘

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type {
  FastCount,
  FastCounts,
  FastDirection,
  FastDrop,
  FastPair,
  FastPath,
  FastRelay,
  FastSide,
  PayloadTypePair,
} from './fast-path.ts';
import { aLawToMuLaw, muLawToALaw } from './g711.ts';
import type { Latch } from './latching.ts';
import type { OutgoingStream, SourceToken } from './outgoing-stream.ts';
import { codecOfType } from './payload-types.ts';
import type { Protection } from './protection.ts';
import type { Reception } from './reception.ts';
import { Round } from './round.ts';
import type { MediaSocket } from './sockets.ts';
import { drop, field, type SlotStatistics } from './statistics.ts';

/** What an endpoint calls while a fast path has its bridge. */
export interface FastHold {
  /** Something changes: from now on packets come here. */
  takeBack(): void;
  /** A packet of the peer came that would be relayed here. */
  packetCame(): void;
}

/** What an endpoint is to its fast path. */
interface FastEndpoint {
  fast: FastHold | null;
  steady(nowMs: number): SteadyEndpoint | null;
  passed(atMs: number, way: 'in' | 'out'): void;
}

/** One side that needs none of its packets. */
export interface SteadyEndpoint {
  readonly plan: MediaPlan;
  readonly latch: Latch;
  readonly protection: Protection;
  readonly reception: Reception;
  readonly statistics: SlotStatistics;
  readonly stream: OutgoingStream;
  readonly socket: MediaSocket;
}

/** An endpoint with the place that the core bound it to. */
export interface PlacedEndpoint {
  readonly endpoint: FastEndpoint;
  readonly localAddress: string;
  readonly rtpPort: number;
}

export class FastRelays {
  readonly #path: FastPath | null;
  readonly #clock: Clock;
  readonly #bridges = new Map<number, FastBridge>();
  readonly #round = new Round(this.#bridges);

  constructor(path: FastPath | null, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /** Two endpoints of this core were bridged; `token` is what their packets are relayed under. */
  joined(number: number, a: PlacedEndpoint, b: PlacedEndpoint, token: SourceToken): void {
    if (this.#path) this.#bridges.set(number, new FastBridge(this.#path, this.#clock, [a, b], token));
  }

  /** The bridge ends. */
  left(number: number): void {
    this.#bridges.get(number)?.takeBack();
    this.#bridges.delete(number);
  }

  /** A turn of a round that takes half a second, before the endpoints' own housekeeping. */
  housekeep(turns: number): void {
    this.#round.visit(turns, (bridge) => bridge.housekeep());
  }
}

class FastBridge implements FastHold {
  readonly #path: FastPath;
  readonly #clock: Clock;
  readonly #ends: readonly [PlacedEndpoint, PlacedEndpoint];
  readonly #token: SourceToken;
  #taken: Taken | null = null;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(path: FastPath, clock: Clock, ends: readonly [PlacedEndpoint, PlacedEndpoint], token: SourceToken) {
    this.#path = path;
    this.#clock = clock;
    this.#ends = ends;
    this.#token = token;
  }

  housekeep(): void {
    const nowMs = this.#clock.now();
    if (!this.#taken) return this.#offer(nowMs);
    const counts = this.#taken.relay.poll();
    if (!counts) return this.#end(nowMs);
    this.#taken.apply(counts, nowMs);
    // A side that is silent is given to the latch, comfort and the RTP timeout, who know what that means.
    if (this.#taken.isSilent(counts, nowMs)) this.takeBack();
  }

  takeBack(): void {
    if (this.#taken) this.#end(this.#clock.now());
  }

  packetCame(): void {
    if (!this.#taken || this.#taken.relay.isShared) return;
    const nowMs = this.#clock.now();
    this.#end(nowMs);
    this.#restsUntilMs = nowMs + limits.fastPathRestMs;
  }

  #offer(nowMs: number): void {
    // The bridge before this one may still have one of them.
    const isHeld = this.#ends.some(({ endpoint }) => endpoint.fast);
    if (isHeld || nowMs < this.#restsUntilMs || !this.#steady(nowMs)) return;
    // What comes of this may change all.
    this.#path.settle();
    const sides = this.#steady(nowMs);
    const pair = sides && describe(this.#ends, sides, this.#token);
    const relay = pair && this.#path.take(pair);
    if (!sides || !relay) {
      this.#restsUntilMs = nowMs + limits.fastPathRestMs;
      return;
    }
    this.#taken = new Taken(
      relay,
      sides,
      this.#ends.map(({ endpoint }) => endpoint),
      nowMs,
    );
    for (const { endpoint } of this.#ends) endpoint.fast = this;
  }

  #steady(nowMs: number): readonly [SteadyEndpoint, SteadyEndpoint] | null {
    const first = this.#ends[0].endpoint.steady(nowMs);
    const second = first && this.#ends[1].endpoint.steady(nowMs);
    return second && [first, second];
  }

  #end(nowMs: number): void {
    const taken = this.#taken;
    if (!taken) return;
    this.#taken = null;
    for (const { endpoint } of this.#ends) if (endpoint.fast === this) endpoint.fast = null;
    taken.end(nowMs);
  }
}

/** A bridge while it is away, and how much of its counters is in the statistics. */
class Taken {
  readonly relay: FastRelay;
  readonly #sides: readonly [SteadyEndpoint, SteadyEndpoint];
  readonly #endpoints: readonly FastEndpoint[];
  readonly #ssrcs: readonly [number, number];
  readonly #sinceMs: number;
  #counts: FastCounts | null = null;

  constructor(
    relay: FastRelay,
    sides: readonly [SteadyEndpoint, SteadyEndpoint],
    endpoints: readonly FastEndpoint[],
    nowMs: number,
  ) {
    this.relay = relay;
    this.#sides = sides;
    this.#endpoints = endpoints;
    this.#ssrcs = [sides[0].reception.ssrc, sides[1].reception.ssrc];
    this.#sinceMs = nowMs;
    if (relay.isShared) for (const { reception } of sides) reception.share(true);
  }

  /** Its last counters; it is over. */
  end(nowMs: number): void {
    this.apply(this.relay.end(), nowMs);
    if (this.relay.isShared) for (const { reception } of this.#sides) reception.share(false);
  }

  isSilent(counts: FastCounts, nowMs: number): boolean {
    return counts.some(({ silentMs }) => (silentMs < 0 ? nowMs - this.#sinceMs : silentMs) >= limits.latchSilenceMs);
  }

  apply(counts: FastCounts, nowMs: number): void {
    for (const index of [0, 1] as const) this.#applyOne(index, counts[index], this.#counts?.[index], nowMs);
    this.#counts = counts;
  }

  #applyOne(index: 0 | 1, count: FastCount, before: FastCount | undefined, nowMs: number): void {
    const [from, to] = index === 0 ? this.#sides : [this.#sides[1], this.#sides[0]];
    const received = count.received - (before?.received ?? 0);
    const sent = count.sent - (before?.sent ?? 0);
    from.statistics.add(field.packetsReceived, received);
    from.statistics.add(field.bytesReceived, count.receivedBytes - (before?.receivedBytes ?? 0));
    to.statistics.add(field.packetsSent, sent);
    to.statistics.add(field.bytesSent, count.sentBytes - (before?.sentBytes ?? 0));
    for (const [reason, total] of Object.entries(count.drops) as [FastDrop, number][]) {
      const { statistics } = reason === 'late' || reason === 'sendFailed' ? to : from;
      statistics.add(drop[reason], total - (before?.drops[reason] ?? 0));
    }
    from.reception.passed(received, count.numbers, from.statistics);
    if (received === 0) return;
    const atMs = nowMs - Math.max(0, count.silentMs);
    this.#endpoints[index]!.passed(atMs, 'in');
    this.#endpoints[1 - index]!.passed(atMs, 'out');
    if (!count.numbers) return to.stream.passedUnseen(sent, nowMs);
    const { highestSequence, latestTimestamp, receiveIndex, receiveWindow, sendIndex } = count.numbers;
    to.stream.passed(highestSequence, latestTimestamp, atMs);
    from.protection.receiver?.resume(this.#ssrcs[index], { highest: receiveIndex, ...receiveWindow });
    if (to.protection.sender) to.protection.sender.highestIndex = sendIndex;
  }
}

/** Null: the sides hear someone else than each other, or only one of them is heard. */
function describe(
  ends: readonly [PlacedEndpoint, PlacedEndpoint],
  sides: readonly [SteadyEndpoint, SteadyEndpoint],
  token: SourceToken,
): FastPair | null {
  const places: [FastSide, FastSide] = [place(ends[0], sides[0]), place(ends[1], sides[1])];
  const there = direction(places[0], sides[0], places[1], sides[1], token);
  const back = direction(places[1], sides[1], places[0], sides[0], token);
  if (!there || !back) return null;
  return { directions: [there, back], isUnchanged: isUnchanged(there) && isUnchanged(back) };
}

const place = ({ localAddress, rtpPort }: PlacedEndpoint, { socket, latch }: SteadyEndpoint): FastSide => ({
  ...{ socket, localAddress, localPort: rtpPort },
  ...{ remoteAddress: latch.address, remotePort: latch.port },
});

function direction(
  from: FastSide,
  source: SteadyEndpoint,
  to: FastSide,
  target: SteadyEndpoint,
  token: SourceToken,
): FastDirection | null {
  const { ssrc } = source.reception;
  const numbering = target.stream.numbering(token, ssrc);
  const codec = codecOfType(source.plan, source.reception.audioType);
  const receiveCrypto = source.protection.receiving(ssrc);
  if (!numbering || codec === null || (source.protection.receiver && !receiveCrypto)) return null;
  return {
    ...{ from, to, ssrc, ...numbering, jitterUnits: source.reception.jitterUnits },
    audio: { in: source.reception.audioType, out: target.plan.payloadType },
    telephoneEvent: eventTypes(source.plan, target.plan),
    translation: translation(codec, target.plan.codec),
    outgoingSsrc: target.stream.ssrc,
    receiveCrypto,
    sendCrypto: target.protection.sending(),
    contexts: { receiver: source.protection.receiver, sender: target.protection.sender },
  };
}

function translation(from: MediaPlan['codec'], to: MediaPlan['codec']): Uint8Array | null {
  if (from === to) return null;
  return to === 'PCMA' ? muLawToALaw : aLawToMuLaw;
}

const eventTypes = (source: MediaPlan, target: MediaPlan): PayloadTypePair | null =>
  source.telephoneEventReceive === null || target.telephoneEventSend === null
    ? null
    : { in: source.telephoneEventReceive, out: target.telephoneEventSend };

function isUnchanged(one: FastDirection): boolean {
  const isSameHeader = one.outgoingSsrc === one.ssrc && one.sequenceOffset === 0 && one.timestampOffset === 0;
  const isSameAudio = one.audio.in === one.audio.out && one.translation === null;
  const areSameEvents = one.telephoneEvent === null || one.telephoneEvent.in === one.telephoneEvent.out;
  return isSameHeader && isSameAudio && areSameEvents && !one.receiveCrypto && !one.sendCrypto;
}
