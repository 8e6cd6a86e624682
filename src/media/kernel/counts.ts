// Reads the counters of our maps out of nft's listing. Pure.

import { type Flow, keysOf, type SsrcOrder, turnedSsrc } from './flow.ts';

/** IP header counted by the kernel, and what is no payload behind it. */
const IP_BYTES = { 4: 20, 6: 40 } as const;
const OTHER_HEADER_BYTES = 20;

export interface FlowCount {
  /** Packets that were given a new destination, octets of their payloads. */
  arrived: number;
  arrivedBytes: number;
  /** How many of them left; 0 where that was not listed. */
  departed: number;
  /** In which order of octets its SSRC was met; null: not yet, or both are the same. */
  ssrcOrder: Exclude<SsrcOrder, 'both'> | null;
}

interface ListedMap {
  readonly name: string;
  readonly elem?: readonly (readonly [ListedKey, number])[];
}

interface ListedKey {
  readonly elem?: {
    readonly val: { readonly concat: readonly unknown[] };
    readonly counter?: { readonly packets: number; readonly bytes: number };
  };
}

/** What is known of the flows, by number and by the key of what leaves. */
class Counts {
  readonly byId = new Map<number, FlowCount>();
  readonly #byEnds = new Map<string, FlowCount>();
  readonly #ssrcs = new Map<number, number>();

  constructor(flows: Iterable<Flow>) {
    for (const flow of flows) {
      const count: FlowCount = { arrived: 0, arrivedBytes: 0, departed: 0, ssrcOrder: null };
      this.byId.set(flow.id, count);
      this.#byEnds.set(keysOf(flow)[0]!, count);
      this.#ssrcs.set(flow.id, flow.ssrc);
    }
  }

  add({ name, elem = [] }: ListedMap): void {
    const headerBytes = IP_BYTES[name.endsWith('6') ? 6 : 4] + OTHER_HEADER_BYTES;
    for (const [{ elem: key }, value] of elem) {
      if (!key?.counter || key.counter.packets === 0) continue;
      if (name.startsWith('own_port')) this.#departed(key.val.concat, key.counter.packets);
      else this.#arrived(value, key.val.concat.at(-1), key.counter.packets, key.counter.bytes, headerBytes);
    }
  }

  #departed(ends: readonly unknown[], packets: number): void {
    const count = this.#byEnds.get(ends.join(' . '));
    if (count) count.departed += packets;
  }

  #arrived(id: number, listedSsrc: unknown, packets: number, bytes: number, headerBytes: number): void {
    const count = this.byId.get(id);
    const ssrc = this.#ssrcs.get(id);
    if (!count || ssrc === undefined) return;
    count.arrived += packets;
    count.arrivedBytes += bytes - packets * headerBytes;
    if (turnedSsrc(ssrc) !== ssrc) count.ssrcOrder = listedSsrc === ssrc ? 'plain' : 'turned';
  }
}

/** Reads JSON listings of maps. Undefined: they are something else. */
export function readCounts(listings: readonly string[], flows: Iterable<Flow>): Map<number, FlowCount> | undefined {
  const counts = new Counts(flows);
  try {
    for (const listing of listings) {
      const { nftables } = JSON.parse(listing) as { nftables: readonly { map?: ListedMap }[] };
      for (const { map } of nftables) if (map) counts.add(map);
    }
  } catch {
    return undefined;
  }
  return counts.byId;
}
