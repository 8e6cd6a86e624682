// Which even/odd port pairs are free (RFC 3550 11: RTP even, RTCP the next). Pure: it counts and chooses, sockets are opened by the
// engine. Each local address has its own set. The pairs of one range are dealt out to the workers in turn, so that no two
// workers ever try the same port. A closed pair rests before its next use: late packets of the old call meet no new one.
//
//   free ──take──▶ in use ──release──▶ resting (limits.portRestMs) ──▶ free
//          └────── busy: another program has it ──────▶ resting

import type { RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface PortCounts {
  /** All three in pairs. */
  readonly inUse: number;
  readonly resting: number;
  readonly free: number;
}

interface AddressPorts {
  /** Time from which the pair may be used; Infinity while in use. */
  readonly freeAt: Float64Array;
  next: number;
  inUse: number;
  /** When the pairs that rest become free, in order, since each rests equally long; those before `rested` are over. */
  restingUntil: number[];
  rested: number;
}

/** The even port of each pair of the range that belongs to worker `index` of `workers`. */
export function pairsOf(range: PortRange, index: number, workers: number): number[] {
  const pairs: number[] = [];
  const first = range.first + (range.first % 2);
  for (let port = first, turn = 0; port + 1 <= range.last; port += 2, turn++) {
    if (turn % workers === index) pairs.push(port);
  }
  return pairs;
}

export class PortPool {
  readonly #ports: readonly number[];
  readonly #indices: ReadonlyMap<number, number>;
  readonly #random: RandomSource;
  readonly #addresses = new Map<string, AddressPorts>();

  /** `ports`: the even port of each pair. */
  constructor(ports: readonly number[], random: RandomSource) {
    this.#ports = ports;
    this.#indices = new Map(ports.map((port, index) => [port, index]));
    this.#random = random;
  }

  /** The even port of the next free pair, from a random start onwards in turn, so that the one used last comes last. */
  take(address: string, nowMs: number): number | undefined {
    const entry = this.#entry(address);
    for (let step = 0; step < this.#ports.length; step++) {
      const index = (entry.next + step) % this.#ports.length;
      if (entry.freeAt[index]! > nowMs) continue;
      entry.freeAt[index] = Number.POSITIVE_INFINITY;
      entry.next = (index + 1) % this.#ports.length;
      entry.inUse += 1;
      return this.#ports[index];
    }
    return undefined;
  }

  /** Gives a taken pair back: it rests, whether it was used or found busy. */
  release(address: string, port: number, nowMs: number): void {
    const entry = this.#addresses.get(address);
    const index = this.#indices.get(port);
    if (!entry || index === undefined || entry.freeAt[index] !== Number.POSITIVE_INFINITY) return;
    entry.freeAt[index] = nowMs + limits.portRestMs;
    entry.restingUntil.push(nowMs + limits.portRestMs);
    entry.inUse -= 1;
  }

  counts(nowMs: number): PortCounts {
    let inUse = 0;
    let resting = 0;
    for (const entry of this.#addresses.values()) {
      inUse += entry.inUse;
      resting += countResting(entry, nowMs);
    }
    const all = this.#ports.length * Math.max(1, this.#addresses.size);
    return { inUse, resting, free: all - inUse - resting };
  }

  #entry(address: string): AddressPorts {
    const known = this.#addresses.get(address);
    if (known) return known;
    // An unpredictable start: the ports of the next calls are not to be guessed from outside (RFC 6056).
    const next = this.#ports.length > 0 ? this.#random(4).readUInt32BE(0) % this.#ports.length : 0;
    const freeAt = new Float64Array(this.#ports.length);
    const entry = { freeAt, next, inUse: 0, restingUntil: [], rested: 0 };
    // Virtual clocks start at 0, and "free since ever" is earlier than that.
    entry.freeAt.fill(Number.NEGATIVE_INFINITY);
    this.#addresses.set(address, entry);
    return entry;
  }
}

/** Asked with every call that begins and ends: takes as long as pairs became free since, whatever the size of the range. */
function countResting(entry: AddressPorts, nowMs: number): number {
  const { restingUntil } = entry;
  while (entry.rested < restingUntil.length && restingUntil[entry.rested]! <= nowMs) entry.rested += 1;
  if (entry.rested > 1_024 && entry.rested * 2 > restingUntil.length) {
    entry.restingUntil = restingUntil.slice(entry.rested);
    entry.rested = 0;
  }
  return entry.restingUntil.length - entry.rested;
}
