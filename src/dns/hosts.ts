// Names that are known without a server: address literals, the hosts file, and localhost (RFC 6761 6.3).

import ipaddr from 'ipaddr.js';
import type { AddressRecord } from './records.ts';

export type HostsTable = ReadonlyMap<string, readonly AddressRecord[]>;

/** hosts(5): `address name alias …`, `#` begins a comment. Lines with a bad address are skipped. */
export function parseHosts(text: string): HostsTable {
  const table = new Map<string, AddressRecord[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const record = address === undefined ? undefined : literalAddress(address);
    if (!record) continue;
    for (const name of names) {
      const key = canonicalHost(name);
      const records = table.get(key) ?? [];
      if (!records.some((known) => known.address === record.address)) records.push(record);
      table.set(key, records);
    }
  }
  return table;
}

/** Lower case, without the dot of the root. */
export const canonicalHost = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** The record of an address literal (IPv6 with or without brackets); undefined for a name. */
export function literalAddress(text: string): AddressRecord | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return { address: bare, family: 4 };
  if (bare.includes(':') && ipaddr.IPv6.isValid(bare)) return { address: bare, family: 6 };
  return undefined;
}

const LOOPBACK: readonly AddressRecord[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** RFC 6761 6.3: `localhost` and every name below it is loopback, whatever a server would say. */
export const localhostAddresses = (name: string): readonly AddressRecord[] | undefined =>
  name === 'localhost' || name.endsWith('.localhost') ? LOOPBACK : undefined;

/** RFC 1035 2.3.4 sizes, and characters that can be in a host or service name. Guards the name servers from peers' garbage. */
export const isQueryableName = (name: string): boolean =>
  name.length > 0 &&
  name.length <= 253 &&
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(name);
