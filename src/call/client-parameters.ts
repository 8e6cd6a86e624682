// The custom parameters of `<Client>` (twiml.md 6.7) for a registered SIP user, which has no SDK to hand them to: each is a header of the
// INVITE, `X-` before its name. Pure.

import { limits } from '../base/limits.ts';
import type { HeaderField } from '../sip/grammar/message.ts';

export type ClientParameters = readonly (readonly [name: string, value: string])[];

/** RFC 3261 25.1: token. */
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
/** Names that say whose call it is (sip-interface.md 2.3): nobody else writes them. */
const RESERVED = /^(x-)?twilio-/i;

/** Why a parameter cannot be a header; undefined when it can. */
export function refusalOfParameter([name, value]: readonly [string, string]): string | undefined {
  if (!TOKEN.test(name)) return 'its name holds characters that a header name may not';
  if (RESERVED.test(name)) return 'its name belongs to the gateway';
  // CR, LF and NUL would become lines of their own (design.md 9).
  return /[\x00-\x1f\x7f]/.test(value) ? 'its value holds control characters' : undefined;
}

/** The headers, in their order; what cannot be one and what is too long is left out. */
export function clientHeaders(parameters: ClientParameters): HeaderField[] {
  const headers: HeaderField[] = [];
  let length = 0;
  for (const [name, value] of parameters) {
    if (refusalOfParameter([name, value]) !== undefined) continue;
    const header = { name: /^x-/i.test(name) ? name : `X-${name}`, value };
    const size = Buffer.byteLength(`${header.name}=${value}`);
    if (length + size >= limits.sipNounHeaderChars) continue;
    length += size;
    headers.push(header);
  }
  return headers;
}
