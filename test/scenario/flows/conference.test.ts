// A meeting: those who come early hear music, the moderator opens it, mutes somebody, and ends it for all.

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, type World, world } from '../../support/world.ts';
import { application, calls, ended, hears, hearsNo, hums } from './kit.ts';

const MUSIC_HZ = 500;
const OVER_HZ = 600;

async function room(w: World, status: 'init' | 'in-progress') {
  type Rooms = { conferences: { sid: string; status: string }[] };
  return until(
    async () => {
      const { body } = await w.rest('/Conferences.json?FriendlyName=meeting');
      return (body as Rooms).conferences.find((one) => one.status === status)?.sid;
    },
    DEADLINE_MS,
    () => `a room that is ${status}`,
  );
}

test('hold music until the moderator comes, mute, end for all [twiml 7.1 start-on-enter] [twiml 7.1 end-on-exit] [rest 11 mute]', async () => {
  const w = await world();
  application(w, {
    '/voice': ({ params }) => {
      const isModerator = params.From?.startsWith('sip:carol@') ?? false;
      return `<Dial action="/over"><Conference beep="false" waitUrl="/music" startConferenceOnEnter="${isModerator}" endConferenceOnExit="${isModerator}">meeting</Conference></Dial>`;
    },
    // Without the Redirect silence would follow.
    '/music': `<Play>/tone/${MUSIC_HZ}</Play><Redirect/>`,
    '/over': `<Play loop="0">/tone/${OVER_HZ}</Play>`,
  });
  const alice = await calls(w, 'alice');
  await hears(w, alice, MUSIC_HZ);
  const sid = await room(w, 'init');
  const bob = await calls(w, 'bob');
  await hears(w, bob, MUSIC_HZ);
  // Still two who wait: neither hears the other.
  hums(alice, 900);
  await hears(w, bob, MUSIC_HZ);

  const moderator = await calls(w, 'carol');
  expect(await room(w, 'in-progress')).toBe(sid);
  await hears(w, moderator, 900);
  await hears(w, bob, 900);
  const { CallSid } = (await w.asked('/voice')).params;
  const participant = `/Conferences/${sid}/Participants/${CallSid}.json`;
  expect((await w.rest(participant, { Muted: 'true' })).body).toMatchObject({ muted: true });
  await hearsNo(w, bob, 900);
  expect((await w.rest(participant, { Muted: 'false' })).body).toMatchObject({ muted: false });
  await hears(w, bob, 900);

  moderator.leg.hangUp();
  await hears(w, alice, OVER_HZ);
  await hears(w, bob, OVER_HZ);
  expect((await w.rest(`/Conferences/${sid}.json`)).body).toMatchObject({
    status: 'completed',
    reason_conference_ended: 'participant-with-end-conference-on-exit-left',
  });
  for (const call of [alice, bob]) call.leg.hangUp();
  await Promise.all([ended(alice), ended(bob)]);
  await w.isIdle();
});
