// Forwarding from one number to the next, with a whisper for the one who answers.

import { expect, test } from 'vitest';
import { world } from '../../support/world.ts';
import { application, ended, hears, hums, waiter } from './kit.ts';

const WHISPER_HZ = 500;
const NOBODY_HZ = 600;

const NUMBERS = ['bob', 'carol'];

const pages = {
  '/voice': '<Redirect>/next?number=0</Redirect>',
  '/next': ({ query, params }: { query: URLSearchParams; params: Readonly<Record<string, string>> }) => {
    const user = NUMBERS[Number(query.get('number'))];
    if (params.DialCallStatus === 'completed') return '<Hangup/>';
    if (user === undefined) return `<Play loop="0">/tone/${NOBODY_HZ}</Play>`;
    const action = `/next?number=${Number(query.get('number')) + 1}`;
    return `<Dial action="${action}" timeout="20" answerOnBridge="true"><Client url="/whisper">${user}</Client></Dial>`;
  },
  '/whisper': `<Play>/tone/${WHISPER_HZ}</Play><Play>/tone/${WHISPER_HZ}</Play>`,
};

test('the first is busy, the second hears the whisper and talks [twiml 6.3 url] [twiml 6.1 action]', async () => {
  const w = await world();
  application(w, pages);
  const first = await waiter(w, 'bob');
  const second = await waiter(w, 'carol');
  const phone = await w.phone('alice');
  const dialled = phone.dial(w.uri('1000'));
  if (!dialled.ok) throw new Error(dialled.error);
  const alice = dialled.value;
  (await first.inbox.next('ring')).leg.refuse(486);
  const carol = await second.inbox.next('answer');
  await hears(w, carol, WHISPER_HZ);
  hums(alice, 900);
  hums(carol, 1_200);
  await hears(w, carol, 900);
  await hears(w, alice, 1_200);
  alice.leg.hangUp();
  await ended(carol);
  expect((await w.asked('/next', 2)).params).toMatchObject({ DialCallStatus: 'busy', DialSipResponseCode: '486' });
  expect((await w.asked('/next', 3)).params).toMatchObject({ DialCallStatus: 'completed' });
  await w.isIdle();
});

test('nobody takes it: the caller is told', async () => {
  const w = await world();
  application(w, pages);
  const first = await waiter(w, 'bob');
  const phone = await w.phone('alice');
  const dialled = phone.dial(w.uri('1000'));
  if (!dialled.ok) throw new Error(dialled.error);
  const alice = dialled.value;
  (await first.inbox.next('ring')).leg.refuse(603);
  await hears(w, alice, NOBODY_HZ);
  // carol is not registered.
  expect((await w.asked('/next', 3)).params.DialCallStatus).toBe('failed');
  alice.leg.hangUp();
  await w.isIdle();
});
