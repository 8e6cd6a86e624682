// Phones in one room, and what the application was told of it.

import { expect } from 'vitest';
import type { Phone, PhoneCall } from '../../../src/demo/phone.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, heard, type World } from '../../support/world.ts';

const ALL_EVENTS = 'start end join leave mute hold modify speaker announcement';

export interface Member {
  readonly phone: Phone;
  readonly call: PhoneCall;
  readonly sid: string;
}

/** Each of these users dials, and is in the room. */
export async function join(
  w: World,
  users: readonly string[],
  attributes = '',
  dialAttributes = '',
): Promise<Member[]> {
  const members: Member[] = [];
  const callback = `statusCallback="/conference" statusCallbackEvent="${ALL_EVENTS}"`;
  w.app.on('/conference', { status: 204 });
  for (const user of users) {
    w.answers(
      `<Dial action="/after" ${dialAttributes}><Conference beep="false" ${callback} ${attributes}>Room 1</Conference></Dial>`,
    );
    const phone = await w.phone(user);
    const asked = w.app.requestsTo('/voice').length;
    const joined = statuses(w, 'participant-join').length;
    const call = dials(phone, w.uri('1000'));
    await expectEvent(phone, call, 'answered');
    const sid = (await w.asked('/voice', asked + 1)).params.CallSid ?? '';
    await told(w, 'participant-join', joined + 1);
    members.push({ phone, call, sid });
  }
  return members;
}

export const statuses = (w: World, event: string) =>
  w.app
    .requestsTo('/conference')
    .map(({ params }) => params)
    .filter((params) => params.StatusCallbackEvent === event);

/** The parameters of the `nth` callback of a kind. */
export const told = (w: World, event: string, nth = 1) =>
  until(
    () => statuses(w, event)[nth - 1],
    DEADLINE_MS,
    () => `${nth} ${event}; got ${w.app.requestsTo('/conference').map(({ params }) => params.StatusCallbackEvent)}`,
  );

export const conferenceCounts = (w: World) =>
  w.gateway.counts() as {
    conferences: { rooms: number; participants: number; plays: number };
    media: { mixers: number; mixerMembers: number };
  };

export async function nothingLeft(w: World): Promise<void> {
  await w.isIdle();
  const { conferences, media } = conferenceCounts(w);
  expect({ ...conferences, mixers: media.mixers, members: media.mixerMembers }).toEqual({
    rooms: 0,
    participants: 0,
    plays: 0,
    mixers: 0,
    members: 0,
  });
}

/** Resolves when `listener` hears nothing of `frequency` while `speaker` plays it. */
export async function isDeafTo(w: World, listener: PhoneCall, speaker: PhoneCall, frequency: number): Promise<void> {
  let share = 1;
  await until(
    async () => {
      const playing = speaker.play(
        [{ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs: 1_000 }],
        5_000,
      );
      const samples = await heard(w, listener);
      share = samples.every((sample) => Math.abs(sample) < 8) ? 0 : toneShare(samples, frequency);
      await playing;
      return share < 0.05;
    },
    DEADLINE_MS,
    () => `share ${share}`,
  );
}
