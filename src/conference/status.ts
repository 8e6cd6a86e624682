// Status callbacks of a room: which event is sent under which name, with which parameters (twiml.md 7.1). Pure; the room counts, the
// gateway sends.

import type { ConferenceEvent } from '../base/conferences-api.ts';
import type { Conference } from '../base/voice-records.ts';
import type { LeaveCause, Participant } from './participant.ts';

/** The `StatusCallbackEvent` of each subscription. */
export type StatusEvent =
  | 'conference-start'
  | 'conference-end'
  | 'participant-join'
  | 'participant-leave'
  | 'participant-mute'
  | 'participant-unmute'
  | 'participant-hold'
  | 'participant-unhold'
  | 'participant-modify'
  | 'participant-speech-start'
  | 'participant-speech-stop'
  | 'announcement-end'
  | 'announcement-fail';

export const subscriptionOf: Readonly<Record<StatusEvent, ConferenceEvent>> = {
  'conference-start': 'start',
  'conference-end': 'end',
  'participant-join': 'join',
  'participant-leave': 'leave',
  'participant-mute': 'mute',
  'participant-unmute': 'mute',
  'participant-hold': 'hold',
  'participant-unhold': 'hold',
  'participant-modify': 'modify',
  'participant-speech-start': 'speaker',
  'participant-speech-stop': 'speaker',
  'announcement-end': 'announcement',
  'announcement-fail': 'announcement',
};

export interface StatusFacts {
  readonly conference: Conference;
  readonly event: StatusEvent;
  /** From 1, per room. */
  readonly sequenceNumber: number;
  /** Wall milliseconds. */
  readonly wallMs: number;
  readonly participant: Participant | undefined;
  /** Beyond the above; undefined ones are left out. */
  readonly more: Readonly<Record<string, string | undefined>>;
}

export function statusParams(facts: StatusFacts): ReadonlyMap<string, string> {
  const { conference, participant } = facts;
  const entries: [string, string | undefined][] = [
    ['ConferenceSid', conference.sid],
    ['FriendlyName', conference.friendlyName],
    ['AccountSid', conference.accountSid],
    ['SequenceNumber', String(facts.sequenceNumber)],
    // RFC 2822, as the vendor writes it: `Fri, 20 Aug 2010 01:13:42 +0000`.
    ['Timestamp', new Date(facts.wallMs).toUTCString().replace(/GMT$/, '+0000')],
    ['StatusCallbackEvent', facts.event],
    ...(participant ? participantParams(participant) : []),
    ...Object.entries(facts.more),
  ];
  return new Map(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

const participantParams = (participant: Participant): [string, string | undefined][] => [
  ['CallSid', participant.call.sid],
  ['Muted', String(participant.muted)],
  ['Hold', String(participant.hold)],
  ['Coaching', String(participant.coach !== undefined)],
  ['EndConferenceOnExit', String(participant.endOnExit)],
  ['StartConferenceOnEnter', String(participant.startOnEnter)],
  ['ParticipantLabel', participant.label],
];

const LEAVE_REASONS: Readonly<Record<LeaveCause, string>> = {
  hungUp: 'participant_hung_up',
  alone: 'participant_hung_up',
  updated: 'participant_updated_via_api',
  kicked: 'participant_updated_via_api',
  failed: 'participant_add_failed',
  moderatorEnded: 'moderator_ended_conference',
  endedOverRest: 'conference_ended_via_api',
};

/** What `participant-leave` adds: how it left, and how its call stands then. */
export function leaveParams(participant: Participant, cause: LeaveCause): Readonly<Record<string, string>> {
  const { status } = participant.call;
  // A call that is still being made when the room goes is cancelled with it.
  const isCanceled = !participant.isIn && !participant.call.isOver;
  const callStatus = isCanceled ? 'canceled' : status;
  return { ParticipantCallStatus: callStatus, ReasonParticipantLeft: LEAVE_REASONS[cause] };
}

/** What `conference-end` adds. `last`: who ended it, or was the last. */
export function endParams(
  conference: Conference,
  last: Participant | undefined,
): Readonly<Record<string, string | undefined>> {
  const reason = conference.reasonConferenceEnded ?? 'conference-ended-via-api';
  return {
    CallSidEndingConference: last?.call.sid,
    ParticipantLabelEndingConference: last?.label,
    ReasonConferenceEnded: reason,
    Reason: END_TEXTS[reason](last?.call.sid ?? ''),
  };
}

const END_TEXTS: Readonly<Record<NonNullable<Conference['reasonConferenceEnded']>, (callSid: string) => string>> = {
  'conference-ended-via-api': () => 'Conference ended via API',
  'participant-with-end-conference-on-exit-left': (sid) =>
    `Participant ${sid} with endConferenceOnExit left the conference`,
  'participant-with-end-conference-on-exit-kicked': (sid) =>
    `Participant ${sid} with endConferenceOnExit was kicked out of the conference`,
  'last-participant-left': (sid) => `The last participant ${sid} left the conference`,
  'last-participant-kicked': (sid) => `The last participant ${sid} was kicked out of the conference`,
};
