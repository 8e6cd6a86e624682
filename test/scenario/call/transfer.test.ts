// Transfers between real legs (sip-interface.md 5, RFC 3515): blind ones through referUrl, in both columns of the vendor's table, from
// either side of the bridge, and what goes wrong with them.

import { expect, test } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  bridged,
  bridges,
  DEADLINE_MS,
  expectEvent,
  Inbox,
  shareHeard,
  type World,
  world,
} from '../../support/world.ts';

const ON_BRIDGE = 'answerOnBridge="true" ';
const dialBob = (attributes = '', referUrl = 'referUrl="/refer" ') =>
  `<Dial action="/after" ${attributes}${referUrl}><Client>bob</Client></Dial>`;
const CAROL = 'sip:carol@office.sip.localhost';
const TONE = { caller: 440, carol: 1_000 };

/** Sends a REFER on a call of a phone. */
function refers(call: PhoneCall, target = CAROL) {
  const sent = call.leg.refer(target);
  if (!sent) throw new Error('the leg is not answered');
  return sent.result;
}

/** Alice called bob; carol's phone is there. */
async function threeParties(w: World, verb: string) {
  const carol = await w.phone('carol');
  const pair = await bridged(w, verb);
  return { ...pair, carol, carols: new Inbox(carol, 'carol') };
}

const sharesOver = async (w: World, listener: PhoneCall, speaker: PhoneCall, frequency: number) =>
  expect(await shareHeard(w, listener, speaker, frequency)).toBeGreaterThan(0.9);

const notifications = (w: World) =>
  w
    .rest('/Notifications.json')
    .then((answer) => (answer.body.notifications as { error_code: string }[]).map((one) => one.error_code));

for (const side of ['callee', 'caller'] as const) {
  test(`[sip 5.2 refer-replace-${side}] answerOnBridge=false: the ${side} transfers; it gets NOTIFY 200 and BYE when referUrl was fetched [sip 10 trap-12] [twiml 3.3 refer-url] [twiml 6.4 asked]`, async () => {
    const w = await world();
    const { alice, bob, caller, callee, carols } = await threeParties(w, dialBob());
    w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
    const [transferor, transferorPhone, stays] =
      side === 'callee' ? ([callee, bob, caller] as const) : ([caller, alice, callee] as const);
    const result = refers(transferor, `${CAROL}?X-Reason=busy`);
    // It leaves before carol answers.
    const atCarol = await carols.next('ring');
    expect(await result).toEqual({ status: 202, notified: 200, end: 'notified' });
    await expectEvent(transferorPhone, transferor, 'ended');
    expect(stays.isOver).toBe(false);
    expect(await atCarol.leg.answer()).toMatchObject({ ok: true });
    await bridges(w, 1);
    await sharesOver(w, atCarol, stays, TONE.caller);
    await sharesOver(w, stays, atCarol, TONE.carol);
    const asked = await w.asked('/refer');
    const voice = w.app.requestsTo('/voice')[0]!;
    expect(asked.method).toBe('POST');
    expect(asked.params).toMatchObject({
      ReferTransferTarget: `<${CAROL}?X-Reason=busy>`,
      CallStatus: 'in-progress',
      ...(side === 'callee'
        ? { CallSid: voice.params.CallSid, Direction: 'inbound', SipDomain: 'office.sip.localhost' }
        : { ParentCallSid: voice.params.CallSid, Direction: 'outbound-dial' }),
    });
    atCarol.leg.hangUp();
    // The document of the transfer is over: so is the call of who stayed.
    await expectEvent(side === 'callee' ? alice : bob, stays, 'ended');
    await w.isIdle();
    // The replaced document's action is not asked; a caller that left has its Dial end as when it hangs up.
    expect(w.app.requestsTo('/after')).toHaveLength(side === 'callee' ? 0 : 1);
  });

  test(`[sip 5.2 refer-attempt-${side}] answerOnBridge=true: the ${side} stays until the target answers [twiml 6.4 attempt]`, async () => {
    const w = await world();
    const { alice, bob, caller, callee, carols } = await threeParties(w, dialBob(ON_BRIDGE));
    w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
    const [transferor, transferorPhone, stays] =
      side === 'callee' ? ([callee, bob, caller] as const) : ([caller, alice, callee] as const);
    const result = refers(transferor);
    const atCarol = await carols.next('ring');
    // referUrl was fetched and the target rings: both are still there, and do not hear each other.
    await bridges(w, 0);
    expect(transferor.isOver).toBe(false);
    await atCarol.leg.answer();
    expect(await result).toEqual({ status: 202, notified: 200, end: 'notified' });
    await expectEvent(transferorPhone, transferor, 'ended');
    await bridges(w, 1);
    await sharesOver(w, atCarol, stays, TONE.caller);
    await sharesOver(w, stays, atCarol, TONE.carol);
    stays.leg.hangUp();
    await expectEvent(alice, atCarol, 'ended');
    await w.isIdle();
  });

  test(`[sip 5.2 refer-attempt-busy-${side}] answerOnBridge=true: the target is busy; NOTIFY 486, and the two hear each other again [twiml 6.4 attempt]`, async () => {
    const w = await world();
    const { alice, bob, caller, callee, carols } = await threeParties(w, dialBob(ON_BRIDGE));
    w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
    const [transferor, other] = side === 'callee' ? [callee, caller] : [caller, callee];
    const result = refers(transferor);
    (await carols.next('leave')).leg.refuse(486);
    expect(await result).toEqual({ status: 202, notified: 486, end: 'notified' });
    await bridges(w, 1);
    await sharesOver(w, transferor, other, TONE.caller);
    await sharesOver(w, other, transferor, TONE.carol);
    callee.leg.hangUp();
    await expectEvent(bob, callee, 'ended');
    // Back in the Dial that made the bridge: its action is asked as ever.
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
    await expectEvent(alice, caller, 'ended');
    await w.isIdle();
  });
}

