// RFC 3515: what a REFER refers to, and the status line that its NOTIFYs carry (message/sipfrag, RFC 3420). Pure.
//
//   Refer-To: "Carol" <sip:carol@example.com?Replaces=id%40host%3Bto-tag%3Da%3Bfrom-tag%3Db>;param
//                     └──────────────────────── target ─────────────────────────────────┘

import { err, ok, type Result } from '../../base/result.ts';
import { isSafeHeaderValue, type SyntaxProblem } from './chars.ts';
import { parseReplaces, type Replaces } from './fields.ts';
import type { Message } from './message.ts';
import { parseNameAddr } from './name-addr.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { isSipUri, parseUri, type Uri } from './uri.ts';

export interface ReferTo {
  /** The URI as written, in its angle brackets where it had some. */
  readonly target: string;
  readonly uri: Uri;
  /** RFC 3891: the dialog that the new call is to replace (attended transfer). */
  readonly replaces: Replaces | undefined;
}

/** Parses the value of Refer-To. A Replaces that cannot be read is an error: the transfer cannot be what its sender means. */
export function parseReferTo(value: string): Result<ReferTo, SyntaxProblem> {
  const parsed = parseNameAddr(value);
  if (!parsed.ok) return parsed;
  const { uri } = parsed.value;
  const bracketed = /<[^>]*>/.exec(value.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => ' '.repeat(quoted.length)));
  const target = bracketed
    ? value.slice(bracketed.index, bracketed.index + bracketed[0].length)
    : value.trim().split(/[;\s]/, 1)[0]!;
  const headers = isSipUri(uri) ? uri.headers.filter(([name]) => name.toLowerCase() === 'replaces') : [];
  if (headers.length === 0) return ok({ target, uri, replaces: undefined });
  if (headers.length > 1) return err({ detail: 'more than one Replaces', offset: 0 });
  const replaces = parseReplaces(headers[0]![1]);
  return replaces.ok ? ok({ target, uri, replaces: replaces.value }) : replaces;
}

/** True when `text` can stand in `Refer-To: <text>` as it is: a SIP URI with any headers in it. */
export function isReferTarget(text: string): boolean {
  if (!isSafeHeaderValue(text) || /[<>"\s]/.test(text)) return false;
  const uri = parseUri(text);
  return uri.ok && isSipUri(uri.value);
}

/** The body of a NOTIFY: `SIP/2.0 486 Busy Here`. */
export const sipfrag = (status: number): Buffer => Buffer.from(`SIP/2.0 ${status} ${reasonPhrase(status)}\r\n`);

/** The status of a sipfrag that begins with a status line; undefined for anything else. */
export function sipfragStatus(message: Message): number | undefined {
  const match = /^\s*SIP\/2\.0[ \t]+([1-6]\d\d)(?:[ \t]|\r|\n|$)/i.exec(message.body.toString('latin1', 0, 256));
  return match ? Number(match[1]) : undefined;
}
