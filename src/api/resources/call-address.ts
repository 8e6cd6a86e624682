// `To` and `From` of a call made over REST (rest-api.md 9.1, sip-interface.md 2.1): E.164, `client:name`, or a SIP URI whose headers
// become headers of the INVITE. Checked here, used as given.
//
//   sip:user@host[:port][;transport=udp|tcp|tls][;…]?Header=value&X-A=b
//   └──────────────── under 255 chars ──────────────┘└── under 1024 ──┘

import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type ApiFault, fault } from '../errors.ts';
import { hasControl, printable } from '../form.ts';

export type ToKind = 'number' | 'client' | 'sip';

const NUMBER = /^\+?[1-9]\d{2,14}$/;
const CLIENT = /^client:[^\s<>"]{1,121}$/;
const SIP = /^sips?:(?:[^@\s<>"]+@)?(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?((?:;[^;?\s<>"]+)*)$/i;
// A token (RFC 3261 25.1) without `%`: an escape in a name could hide a line end from this check.
const HEADER_NAME =
  /^(?:x-[!#$&'*+.^_`|~0-9a-z-]+|user-to-user|remote-party-id|p-preferred-identity|p-called-party-id)$/i;
const TRANSPORT = /;transport=([^;]*)/i;

/** sip-interface.md 2.2: the user part that a SIP peer sees. */
const CALLER = /^(?:client:)?[\w+.@-]{1,128}$/;

export function checkTo(to: string | undefined): Result<ToKind, ApiFault> {
  if (to === undefined || to === '') return err(fault(21201, "No 'To' number is specified"));
  if (hasControl(to)) return err(invalidTo(to));
  if (NUMBER.test(to)) return ok('number');
  if (CLIENT.test(to)) return ok('client');
  if (!/^sips?:/i.test(to)) return err(invalidTo(to));
  const mark = to.indexOf('?');
  const uri = mark < 0 ? to : to.slice(0, mark);
  const transport = TRANSPORT.exec(SIP.exec(uri)?.[1] ?? '')?.[1];
  const isKnownTransport = transport === undefined || /^(udp|tcp|tls)$/i.test(transport);
  if (!SIP.test(uri) || uri.length > limits.sipToUriChars || !isKnownTransport) return err(invalidTo(to));
  const headers = mark < 0 ? ok(null) : checkHeaders(to.slice(mark + 1));
  return headers.ok ? ok('sip') : headers;
}

const invalidTo = (to: string): ApiFault => fault(21211, `Invalid 'To' Phone Number: ${printable(to)}`);

function checkHeaders(text: string): Result<null, ApiFault> {
  if (text.length > limits.sipToHeadersChars)
    return err(fault(21227, `SIP URI headers are longer than ${limits.sipToHeadersChars} characters`));
  for (const header of text.split('&')) {
    const equals = header.indexOf('=');
    const name = equals < 0 ? header : header.slice(0, equals);
    if (!HEADER_NAME.test(name)) return err(fault(21228, `SIP header name ${printable(name)} is not allowed`));
    const value = decoded(equals < 0 ? '' : header.slice(equals + 1));
    if (value === undefined || hasControl(value))
      return err(fault(21229, `The value of SIP header ${printable(name)} holds a character that is not allowed`));
  }
  return ok(null);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** To a number only a number may call; to SIP and clients any user part, number or `client:name`. */
export function checkFrom(from: string | undefined, to: ToKind): Result<string, ApiFault> {
  if (from === undefined || from === '') return err(fault(21213, "No 'From' number is specified"));
  const isGood = to === 'number' ? NUMBER.test(from) : CALLER.test(from) || isPlainSip(from);
  return isGood ? ok(from) : err(fault(21212, `From is not a valid phone number: ${printable(from)}`));
}

const isPlainSip = (from: string): boolean =>
  !from.includes('?') && from.length <= limits.sipToUriChars && SIP.test(from);
