// What REST may do with conferences: the port between api/, which asks, and conference/, which does it. It stands here because api/
// imports base/ only. Rooms and participants that are over are known to the store only, or to nobody (rest-api.md 11).

import type { CallControlError, CreateCallRequest } from './calls-api.ts';
import type { RecordingCallback } from './recordings-api.ts';
import type { HttpMethod } from './records.ts';
import type { Result } from './result.ts';
import type { Conference } from './voice-records.ts';

/** `statusCallbackEvent` of a conference (twiml.md 7.1). */
export const conferenceEvents = [
  'start',
  'end',
  'join',
  'leave',
  'mute',
  'hold',
  'modify',
  'speaker',
  'announcement',
] as const;
export type ConferenceEvent = (typeof conferenceEvents)[number];

/** When the room hears a beep for a participant. */
export const beeps = ['true', 'false', 'onEnter', 'onExit'] as const;
export type Beep = (typeof beeps)[number];

/** What a participant hears while it waits or is held: an empty URL is silence, no URL the built-in tune. */
export interface WaitSource {
  readonly url: string | undefined;
  readonly method: HttpMethod;
}

export interface ConferenceCallback {
  readonly url: string;
  readonly method: HttpMethod;
  readonly events: readonly ConferenceEvent[];
}

/** How the recording of a whole room is made. */
export interface ConferenceRecordingOptions {
  readonly trim: boolean;
  readonly statusCallback: RecordingCallback | undefined;
  /** Deprecated; used where there is no status callback (twiml.md 7.1). */
  readonly eventCallbackUrl: string | undefined;
}

/** How a call takes part in a room, from the Conference noun or REST. */
export interface ConferenceOptions {
  /** Friendly name, or the CF sid of a room that exists. */
  readonly room: string;
  readonly muted: boolean;
  readonly beep: Beep;
  readonly startOnEnter: boolean;
  readonly endOnExit: boolean;
  readonly label: string | undefined;
  /** 0 = off. */
  readonly jitterMs: 0 | 20 | 40 | 60;
  readonly wait: WaitSource;
  readonly maxParticipants: number;
  readonly record: ConferenceRecordingOptions | undefined;
  /** CallSid of the participant that alone hears this one. */
  readonly coach: string | undefined;
  /** Kept and shown; everything is mixed here. */
  readonly region: string | undefined;
  /** Those of the first participant count for the room. */
  readonly statusCallback: ConferenceCallback | undefined;
}

export type ParticipantStatus = 'queued' | 'connecting' | 'ringing' | 'connected' | 'complete' | 'failed';

export interface ParticipantRecord {
  readonly accountSid: string;
  readonly conferenceSid: string;
  readonly callSid: string;
  readonly label: string | null;
  readonly muted: boolean;
  readonly hold: boolean;
  readonly coaching: boolean;
  readonly callSidToCoach: string | null;
  readonly startConferenceOnEnter: boolean;
  readonly endConferenceOnExit: boolean;
  readonly status: ParticipantStatus;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** An absent field stays as it is. */
export interface ParticipantChange {
  readonly muted?: boolean;
  readonly hold?: boolean;
  /** What a held participant hears; the built-in tune without. */
  readonly holdSource?: WaitSource;
  readonly announce?: { readonly url: string; readonly method: HttpMethod };
  readonly wait?: WaitSource;
  readonly beepOnExit?: boolean;
  readonly endOnExit?: boolean;
  readonly coaching?: boolean;
  readonly callSidToCoach?: string;
}

export interface AddParticipantRequest {
  readonly options: ConferenceOptions;
  /** Others in the room hear the ringing and the early media of the new leg. */
  readonly earlyMedia: boolean;
  readonly call: Omit<CreateCallRequest, 'instructions' | 'fallbackUrl' | 'fallbackMethod' | 'sendDigits'>;
}

type Outcome<T> = Result<T, CallControlError>;

export interface ConferencesApi {
  /** A room that is not completed, by its sid. */
  live(accountSid: string, conferenceSid: string): Conference | undefined;
  /** Everybody leaves. Undefined: there is no such room, or it is over. */
  end(accountSid: string, conferenceSid: string): Conference | undefined;
  /** Plays a document to everybody; what comes of it is told by status callbacks. Undefined as above. */
  announce(accountSid: string, conferenceSid: string, url: string, method: HttpMethod): Conference | undefined;
  /** In joining order. Undefined: no live room of that sid or name. */
  participants(accountSid: string, room: string): readonly ParticipantRecord[] | undefined;
  /** `who`: CallSid or label. */
  participant(accountSid: string, room: string, who: string): ParticipantRecord | undefined;
  /** Dials; returns at once with status `queued`. A room that does not exist is made, but not by a sid (16022). */
  add(request: AddParticipantRequest): Outcome<ParticipantRecord>;
  /** Undefined: no such participant. 16027, 16028, 20001. */
  update(
    accountSid: string,
    room: string,
    who: string,
    change: ParticipantChange,
  ): Outcome<ParticipantRecord> | undefined;
  /** The call goes on behind its Dial. False: no such participant. */
  kick(accountSid: string, room: string, who: string): boolean;
}
