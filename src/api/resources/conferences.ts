// Conferences: list, fetch, end, announce (rest-api.md 11). They are made by their first participant. The live part is behind the
// ConferencesApi port; those that are over come from the store.

import { z } from 'zod';
import type { Conference } from '../../base/voice-records.ts';
import { timeRange } from '../dates.ts';
import { fault, notFound } from '../errors.ts';
import { checked, lastOf, method, optional, url } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentConference } from '../present-conferences.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';

const STATUSES: readonly Conference['status'][] = ['init', 'in-progress', 'completed'];

const list: Handler = async (request, { store }) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const created = timeRange(request.query, 'DateCreated');
  const updated = timeRange(request.query, 'DateUpdated');
  const asked = lastOf(request.query, 'Status');
  const status = STATUSES.find((one) => one === asked);
  const friendlyName = lastOf(request.query, 'FriendlyName');
  const where: Partial<Conference> = {
    accountSid: request.account.sid,
    ...(status === undefined ? {} : { status }),
    ...(friendlyName === undefined ? {} : { friendlyName }),
  };
  // rest-api.md 7.3: a filter on an unknown value gives an empty list.
  const isImpossible = created === 'none' || updated === 'none' || (asked !== undefined && status === undefined);
  const found = isImpossible
    ? { records: [], hasMore: false }
    : await store.conferences.list(where, page.value, created, updated);
  return { status: 200, body: pageBody(request, page.value, found, 'conferences', presentConference) };
};

/** The live one where there is one: it is never behind. */
export async function findConference(
  { account }: Pick<ApiRequest, 'account'>,
  sid: string,
  { conferences, store }: ApiParts,
): Promise<Conference | undefined> {
  const conference = conferences?.live(account.sid, sid) ?? (await store.conferences.get(sid));
  return conference?.accountSid === account.sid ? conference : undefined;
}

const fetch: Handler = async (request, parts) => {
  const conference = await findConference(request, request.params.ConferenceSid ?? '', parts);
  return conference ? { status: 200, body: presentConference(conference) } : notFound(`${request.path}.json`);
};

const updateSchema = z.object({
  Status: optional(z.enum(['completed'], { error: '20001|Status must be completed' })),
  AnnounceUrl: optional(url('AnnounceUrl', 21502)),
  AnnounceMethod: optional(method('AnnounceMethod', 21209)),
});

const update: Handler = async (request, parts) => {
  const sid = request.params.ConferenceSid ?? '';
  const conference = await findConference(request, sid, parts);
  if (!conference) return notFound(`${request.path}.json`);
  const form = checked(updateSchema, request.form);
  if (!form.ok) return form.error;
  const { Status: status, AnnounceUrl: announceUrl, AnnounceMethod: announceMethod = 'POST' } = form.value;
  const { conferences } = parts;
  if (!conferences?.live(request.account.sid, sid)) return fault(16022, `Conference ${sid} is completed`);
  if (announceUrl !== undefined) conferences.announce(request.account.sid, sid, announceUrl, announceMethod);
  if (status !== undefined) {
    // The record of the room that has just ended.
    const ended = conferences.end(request.account.sid, sid);
    return { status: 200, body: presentConference(ended ?? conference) };
  }
  return { status: 200, body: presentConference(conferences.live(request.account.sid, sid) ?? conference) };
};

export const conferenceRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/Conferences', handlers: { GET: list } },
  { path: '/Accounts/{AccountSid}/Conferences/{ConferenceSid}', handlers: { GET: fetch, POST: update } },
];
