// Part of the composition root: conferences, with what they need of media, TwiML documents, webhooks, recordings and the store.

import type { CallsApi } from './base/calls-api.ts';
import type { ConferencesApi } from './base/conferences-api.ts';
import { limits } from './base/limits.ts';
import type { RunningRecording } from './base/recordings-api.ts';
import type { Calls } from './call/calls.ts';
import type { RunWaitDocument } from './call/wait-document.ts';
import { Conferences } from './conference/conferences.ts';
import { createConferencesApi } from './conference/rest.ts';
import type { RoomServices } from './conference/services.ts';
import type { MediaEngine } from './media/engine.ts';
import type { ProvisioningContext } from './provisioning.ts';
import type { Recordings } from './recording/recordings.ts';
import type { Store } from './store/store.ts';
import { type AnnouncementServices, announceToRoom } from './twiml/room-announcement.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';

export interface ConferenceParts {
  readonly context: ProvisioningContext;
  readonly engine: MediaEngine;
  readonly store: Pick<Store, 'conferences'>;
  readonly statusCallbacks: StatusCallbacks;
  readonly announcements: Omit<AnnouncementServices, 'log'>;
  /** Of the voice sessions, which are made after this. */
  readonly runDocument: RunWaitDocument;
  readonly recordings: Recordings;
  readonly recordDial: RoomServices['recordDial'];
}

export function buildConferences(parts: ConferenceParts): Conferences {
  const { context, engine, statusCallbacks, announcements } = parts;
  const log = context.log.child({ folder: 'conference' });
  const { authTokenOf } = announcements;
  const conferences = new Conferences({
    ...context,
    log,
    engine,
    records: parts.store.conferences,
    runDocument: parts.runDocument,
    recordings: parts.recordings,
    recordDial: parts.recordDial,
    onRecorded: (recording, url) => void tellRecorded(recording, url, parts),
    announce: (room, play, signal) => announceToRoom(room, play, { ...announcements, log: context.log }, signal),
    sendStatus: ({ conferenceSid, accountSid, ...request }) =>
      statusCallbacks.send({
        ...request,
        accountSid,
        authToken: authTokenOf(accountSid),
        callSid: conferenceSid,
        maxWaiting: limits.conferenceCallbacksQueued,
      }),
    onEnded: (conferenceSid) => announcements.webhook.forget(conferenceSid),
  });
  engine.onEvent((event) => conferences.onMediaEvent(event));
  return conferences;
}

/** twiml.md 7.1, eventCallbackUrl: one request when the recording of a conference is there. */
async function tellRecorded(
  { ended }: RunningRecording,
  url: string,
  { recordings, statusCallbacks, announcements }: ConferenceParts,
): Promise<void> {
  const record = await ended;
  if (record.status !== 'completed') return;
  const { accountSid, conferenceSid, callSid, durationSeconds, sizeBytes } = record;
  const params = new Map([
    ['AccountSid', accountSid],
    ['ConferenceSid', conferenceSid ?? ''],
    ['EventName', 'conference-record-end'],
    ['RecordingUrl', recordings.urlOf(record)],
    ['Duration', String(durationSeconds ?? 0)],
    ['RecordingFileSize', String(sizeBytes ?? 0)],
  ]);
  const authToken = announcements.authTokenOf(accountSid);
  statusCallbacks.send({ url, method: 'POST', params, accountSid, authToken, callSid: conferenceSid ?? callSid });
}

/** The REST side. */
export const conferencesApi = (conferences: Conferences, calls: Calls, restCalls: CallsApi): ConferencesApi =>
  createConferencesApi({
    conferences,
    createCall: (request) => restCalls.create(request),
    callOf: (callSid) => calls.get(callSid),
  });
