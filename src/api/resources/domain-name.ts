// Names of SIP domains (sip-interface.md 0, 1.1): under our suffix or the vendor's, an edge or region label behind the suffix's first
// label taken off, so that all spellings are one domain.
//
//   Office.sip.frankfurt.twilio.com ─▶ office.sip.twilio.com      label path: office

import { limits } from '../../base/limits.ts';

const VENDOR_SUFFIX = 'sip.twilio.com';
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const ACCOUNT_SID = /^ac[0-9a-f]{32}$/;

export interface DomainName {
  /** `a.b` of `a.b.sip.localhost`. */
  readonly labels: string;
  readonly suffix: string;
  /** Lower case, without edge label. */
  readonly full: string;
}

/** Undefined when it is no name below one of the suffixes. The name of an account sid is kept for that account. */
export function parseDomainName(text: string, ownSuffix: string, accountSid: string): DomainName | undefined {
  const name = text.toLowerCase();
  if (name.length > limits.domainNameChars) return undefined;
  for (const suffix of [ownSuffix, VENDOR_SUFFIX]) {
    const labels = labelsBelow(name, suffix);
    if (labels === undefined) continue;
    const parts = labels.split('.');
    if (!parts.every((label) => LABEL.test(label))) return undefined;
    if (parts.some((label) => ACCOUNT_SID.test(label) && label !== accountSid.toLowerCase())) return undefined;
    return { labels, suffix, full: `${labels}.${suffix}` };
  }
  return undefined;
}

/** The label path of a full name, whatever its suffix: two domains with the same one would be spellings of each other. */
export function labelPath(fullName: string, ownSuffix: string): string {
  return labelsBelow(fullName, ownSuffix) ?? labelsBelow(fullName, VENDOR_SUFFIX) ?? fullName;
}

function labelsBelow(name: string, suffix: string): string | undefined {
  if (name.endsWith(`.${suffix}`)) return name.slice(0, -suffix.length - 1) || undefined;
  const dot = suffix.indexOf('.');
  if (dot < 0) return undefined;
  const first = suffix.slice(0, dot);
  const rest = suffix.slice(dot);
  if (!name.endsWith(rest)) return undefined;
  const labels = name.slice(0, -rest.length).split('.');
  return labels.length >= 3 && labels.at(-2) === first ? labels.slice(0, -2).join('.') : undefined;
}
