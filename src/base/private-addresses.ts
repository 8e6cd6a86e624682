// The guard against requests into private networks (design.md 9): which addresses are special, and a lookup that gives only ordinary
// ones. Webhooks and streams share it.

import type { LookupAddress, LookupOptions } from 'node:dns';
import ipaddr from 'ipaddr.js';

export type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** The shape of `dns.lookup`. */
export type DnsLookup = (hostname: string, options: LookupOptions, callback: LookupCallback) => void;

/** A name that leads to addresses of the wrong kind only. */
export class RefusedAddress extends Error {}

/** True for an address literal that is not an ordinary public one; false for names. v4-mapped addresses count as v4. */
export function isSpecialAddress(host: string): boolean {
  const range = rangeOf(host);
  return range !== undefined && range !== 'unicast';
}

/** True for the literals of this machine: 127.0.0.0/8 and ::1. */
export const isLoopbackAddress = (host: string): boolean => rangeOf(host) === 'loopback';

/** True for the literals of this machine and of networks that the internet does not route. */
export function isLocalAddress(host: string): boolean {
  const range = rangeOf(host);
  return range === 'loopback' || range === 'private' || range === 'uniqueLocal' || range === 'linkLocal';
}

/** Undefined for names. */
function rangeOf(host: string): string | undefined {
  const text = host.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(text) ? ipaddr.process(text).range() : undefined;
}

/**
 * A lookup that gives only addresses that `isAllowed`. The check sits behind the resolver, on the very addresses that get connected: a
 * name that changes its answer gains nothing.
 */
export function guardedLookup(lookup: DnsLookup, isAllowed: (address: string) => boolean): DnsLookup {
  return (hostname, options, callback) =>
    lookup(hostname, options, (error, address, family) => {
      if (error) return callback(error, address, family);
      if (typeof address === 'string') {
        if (!isAllowed(address)) return callback(new RefusedAddress(hostname), address, family);
        return callback(null, address, family);
      }
      const allowed = address.filter((entry) => isAllowed(entry.address));
      if (allowed.length === 0) return callback(new RefusedAddress(hostname), []);
      return callback(null, allowed);
    });
}
