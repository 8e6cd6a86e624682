// A room whose members are in two media workers: each phone hears the others as if they were in one (design.md 6). Which worker has a leg
// is read from its RTP port: the pairs of the range are dealt out to the workers in turn.

import { expect, test } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { until } from '../../support/until.ts';
import { CLEAN_SHARE, DEADLINE_MS, shareHeard, type World, world } from '../../support/world.ts';
import { isDeafTo, join, type Member, nothingLeft } from './kit.ts';

const WORKERS = 2;

async function workerOf(w: World, call: PhoneCall): Promise<number> {
  const port = await until(
    () => {
      const details = call.events.flatMap((event) => (event.type === 'media' ? [event.detail] : []));
      return details.flatMap((detail) => /:(\d+)$/.exec(detail)?.[1] ?? [])[0];
    },
    DEADLINE_MS,
    () => 'the RTP of the gateway',
  );
  return ((Number(port) - w.config.mediaPorts.first) / 2) % WORKERS;
}

test('phones in different workers hear each other, muted and not, and when the first has left [twiml 7.1 mix]', async () => {
  const w = await world({ settings: { mediaWorkers: WORKERS } });
  w.answers('<Hangup/>', '/after');
  const members = await join(w, ['alice', 'bob', 'carol']);
  const workers = await Promise.all(members.map(({ call }) => workerOf(w, call)));
  const here = members[0]!;
  const there = members[workers.findIndex((worker) => worker !== workers[0])];
  if (!there) throw new Error(`all members are in worker ${workers[0]}`);
  const third = members.find((one) => one !== here && one !== there) as Member;

  expect(await shareHeard(w, there.call, here.call, 600)).toBeGreaterThan(CLEAN_SHARE);
  expect(await shareHeard(w, here.call, there.call, 1_000)).toBeGreaterThan(CLEAN_SHARE);
  expect(await shareHeard(w, third.call, there.call, 800)).toBeGreaterThan(CLEAN_SHARE);
  const room = `/Conferences/${encodeURIComponent('Room 1')}/Participants`;
  expect((await w.rest(`${room}/${there.sid}.json`, { Muted: 'true' })).body).toMatchObject({ muted: true });
  await isDeafTo(w, here.call, there.call, 1_000);
  await w.rest(`${room}/${there.sid}.json`, { Muted: 'false' });
  expect(await shareHeard(w, here.call, there.call, 1_000)).toBeGreaterThan(CLEAN_SHARE);

  // The worker of the first keeps the room when its own member leaves.
  here.call.leg.hangUp();
  expect(await shareHeard(w, there.call, third.call, 700)).toBeGreaterThan(CLEAN_SHARE);
  for (const { call } of [there, third]) call.leg.hangUp();
  await nothingLeft(w);
});
