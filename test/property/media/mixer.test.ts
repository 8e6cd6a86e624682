// Rooms against a model: whoever joins, leaves, is muted, held or coaches, in one worker or in two, each member hears exactly the sum of
// those whom it is to hear.

import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { test } from 'vitest';
import type { MixerMember } from '../../../src/media/engine-audio.ts';
import { coded, type Leg, level, MixerWorld, SETTLED_MS, sum } from '../../support/mixer-world.ts';

const LEGS = 6;
const leg = fc.nat(LEGS - 1);
const member = fc.record({ isHeard: fc.boolean(), hears: fc.boolean(), coaches: fc.option(leg, { freq: 3 }) });
const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('join' as const), leg, member }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('update' as const), leg, member }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('leave' as const), leg }) },
);
/** What each leg says in a round: 0 is silence, others are beyond the level of silence. */
const words = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 200, max: 30_000 }), fc.integer({ min: -30_000, max: -200 })),
  {
    minLength: LEGS,
    maxLength: LEGS,
  },
);
const rounds = fc.array(fc.record({ commands: fc.array(command, { maxLength: 6 }), words }), {
  minLength: 1,
  maxLength: 5,
});

type Round = {
  commands: readonly (typeof command extends fc.Arbitrary<infer T> ? T : never)[];
  words: readonly number[];
};
type Seat = { isHeard: boolean; hears: boolean; coaches: number | null };

function obey(here: MixerWorld, mixer: string, seats: Map<number, Seat>, { commands }: Round): void {
  const optionsOf = ({ isHeard, hears, coaches }: Seat): MixerMember => ({
    isHeard,
    hears,
    coaches: coaches === null ? null : here.legs[coaches]!.id,
    jitterMs: 20,
  });
  for (const each of commands) {
    const { id } = here.legs[each.leg]!;
    if (each.type === 'leave') {
      here.engine.leaveMixer(mixer, id);
      seats.delete(each.leg);
    } else if (each.type === 'join') {
      here.engine.joinMixer(mixer, id, optionsOf(each.member));
      seats.set(each.leg, each.member);
    } else {
      here.engine.updateMember(mixer, id, optionsOf(each.member));
      if (seats.has(each.leg)) seats.set(each.leg, each.member);
    }
  }
}

/** What a member is to hear. */
function expected(seats: ReadonlyMap<number, Seat>, said: readonly number[], listener: number): number {
  if (!seats.get(listener)!.hears) return 0;
  const heard = [...seats]
    .filter(
      ([index, { isHeard, coaches }]) => index !== listener && isHeard && (coaches === null || coaches === listener),
    )
    .map(([index]) => coded('PCMU', said[index]!));
  return coded('PCMU', sum(...heard));
}

async function play(workers: number, all: readonly Round[]): Promise<void> {
  const here = new MixerWorld(workers, LEGS);
  assert.ok((await here.engine.start()).ok);
  const mixer = here.engine.createMixer();
  for (let index = 0; index < LEGS; index++) await here.leg();
  const seats = new Map<number, Seat>();
  for (const round of all) {
    obey(here, mixer, seats, round);
    const said = new Map<Leg, number>(here.legs.map((each, index) => [each, round.words[index]!]));
    // Long enough for the end of what was said before: silence is speech for a moment more, and is what is then added.
    await here.speak(said, SETTLED_MS);
    assert.equal(here.engine.counts().mixerMembers, seats.size);
    for (const index of seats.keys()) {
      assert.equal(level(here.legs[index]!, 2), expected(seats, round.words, index), `member ${index}`);
    }
  }
  for (const each of here.legs) here.engine.close(each.id);
  assert.equal(here.engine.counts().mixerMembers, 0);
  here.engine.removeMixer(mixer);
  await here.end();
}

for (const workers of [1, 2]) {
  test(`${workers} worker(s): each member hears exactly those whom it is to hear`, async () => {
    await fc.assert(
      fc.asyncProperty(rounds, (all) => play(workers, all)),
      { numRuns: 60 },
    );
  }, 60_000);
}
