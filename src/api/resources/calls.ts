// Calls: make, fetch, list, change, delete (rest-api.md 9). The call layer is behind the CallsApi port; ended calls come from the store.

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { type CallRecord, type CallStatus, terminalStatuses } from '../../base/records.ts';
import { timeRange } from '../dates.ts';
import { fault, notFound, type Warning } from '../errors.ts';
import { checked, clearable, type Form, integer, lastOf, method, optional, url } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import type { CallAmendment, CallFilter } from '../ports.ts';
import { presentCall } from '../present.ts';
import type { Answer, ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { readCall, readInstructions, unknownParameters } from './call-form.ts';

const create: Handler = async (request, parts) => {
  const read = await readCall(request.form, request.account.sid, parts);
  if (!read.ok) return read.error;
  const made = parts.calls.create(read.value.request);
  if (!made.ok) return made.error;
  for (const warning of [...read.value.warnings, ...unknownParameters(request.form)])
    noteWarning(made.value, warning, parts);
  return { status: 201, body: presentCall(made.value) };
};

/** Keeps a warning about the parameters of a request with the call that it made. */
export function noteWarning(
  call: Pick<CallRecord, 'sid' | 'accountSid'>,
  warning: Warning,
  { store, random, clock, log }: ApiParts,
): void {
  log.warn({ callSid: call.sid, errorCode: warning.code }, warning.message);
  // rest-api.md 6: 20001 is for the log only.
  if (warning.code === 20001) return;
  store.notifications.put({
    sid: newSid('NO', random),
    accountSid: call.accountSid,
    callSid: call.sid,
    level: 'warning',
    errorCode: warning.code,
    message: warning.message,
    requestUrl: null,
    date: clock.wall(),
  });
}

const statuses: readonly CallStatus[] = [
  'queued',
  'ringing',
  'in-progress',
  'completed',
  'busy',
  'failed',
  'no-answer',
  'canceled',
];

/** Undefined when a filter has a value that no call can have: an empty list, not an error (rest-api.md 7.3). */
function filterOf(query: Form, accountSid: string): CallFilter | undefined {
  const asked = lastOf(query, 'Status');
  const status = statuses.find((one) => one === asked);
  const start = timeRange(query, 'StartTime');
  const end = timeRange(query, 'EndTime');
  if (start === 'none' || end === 'none' || (asked !== undefined && status === undefined)) return undefined;
  const to = lastOf(query, 'To');
  const from = lastOf(query, 'From');
  const parentCallSid = lastOf(query, 'ParentCallSid');
  return {
    accountSid,
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from }),
    ...(parentCallSid === undefined ? {} : { parentCallSid }),
    ...(status === undefined ? {} : { status }),
    ...(start.from === undefined ? {} : { startTimeFrom: start.from }),
    ...(start.to === undefined ? {} : { startTimeTo: start.to }),
    ...(end.from === undefined ? {} : { endTimeFrom: end.from }),
    ...(end.to === undefined ? {} : { endTimeTo: end.to }),
  };
}

const list: Handler = async (request, { store }) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const filter = filterOf(request.query, request.account.sid);
  const found = filter ? await store.calls.list(filter, page.value) : { records: [], hasMore: false };
  return { status: 200, body: pageBody(request, page.value, found, 'calls', presentCall) };
};

const fetch: Handler = async (request, parts) => {
  const call = await findCall(request, parts);
  return call ? { status: 200, body: presentCall(call) } : notFound(`${request.path}.json`);
};

/** The live record where there is one: it is never behind. */
export async function findCall(request: ApiRequest, { calls, store }: ApiParts): Promise<CallRecord | undefined> {
  const callSid = request.params.CallSid ?? '';
  const call = calls.live(callSid) ?? (await store.calls.get(callSid));
  return call?.accountSid === request.account.sid ? call : undefined;
}

