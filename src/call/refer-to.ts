// What a REFER of a peer may ask for (sip-interface.md 5.2). The rest of call/ sees a target that has passed these checks.

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Request } from '../sip/grammar/message.ts';
import { parseReferTo, type ReferTo } from '../sip/grammar/refer.ts';
import { isSipUri } from '../sip/grammar/uri.ts';

export interface ReferRefusal {
  readonly status: number;
  readonly reason: string;
}

/** The one Refer-To of a REFER, or how the REFER is refused: 400 for nonsense, 603 for what is no call. */
export function readReferTo(request: Request): Result<ReferTo, ReferRefusal> {
  const value = request.headers.get('refer-to') ?? '';
  const parsed = parseReferTo(value);
  if (!parsed.ok) return err({ status: 400, reason: 'Bad Refer-To' });
  const { uri, target, replaces } = parsed.value;
  // A Replaces value alone may be longer than the vendor's limit.
  const most = replaces ? limits.referToReplacesChars : limits.referToChars;
  if (value.length > most) return err({ status: 400, reason: 'Refer-To Too Long' });
  if (!isSipUri(uri) && !/^<?tel:\+?[\d.()-]+/i.test(target)) return err({ status: 400, reason: 'Bad Refer-To' });
  // RFC 3515 2.1: a REFER can ask for other methods than INVITE; this one joins calls only.
  const method = isSipUri(uri) ? uri.params.get('method') : undefined;
  if (method !== undefined && method.toUpperCase() !== 'INVITE') return err({ status: 603, reason: 'Decline' });
  return ok(parsed.value);
}
