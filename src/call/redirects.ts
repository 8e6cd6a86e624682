// 3xx answers of a carrier (sip-interface.md 2.4): one redirect per call, to the first Contact, and only where it can do no harm.
// A Contact could name our own users, our own network, or a number that the account may not dial.

import ipaddr from 'ipaddr.js';
import { err, ok, type Result } from '../base/result.ts';
import { contacts } from '../sip/grammar/fields.ts';
import type { Response } from '../sip/grammar/message.ts';
import { isSipUri, type SipUri } from '../sip/grammar/uri.ts';

export interface RedirectRules {
  /** A name or address of ours. */
  readonly isOwn: (host: string, port: number | undefined) => boolean;
  readonly mayDial: (number: string) => boolean;
}

const PUBLIC = 'unicast';

/** The first Contact of a 3xx; undefined where there is none or it is no SIP URI. */
export function redirectOf(response: Response | undefined): SipUri | undefined {
  if (!response || response.status < 300 || response.status > 399) return undefined;
  const read = contacts(response);
  const first = read.ok && read.value !== '*' ? read.value[0]?.uri : undefined;
  return first && isSipUri(first) ? first : undefined;
}

/** Where a redirect may go, or why not. `from` is the address of the carrier that redirects. */
export function checkRedirect(
  contact: SipUri | undefined,
  from: string | undefined,
  rules: RedirectRules,
): Result<SipUri, string> {
  if (!contact) return err('the first Contact is not a SIP URI');
  if (!contact.user) return err('the Contact has no user');
  const { host, port } = contact;
  if (rules.isOwn(host, port)) return err(`${host} is our own`);
  if (/\.(?:sip|pstn)\.twilio\.com$/i.test(host)) return err(`${host} is not to be dialled`);
  // A carrier out there may not send us into a private network; one that is itself in it may.
  if (isPrivate(host) && !(from !== undefined && isPrivate(from))) return err(`${host} is a private address`);
  if (/^\+?\d+$/.test(contact.user) && !rules.mayDial(contact.user))
    return err(`the account may not dial ${contact.user}`);
  return ok({ ...contact, scheme: 'sip', password: undefined, headers: [], params: keptParams(contact) });
}

/** `sips:` is TLS on our hop (sip-interface.md 0). Parameters that would change our routing are not taken over. */
function keptParams(contact: SipUri): SipUri['params'] {
  const kept = [...contact.params].filter(([name]) => name === 'transport' || name === 'user');
  const params = new Map(kept);
  if (contact.scheme === 'sips') params.set('transport', 'tls');
  return params;
}

export function isPrivate(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(bare) && ipaddr.process(bare).range() !== PUBLIC;
}
