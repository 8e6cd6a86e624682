// What a carrier says about who calls (STIR/SHAKEN), as webhook parameters (sip-interface.md 9). The carrier has checked the signature;
// the gateway passes its word on and makes nothing up. Only what came over a trunk counts: any phone can write such headers.
//
//   P-Asserted-Identity: <sip:+49…;verstat=TN-Validation-Passed@carrier;user=phone>   3GPP TS 24.229 7.2A.20 ┐
//   From: <tel:+49…;verstat=…>                                                                              ├─▶ StirVerstat
//   X-Twilio-VerStat: TN-Validation-Passed-A                                         and others of its kind ┘
//   Identity: <JWT>;info=<https://…>;alg=ES256;ppt=shaken                             RFC 8224 4, RFC 8588  ──▶ StirPassportToken

import { nameAddrsOf, splitList } from '../sip/grammar/fields.ts';
import type { Request } from '../sip/grammar/message.ts';
import type { NameAddr } from '../sip/grammar/name-addr.ts';
import { isSipUri, type Uri } from '../sip/grammar/uri.ts';

const VERSTAT_HEADER = /^x-(?:[a-z0-9]+-)*verstat$/i;
const VERSTAT = /^[a-z0-9-]{1,64}$/i;
/** RFC 8224 4: the full form, three parts in base64url. The compact form `..signature` says nothing to an application. */
const PASSPORT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const SHAKEN = /;\s*ppt\s*=\s*"?shaken"?\s*(?:;|$)/i;

/** StirVerstat and StirPassportToken, those of them that the carrier gave; values that are no such thing are left out. */
export function stirParams(request: Request): Map<string, string> {
  const params = new Map<string, string>();
  const verstat = verstatHeader(request) ?? assertedVerstat(request) ?? verstatOf(request.from);
  if (verstat !== undefined) params.set('StirVerstat', verstat);
  const passport = passportOf(request);
  if (passport !== undefined) params.set('StirPassportToken', passport);
  return params;
}

const checked = (value: string | undefined): string | undefined =>
  value !== undefined && VERSTAT.test(value) ? value : undefined;

function verstatHeader(request: Request): string | undefined {
  for (const { name, value } of request.headers) if (VERSTAT_HEADER.test(name)) return checked(value);
  return undefined;
}

function assertedVerstat(request: Request): string | undefined {
  const asserted = nameAddrsOf(request, 'p-asserted-identity');
  if (!asserted.ok) return undefined;
  for (const one of asserted.value) {
    const verstat = verstatOf(one);
    if (verstat !== undefined) return verstat;
  }
  return undefined;
}

/** Carriers write it as a parameter of the number, of the URI, or of the header. */
function verstatOf({ uri, params }: NameAddr): string | undefined {
  const ofUri = isSipUri(uri) ? uri.params.get('verstat') : undefined;
  return checked(verstatOfNumber(uri) ?? ofUri ?? params.get('verstat'));
}

function verstatOfNumber(uri: Uri): string | undefined {
  const number = isSipUri(uri) ? uri.user : uri.text;
  return number === undefined ? undefined : /;verstat=([^;]*)/i.exec(number)?.[1];
}

/** The token of the original caller; those of forwarders (`ppt=div`) only where there is no other. */
function passportOf(request: Request): string | undefined {
  const values = request.headers.getAll('identity').flatMap((line) => splitList(line));
  const value = values.find((one) => SHAKEN.test(one)) ?? values[0];
  const token = value?.split(';', 1)[0]?.trim();
  return token !== undefined && PASSPORT.test(token) ? token : undefined;
}
