// The life of a room as a table (twiml.md 7.1, rest-api.md 11).
//
//   init ──two are in, one of them a starter──▶ in-progress ──▶ completed
//     └───────────────── the last left, a moderator left, REST ──────▲
//
// Once started a room stays started, however few are left in it.

import type { Conference, ReasonConferenceEnded } from '../base/voice-records.ts';

export type RoomState = Conference['status'];

export type RoomInput =
  /** Two or more are in, and at least one of them has startConferenceOnEnter. */
  | 'ready'
  | 'lastLeft'
  | 'lastKicked'
  /** Somebody with endConferenceOnExit. */
  | 'moderatorLeft'
  | 'moderatorKicked'
  | 'endedOverRest';

export type RoomAction =
  | 'tell start'
  /** Waiting documents stop, everybody who is not held is mixed. */
  | 'open the mix'
  | 'start recording'
  /** Those who are still in leave; calls that still ring are cancelled. */
  | 'dismiss everybody'
  | 'tell end'
  | 'close';

export interface RoomRow {
  readonly to: RoomState;
  readonly do: readonly RoomAction[];
  readonly reason?: ReasonConferenceEnded;
}

const ending = (reason: ReasonConferenceEnded): RoomRow => ({
  to: 'completed',
  do: ['dismiss everybody', 'tell end', 'close'],
  reason,
});

const ends = {
  lastLeft: ending('last-participant-left'),
  lastKicked: ending('last-participant-kicked'),
  moderatorLeft: ending('participant-with-end-conference-on-exit-left'),
  moderatorKicked: ending('participant-with-end-conference-on-exit-kicked'),
  endedOverRest: ending('conference-ended-via-api'),
} as const;

export const roomStates: { readonly [state in RoomState]: { readonly [input in RoomInput]?: RoomRow } } = {
  init: { ready: { to: 'in-progress', do: ['tell start', 'open the mix', 'start recording'] }, ...ends },
  'in-progress': ends,
  completed: {},
};