test('[sip 5.2 refer-attempt-again] after a transfer that came to nothing another one can be asked for', async () => {
  const w = await world();
  const { bob, callee, carols } = await threeParties(w, dialBob(ON_BRIDGE));
  w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
  const first = refers(callee);
  (await carols.next('leave')).leg.refuse(480);
  expect(await first).toMatchObject({ notified: 480 });
  await bridges(w, 1);
  const second = refers(callee);
  await carols.next('answer');
  expect(await second).toMatchObject({ status: 202, notified: 200 });
  await expectEvent(bob, callee, 'ended');
});

test('[sip 5.2 refer-replace-busy] answerOnBridge=false: the target is busy; the document goes on, then the call ends', async () => {
  const w = await world();
  const { alice, bob, caller, callee, carols } = await threeParties(w, dialBob());
  w.answers('<Dial action="/target"><Client>carol</Client></Dial>', '/refer');
  w.answers('<Hangup/>', '/target');
  const result = refers(callee);
  (await carols.next('leave')).leg.refuse(486);
  expect(await result).toMatchObject({ status: 202, notified: 200 });
  await expectEvent(bob, callee, 'ended');
  expect((await w.asked('/target')).params).toMatchObject({ DialCallStatus: 'busy', DialSipResponseCode: '486' });
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});

test('[sip 5.2 refer-url-unreachable-replace] answerOnBridge=false: no document; NOTIFY 503, the transferor is gone, the other hears the announcement', async () => {
  const w = await world();
  const { alice, bob, caller, callee } = await threeParties(w, dialBob());
  w.app.on('/refer', { status: 500 });
  const result = refers(callee);
  expect(await result).toEqual({ status: 202, notified: 503, end: 'notified' });
  await expectEvent(bob, callee, 'ended');
  await expectEvent(alice, caller, 'ended');
  expect(await notifications(w)).toContain('11217');
  await w.isIdle();
});

test('[sip 5.2 refer-url-unreachable-fallback] answerOnBridge=false: the fallback of the domain is for the one who stays', async () => {
  const w = await world({ domain: (origin) => ({ voiceFallbackUrl: `${origin}/fallback` }) });
  const { alice, bob, caller, callee } = await threeParties(w, dialBob());
  w.app.on('/refer', { status: 500 });
  w.answers('<Hangup/>', '/fallback');
  expect(await refers(callee)).toMatchObject({ notified: 503 });
  await expectEvent(bob, callee, 'ended');
  expect((await w.asked('/fallback')).params.ErrorUrl).toContain('/refer');
  await expectEvent(alice, caller, 'ended');
});

test('[sip 5.2 refer-url-unreachable-attempt] answerOnBridge=true: no document; NOTIFY 503, and the call is as it was', async () => {
  const w = await world();
  const { caller, callee } = await threeParties(w, dialBob(ON_BRIDGE));
  w.app.on('/refer', { status: 500 });
  expect(await refers(callee)).toEqual({ status: 202, notified: 503, end: 'notified' });
  await sharesOver(w, callee, caller, TONE.caller);
  await sharesOver(w, caller, callee, TONE.carol);
  caller.leg.hangUp();
  await w.isIdle();
});

