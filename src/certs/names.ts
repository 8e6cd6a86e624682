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

/**
 * The domain suffix, its wildcard, and a wildcard for each edge label. The label stands where the vendor puts it, behind the first
 * label of the suffix: `demo.sip.example` is `demo.sip.frankfurt.example` with an edge (access/domains.ts reads the same form).
 */
export function certificateNames(domainSuffix: string): string[] {
  const dot = domainSuffix.indexOf('.');
  const withEdge = (edge: string) =>
    dot < 0 ? `${edge}.${domainSuffix}` : `${domainSuffix.slice(0, dot)}.${edge}${domainSuffix.slice(dot)}`;
  return [domainSuffix, `*.${domainSuffix}`, ...EDGE_LABELS.map((edge) => `*.${withEdge(edge)}`)];
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
