// Recordings → JSON. The three resources differ: `uri` is under the path used to reach it, `media_url` and the subresources stand in the
// account's form only, the track in that of the call (rest-api.md 10).

import type { Recording } from '../base/voice-records.ts';
import { rfc2822 } from './dates.ts';
import { accountPath } from './present.ts';

const API_VERSION = '2010-04-01';

const common = (recording: Recording, collection: string) => ({
  sid: recording.sid,
  account_sid: recording.accountSid,
  api_version: API_VERSION,
  call_sid: recording.callSid,
  conference_sid: recording.conferenceSid,
  status: recording.status,
  source: recording.source,
  channels: recording.channels,
  start_time: rfc2822(recording.startTime),
  duration: recording.durationSeconds === null ? null : String(recording.durationSeconds),
  error_code: recording.errorCode,
  price: null,
  price_unit: 'USD',
  encryption_details: null,
  date_created: rfc2822(recording.dateCreated),
  date_updated: rfc2822(recording.dateUpdated),
  uri: `${collection}/${recording.sid}.json`,
});

/** `origin`: of the absolute URL of the media. */
export function presentRecording(recording: Recording, origin: string) {
  const collection = `${accountPath(recording.accountSid)}/Recordings`;
  const path = `${collection}/${recording.sid}`;
  return {
    ...common(recording, collection),
    media_url: `${origin}${path}`,
    subresource_uris: {
      add_on_results: `${path}/AddOnResults.json`,
      transcriptions: `${path}/Transcriptions.json`,
    },
  };
}

export const presentCallRecording = (recording: Recording, callSid: string) => ({
  ...common(recording, `${accountPath(recording.accountSid)}/Calls/${callSid}/Recordings`),
  track: recording.track,
});

export const presentConferenceRecording = (recording: Recording) =>
  common(recording, `${accountPath(recording.accountSid)}/Conferences/${recording.conferenceSid}/Recordings`);
