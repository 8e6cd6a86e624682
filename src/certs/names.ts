// The names that our own server certificate carries.

import ipaddr from 'ipaddr.js';

/** Edge and legacy region labels of the vendor (sip-interface.md 0): `bob@demo.sip.frankfurt.example` must verify too. */
const EDGES = [
  ['ashburn', 'us1'],
  ['umatilla', 'us2'],
  ['san-jose', 'us2'],
  ['dublin', 'ie1'],
  ['frankfurt', 'de1'],
  ['singapore', 'sg1'],
  ['tokyo', 'jp1'],
  ['sao-paulo', 'br1'],
  ['sydney', 'au1'],
] as const;

const EDGE_LABELS: readonly string[] = [...new Set(EDGES.flat())];

/** The domain suffix, its wildcard, and a wildcard below each edge label. */
export function certificateNames(domainSuffix: string): string[] {
  return [domainSuffix, `*.${domainSuffix}`, ...EDGE_LABELS.map((edge) => `*.${edge}.${domainSuffix}`)];
}

/** What can stand in a dNSName (RFC 5280 4.2.1.6): host name characters, a wildcard as the first label only. */
export const isCertificateName = (name: string): boolean =>
  name.length <= 253 &&
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(name);

/** One spelling per address (RFC 5952, no zone); undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  const bare = text.replace(/%.*$/, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : undefined;
}
