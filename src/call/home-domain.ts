// Which domain a call made over REST belongs to: the host of its From header, and the settings of its leg (in-band digits, captures).
// The specification leaves it open (sip-interface.md 2.3). Pure.

import type { Domain } from '../base/records.ts';
import { isSipUri, parseUri, type SipUri } from '../sip/grammar/uri.ts';

export interface HomeDomainServices {
  /** All domains of the account. */
  readonly domainsOfAccount: (accountSid: string) => readonly Domain[];
  /** The domain that a host means, whoever owns it; edge labels and our own address are understood. */
  readonly domainOf: (host: string, port: number | undefined) => Domain | undefined;
  readonly isDemo: (domain: Domain) => boolean;
  readonly defaultDomain: string | null;
}

/**
 * The domain that `from` names, else the default domain, else the first by name that is not the demo, else the demo: never one of
 * another account, and the same one each time. Undefined where the account has none.
 */
export function homeDomain(accountSid: string, from: string, services: HomeDomainServices): Domain | undefined {
  const named = uriOf(from);
  const meant = named && services.domainOf(named.host, named.port);
  if (meant?.accountSid === accountSid) return meant;
  const rank = (domain: Domain): number =>
    domain.domainName === services.defaultDomain ? 0 : services.isDemo(domain) ? 2 : 1;
  return [...services.domainsOfAccount(accountSid)].sort(
    (a, b) => rank(a) - rank(b) || (a.domainName < b.domainName ? -1 : 1),
  )[0];
}

function uriOf(from: string): SipUri | undefined {
  const parsed = parseUri(from);
  return parsed.ok && isSipUri(parsed.value) ? parsed.value : undefined;
}