/** A trunk over REST whose only target is a phone on this port. */
async function trunkTo(w: World, port: number): Promise<string> {
  const post = async (path: string, form: Readonly<Record<string, string>>): Promise<string> => {
    const response = await fetch(`${w.gateway.info.apiUrl}/v1/${path}`, {
      method: 'POST',
      headers: { Authorization: `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}` },
      body: new URLSearchParams(form),
    });
    return ((await response.json()) as { sid: string }).sid;
  };
  const policy = await post('ConnectionPolicies', {});
  await post(`ConnectionPolicies/${policy}/Targets`, { Target: `sip:127.0.0.1:${port}` });
  return post('ByocTrunks', { ConnectionPolicySid: policy });
}

const nouns = [
  ['Client', '<Client>bob</Client>'],
  ['Sip', '<Sip>sip:bob@office.sip.localhost</Sip>'],
  ['Number', undefined],
] as const;

test.each(nouns)(
  '[sip 5.2 refer-nouns] %s: who was dialled by it can transfer [twiml 6.4 nouns]',
  async (_noun, target) => {
    const w = await world({ settings: { accountLimits: [{ account: 'default', allowedPrefixes: ['+49'] }] } });
    const bob = await w.phone('bob');
    // Bob's phone stands for the carrier of a number.
    const written = target ?? `<Number byoc="${await trunkTo(w, bob.port)}">+4930123</Number>`;
    w.answers(`<Dial referUrl="/refer" callerId="+4989777">${written}</Dial>`);
    w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
    const alice = await w.phone('alice');
    const carols = new Inbox(await w.phone('carol'), 'carol');
    const bobs = new Inbox(bob, 'bob');
    const dialled = alice.dial(w.uri('1000'));
    if (!dialled.ok) throw new Error(dialled.error);
    const callee = await bobs.next('answer');
    await bridges(w, 1);
    const result = refers(callee);
    const atCarol = await carols.next('answer');
    expect(await result).toEqual({ status: 202, notified: 200, end: 'notified' });
    await bridges(w, 1);
    atCarol.leg.hangUp();
    await expectEvent(alice, dialled.value, 'ended');
    await w.isIdle();
  },
);

test('[sip 5.2 refer-rooms] in a conference there is nobody to be transferred from: 603 and 32218, the call goes on', async () => {
  const w = await world();
  w.answers('<Dial referUrl="/refer"><Conference beep="false" startConferenceOnEnter="true">room</Conference></Dial>');
  w.answers('<Gather timeout="60"/>', '/refer');
  const alice = await w.phone('alice');
  const dialled = alice.dial(w.uri('1000'));
  if (!dialled.ok) throw new Error(dialled.error);
  await expectEvent(alice, dialled.value, 'answered');
  expect(await refers(dialled.value)).toMatchObject({ status: 603, end: 'refused' });
  await until(
    async () => (await notifications(w)).includes('32218'),
    DEADLINE_MS,
    () => 'alert 32218',
  );
  expect(dialled.value.isOver).toBe(false);
  expect(w.app.requestsTo('/refer')).toEqual([]);
  dialled.value.leg.hangUp();
  await w.isIdle();
});

test('[sip 5.2 refer-no-url] no referUrl: 603 and alert 13802; the call stays as it was [twiml 6.4 no-url] [twiml 14 refer]', async () => {
  const w = await world();
  const { caller, callee } = await threeParties(w, dialBob('', ''));
  for (const transferor of [callee, caller])
    expect(await refers(transferor)).toEqual({ status: 603, notified: undefined, end: 'refused' });
  await sharesOver(w, callee, caller, TONE.caller);
  await until(
    async () => (await notifications(w)).includes('13802'),
    DEADLINE_MS,
    () => 'alert 13802',
  );
  caller.leg.hangUp();
  await w.isIdle();
});

test('[sip 5.2 refer-several] a second REFER while the first one is under way gets 491', async () => {
  const w = await world();
  const { caller, callee, carols } = await threeParties(w, dialBob(ON_BRIDGE));
  w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
  void refers(callee);
  const atCarol = await carols.next('ring');
  expect(await refers(caller)).toMatchObject({ status: 491 });
  atCarol.leg.refuse(486);
  await bridges(w, 1);
  caller.leg.hangUp();
  await w.isIdle();
});

test('[sip 5.2 refer-target] a Refer-To over 256 characters or of another kind is refused, and nothing is asked', async () => {
  const w = await world();
  const { caller, callee } = await threeParties(w, dialBob());
  expect(await refers(callee, `sip:${'9'.repeat(260)}@office.sip.localhost`)).toMatchObject({ status: 400 });
  expect(await refers(callee, 'mailto:carol@example.com')).toMatchObject({ status: 400 });
  expect(await refers(callee, `${CAROL};method=BYE`)).toMatchObject({ status: 603 });
  expect(w.app.requestsTo('/refer')).toEqual([]);
  caller.leg.hangUp();
  await w.isIdle();
});

