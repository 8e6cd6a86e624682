// Addresses as the sockets print them, so that sources are compared as text without work per packet.

import ipaddr from 'ipaddr.js';

/** Normal form of an address from an SDP or a configuration; null for what is none (host names) or for "nowhere" (0.0.0.0, ::). */
export function plainAddress(address: string | null): string | null {
  if (address === null || !ipaddr.isValid(address)) return null;
  const parsed = ipaddr.process(address);
  if (parsed.range() === 'unspecified') return null;
  return parsed.toString();
}
