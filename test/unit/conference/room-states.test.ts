// The table of a room, row by row (twiml.md 7.1), and the pairs that it ignores.

import { expect, test } from 'vitest';
import { type RoomInput, type RoomState, roomStates } from '../../../src/conference/room-states.ts';

const END = ['dismiss everybody', 'tell end', 'close'];

const rows: [RoomState, RoomInput, RoomState, readonly string[], string | undefined][] = [
  ['init', 'ready', 'in-progress', ['tell start', 'open the mix', 'start recording'], undefined],
  ...(['init', 'in-progress'] as const).flatMap((state): (typeof rows)[number][] => [
    [state, 'lastLeft', 'completed', END, 'last-participant-left'],
    [state, 'lastKicked', 'completed', END, 'last-participant-kicked'],
    [state, 'moderatorLeft', 'completed', END, 'participant-with-end-conference-on-exit-left'],
    [state, 'moderatorKicked', 'completed', END, 'participant-with-end-conference-on-exit-kicked'],
    [state, 'endedOverRest', 'completed', END, 'conference-ended-via-api'],
  ]),
];

test.each(rows)('%s + %s → %s [twiml 7.1 reason-ended]', (state, input, to, actions, reason) => {
  const row = roomStates[state][input];
  expect([row?.to, row?.do, row?.reason]).toEqual([to, actions, reason]);
});

test('what the table ignores', () => {
  const inputs = [...new Set(rows.map(([, input]) => input))];
  const ignored = (Object.keys(roomStates) as RoomState[]).flatMap((state) =>
    inputs.filter((input) => !roomStates[state][input]).map((input) => `${state} ${input}`),
  );
  expect(ignored).toEqual([
    'in-progress ready',
    'completed ready',
    'completed lastLeft',
    'completed lastKicked',
    'completed moderatorLeft',
    'completed moderatorKicked',
    'completed endedOverRest',
  ]);
});
