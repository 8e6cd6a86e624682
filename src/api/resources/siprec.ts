// Recording sessions of a live call: begin and stop (rest-api.md 9.5). There is no list and no fetch.

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import type { SiprecRecord } from '../../base/siprec-api.ts';
import { rfc2822 } from '../dates.ts';
import { fault, notFound } from '../errors.ts';
import { checked, lastOf, method, optional, text, url } from '../form.ts';
import { accountPath } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { readParameters } from './stream-parameters.ts';

const TRACKS = ['inbound_track', 'outbound_track', 'both_tracks'] as const;

const creation = z.object({
  ConnectorName: optional(text('ConnectorName', 20001, limits.streamNameChars)),
  Name: optional(text('Name', 20001, limits.streamNameChars)),
  Track: optional(z.enum(TRACKS, { error: `20001|Track must be one of ${TRACKS.join(', ')}` })),
  StatusCallback: optional(url('StatusCallback', 21502)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', 21209)),
});

const create: Handler = async (request, parts) => {
  const callSid = await ownCall(request, parts);
  if (callSid === undefined || !parts.siprec) return notFound(`${request.path}.json`);
  const values = checked(creation, request.form);
  if (!values.ok) return values.error;
  const parameters = readParameters(request.form);
  if ('code' in parameters) return parameters;
  const chars = [...parameters].reduce((size, [name, value]) => size + name.length + value.length, 0);
  if (chars > limits.siprecParameterChars)
    return fault(20001, `parameters are longer than ${limits.siprecParameterChars} characters together`);
  const { ConnectorName, Name, Track, StatusCallback, StatusCallbackMethod } = values.value;
  const made = parts.siprec.create({
    callSid,
    connectorName: ConnectorName ?? null,
    name: Name ?? null,
    track: Track ?? 'both_tracks',
    statusCallback: StatusCallback ?? null,
    statusCallbackMethod: StatusCallbackMethod ?? 'POST',
    parameters,
  });
  return made.ok ? { status: 200, body: present(made.value) } : fault(made.error.code, made.error.message);
};

/** The only change there is. The session is named by its sid or its name. */
const stop: Handler = async (request, parts) => {
  const callSid = await ownCall(request, parts);
  if (callSid === undefined || !parts.siprec) return notFound(`${request.path}.json`);
  if (lastOf(request.form, 'Status') !== 'stopped') return fault(20001, 'Status must be stopped');
  const stopped = parts.siprec.stop(callSid, request.params.SiprecSid ?? '');
  return stopped ? { status: 200, body: present(stopped) } : notFound(`${request.path}.json`);
};

/** Undefined: the account has no such call. One that has ended is told apart by the port. */
async function ownCall({ account, params }: ApiRequest, { calls, store }: ApiParts): Promise<string | undefined> {
  const callSid = params.CallSid ?? '';
  const call = calls.live(callSid) ?? (await store.calls.get(callSid));
  return call?.accountSid === account.sid ? call.sid : undefined;
}

const present = (record: SiprecRecord) => ({
  sid: record.sid,
  account_sid: record.accountSid,
  call_sid: record.callSid,
  name: record.name,
  status: record.status,
  date_updated: rfc2822(record.dateUpdated),
  uri: `${accountPath(record.accountSid)}/Calls/${record.callSid}/Siprec/${record.sid}.json`,
});

export const siprecRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Siprec', handlers: { POST: create } },
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Siprec/{SiprecSid}', handlers: { POST: stop } },
];