test('[sip 5.2 refer-foreign-replaces] Replaces names a dialog that is not ours: the application decides', async () => {
  const w = await world();
  const { alice, bob, caller, callee, carols } = await threeParties(w, dialBob());
  w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
  const target = `${CAROL}?Replaces=x%40elsewhere.example%3Bto-tag%3D1%3Bfrom-tag%3D2`;
  expect(await refers(callee, target)).toEqual({ status: 202, notified: 200, end: 'notified' });
  await expectEvent(bob, callee, 'ended');
  expect((await w.asked('/refer')).params.ReferTransferTarget).toBe(`<${target}>`);
  const atCarol = await carols.next('answer');
  atCarol.leg.hangUp();
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});

test('[sip 5.2 refer-outside-dial] a REFER of a caller that is in no Dial: 603 and alert 32218', async () => {
  const w = await world();
  w.answers('<Pause length="60"/><Hangup/>');
  w.answers('<Gather timeout="60"/>');
  const alice = await w.phone('alice');
  const dialled = alice.dial(w.uri('1000'));
  if (!dialled.ok) throw new Error(dialled.error);
  await expectEvent(alice, dialled.value, 'answered');
  expect(await refers(dialled.value)).toMatchObject({ status: 603, end: 'refused' });
  await until(
    async () => (await notifications(w)).includes('32218'),
    DEADLINE_MS,
    () => 'alert 32218',
  );
  dialled.value.leg.hangUp();
  await w.isIdle();
});

test('[sip 5.2 refer-transferor-leaves] the transferor hangs up by itself; the transfer goes on without it', async () => {
  const w = await world();
  const { alice, bob, caller, callee, carols } = await threeParties(w, dialBob(ON_BRIDGE));
  w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
  void refers(callee);
  const atCarol = await carols.next('ring');
  callee.leg.hangUp();
  await expectEvent(bob, callee, 'ended');
  await atCarol.leg.answer();
  await bridges(w, 1);
  await sharesOver(w, atCarol, caller, TONE.caller);
  atCarol.leg.hangUp();
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});

for (const [mode, attributes] of [
  ['false', ''],
  ['true', ON_BRIDGE],
] as const) {
  test(`[sip 5.2 refer-transferee-leaves-${mode}] answerOnBridge=${mode}: who is being transferred hangs up while the target rings; nothing is left`, async () => {
    const w = await world();
    const { bob, carol, caller, callee, carols } = await threeParties(w, dialBob(attributes));
    w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
    const result = refers(callee);
    const atCarol = await carols.next('ring');
    caller.leg.hangUp();
    await expectEvent(carol, atCarol, 'canceled');
    await expectEvent(bob, callee, 'ended');
    expect((await result).status).toBe(202);
    await w.isIdle();
  });
}

test('[sip 5.2 refer-redirected] REST gives the transferee another document meanwhile: the transfer is given up', async () => {
  const w = await world();
  const { bob, carol, caller, callee, carols } = await threeParties(w, dialBob(ON_BRIDGE));
  w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
  w.answers('<Gather timeout="60"/>', '/elsewhere');
  const result = refers(callee);
  const atCarol = await carols.next('ring');
  const sid = w.app.requestsTo('/voice')[0]!.params.CallSid!;
  await w.rest(`/Calls/${sid}.json`, { Url: `${w.app.origin}/elsewhere` });
  await expectEvent(carol, atCarol, 'canceled');
  expect(await result).toMatchObject({ status: 202, notified: 487 });
  await expectEvent(bob, callee, 'ended');
  await w.asked('/elsewhere');
  expect(caller.isOver).toBe(false);
  caller.leg.hangUp();
  await w.isIdle();
});

test('[sip 5.2 refer-chain] who was reached by a transfer can transfer again', async () => {
  const w = await world();
  const { alice, bob, carol, caller, callee, carols } = await threeParties(w, dialBob());
  w.answers('<Dial referUrl="/refer-2"><Client>carol</Client></Dial>', '/refer');
  w.answers('<Dial><Client>bob</Client></Dial>', '/refer-2');
  expect(await refers(callee)).toMatchObject({ notified: 200 });
  await expectEvent(bob, callee, 'ended');
  const atCarol = await carols.next('answer');
  await bridges(w, 1);
  const bobs = new Inbox(bob, 'bob');
  expect(await refers(atCarol, 'sip:bob@office.sip.localhost')).toMatchObject({ notified: 200 });
  await expectEvent(carol, atCarol, 'ended');
  const again = await bobs.next('answer');
  await bridges(w, 1);
  await sharesOver(w, again, caller, TONE.caller);
  again.leg.hangUp();
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});
