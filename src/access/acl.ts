// IP access control lists: is this source inside any entry? Entries are compiled once per list (the directory hands out a new array
// when a list changes) and v4-mapped IPv6 sources count as IPv4, whichever socket they came in by.

import ipaddr from 'ipaddr.js';
import { remembered } from '../base/remembered.ts';
import type { AclEntry } from './directory.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type CompiledAcl = readonly (readonly [Address, number])[];

const compiled = new WeakMap<readonly AclEntry[], CompiledAcl>();

/** The address without v4-mapping; undefined when it is not an address. */
export function normalizedAddress(text: string): Address | undefined {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  // Four dotted parts only: ipaddr.js also takes the classic short and octal forms, which nobody means here.
  if (!bare.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return undefined;
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

function compile(entries: readonly AclEntry[]): CompiledAcl {
  const ranges: (readonly [Address, number])[] = [];
  for (const entry of entries) {
    const address = normalizedAddress(entry.ipAddress);
    if (!address) continue; // An entry that means nothing admits nobody.
    const widest = address.kind() === 'ipv4' ? 32 : 128;
    // A mapped entry ::ffff:a.b.c.d/120 has become a.b.c.d: its prefix shrinks with it.
    const wasMapped = address.kind() === 'ipv4' && entry.ipAddress.includes(':');
    const bits = wasMapped ? entry.cidrPrefixLength - 96 : entry.cidrPrefixLength;
    if (bits >= 0 && bits <= widest) ranges.push([address, bits]);
  }
  return ranges;
}

const sourceOf = remembered(1_024, (text) => normalizedAddress(text) ?? null);

/** True when `sourceAddress` lies inside one of the entries. */
export function isListed(entries: readonly AclEntry[], sourceAddress: string): boolean {
  let ranges = compiled.get(entries);
  if (!ranges) {
    ranges = compile(entries);
    compiled.set(entries, ranges);
  }
  const source = sourceOf(sourceAddress);
  if (source === null) return false;
  return ranges.some(([network, bits]) => network.kind() === source.kind() && source.match(network, bits));
}
