// Conferences and participants over REST (rest-api.md 11): the ConferencesApi that the api folder asks for.

import type { CallControlError, CallsApi } from '../base/calls-api.ts';
import type {
  AddParticipantRequest,
  ConferencesApi,
  ParticipantChange,
  ParticipantRecord,
} from '../base/conferences-api.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Call } from '../call/call.ts';
import type { Conferences } from './conferences.ts';
import type { Participant } from './participant.ts';
import type { Room } from './room.ts';

export interface RestConferencesServices {
  readonly conferences: Conferences;
  /** Makes the call of a new participant; its document is the way into the room. */
  readonly createCall: CallsApi['create'];
  readonly callOf: (callSid: string) => Call | undefined;
}

const refusal = (code: number, message: string, status = 400): CallControlError => ({ code, status, message });

/** The codes of the noun, as REST says them. */
const REST_CODES: Readonly<Record<number, number>> = { 13236: 16022, 13240: 16028, 16025: 16026 };

export function createConferencesApi(services: RestConferencesServices): ConferencesApi {
  const { conferences } = services;
  const find = (accountSid: string, room: string, who: string) => {
    const found = conferences.find(accountSid, room);
    const participant = found?.find(who);
    return found && participant && { room: found, participant };
  };
  return {
    live: (accountSid, sid) => conferences.bySid(accountSid, sid)?.record,
    end(accountSid, sid) {
      const room = conferences.bySid(accountSid, sid);
      room?.end();
      return room?.record;
    },
    announce(accountSid, sid, url, method) {
      const room = conferences.bySid(accountSid, sid);
      if (room) void conferences.announce(room, url, method);
      return room?.record;
    },
    participants(accountSid, name) {
      const room = conferences.find(accountSid, name);
      return room?.participants().map((participant) => participant.record(room.sid));
    },
    participant(accountSid, name, who) {
      const found = find(accountSid, name, who);
      return found?.participant.record(found.room.sid);
    },
    add: (request) => add(request, services),
    update(accountSid, name, who, change) {
      const found = find(accountSid, name, who);
      return found && update(found.room, found.participant, change);
    },
    kick(accountSid, name, who) {
      const found = find(accountSid, name, who);
      if (!found) return false;
      const { room, participant } = found;
      const { isIn, call } = participant;
      room.leave(participant, 'kicked');
      // There is nothing yet that it could go on with.
      if (!isIn) call.hangUp('taken out of the conference over REST');
      return true;
    },
  };
}

function add(
  { options, earlyMedia, call: wanted }: AddParticipantRequest,
  { conferences, createCall, callOf }: RestConferencesServices,
): Result<ParticipantRecord, CallControlError> {
  const { accountSid } = wanted;
  const checked = conferences.check(accountSid, options);
  if (!checked.ok) {
    const { code, detail } = checked.error;
    return err(refusal(REST_CODES[code] ?? code, detail));
  }
  const before = checked.value;
  if (options.coach !== undefined && before?.present(options.coach)?.hold)
    return err(refusal(16027, 'the participant to be coached is on hold'));
  const sid = before?.sid ?? conferences.newSid();
  const made = createCall({
    ...wanted,
    // The place that is made below says the rest.
    instructions: { twiml: `<Response><Dial><Conference>${sid}</Conference></Dial></Response>` },
    fallbackUrl: null,
    fallbackMethod: 'POST',
    sendDigits: null,
  });
  if (!made.ok) return made;
  const call = callOf(made.value.sid);
  if (!call) return err(refusal(20500, 'the call of the participant ended at once', 500));
  const room = before ?? conferences.create(accountSid, options, sid);
  const participant = conferences.place(room, call, options, earlyMedia);
  return ok({ ...participant.record(sid), status: 'queued' });
}

function update(
  room: Room,
  participant: Participant,
  change: ParticipantChange,
): Result<ParticipantRecord, CallControlError> {
  const coach = newCoach(room, participant, change);
  if (!coach.ok) return coach;
  const { muted, hold, holdSource, wait, announce, beepOnExit, endOnExit } = change;
  const before = { muted: participant.muted, hold: participant.hold };
  participant.muted = muted ?? participant.muted;
  participant.hold = hold ?? participant.hold;
  if (hold !== undefined || holdSource) participant.holdSource = holdSource;
  participant.wait = wait ?? participant.wait;
  participant.beepOnExit = beepOnExit ?? participant.beepOnExit;
  participant.endOnExit = endOnExit ?? participant.endOnExit;
  participant.coach = coach.value;
  room.changed(participant);
  if (participant.muted !== before.muted)
    room.tell(participant.muted ? 'participant-mute' : 'participant-unmute', participant);
  if (participant.hold !== before.hold)
    room.tell(participant.hold ? 'participant-hold' : 'participant-unhold', participant);
  if ([wait, beepOnExit, endOnExit, change.coaching, change.callSidToCoach].some((value) => value !== undefined))
    room.tell('participant-modify', participant);
  if (announce) void room.announceTo(participant, announce);
  return ok(participant.record(room.sid));
}

/** Whom the participant coaches after the change; undefined: nobody. rest-api.md 11. */
function newCoach(
  room: Room,
  participant: Participant,
  { coaching, callSidToCoach }: ParticipantChange,
): Result<string | undefined, CallControlError> {
  if (coaching === false) return ok(undefined);
  if (coaching === undefined && callSidToCoach === undefined) return ok(participant.coach);
  const sid = callSidToCoach ?? participant.coach;
  if (sid === undefined) return err(refusal(20001, 'CallSidToCoach is required with Coaching=true'));
  const target = room.present(sid);
  if (!target || target === participant)
    return err(refusal(16028, 'the participant to be coached is not in the conference'));
  return target.hold ? err(refusal(16027, 'the participant to be coached is on hold')) : ok(sid);
}
