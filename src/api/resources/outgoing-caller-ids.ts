// OutgoingCallerIds (rest-api.md 13): numbers that were proved to belong to the account. POST is the library's validationRequests.create:
// it calls the number and answers with the code that is to be keyed in.

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import type { OutgoingCallerId } from '../../base/voice-records.ts';
import { fault, notFound } from '../errors.ts';
import { checked, integer, lastOf, method, optional, required, text, url } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { formatted, presentCallerId } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';

const ALREADY_VERIFIED = 21450;
const INVALID_NUMBER = 21217;
const MOST_DELAY_SECONDS = 60;
const E164 = /^\+[1-9]\d{2,14}$/;

const friendlyName = optional(text('FriendlyName', 20002, limits.friendlyNameChars));

const schema = z.object({
  PhoneNumber: required(
    z
      .string({ error: `${INVALID_NUMBER}|PhoneNumber is required` })
      .regex(E164, { error: `${INVALID_NUMBER}|PhoneNumber must be in E.164 form: +4930123456` }),
  ),
  FriendlyName: friendlyName,
  CallDelay: optional(integer('CallDelay', 20001, 0, MOST_DELAY_SECONDS)),
  Extension: optional(
    z.string().regex(/^[0-9*#wW]{1,24}$/, { error: '20001|Extension must be at most 24 of 0-9 * # w W' }),
  ),
  StatusCallback: optional(url('StatusCallback', 21502)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', 21209)),
});
const updateSchema = z.object({ FriendlyName: friendlyName });

const list: Handler = async (request, { store }) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const { query } = request;
  const phoneNumber = lastOf(query, 'PhoneNumber')?.replace(/^ /, '+');
  const named = lastOf(query, 'FriendlyName');
  const where = {
    accountSid: request.account.sid,
    ...(phoneNumber === undefined ? {} : { phoneNumber }),
    ...(named === undefined ? {} : { friendlyName: named }),
  };
  const found = await store.outgoingCallerIds.list(where, page.value);
  return { status: 200, body: pageBody(request, page.value, found, 'outgoing_caller_ids', presentCallerId) };
};

const create: Handler = async (request, parts) => {
  const { store, callerIds, quotas } = parts;
  const form = checked(schema, request.form);
  if (!form.ok) return form.error;
  const { PhoneNumber: phoneNumber, StatusCallback: callbackUrl } = form.value;
  const accountSid = request.account.sid;
  if ((await store.outgoingCallerIds.count({ accountSid, phoneNumber })) > 0)
    return fault(ALREADY_VERIFIED, `${phoneNumber} is already verified`);
  if ((await store.outgoingCallerIds.count({ accountSid })) >= quotas.callerIds)
    return fault(20422, `At most ${quotas.callerIds} caller ids are allowed`);
  if (!callerIds) return notFound(`${request.path}.json`);
  const name = form.value.FriendlyName ?? formatted(phoneNumber);
  const started = await callerIds.validate({
    accountSid,
    phoneNumber,
    friendlyName: name,
    extension: form.value.Extension ?? null,
    delayMs: 1_000 * (form.value.CallDelay ?? 0),
    callback:
      callbackUrl === undefined ? null : { url: callbackUrl, method: form.value.StatusCallbackMethod ?? 'POST' },
  });
  if (!started.ok) return started.error;
  return {
    status: 200,
    body: {
      account_sid: accountSid,
      phone_number: phoneNumber,
      friendly_name: name,
      call_sid: started.value.callSid,
      validation_code: started.value.validationCode,
    },
  };
};

const fetch: Handler = async (request, parts) => {
  const found = await find(request, parts);
  return found ? { status: 200, body: presentCallerId(found) } : notFound(`${request.path}.json`);
};

const update: Handler = async (request, parts) => {
  const found = await find(request, parts);
  if (!found) return notFound(`${request.path}.json`);
  const form = checked(updateSchema, request.form);
  if (!form.ok) return form.error;
  const changed: OutgoingCallerId = {
    ...found,
    friendlyName: form.value.FriendlyName ?? found.friendlyName,
    dateUpdated: parts.clock.wall(),
  };
  if (!(await parts.store.outgoingCallerIds.update(changed))) return notFound(`${request.path}.json`);
  return { status: 200, body: presentCallerId(changed) };
};

const remove: Handler = async (request, parts) => {
  const found = await find(request, parts);
  if (!found || !(await parts.store.outgoingCallerIds.remove(found.sid))) return notFound(`${request.path}.json`);
  return { status: 204 };
};

async function find(request: ApiRequest, { store }: ApiParts): Promise<OutgoingCallerId | undefined> {
  const found = await store.outgoingCallerIds.get(request.params.Sid ?? '');
  return found?.accountSid === request.account.sid ? found : undefined;
}

const path = '/Accounts/{AccountSid}/OutgoingCallerIds';

export const outgoingCallerIdRoutes: readonly Route[] = [
  { path, handlers: { GET: list, POST: create }, isDirectory: true },
  { path: `${path}/{Sid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, isDirectory: true },
];
