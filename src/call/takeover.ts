// An INVITE with Replaces (RFC 3891): instead of running the domain's application it takes the place of a leg that is there.

import { err, type Result } from '../base/result.ts';
import { replaces, tokens } from '../sip/grammar/fields.ts';
import type { IncomingInvite } from '../sip/ua/ua.ts';
import type { Attended, Replaced } from './attended.ts';
import type { Call } from './call.ts';
import type { HeaderPair } from './leg-driver.ts';
import type { ReferRefusal } from './refer-to.ts';

export interface TakeoverRefusal extends ReferRefusal {
  readonly headers?: readonly HeaderPair[];
}

/** What the INVITE would take the place of, how it is refused, or undefined: an INVITE like any other. */
export function readTakeover(
  { request, domain }: Pick<IncomingInvite, 'request' | 'domain'>,
  attended: Attended,
): Result<Replaced, TakeoverRefusal> | undefined {
  if (!domain.attendedTransfer) {
    // The vendor's rule: there is no such extension. Who does not insist on it makes a call of its own (RFC 3891 3).
    if (!tokens(request, 'require').includes('replaces')) return undefined;
    return err({ status: 420, reason: 'Bad Extension', headers: [['Unsupported', 'replaces']] });
  }
  if (!request.headers.has('replaces')) return undefined;
  const read = replaces(request);
  // RFC 3891 3: more than one, or beside Join (RFC 3911 4), is 400.
  if (!read?.ok || request.headers.has('join')) return err({ status: 400, reason: 'Bad Replaces' });
  return attended.replaced(read.value, domain);
}

/** Answers the new leg and puts it where the old one was, which ends. */
export async function takeOver(call: Call, replaced: Replaced): Promise<void> {
  if (!(await call.answer()) || call.isOver) return;
  if (!replaced.takeOver(call)) call.hangUp('the call to be replaced is over');
}
