// A phone tree: a menu, a menu below it, wrong keys and no key at all.

import { expect, test } from 'vitest';
import { world } from '../../support/world.ts';
import { application, calls, ended, hears, hums, presses, waiter } from './kit.ts';

const WELCOME_HZ = 500;
const WRONG_HZ = 600;
const PLANETS_HZ = 700;
const GOODBYE_HZ = 800;

const pages = {
  '/voice': `<Gather numDigits="1" action="/menu" timeout="5"><Play loop="0">/tone/${WELCOME_HZ}</Play></Gather>`,
  '/menu': ({ params }: { params: Readonly<Record<string, string>> }) =>
    params.Digits === '2'
      ? `<Gather numDigits="1" action="/planet"><Play loop="0">/tone/${PLANETS_HZ}</Play></Gather>`
      : `<Play>/tone/${WRONG_HZ}</Play><Play>/tone/${WRONG_HZ}</Play><Redirect>/voice</Redirect>`,
  '/planet': '<Dial action="/after"><Client>bob</Client></Dial>',
  '/after': `<Play>/tone/${GOODBYE_HZ}</Play><Play>/tone/${GOODBYE_HZ}</Play><Hangup/>`,
};

test('a wrong key leads back; two menus; a conversation; a goodbye [twiml 5.4 num-digits] [twiml 6.1 action]', async () => {
  const w = await world();
  application(w, pages);
  const { inbox } = await waiter(w, 'bob');
  const alice = await calls(w, 'alice');
  await hears(w, alice, WELCOME_HZ);
  await presses(alice, '9');
  await hears(w, alice, WRONG_HZ);
  await hears(w, alice, WELCOME_HZ);
  await presses(alice, '2');
  await hears(w, alice, PLANETS_HZ);
  await presses(alice, '3');
  const bob = await inbox.next('answer');
  hums(bob, 1_200);
  await hears(w, alice, 1_200);
  bob.leg.hangUp();
  await hears(w, alice, GOODBYE_HZ);
  await ended(alice);
  const pagesAsked = w.app.requests.filter(({ path }) => Object.keys(pages).includes(path));
  expect(pagesAsked.map(({ path, params }) => [path, params.Digits])).toEqual([
    ['/voice', undefined],
    ['/menu', '9'],
    ['/voice', undefined],
    ['/menu', '2'],
    ['/planet', '3'],
    ['/after', undefined],
  ]);
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
  await w.isIdle();
});

test('no key: the menu is given again, then the call ends [twiml 5.4 timeout]', async () => {
  const w = await world({ clockRate: 4 });
  application(w, {
    '/voice': ({ query }) =>
      query.get('round') === '2'
        ? `<Play>/tone/${GOODBYE_HZ}</Play><Play>/tone/${GOODBYE_HZ}</Play>`
        : `<Gather numDigits="1" action="/menu" timeout="2"><Play>/tone/${WELCOME_HZ}</Play></Gather><Redirect>/voice?round=2</Redirect>`,
  });
  const alice = await calls(w, 'alice');
  await ended(alice);
  expect(w.app.requestsTo('/menu')).toEqual([]);
  expect(w.app.requestsTo('/voice').map(({ target }) => target)).toEqual(['/voice', '/voice?round=2']);
  await w.isIdle();
});
