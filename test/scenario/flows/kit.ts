// The flows that telephone applications are made of, end to end: each prompt is a tone of its own, so that what is heard says where in the
// flow a caller is.

import type { Phone, PhoneCall } from '../../../src/demo/phone.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import type { AppRequest } from '../../support/fake-app.ts';
import { wavOf } from '../../support/recording-bench.ts';
import { until } from '../../support/until.ts';
import {
  CLEAN_SHARE,
  DEADLINE_MS,
  dials,
  expectEvent,
  heard,
  Inbox,
  medianShare,
  twiml,
  type World,
} from '../../support/world.ts';

/** Verbs, or a function of the request that gives them. */
type Page = string | ((request: AppRequest) => string);

/** An application of these pages. `<Play>/tone/700</Play>` is a second of 700 Hz. */
export function application(w: World, pages: Readonly<Record<string, Page>>): void {
  for (const [path, page] of Object.entries(pages))
    w.app.on(path, (request) => twiml(typeof page === 'string' ? page : page(request)));
  for (let frequency = 500; frequency <= 1_600; frequency += 100)
    w.app.on(`/tone/${frequency}`, {
      headers: { 'Content-Type': 'audio/wav' },
      body: wavOf(toneSamples([frequency], -10, 1_000)),
    });
}

/** An answered call of a user. */
export async function calls(w: World, user: string, number = '1000'): Promise<PhoneCall> {
  const phone = await w.phone(user);
  const call = dials(phone, w.uri(number));
  await expectEvent(phone, call, 'answered');
  return call;
}

/** A registered user who is called. */
export async function waiter(w: World, user: string): Promise<{ phone: Phone; inbox: Inbox }> {
  const phone = await w.phone(user);
  return { phone, inbox: new Inbox(phone, user) };
}

/** Resolves when the tone is what is heard. */
export async function hears(w: World, listener: PhoneCall, frequency: number): Promise<void> {
  let share = 0;
  await until(
    async () => {
      share = medianShare(await heard(w, listener), frequency);
      return share > CLEAN_SHARE;
    },
    2 * DEADLINE_MS,
    () => `${frequency} Hz is ${share} of what is heard`,
  );
}

/** Resolves when nothing of the tone is heard, while packets come. */
export async function hearsNo(w: World, listener: PhoneCall, frequency: number): Promise<void> {
  let share = 1;
  await until(
    async () => {
      const samples = await heard(w, listener);
      share = samples.every((sample) => Math.abs(sample) < 8) ? 0 : toneShare(samples, frequency);
      return share < 0.05;
    },
    2 * DEADLINE_MS,
    () => `${frequency} Hz is ${share} of what is heard`,
  );
}

/** The phone sends this tone for as long as the call lives, or until it plays something else. */
export function hums(call: PhoneCall, frequency: number): void {
  void call.play([{ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs: 120_000 }], 120_000);
}

export const presses = (call: PhoneCall, digits: string) => call.play([{ kind: 'digits', digits }], DEADLINE_MS);

export const ended = async (call: PhoneCall): Promise<void> => {
  if (!(await call.waitFor(2 * DEADLINE_MS, 'ended')))
    throw new Error(`not ended: ${call.events.map(({ type }) => type).join(' ')}`);
};
