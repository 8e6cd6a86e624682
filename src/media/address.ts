// Addresses as the sockets print them, so that sources are compared as text without work per packet.

import ipaddr from 'ipaddr.js';
import { remembered } from '../base/remembered.ts';

/** Normal form of an address from an SDP or a configuration; null for what is none (host names) or for "nowhere" (0.0.0.0, ::). */
export function plainAddress(address: string | null): string | null {
  return address === null ? null : plainForm(address);
}

/** Each leg asks, and most legs have the same few peers. */
const plainForm = remembered(1_024, (address) => {
  if (!ipaddr.isValid(address)) return null;
  const parsed = ipaddr.process(address);
  return parsed.range() === 'unspecified' ? null : parsed.toString();
});
