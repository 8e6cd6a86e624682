// Participants of a conference: list, fetch, add by calling, change, kick (rest-api.md 11). All of them are live; those that have left
// are not found. `{ConferenceSid}` may be the name of a live room, `{CallSid}` the label of a participant.

import { z } from 'zod';
import type { ParticipantChange, ParticipantRecord } from '../../base/conferences-api.ts';
import { fault, notFound } from '../errors.ts';
import { bool, checked, clearable, type Form, lastOf, method, optional, url } from '../form.ts';
import { livePage } from '../live-page.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentParticipant } from '../present-conferences.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { noteWarning } from './calls.ts';
import { findConference } from './conferences.ts';
import { checkRoomName, readParticipant } from './participant-form.ts';

const roomOf = ({ params }: ApiRequest): string => params.ConferenceSid ?? '';
const whoOf = ({ params }: ApiRequest): string => params.CallSid ?? '';

/** The filters that are given, as the fields must be. Undefined: a value that no participant can have. */
function filterOf(query: Form): Partial<ParticipantRecord> | undefined {
  const filter: { muted?: boolean; hold?: boolean; coaching?: boolean } = {};
  for (const [name, field] of [
    ['Muted', 'muted'],
    ['Hold', 'hold'],
    ['Coaching', 'coaching'],
  ] as const) {
    const value = lastOf(query, name)?.toLowerCase();
    if (value === undefined) continue;
    if (value !== 'true' && value !== 'false') return undefined;
    filter[field] = value === 'true';
  }
  return filter;
}

const list: Handler = async (request, parts) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const room = roomOf(request);
  const live = parts.conferences?.participants(request.account.sid, room);
  // Of a conference that is over nobody is left.
  if (!live && !(await findConference(request, room, parts))) return notFound(`${request.path}.json`);
  const filter = filterOf(request.query);
  const records = (filter ? (live ?? []) : [])
    .filter((one) => Object.entries(filter ?? {}).every(([field, value]) => one[field as keyof typeof one] === value))
    .map((one) => ({ ...one, sid: one.callSid }));
  const body = pageBody(request, page.value, livePage(records, page.value), 'participants', (one) =>
    presentParticipant(one),
  );
  return { status: 200, body };
};

const fetch: Handler = async (request, { conferences }) => {
  const participant = conferences?.participant(request.account.sid, roomOf(request), whoOf(request));
  return participant ? { status: 200, body: presentParticipant(participant) } : notFound(`${request.path}.json`);
};

const create: Handler = async (request, parts) => {
  const { conferences } = parts;
  const badName = checkRoomName(roomOf(request));
  if (badName) return badName;
  const read = await readParticipant(request.form, roomOf(request), request.account.sid, parts);
  if (!read.ok) return read.error;
  if (!conferences) return fault(20503, 'there are no conferences here');
  const added = conferences.add(read.value.request);
  if (!added.ok) return added.error;
  for (const warning of read.value.warnings)
    noteWarning({ sid: added.value.callSid, accountSid: request.account.sid }, warning, parts);
  return { status: 201, body: presentParticipant(added.value, '0') };
};

// rest-api.md 4: of Muted and Hold anything but `true` reads as false.
const lenient = optional(z.string().transform((value) => value.toLowerCase() === 'true'));

const updateSchema = z.object({
  Muted: lenient,
  Hold: lenient,
  HoldUrl: optional(url('HoldUrl', 21502)),
  // rest-api.md 11: GET here, POST elsewhere.
  HoldMethod: optional(method('HoldMethod', 21209)),
  AnnounceUrl: optional(url('AnnounceUrl', 21502)),
  AnnounceMethod: optional(method('AnnounceMethod', 21209)),
  WaitUrl: clearable(url('WaitUrl', 21502)),
  WaitMethod: optional(method('WaitMethod', 21209)),
  BeepOnExit: optional(bool('BeepOnExit', 20001)),
  EndConferenceOnExit: optional(bool('EndConferenceOnExit', 20001)),
  Coaching: optional(bool('Coaching', 20001)),
  CallSidToCoach: optional(z.string()),
});

function changeOf(form: z.output<typeof updateSchema>): ParticipantChange {
  const { WaitUrl: waitUrl, HoldUrl: holdUrl, AnnounceUrl: announceUrl } = form;
  return {
    ...(form.Muted === undefined ? {} : { muted: form.Muted }),
    ...(form.Hold === undefined ? {} : { hold: form.Hold }),
    ...(holdUrl === undefined ? {} : { holdSource: { url: holdUrl, method: form.HoldMethod ?? 'GET' } }),
    ...(announceUrl === undefined ? {} : { announce: { url: announceUrl, method: form.AnnounceMethod ?? 'POST' } }),
    ...(waitUrl === undefined ? {} : { wait: { url: waitUrl ?? '', method: form.WaitMethod ?? 'POST' } }),
    ...(form.BeepOnExit === undefined ? {} : { beepOnExit: form.BeepOnExit }),
    ...(form.EndConferenceOnExit === undefined ? {} : { endOnExit: form.EndConferenceOnExit }),
    ...(form.Coaching === undefined ? {} : { coaching: form.Coaching }),
    ...(form.CallSidToCoach === undefined ? {} : { callSidToCoach: form.CallSidToCoach }),
  };
}

/** 16022 where the conference itself is over (rest-api.md 11). */
async function missing(request: ApiRequest, parts: ApiParts) {
  const conference = await findConference(request, roomOf(request), parts);
  return conference?.status === 'completed'
    ? fault(16022, `Conference ${conference.sid} is completed`)
    : notFound(`${request.path}.json`);
}

const update: Handler = async (request, parts) => {
  const form = checked(updateSchema, request.form);
  if (!form.ok) return form.error;
  const room = roomOf(request);
  const updated = parts.conferences?.update(request.account.sid, room, whoOf(request), changeOf(form.value));
  if (!updated) return missing(request, parts);
  return updated.ok ? { status: 200, body: presentParticipant(updated.value) } : updated.error;
};

const remove: Handler = async (request, parts) => {
  const isGone = parts.conferences?.kick(request.account.sid, roomOf(request), whoOf(request));
  return isGone ? { status: 204 } : notFound(`${request.path}.json`);
};

const path = '/Accounts/{AccountSid}/Conferences/{ConferenceSid}/Participants';

export const participantRoutes: readonly Route[] = [
  { path, handlers: { GET: list, POST: create } },
  { path: `${path}/{CallSid}`, handlers: { GET: fetch, POST: update, DELETE: remove } },
];
