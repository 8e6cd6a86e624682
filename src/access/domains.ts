// From the host of a URI to the SIP domain it means (sip-interface.md 0, 1.1). One domain has many spellings: with or without an
// edge or region label, under our own suffix or under the hosted vendor's, so that a PBX that migrates keeps its configuration.
//
//   alice.sip.localhost            ─┐
//   alice.sip.frankfurt.localhost   ├─▶ label path "alice" ─▶ alice.sip.localhost, else alice.sip.twilio.com
//   alice.sip.twilio.com            │
//   alice.sip.us1.twilio.com       ─┘
//
// Ports never matter. Addresses of our own and IP literals mean the default domain (PBXs dial by IP, design.md 4).

import ipaddr from 'ipaddr.js';
import type { Directory, DomainAccess } from './directory.ts';

/** The vendor's suffix is accepted beside our own. */
const VENDOR_SUFFIX = 'sip.twilio.com';

export interface DomainNaming {
  /** `sip.localhost`: lower case, no leading dot. */
  readonly domainSuffix: string;
  /** Full name of the domain that requests to our bare addresses mean; undefined = none. */
  readonly defaultDomain: string | undefined;
  isOwnAddress(host: string): boolean;
}

/**
 * The name in front of `suffix`, whether or not one edge or region label stands behind the suffix's first label.
 * Undefined when `host` is not below `suffix`, or is the bare suffix.
 */
export function nameBelowSuffix(host: string, suffix: string): string | undefined {
  if (host.endsWith(`.${suffix}`)) return host.slice(0, -suffix.length - 1) || undefined;
  const dot = suffix.indexOf('.');
  if (dot < 0) return undefined;
  const firstLabel = suffix.slice(0, dot);
  const rest = suffix.slice(dot + 1);
  if (!host.endsWith(`.${rest}`)) return undefined;
  // What is left: {name}.{firstLabel}.{edge}
  const labels = host.slice(0, -rest.length - 1).split('.');
  if (labels.length < 3 || labels.at(-2) !== firstLabel || !/^[a-z0-9-]+$/.test(labels.at(-1)!)) return undefined;
  return labels.slice(0, -2).join('.') || undefined;
}

/** Full domain names that `host` may mean, best first. */
export function candidateNames(host: string, domainSuffix: string): string[] {
  const plain = host.toLowerCase().replace(/\.$/, '');
  const name = nameBelowSuffix(plain, domainSuffix) ?? nameBelowSuffix(plain, VENDOR_SUFFIX);
  const candidates = [plain];
  if (name !== undefined) candidates.push(`${name}.${domainSuffix}`, `${name}.${VENDOR_SUFFIX}`);
  return [...new Set(candidates)];
}

/** The domain that a URI host means, or undefined for a host that is none of ours. */
export function domainForHost(directory: Directory, naming: DomainNaming, host: string): DomainAccess | undefined {
  // Nearly always the host is the name of a domain as it stands.
  const plain = directory.domainByName(host);
  if (plain) return plain;
  for (const candidate of candidateNames(host, naming.domainSuffix)) {
    const found = directory.domainByName(candidate);
    if (found) return found;
  }
  if (naming.defaultDomain === undefined) return undefined;
  const isAddress = ipaddr.isValid(host.replace(/^\[|\]$/g, ''));
  return isAddress || naming.isOwnAddress(host) ? directory.domainByName(naming.defaultDomain) : undefined;
}
