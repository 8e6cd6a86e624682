// Any order of coming, going, muting, holding, coaching and ending: the mixer always has what the rules say, a conference tells one end,
// and nothing is left behind (twiml.md 7.1, rest-api.md 11).

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ParticipantChange } from '../../src/base/conferences-api.ts';
import { ConferenceBench, callback, type Joined, NOTHING, options } from '../support/conference-bench.ts';
import { settle } from '../support/virtual-clock.ts';

interface Join {
  readonly do: 'join';
  readonly startOnEnter: boolean;
  readonly endOnExit: boolean;
  readonly muted: boolean;
}
interface OnRoom {
  readonly do: 'add' | 'end' | 'announce';
}
interface OnRinging {
  readonly do: 'answer' | 'refuse';
  readonly who: number;
}
interface OnParticipant {
  readonly do: 'hangUp' | 'redirect' | 'kick' | 'phoneHolds' | 'coach' | 'change';
  readonly who: number;
  readonly change: ParticipantChange;
}
type Command = Join | OnRoom | OnRinging | OnParticipant;

const who = fc.nat(7);
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    do: fc.constant('join' as const),
    startOnEnter: fc.boolean(),
    endOnExit: fc.boolean(),
    muted: fc.boolean(),
  }),
  fc.record({ do: fc.constantFrom(...(['add', 'end', 'announce'] as const)) }),
  fc.record({ do: fc.constantFrom(...(['answer', 'refuse'] as const)), who }),
  fc.record({
    do: fc.constantFrom(...(['hangUp', 'redirect', 'kick', 'phoneHolds', 'coach', 'change', 'change'] as const)),
    who,
    change: fc.record({ muted: fc.boolean(), hold: fc.boolean(), endOnExit: fc.boolean() }, { requiredKeys: [] }),
  }),
);

async function perform(bench: ConferenceBench, joined: Joined[], one: Command): Promise<void> {
  const { api, accountSid } = bench;
  const room = bench.conferences.find(accountSid, 'Room 1');
  const pick = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];
  if (one.do === 'join') {
    const { startOnEnter, endOnExit, muted } = one;
    joined.push(await bench.join({ startOnEnter, endOnExit, muted, beep: 'true', statusCallback: callback() }));
  } else if (!('who' in one)) {
    if (one.do === 'add') add(bench);
    else if (one.do === 'end') api.end(accountSid, room?.sid ?? '');
    else api.announce(accountSid, room?.sid ?? '', 'http://app/all', 'POST');
  } else if (!('change' in one)) {
    const ringing = pick(
      bench.made.filter(({ call }) => call.status === 'initiated'),
      one.who,
    );
    if (one.do === 'answer') ringing?.leg.answers();
    else ringing?.leg.fails(486);
  } else {
    const participant = pick(room?.participants() ?? [], one.who);
    if (participant && room) onParticipant(bench, joined, one, room.sid, participant.call.sid);
  }
}

/** A participant that is called over REST. */
function add(bench: ConferenceBench): void {
  bench.api.add({
    options: options({ statusCallback: callback() }),
    earlyMedia: true,
    call: {
      accountSid: bench.accountSid,
      to: 'client:bob',
      from: 'desk',
      statusCallback: null,
      statusCallbackMethod: 'POST',
      statusCallbackEvents: [],
      timeoutSeconds: 60,
      timeLimitSeconds: 14_400,
      sipAuth: null,
    },
  });
}

function onParticipant(
  bench: ConferenceBench,
  joined: readonly Joined[],
  one: OnParticipant,
  sid: string,
  callSid: string,
): void {
  const { api, accountSid } = bench;
  const legs = [...joined, ...bench.made].find(({ call }) => call.sid === callSid);
  const isAnswered = legs?.call.isAnswered ?? false;
  if (one.do === 'change') api.update(accountSid, sid, callSid, one.change);
  else if (one.do === 'kick') api.kick(accountSid, sid, callSid);
  else if (one.do === 'coach') {
    const target = bench.room().participants()[one.who % bench.room().size]!.call.sid;
    api.update(accountSid, sid, callSid, { callSidToCoach: target });
  } else if (one.do === 'hangUp' && isAnswered) legs?.leg.hangsUp();
  else if (one.do === 'phoneHolds' && isAnswered) legs?.leg.offers(one.who % 2 === 0 ? 'sendonly' : 'sendrecv');
  else if (one.do === 'redirect') joined.find(({ call }) => call.sid === callSid)?.document.abort();
}

/** What must hold between any two commands. */
function check(bench: ConferenceBench, joined: readonly Joined[]): void {
  const room = bench.conferences.find(bench.accountSid, 'Room 1');
  const participants = room?.participants() ?? [];
  expect(bench.engine.mixersNow.size).toBeLessThanOrEqual(1);
  for (const one of [...joined, ...bench.made]) {
    const participant = participants.find(({ call }) => call === one.call);
    const member = bench.member(one);
    if (!participant?.isIn) {
      // Who rings may be heard, but never hears.
      expect(member?.hears ?? false).toBe(false);
      continue;
    }
    const isOpen = room?.record.status === 'in-progress' && !participant.hold;
    if (isOpen) expect(member?.hears).toBe(true);
    else expect(member?.isHeard).toBe(false);
    if (participant.hold) expect(member?.hears).toBe(false);
    if (participant.muted || participant.isHolding) expect(member?.isHeard).toBe(false);
    // One document at a time on a leg; none in the mix.
    const documents = bench.hears(one);
    expect(documents.length).toBeLessThanOrEqual(1);
    if (isOpen) expect(documents).toEqual([]);
  }
  const starts = bench.told().filter((event) => event === 'conference-start').length;
  const ends = bench.told().filter((event) => event === 'conference-end').length;
  expect(ends).toBe(bench.ended.length);
  expect(starts).toBeLessThanOrEqual(ends + 1);
}

test('any order of what can happen to a conference', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
      const bench = new ConferenceBench();
      const joined: Joined[] = [];
      for (const one of commands) {
        await perform(bench, joined, one);
        await settle();
        check(bench, joined);
      }
      for (const { call } of [...joined, ...bench.made]) call.hangUp('the end of the test');
      await settle();
      for (const [play, { endpoint }] of bench.engine.playsNow)
        bench.engine.tell({ type: 'playEnded', endpoint, play, outcome: 'stopped' });
      for (const { outcome } of joined) await outcome;
      expect(bench.left()).toEqual({ ...NOTHING, timers: 0 });
      // Each participant-join has its participant-leave.
      const joins = bench.told().filter((event) => event === 'participant-join').length;
      const leaves = bench.statuses.filter(({ params }) => params.get('StatusCallbackEvent') === 'participant-leave');
      expect(leaves.length).toBeGreaterThanOrEqual(joins);
    }),
    { numRuns: 150 },
  );
}, 60_000);
