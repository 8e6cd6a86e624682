// The Refer verb towards a real phone (sip-interface.md 5.1, twiml.md 5.10): what the REFER looks like, what its NOTIFYs become, how the
// leg ends.

import { expect, test } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { bridged, dials, expectEvent, type World, world } from '../../support/world.ts';

const refer = (
  action = ' action="/referred"',
  target = 'sip:carol@example.com?X-Account=7&amp;User-to-User=abc%3Bencoding%3Dhex',
) => `<Refer${action}><Sip>${target}</Sip></Refer>`;

/** Alice on a call that runs `verbs`; answered, and asked to transfer herself. */
async function referred(w: World, verbs: string) {
  w.answers(verbs);
  w.answers('<Hangup/>', '/referred');
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  return { alice, call, request: await askedToTransfer(alice, call) };
}

const askedToTransfer = (phone: Parameters<typeof expectEvent>[0], call: PhoneCall) =>
  expectEvent(phone, call, 'refer');

test('[sip 5.1 refer-target] an unanswered leg is answered first; URI headers go into Refer-To as written [sip 10 trap-14] [twiml 3.3 refer] [twiml 5.10 sip] [twiml 5.10 succeeded]', async () => {
  const w = await world();
  const { alice, call, request } = await referred(w, refer());
  expect(call.events.map((event) => event.type)).toContain('answered');
  expect(request.referTo.target).toBe('<sip:carol@example.com?X-Account=7&User-to-User=abc%3Bencoding%3Dhex>');
  request.answer.accept();
  await request.answer.finish(200);
  expect((await w.asked('/referred')).params).toMatchObject({
    CallStatus: 'in-progress',
    ReferCallStatus: 'in-progress',
    ReferSipResponseCode: '202',
    NotifySipResponseCode: '200',
  });
  await expectEvent(alice, call, 'ended');
  await w.isIdle();
});

for (const [notified, status] of [
  [486, 'busy'],
  [603, 'busy'],
  [480, 'no-answer'],
  [404, 'failed'],
  [503, 'failed'],
] as const) {
  test(`[sip 5.1 refer-notify-${notified}] the new call fails with ${notified}: ReferCallStatus ${status} [twiml 5.10 new-call-failed]`, async () => {
    const w = await world();
    const { alice, call, request } = await referred(w, refer());
    request.answer.accept();
    void request.answer.progress(180);
    await request.answer.finish(notified);
    const { params } = await w.asked('/referred');
    expect([params.ReferCallStatus, params.ReferSipResponseCode, params.NotifySipResponseCode]).toEqual([
      status,
      '202',
      String(notified),
    ]);
    await expectEvent(alice, call, 'ended');
  });
}

test('[sip 5.1 refer-refused] the phone refuses the REFER: failed, its code, no NotifySipResponseCode [twiml 5.10 refused]', async () => {
  const w = await world();
  const { alice, call, request } = await referred(w, refer());
  request.answer.refuse(405);
  const { params } = await w.asked('/referred');
  expect(params).toMatchObject({ ReferCallStatus: 'failed', ReferSipResponseCode: '405' });
  expect(params).not.toHaveProperty('NotifySipResponseCode');
  await expectEvent(alice, call, 'ended');
});

test('[sip 5.1 refer-caller-leaves] the caller hangs up meanwhile: the action is asked with canceled, and its answer ignored [twiml 4.2 refer-hangup] [twiml 5.10 caller-leaves]', async () => {
  const w = await world();
  const { call, request } = await referred(w, refer());
  w.answers('<Say>nobody hears this</Say>', '/referred');
  request.answer.accept();
  await request.answer.progress(180);
  call.leg.hangUp();
  const { params } = await w.asked('/referred');
  expect(params).toMatchObject({
    CallStatus: 'completed',
    ReferCallStatus: 'canceled',
    ReferSipResponseCode: '202',
    NotifySipResponseCode: '180',
  });
  await w.isIdle();
});

test('[sip 5.1 refer-last-verb] no action and nothing behind it: the leg is ended by us [twiml 5.10 last-verb]', async () => {
  const w = await world();
  const { alice, call, request } = await referred(w, refer(''));
  request.answer.accept();
  expect(call.isOver).toBe(false);
  await request.answer.finish(200);
  expect(await expectEvent(alice, call, 'ended')).toMatchObject({ by: 'remote' });
  await w.isIdle();
});

test('[sip 5.1 refer-next-verb] no action: the next verb runs', async () => {
  const w = await world();
  const { alice, call, request } = await referred(w, `${refer('')}<Redirect>/next</Redirect>`);
  w.answers('<Hangup/>', '/next');
  request.answer.refuse(603);
  await w.asked('/next');
  await expectEvent(alice, call, 'ended');
});

test('[sip 5.1 refer-outbound-leg] over REST also on a leg that was dialled: it leaves its bridge and refers [twiml 5.10 outbound]', async () => {
  const w = await world();
  const { bob, alice, caller, callee } = await bridged(w);
  const children = await w.rest(`/Calls.json?ParentCallSid=${w.app.requestsTo('/voice')[0]!.params.CallSid}`);
  const [child] = children.body.calls as { sid: string }[];
  w.answers('<Hangup/>', '/referred');
  await w.rest(`/Calls/${child!.sid}.json`, {
    Twiml: `<Response><Refer action="${w.app.origin}/referred"><Sip>sip:carol@example.com</Sip></Refer></Response>`,
  });
  const request = await askedToTransfer(bob, callee);
  request.answer.accept();
  await request.answer.finish(200);
  expect((await w.asked('/referred')).params).toMatchObject({ CallSid: child!.sid, ReferCallStatus: 'in-progress' });
  await expectEvent(bob, callee, 'ended');
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});
