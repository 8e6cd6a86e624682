// Streams of a live call: start to fork its audio, and stop it (rest-api.md 9.5). There is no list and no fetch.

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import { rfc2822 } from '../dates.ts';
import { fault, notFound } from '../errors.ts';
import { checked, lastOf, method, optional, printable, required, text, url } from '../form.ts';
import type { StreamRecord } from '../ports.ts';
import { accountPath } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { readParameters } from './stream-parameters.ts';

const TRACKS = ['inbound_track', 'outbound_track', 'both_tracks'] as const;

const socketUrl = z
  .string({ error: '21205|Url parameter is required.' })
  .max(limits.restUrlChars, { error: '21205|Url is too long' })
  .refine((value) => /^wss?:\/\//i.test(value) && !/[\s\x00-\x1f\x7f]/.test(value) && URL.canParse(value), {
    error: (issue) => `21205|Url is not a valid WebSocket URL: ${printable(issue.input)}`,
  });

const creation = z.object({
  Url: required(socketUrl),
  Name: optional(text('Name', 20001, limits.streamNameChars)),
  Track: optional(z.enum(TRACKS, { error: `20001|Track must be one of ${TRACKS.join(', ')}` })),
  StatusCallback: optional(url('StatusCallback', 21502)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', 21209)),
});

const create: Handler = async (request, parts) => {
  const callSid = await liveCall(request, parts);
  if (callSid === undefined || !parts.streams) return notFound(`${request.path}.json`);
  const values = checked(creation, request.form);
  if (!values.ok) return values.error;
  const parameters = readParameters(request.form);
  if ('code' in parameters) return parameters;
  const { Url, Name, Track, StatusCallback, StatusCallbackMethod } = values.value;
  const made = parts.streams.create({
    callSid,
    url: Url,
    name: Name ?? null,
    track: Track ?? 'inbound_track',
    statusCallback: StatusCallback ?? null,
    statusCallbackMethod: StatusCallbackMethod ?? 'POST',
    parameters,
  });
  return made.ok ? { status: 200, body: presentStream(made.value) } : fault(made.error.code, made.error.message);
};

/** The only change there is (rest-api.md 9.5). The stream is named by its sid or its name. */
const stop: Handler = async (request, parts) => {
  const callSid = await liveCall(request, parts);
  if (callSid === undefined || !parts.streams) return notFound(`${request.path}.json`);
  if (lastOf(request.form, 'Status') !== 'stopped') return fault(20001, 'Status must be stopped');
  const stopped = parts.streams.stop(callSid, request.params.StreamSid ?? '');
  return stopped ? { status: 200, body: presentStream(stopped) } : notFound(`${request.path}.json`);
};

/** Undefined: the account has no such call. One that has ended is told apart by the streams port. */
async function liveCall({ account, params }: ApiRequest, { calls, store }: ApiParts): Promise<string | undefined> {
  const callSid = params.CallSid ?? '';
  const call = calls.live(callSid) ?? (await store.calls.get(callSid));
  return call?.accountSid === account.sid ? call.sid : undefined;
}

const presentStream = (stream: StreamRecord) => ({
  sid: stream.sid,
  account_sid: stream.accountSid,
  call_sid: stream.callSid,
  name: stream.name,
  status: stream.status,
  date_updated: rfc2822(stream.dateUpdated),
  uri: `${accountPath(stream.accountSid)}/Calls/${stream.callSid}/Streams/${stream.sid}.json`,
});

export const streamRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Streams', handlers: { POST: create } },
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Streams/{StreamSid}', handlers: { POST: stop } },
];
