// Recordings under the account, under a call and under a conference: list, fetch, change, delete, and their media (rest-api.md 8, 10).
// One file, since the three are views of the same records; call-recordings and conference-recordings differ by a filter and a form.
//
//   …/Recordings/RE….json ─▶ record        …/Recordings/RE…, .wav ─▶ WAV        .mp3 ─▶ MP3        ?RequestedChannels=1|2

import { z } from 'zod';
import { isSid } from '../../base/ids.ts';
import type { RecordingOwner } from '../../base/recordings-api.ts';
import { terminalStatuses } from '../../base/records.ts';
import type { Recording } from '../../base/voice-records.ts';
import { parseRange } from '../byte-range.ts';
import { timeRange } from '../dates.ts';
import { fault, notFound } from '../errors.ts';
import { bool, checked, lastOf, optional } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentCallRecording, presentConferenceRecording, presentRecording } from '../present-recordings.ts';
import type { Answer, ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { isListMissing } from './parents.ts';
import { readChange, readRecording } from './recording-form.ts';

/** What the path says of a recording's owner, as a filter. */
function ownerOf({ account, params }: ApiRequest): Partial<Recording> {
  const { CallSid, ConferenceSid } = params;
  return {
    accountSid: account.sid,
    ...(CallSid === undefined ? {} : { callSid: CallSid }),
    ...(ConferenceSid === undefined ? {} : { conferenceSid: ConferenceSid }),
  };
}

function present(recording: Recording, { params, origin }: ApiRequest): object {
  if (params.CallSid !== undefined) return presentCallRecording(recording, params.CallSid);
  if (params.ConferenceSid !== undefined) return presentConferenceRecording(recording);
  return presentRecording(recording, origin);
}

const deletedToo = z.object({ IncludeSoftDeleted: optional(bool('IncludeSoftDeleted', 20001)) });

/** Undefined when the filter can match nothing. */
function filterOf(request: ApiRequest, includesDeleted: boolean): Partial<Recording> | undefined {
  const asked: { callSid?: string; conferenceSid?: string } = {};
  const isAccount = request.params.CallSid === undefined && request.params.ConferenceSid === undefined;
  const callSid = lastOf(request.query, 'CallSid');
  const conferenceSid = lastOf(request.query, 'ConferenceSid');
  if (isAccount && callSid !== undefined) asked.callSid = callSid;
  if (isAccount && conferenceSid !== undefined) asked.conferenceSid = conferenceSid;
  return { ...asked, ...ownerOf(request), ...(includesDeleted ? {} : { dateDeleted: null }) };
}

const list: Handler = async (request, parts) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const query = checked(deletedToo, request.query);
  if (!query.ok) return query.error;
  const range = timeRange(request.query, 'DateCreated');
  const where = filterOf(request, query.value.IncludeSoftDeleted === true);
  const found =
    range === 'none' || !where
      ? { records: [], hasMore: false }
      : await parts.store.recordings.list(where, page.value, range);
  if (await isListMissing(found, page.value, request, parts)) return notFound(`${request.path}.json`);
  const records = found.records.map((one) => parts.recordings?.live(one.sid) ?? one);
  const body = pageBody(request, page.value, { ...found, records }, 'recordings', (one) => present(one, request));
  return { status: 200, body };
};

/** The live record where there is one: it is never behind. */
async function find(request: ApiRequest, sid: string, parts: ApiParts): Promise<Recording | undefined> {
  if (!isSid(sid, 'RE')) return undefined;
  const recording = parts.recordings?.live(sid) ?? (await parts.store.recordings.get(sid));
  const owner = Object.entries(ownerOf(request));
  const isOwn = recording && owner.every(([name, value]) => recording[name as keyof Recording] === value);
  return isOwn ? recording : undefined;
}

const NAME_FORM = /^(RE[0-9a-f]{32})(?:\.(wav|mp3))?$/;

const fetch: Handler = async (request, parts) => {
  const [, sid = '', extension] = NAME_FORM.exec(request.params.Sid ?? '') ?? [];
  const recording = await find(request, sid, parts);
  const missing = notFound(request.isJson ? `${request.path}.json` : request.path);
  if (!recording || (request.isJson && extension !== undefined)) return missing;
  if (!request.isJson) return media(recording, extension === 'mp3' ? 'mp3' : 'wav', request, parts);
  const query = checked(deletedToo, request.query);
  if (!query.ok) return query.error;
  if (recording.status === 'deleted' && query.value.IncludeSoftDeleted !== true) return missing;
  return { status: 200, body: present(recording, request) };
};

