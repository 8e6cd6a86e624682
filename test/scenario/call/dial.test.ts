// Calls between registered phones through <Dial>: the main road of the gateway, over real sockets.

import { expect, test } from 'vitest';
import { DEADLINE_MS, expectEvent, world } from '../../support/world.ts';

test('a call is bridged, either side hears the other, and nothing is left behind', async () => {
  const w = await world();
  w.answers('<Dial action="/after"><Client>bob</Client></Dial>');
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  bob.onCall((call) => {
    call.leg.ring();
    void call.leg.answer();
  });
  const dialled = alice.dial(w.uri('1000'));
  if (!dialled.ok) throw new Error(dialled.error);
  const call = dialled.value;
  await expectEvent(alice, call, 'answered');
  const after = w.app.next('/after');
  const status = w.app.next('/status');
  call.leg.hangUp();
  expect((await after).params.DialCallStatus).toBe('completed');
  expect((await status).params).toMatchObject({ CallStatus: 'completed', CallbackSource: 'call-progress-events' });
  await w.isIdle();
});

test('the caller hangs up while the callee rings: the callee gets CANCEL, the caller 487', async () => {
  const w = await world();
  w.answers('<Dial answerOnBridge="true"><Client>bob</Client></Dial>');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const rung = new Promise<void>((resolve) =>
    bob.onCall((call) => {
      call.leg.ring();
      void call.waitFor(DEADLINE_MS, 'canceled').then(() => resolve());
    }),
  );
  const dialled = alice.dial(w.uri('1000'));
  if (!dialled.ok) throw new Error(dialled.error);
  await expectEvent(alice, dialled.value, 'ringing');
  await w.app.next('/voice').catch(() => undefined);
  dialled.value.leg.hangUp();
  const failed = await expectEvent(alice, dialled.value, 'failed');
  expect(failed.status).toBe(487);
  await rung;
  await w.isIdle();
});
