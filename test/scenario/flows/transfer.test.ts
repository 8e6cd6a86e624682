// A warm transfer by conference and REST: the agent puts the customer on hold, talks to a colleague alone, joins all, and leaves.

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, world } from '../../support/world.ts';
import { application, calls, ended, hears, hums, waiter } from './kit.ts';

const HOLD_HZ = 500;

test('hold, consult, join, leave: nobody hears what is not for him [rest 11 hold] [rest 11 create] [rest 11 participants]', async () => {
  const w = await world();
  application(w, {
    '/voice': ({ params }) =>
      `<Dial><Conference beep="false" endConferenceOnExit="false" waitUrl="">${params.CallSid}</Conference></Dial>`,
    '/hold': `<Play loop="0">/tone/${HOLD_HZ}</Play>`,
    '/agent': ({ query }) =>
      `<Dial><Conference beep="false" endConferenceOnExit="${query.get('end')}">${query.get('room')}</Conference></Dial>`,
  });
  const first = await waiter(w, 'bob');
  const second = await waiter(w, 'carol');
  const customer = await calls(w, 'alice');
  const name = (await w.asked('/voice')).params.CallSid!;
  const from = 'sip:desk@office.sip.localhost';
  await w.rest('/Calls.json', {
    To: 'sip:bob@office.sip.localhost',
    From: from,
    Url: w.app.url(`/agent?end=false&room=${name}`),
  });
  const agent = await first.inbox.next('answer');
  hums(customer, 900);
  hums(agent, 1_100);
  await hears(w, agent, 900);
  await hears(w, customer, 1_100);

  type Rooms = { conferences: { sid: string }[] };
  const sid = ((await w.rest(`/Conferences.json?FriendlyName=${name}`)).body as Rooms).conferences[0]!.sid;
  const participants = `/Conferences/${sid}/Participants`;
  const held = await w.rest(`${participants}/${name}.json`, { Hold: 'true', HoldUrl: w.app.url('/hold') });
  expect(held.body).toMatchObject({ hold: true });
  await hears(w, customer, HOLD_HZ);
  const added = await w.rest(`${participants}.json`, {
    To: 'sip:carol@office.sip.localhost',
    From: from,
    Label: 'colleague',
    Beep: 'false',
    EndConferenceOnExit: 'true',
  });
  expect(added).toMatchObject({ status: 201, body: { label: 'colleague', conference_sid: sid } });
  const colleague = await second.inbox.next('answer');
  hums(colleague, 1_300);
  await hears(w, agent, 1_300);
  await hears(w, colleague, 1_100);
  await hears(w, customer, HOLD_HZ);

  await w.rest(`${participants}/${name}.json`, { Hold: 'false' });
  agent.leg.hangUp();
  await hears(w, customer, 1_300);
  await hears(w, colleague, 900);
  type People = { participants: { label: string | null }[] };
  await until(
    async () => ((await w.rest(`${participants}.json`)).body as People).participants.length === 2,
    DEADLINE_MS,
    () => 'two participants',
  );
  colleague.leg.hangUp();
  await ended(customer);
  await w.isIdle();
});