async function media(
  recording: Recording,
  format: 'wav' | 'mp3',
  request: ApiRequest,
  { recordings }: ApiParts,
): Promise<Answer> {
  const asked = lastOf(request.query, 'RequestedChannels');
  if (asked !== undefined && asked !== '1' && asked !== '2') return fault(20001, 'RequestedChannels must be 1 or 2');
  if (!recordings || recording.status === 'deleted') return notFound(request.path);
  const channels = asked === undefined ? undefined : asked === '1' ? 1 : 2;
  const opened = await recordings.media(recording, { format, channels });
  if (!opened.ok) return opened.error.code === 20404 ? notFound(request.path) : opened.error;
  const { sizeBytes } = opened.value;
  const range = parseRange(request.range, sizeBytes);
  if (range === 'outside') {
    await opened.value.close();
    return fault(20416, `The media has ${sizeBytes} bytes`);
  }
  if (!range) return { status: 200, media: opened.value, start: 0, end: sizeBytes };
  return { status: 206, media: opened.value, ...range };
}

const create: Handler = async (request, parts) => {
  const { CallSid: callSid = '' } = request.params;
  const call = parts.calls.live(callSid) ?? (await parts.store.calls.get(callSid));
  if (call?.accountSid !== request.account.sid) return notFound(`${request.path}.json`);
  const read = readRecording(request.form, { source: 'StartCallRecordingAPI', trim: false });
  if (!read.ok) return read.error;
  if (!parts.recordings || terminalStatuses.has(call.status))
    return fault(21220, 'Call is not in-progress. Cannot record.');
  const started = parts.recordings.startOnCall({ accountSid: request.account.sid, callSid }, read.value);
  return started.ok ? { status: 201, body: present(started.value, request) } : started.error;
};

const update: Handler = async (request, parts) => {
  const change = readChange(request.form);
  if (!change.ok) return (await isUnknown(request, parts)) ? notFound(`${request.path}.json`) : change.error;
  const { Sid: sid = '', CallSid: callSid, ConferenceSid: conferenceSid = '' } = request.params;
  const accountSid = request.account.sid;
  const owner: RecordingOwner = callSid === undefined ? { accountSid, conferenceSid } : { accountSid, callSid };
  const changed = parts.recordings?.change(owner, sid, change.value);
  if (changed?.ok) return { status: 200, body: present(changed.value, request) };
  if (changed && changed.error.code !== 20404) return changed.error;
  const recording = await find(request, sid, parts);
  if (!recording || recording.status === 'deleted') return notFound(`${request.path}.json`);
  return fault(21220, `The recording is ${recording.status}: it cannot become ${change.value.status}`);
};

const isUnknown = async (request: ApiRequest, parts: ApiParts): Promise<boolean> => {
  const { Sid: sid = '' } = request.params;
  return sid !== 'Twilio.CURRENT' && (await find(request, sid, parts)) === undefined;
};

const remove: Handler = async (request, parts) => {
  const recording = await find(request, request.params.Sid ?? '', parts);
  if (!recording || recording.status === 'deleted') return notFound(`${request.path}.json`);
  if (parts.recordings?.live(recording.sid))
    return fault(21220, 'The recording is under way: stop it before it is deleted');
  // rest-api.md 8: the media is gone at once, the record stays for a while.
  await parts.recordings?.removeMedia(recording);
  const now = parts.clock.wall();
  const deleted = {
    ...recording,
    status: 'deleted',
    media: null,
    sizeBytes: null,
    dateDeleted: now,
    dateUpdated: now,
  } as const;
  await parts.store.recordings.update(deleted);
  return { status: 204 };
};

const item = (path: string, handlers: Route['handlers']): Route => ({ path, handlers, isMedia: true });

export const recordingRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/Recordings', handlers: { GET: list } },
  item('/Accounts/{AccountSid}/Recordings/{Sid}', { GET: fetch, DELETE: remove }),
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Recordings', handlers: { GET: list, POST: create } },
  item('/Accounts/{AccountSid}/Calls/{CallSid}/Recordings/{Sid}', { GET: fetch, POST: update, DELETE: remove }),
  { path: '/Accounts/{AccountSid}/Conferences/{ConferenceSid}/Recordings', handlers: { GET: list } },
  item('/Accounts/{AccountSid}/Conferences/{ConferenceSid}/Recordings/{Sid}', {
    GET: fetch,
    POST: update,
    DELETE: remove,
  }),
];
