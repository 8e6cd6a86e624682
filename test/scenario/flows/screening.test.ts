// Call screening: the callee hears who calls, and takes the call with a key or sends it to the mailbox.

import { expect, test } from 'vitest';
import { type World, world } from '../../support/world.ts';
import { application, ended, hears, hums, presses, waiter } from './kit.ts';

const SCREEN_HZ = 500;
const ACCEPTED_HZ = 600;
const MAILBOX_HZ = 700;

async function screened(w: World) {
  application(w, {
    '/voice': '<Dial action="/after" answerOnBridge="true" ringTone="us"><Client url="/screen">bob</Client></Dial>',
    '/screen': `<Gather numDigits="1" action="/choice" timeout="4"><Play loop="0">/tone/${SCREEN_HZ}</Play></Gather><Hangup/>`,
    '/choice': ({ params }) => (params.Digits === '1' ? `<Play>/tone/${ACCEPTED_HZ}</Play>` : '<Hangup/>'),
    '/after': ({ params }) =>
      params.DialBridged === 'true' ? '<Hangup/>' : `<Play loop="0">/tone/${MAILBOX_HZ}</Play>`,
  });
  const { inbox } = await waiter(w, 'bob');
  const phone = await w.phone('alice');
  const dialled = phone.dial(w.uri('1000'));
  if (!dialled.ok) throw new Error(dialled.error);
  const bob = await inbox.next('answer');
  return { alice: dialled.value, bob };
}

test('accepted with 1: both talk, and the caller has heard nothing of the screening [twiml 6.3 url]', async () => {
  const w = await world();
  const { alice, bob } = await screened(w);
  await hears(w, bob, SCREEN_HZ);
  expect(alice.events.map(({ type }) => type)).not.toContain('answered');
  await presses(bob, '1');
  await alice.waitFor(8_000, 'answered');
  hums(alice, 1_100);
  hums(bob, 1_300);
  await hears(w, bob, 1_100);
  await hears(w, alice, 1_300);
  bob.leg.hangUp();
  await ended(alice);
  const { params } = await w.asked('/choice');
  const parent = (await w.asked('/voice')).params.CallSid;
  expect(params).toMatchObject({ Digits: '1', ParentCallSid: parent, Direction: 'outbound-dial' });
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
  await w.isIdle();
});

test('declined with 2: the callee is let go, the caller gets the mailbox [twiml 6.3 screening-hangup]', async () => {
  const w = await world();
  const { alice, bob } = await screened(w);
  await hears(w, bob, SCREEN_HZ);
  await presses(bob, '2');
  await ended(bob);
  await hears(w, alice, MAILBOX_HZ);
  const { params } = await w.asked('/after');
  expect(params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'false' });
  alice.leg.hangUp();
  await w.isIdle();
});

test('the caller gives up during the screening: the callee is let go [twiml 6.3 screening-caller-leaves]', async () => {
  const w = await world();
  const { alice, bob } = await screened(w);
  await hears(w, bob, SCREEN_HZ);
  alice.leg.hangUp();
  await ended(bob);
  expect(w.app.requestsTo('/choice')).toEqual([]);
  await w.isIdle();
});
