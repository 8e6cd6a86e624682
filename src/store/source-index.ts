// Source addresses of peers → what they mean, the narrowest network first (sip-interface.md 7). One look-up per prefix length in use,
// however many networks there are; v4-mapped IPv6 sources count as IPv4.

import ipaddr from 'ipaddr.js';

export interface SourceNetwork<T> {
  readonly ipAddress: string;
  readonly cidrPrefixLength: number;
  readonly value: T;
}

type Groups<T> = readonly { readonly family: string; readonly bits: number; readonly values: ReadonlyMap<string, T> }[];

/** A look-up by source address. Networks that mean nothing are left out; of two equal ones the first counts. */
export function sourceIndex<T>(networks: readonly SourceNetwork<T>[]): (sourceAddress: string) => T | undefined {
  const groups = groupsOf(networks);
  return (sourceAddress) => {
    const source = groups.length > 0 ? addressOf(sourceAddress) : undefined;
    if (!source) return undefined;
    for (const { family, bits, values } of groups) {
      if (family !== source.kind()) continue;
      const value = values.get(networkKey(source, bits));
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

function groupsOf<T>(networks: readonly SourceNetwork<T>[]): Groups<T> {
  const groups = new Map<string, { family: string; bits: number; values: Map<string, T> }>();
  for (const { ipAddress, cidrPrefixLength: bits, value } of networks) {
    const address = addressOf(ipAddress);
    if (!address || bits < 0 || bits > address.toByteArray().length * 8) continue;
    const family = address.kind();
    const group = groups.get(`${family}/${bits}`) ?? { family, bits, values: new Map<string, T>() };
    groups.set(`${family}/${bits}`, group);
    const key = networkKey(address, bits);
    if (!group.values.has(key)) group.values.set(key, value);
  }
  return [...groups.values()].sort((a, b) => b.bits - a.bits);
}

function addressOf(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const bare = text.replace(/%.*$/, '');
  if (!bare.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(bare)) return undefined;
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

/** The first `bits` bits as text. */
function networkKey(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): string {
  const bytes = address.toByteArray();
  const masked = bytes.map((byte, index) => {
    const left = Math.min(8, Math.max(0, bits - index * 8));
    return byte & (0xff << (8 - left)) & 0xff;
  });
  return Buffer.from(masked).toString('hex');
}
