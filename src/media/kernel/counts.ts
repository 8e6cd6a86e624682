// Reads the counters of our maps out of nft's listing. Pure.

import { type Flow, keysOf } from './flow.ts';

/** IP header counted by the kernel, and what is no payload behind it. */
const IP_BYTES = { 4: 20, 6: 40 } as const;
const OTHER_HEADER_BYTES = 20;

export interface FlowCount {
  /** Packets that were given a new destination, octets of their payloads. */
  arrived: number;
  arrivedBytes: number;
  /** How many of them left. */
  departed: number;
}

interface Concatenation {
  readonly concat: readonly unknown[];
}

interface ListedMap {
  readonly name: string;
  readonly elem?: readonly (readonly [
    { elem?: { val?: unknown; counter?: { packets: number; bytes: number } } },
    number,
  ])[];
}

/** Reads the JSON listing of the table. Undefined: it is something else. */
export function readCounts(listing: string, flows: Iterable<Flow>): Map<number, FlowCount> | undefined {
  const counts = new Map<number, FlowCount>();
  const byEnds = new Map<string, FlowCount>();
  for (const flow of flows) {
    const count = { arrived: 0, arrivedBytes: 0, departed: 0 };
    counts.set(flow.id, count);
    byEnds.set(keysOf(flow)[0]!, count);
  }
  try {
    const { nftables } = JSON.parse(listing) as { nftables: readonly { map?: ListedMap }[] };
    for (const { map } of nftables) if (map && /^(flow|own_port)/.test(map.name)) addCounts(map, counts, byEnds);
  } catch {
    return undefined;
  }
  return counts;
}

function addCounts(
  { name, elem = [] }: ListedMap,
  counts: Map<number, FlowCount>,
  byEnds: Map<string, FlowCount>,
): void {
  const headerBytes = IP_BYTES[name.endsWith('6') ? 6 : 4] + OTHER_HEADER_BYTES;
  for (const [key, value] of elem) {
    const counter = key.elem?.counter;
    if (!counter) continue;
    if (name.startsWith('own_port')) {
      const count = byEnds.get((key.elem?.val as Concatenation | undefined)?.concat.join(' . ') ?? '');
      if (count) count.departed += counter.packets;
    } else {
      const count = counts.get(value);
      if (!count) continue;
      count.arrived += counter.packets;
      count.arrivedBytes += counter.bytes - counter.packets * headerBytes;
    }
  }
}
