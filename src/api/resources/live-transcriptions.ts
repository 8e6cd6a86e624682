// Live transcriptions of a call: begin and stop (rest-api.md 9.5). There is no list and no fetch.

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import type { LiveTranscriptionRecord } from '../../base/transcriptions-api.ts';
import { rfc2822 } from '../dates.ts';
import { fault, notFound } from '../errors.ts';
import { bool, checked, lastOf, method, optional, text, url } from '../form.ts';
import { accountPath } from '../present.ts';
import type { Handler, Route } from '../request.ts';
import { findCall } from './calls.ts';

const TRACKS = ['inbound_track', 'outbound_track', 'both_tracks'] as const;

const creation = z.object({
  Name: optional(text('Name', 20001, limits.streamNameChars)),
  Track: optional(z.enum(TRACKS, { error: `20001|Track must be one of ${TRACKS.join(', ')}` })),
  StatusCallbackUrl: optional(url('StatusCallbackUrl', 21502)),
  StatusCallbackMethod: optional(method('StatusCallbackMethod', 21209)),
  InboundTrackLabel: optional(text('InboundTrackLabel', 20001, limits.streamNameChars)),
  OutboundTrackLabel: optional(text('OutboundTrackLabel', 20001, limits.streamNameChars)),
  PartialResults: optional(bool('PartialResults', 20001)),
  LanguageCode: optional(text('LanguageCode', 20001, limits.streamNameChars)),
  TranscriptionEngine: optional(text('TranscriptionEngine', 20001, limits.streamNameChars)),
  SpeechModel: optional(text('SpeechModel', 20001, limits.streamNameChars)),
  Hints: optional(text('Hints', 20001, limits.recognisedTextChars)),
  ProfanityFilter: optional(bool('ProfanityFilter', 20001)),
  EnableAutomaticPunctuation: optional(bool('EnableAutomaticPunctuation', 20001)),
});

const create: Handler = async (request, parts) => {
  const call = await findCall(request, parts);
  if (!call || !parts.transcriptions) return notFound(`${request.path}.json`);
  const values = checked(creation, request.form);
  if (!values.ok) return values.error;
  const given = values.value;
  const made = parts.transcriptions.create({
    callSid: call.sid,
    name: given.Name ?? null,
    track: given.Track ?? 'both_tracks',
    languageCode: given.LanguageCode ?? 'en-US',
    engine: given.TranscriptionEngine ?? 'google',
    speechModel: given.SpeechModel ?? null,
    hints: (given.Hints ?? '').split(',').flatMap((hint) => hint.trim() || []),
    partialResults: given.PartialResults ?? false,
    inboundTrackLabel: given.InboundTrackLabel ?? null,
    outboundTrackLabel: given.OutboundTrackLabel ?? null,
    statusCallback: given.StatusCallbackUrl ?? null,
    statusCallbackMethod: given.StatusCallbackMethod ?? 'POST',
  });
  return made.ok ? { status: 200, body: present(made.value) } : fault(made.error.code, made.error.message);
};

const stop: Handler = async (request, parts) => {
  const call = await findCall(request, parts);
  if (!call || !parts.transcriptions) return notFound(`${request.path}.json`);
  if (lastOf(request.form, 'Status') !== 'stopped') return fault(20001, 'Status must be stopped');
  const stopped = parts.transcriptions.stop(call.sid, request.params.TranscriptionSid ?? '');
  return stopped ? { status: 200, body: present(stopped) } : notFound(`${request.path}.json`);
};

const present = (record: LiveTranscriptionRecord) => ({
  sid: record.sid,
  account_sid: record.accountSid,
  call_sid: record.callSid,
  name: record.name,
  status: record.status,
  date_updated: rfc2822(record.dateUpdated),
  uri: `${accountPath(record.accountSid)}/Calls/${record.callSid}/Transcriptions/${record.sid}.json`,
});

export const liveTranscriptionRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Transcriptions', handlers: { POST: create } },
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Transcriptions/{TranscriptionSid}', handlers: { POST: stop } },
];
