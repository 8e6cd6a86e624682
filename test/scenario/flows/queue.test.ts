// A support line: callers wait and hear their place, the agent takes one after the other, and each is told so first.

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, world } from '../../support/world.ts';
import { application, calls, ended, hears, hums, presses } from './kit.ts';

const FIRST_HZ = 500;
const SECOND_HZ = 600;
const CONNECTING_HZ = 700;
const SURVEY_HZ = 800;

test('two callers and an agent who takes both [twiml 7.3 head] [twiml 7.3 url] [twiml 7.2 wait-url] [twiml 6.1 hangup-on-star]', async () => {
  const w = await world();
  application(w, {
    '/voice': ({ params }) =>
      params.From?.startsWith('sip:carol@')
        ? '<Redirect>/agent</Redirect>'
        : '<Enqueue waitUrl="/wait" action="/survey">support</Enqueue>',
    '/wait': ({ params }) => `<Play>/tone/${params.QueuePosition === '1' ? FIRST_HZ : SECOND_HZ}</Play>`,
    '/agent': '<Dial action="/next" hangupOnStar="true"><Queue url="/connecting">support</Queue></Dial>',
    '/next': '<Redirect>/agent</Redirect>',
    '/connecting': `<Play>/tone/${CONNECTING_HZ}</Play><Play>/tone/${CONNECTING_HZ}</Play>`,
    '/survey': `<Play loop="0">/tone/${SURVEY_HZ}</Play>`,
  });
  const alice = await calls(w, 'alice');
  await hears(w, alice, FIRST_HZ);
  const bob = await calls(w, 'bob');
  await hears(w, bob, SECOND_HZ);

  const agent = await calls(w, 'carol');
  await hears(w, alice, CONNECTING_HZ);
  hums(alice, 1_000);
  await hears(w, agent, 1_000);
  await hears(w, bob, FIRST_HZ);
  await presses(agent, '*');
  await hears(w, alice, SURVEY_HZ);
  expect((await w.asked('/survey')).params).toMatchObject({ QueueResult: 'bridged' });

  await hears(w, bob, CONNECTING_HZ);
  hums(bob, 1_200);
  await hears(w, agent, 1_200);
  await presses(agent, '*');
  await hears(w, bob, SURVEY_HZ);
  for (const call of [alice, bob, agent]) call.leg.hangUp();
  await Promise.all([ended(alice), ended(bob), ended(agent)]);
  await w.isIdle();
  await until(
    () => {
      const { waiting, agents } = (w.gateway.counts() as { queues: { waiting: number; agents: number } }).queues;
      return waiting + agents === 0;
    },
    DEADLINE_MS,
    () => JSON.stringify(w.gateway.counts()),
  );
});