const settingsSchema = z.object({
  Method: optional(method('Method', 21209)),
  FallbackUrl: optional(url('FallbackUrl', 21205)),
  FallbackMethod: optional(method('FallbackMethod', 21209)),
  StatusCallback: clearable(url('StatusCallback', 21502)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', 21209)),
  TimeLimit: optional(integer('TimeLimit', 20001, 1, limits.callTimeLimitMaxSeconds)),
});
type Settings = z.output<typeof settingsSchema>;

const update: Handler = async (request, parts) => {
  const call = await findCall(request, parts);
  if (!call) return notFound(`${request.path}.json`);
  const settings = checked(settingsSchema, request.form);
  if (!settings.ok) return settings.error;
  const status = lastOf(request.form, 'Status');
  if (status !== undefined && status !== 'completed' && status !== 'canceled')
    return fault(20001, 'Status must be completed or canceled');
  if (!terminalStatuses.has(call.status) && !parts.calls.live(call.sid))
    return fault(20409, `Call ${call.sid} is not at this gateway: only the one that has it can change it`);
  const amended = amend(call, settings.value, parts);
  if (amended) return amended;
  if (status !== undefined) return end(call, status, parts);
  const hasInstructions = ['Url', 'Twiml'].some((name) => lastOf(request.form, name) !== undefined);
  if (hasInstructions) return redirect(call, request.form, settings.value, parts);
  return { status: 200, body: presentCall(parts.calls.live(call.sid) ?? call) };
};

/** rest-api.md 9.3: `completed` ends any live call, `canceled` only one that was not answered; an ended call is given back unchanged. */
async function end(call: CallRecord, status: 'completed' | 'canceled', { calls }: ApiParts): Promise<Answer> {
  const isUnanswered = call.status === 'queued' || call.status === 'ringing';
  if (terminalStatuses.has(call.status) || (status === 'canceled' && !isUnanswered))
    return { status: 200, body: presentCall(call) };
  const ended = status === 'completed' ? await calls.complete(call.sid) : await calls.cancel(call.sid);
  return { status: 200, body: presentCall(ended ?? call) };
}

async function redirect(call: CallRecord, form: Form, settings: Settings, { calls }: ApiParts): Promise<Answer> {
  const instructions = readInstructions(form);
  if (!instructions.ok) return instructions.error;
  if (call.status !== 'in-progress') return fault(21220, 'Call is not in-progress. Cannot redirect.');
  const redirected = await calls.redirect(
    call.sid,
    'twiml' in instructions.value
      ? instructions.value
      : {
          url: instructions.value.url,
          method: settings.Method ?? 'POST',
          fallbackUrl: settings.FallbackUrl ?? null,
          fallbackMethod: settings.FallbackMethod ?? 'POST',
        },
  );
  return redirected.ok ? { status: 200, body: presentCall(redirected.value) } : redirected.error;
}

/** Settings of a live call. On an ended one they change nothing; where the call layer cannot change them the client is told. */
function amend(call: CallRecord, settings: Settings, { calls }: ApiParts): Answer | undefined {
  const amendment: CallAmendment = {
    ...(settings.StatusCallback === undefined ? {} : { statusCallback: settings.StatusCallback }),
    ...(settings.StatusCallbackMethod === undefined ? {} : { statusCallbackMethod: settings.StatusCallbackMethod }),
    ...(settings.TimeLimit === undefined ? {} : { timeLimitSeconds: settings.TimeLimit }),
  };
  const names = Object.keys(amendment);
  if (names.length === 0 || terminalStatuses.has(call.status)) return undefined;
  if (!calls.amend)
    return fault(20001, 'StatusCallback, StatusCallbackMethod and TimeLimit of a live call cannot be changed');
  calls.amend(call.sid, amendment);
  return undefined;
}

const remove: Handler = async (request, parts) => {
  const call = await findCall(request, parts);
  if (!call) return notFound(`${request.path}.json`);
  if (parts.calls.live(call.sid) && !terminalStatuses.has(call.status))
    return fault(20009, `Call ${call.sid} cannot be deleted before it is complete`);
  return (await parts.store.calls.remove(call.sid)) ? { status: 204 } : notFound(`${request.path}.json`);
};

/** Ours, not the vendor's: SIP of all legs of the call's family, and RTP where the settings allow it. */
const capture: Handler = async (request, parts) => {
  const call = await findCall(request, parts);
  const file = call && (await parts.captures?.read(call.sid));
  if (!call || !file) return notFound(request.path);
  parts.log.info({ callSid: call.sid, by: request.client.sid, bytes: file.length }, 'capture downloaded');
  return { status: 200, file, contentType: 'application/vnd.tcpdump.pcap', name: `${call.sid}.pcap` };
};

export const callRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/Calls', handlers: { GET: list, POST: create } },
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Capture.pcap', handlers: { GET: capture } },
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}', handlers: { GET: fetch, POST: update, DELETE: remove } },
];
