// The call, conference or recording that a list stands below.

import type { Page, PageRequest } from '../ports.ts';
import type { ApiParts, ApiRequest } from '../request.ts';
import { findCall } from './calls.ts';
import { findConference } from './conferences.ts';

/**
 * Whether an empty list is none at all, because the account has no such call, conference or recording. What is left of a call that was
 * deleted is still listed, and a page behind the end is an empty one.
 */
export async function isListMissing(
  found: Page<unknown>,
  page: PageRequest,
  request: ApiRequest,
  parts: ApiParts,
): Promise<boolean> {
  return found.records.length === 0 && page.page === 0 && (await isParentMissing(request, parts));
}

async function isParentMissing(request: ApiRequest, parts: ApiParts): Promise<boolean> {
  const { CallSid: callSid, ConferenceSid: conferenceSid, RecordingSid: recordingSid } = request.params;
  if (recordingSid !== undefined)
    return (await parts.store.recordings.get(recordingSid))?.accountSid !== request.account.sid;
  if (callSid !== undefined) return (await findCall(request, parts)) === undefined;
  return conferenceSid !== undefined && (await findConference(request, conferenceSid, parts)) === undefined;
}
