// Conferences and participants → JSON (rest-api.md 5, 11).

import type { ParticipantRecord } from '../base/conferences-api.ts';
import type { Conference } from '../base/voice-records.ts';
import { rfc2822 } from './dates.ts';
import { accountPath } from './present.ts';

const conferencePath = (accountSid: string, sid: string): string => `${accountPath(accountSid)}/Conferences/${sid}`;

export function presentConference(conference: Conference) {
  const path = conferencePath(conference.accountSid, conference.sid);
  return {
    sid: conference.sid,
    account_sid: conference.accountSid,
    friendly_name: conference.friendlyName,
    status: conference.status,
    reason_conference_ended: conference.reasonConferenceEnded,
    call_sid_ending_conference: conference.callSidEndingConference,
    region: conference.region,
    api_version: '2010-04-01',
    date_created: rfc2822(conference.dateCreated),
    date_updated: rfc2822(conference.dateUpdated),
    uri: `${path}.json`,
    subresource_uris: { participants: `${path}/Participants.json`, recordings: `${path}/Recordings.json` },
  };
}

/** `queueTime`: milliseconds as text, in the answer to a create only. */
export const presentParticipant = (participant: ParticipantRecord, queueTime: string | null = null) => ({
  account_sid: participant.accountSid,
  conference_sid: participant.conferenceSid,
  call_sid: participant.callSid,
  label: participant.label,
  muted: participant.muted,
  hold: participant.hold,
  coaching: participant.coaching,
  call_sid_to_coach: participant.callSidToCoach,
  start_conference_on_enter: participant.startConferenceOnEnter,
  end_conference_on_exit: participant.endConferenceOnExit,
  status: participant.status,
  queue_time: queueTime,
  date_created: rfc2822(participant.dateCreated),
  date_updated: rfc2822(participant.dateUpdated),
  uri: `${conferencePath(participant.accountSid, participant.conferenceSid)}/Participants/${participant.callSid}.json`,
});
