// The form of an address in which calls are searched: `sip:bob@example.com;transport=tcp?X-A=1` and `<sip:bob@example.com>` are both
// `sip:bob@example.com`; numbers and client names stay as they are (rest-api.md 9.4).

import { limits } from '../base/limits.ts';

/** What is searched of an address: its bare form, as far as an index takes it. */
export const searchedAddress = (address: string): string => bareAddress(address).slice(0, limits.storeKeyChars);

/** Cuts parameters and headers off a SIP URI. Pure; any text gives a text. */
export function bareAddress(address: string): string {
  const text = address.replace(/^<([^>]*)>.*$/s, '$1');
  if (!/^sips?:/i.test(text)) return text;
  // A user part may hold `;` and `?` (RFC 3261 25.1), so the search for the end of the host begins behind the first `@`.
  const hostStart = text.indexOf('@') + 1;
  const end = text.slice(hostStart).search(/[;?]/);
  return end < 0 ? text : text.slice(0, hostStart + end);
}
