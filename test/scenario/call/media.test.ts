// What the two sides of a bridged call hear, over real sockets: tones, digits, hold, encryption.

import { expect, test } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { until } from '../../support/until.ts';
import {
  bridged,
  CLEAN_SHARE,
  DEADLINE_MS,
  dials,
  expectEvent,
  heard,
  hearsPackets,
  Inbox,
  medianShare,
  shareHeard,
  type World,
  world,
} from '../../support/world.ts';

/** Either side hears the other's tone, and not its own. */
async function expectAudioBothWays(w: World, caller: PhoneCall, callee: PhoneCall): Promise<void> {
  const [toCallee, toCaller] = await Promise.all([
    shareHeard(w, callee, caller, 1_000),
    shareHeard(w, caller, callee, 440),
  ]);
  expect(toCallee).toBeGreaterThanOrEqual(CLEAN_SHARE);
  expect(toCaller).toBeGreaterThanOrEqual(CLEAN_SHARE);
}

const digitsOf = (call: PhoneCall): string =>
  call.events.map((event) => (event.type === 'digit' ? event.digit : '')).join('');

const hearsDigits = (call: PhoneCall, digits: string): Promise<boolean> =>
  until(
    () => digitsOf(call) === digits,
    DEADLINE_MS,
    () => `digits ${digits}; heard ${digitsOf(call)}`,
  );

test('a bridged call carries a tone each way', async () => {
  const w = await world();
  const { caller, callee } = await bridged(w);
  await expectAudioBothWays(w, caller, callee);
  caller.leg.hangUp();
  await w.isIdle();
});

test('PCMU on one side and PCMA on the other: the gateway transcodes', async () => {
  const w = await world();
  const { caller, callee } = await bridged(w, undefined, { alice: { codecs: ['PCMU'] }, bob: { codecs: ['PCMA'] } });
  await expectAudioBothWays(w, caller, callee);
  caller.leg.hangUp();
  await w.isIdle();
});

for (const transport of ['tcp', 'tls'] as const) {
  test(`phones over ${transport} hear each other`, async () => {
    const w = await world({ tls: true });
    const setup = { transport };
    const { caller, callee } = await bridged(w, undefined, { alice: setup, bob: setup });
    await expectAudioBothWays(w, caller, callee);
    callee.leg.hangUp();
    await w.isIdle();
  });
}

test('design.md 10: SRTP over TLS on one side, plain RTP over UDP on the other', async () => {
  const w = await world({ tls: true });
  const { caller, callee } = await bridged(w, undefined, { alice: { transport: 'tls', secureMedia: true } });
  await expectAudioBothWays(w, caller, callee);
  caller.leg.hangUp();
  await w.isIdle();
});

test('design.md 10: a binding over TLS is offered SRTP [sip 4 tls-binding]', async () => {
  const w = await world({ tls: true });
  const { caller, callee } = await bridged(w, undefined, { bob: { transport: 'tls', secureMedia: true } });
  await expectAudioBothWays(w, caller, callee);
  callee.leg.hangUp();
  await w.isIdle();
});

test('RFC 4733: digits pass through a bridge, either way [sip 0 dtmf-events]', async () => {
  const w = await world();
  const { caller, callee } = await bridged(w);
  await Promise.all([
    caller.play([{ kind: 'digits', digits: '15#' }], DEADLINE_MS),
    callee.play([{ kind: 'digits', digits: '42' }], DEADLINE_MS),
  ]);
  await Promise.all([hearsDigits(callee, '15#'), hearsDigits(caller, '42')]);
  caller.leg.hangUp();
  await w.isIdle();
});

test('RFC 4733: digits into a Gather reach its action [sip 0 dtmf-events] [twiml 5.4 digits-heard]', async () => {
  const w = await world();
  w.answers('<Gather action="/digits" numDigits="4" timeout="8"/>');
  w.answers('<Hangup/>', '/digits');
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  await expectEvent(alice, caller, 'answered');
  await caller.play([{ kind: 'digits', digits: '12#3456' }], DEADLINE_MS);
  const request = await w.asked('/digits');
  expect(request.params).toMatchObject({ Digits: '12', FinishedOnKey: '#', CallStatus: 'in-progress' });
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});

test('design.md 5.1: hangupOnStar ends the callee, and the caller goes on [sip 2.1 hangup-on-star] [twiml 6.2 star]', async () => {
  const w = await world();
  const { bob, caller, callee } = await bridged(
    w,
    '<Dial hangupOnStar="true" action="/after"><Client>bob</Client></Dial>',
  );
  await caller.play([{ kind: 'digits', digits: '1*' }], DEADLINE_MS);
  await expectEvent(bob, callee, 'ended');
  expect((await w.asked('/after')).params).toMatchObject({ CallStatus: 'in-progress', DialCallStatus: 'completed' });
  await w.isIdle();
});

for (const holder of ['caller', 'callee'] as const) {
  test(`design.md 6: the ${holder} holds (sendonly, inactive): the held side is offered sendonly and keeps getting RTP; resume [sip 1.6 hold]`, async () => {
    const w = await world();
    const { caller, callee } = await bridged(w);
    const [holding, held] = holder === 'caller' ? [caller, callee] : [callee, caller];
    const isOffered = (direction: 'sendonly' | 'sendrecv') =>
      until(
        () => held.leg.remoteDirection === direction,
        DEADLINE_MS,
        () => `the held side was offered ${held.leg.remoteDirection}, not ${direction}`,
      );
    for (const direction of ['sendonly', 'inactive'] as const) {
      expect(await holding.offer(direction)).toBe(true);
      await isOffered('sendonly');
      await hearsPackets(held, 20);
      expect(await holding.offer('sendrecv')).toBe(true);
      await isOffered('sendrecv');
    }
    await expectAudioBothWays(w, caller, callee);
    caller.leg.hangUp();
    await w.isIdle();
  });
}

test('RFC 3264 8.4: who holds hangs up; the held caller is taken off hold for what comes next', async () => {
  const w = await world();
  const { caller, callee } = await bridged(w);
  w.answers('<Gather action="/digits" numDigits="1" timeout="8"/>', '/after');
  w.answers('<Hangup/>', '/digits');
  await callee.offer('sendonly');
  await until(
    () => caller.leg.remoteDirection === 'sendonly',
    DEADLINE_MS,
    () => caller.leg.remoteDirection,
  );
  callee.leg.hangUp();
  await w.asked('/after');
  await until(
    () => caller.leg.remoteDirection === 'sendrecv',
    DEADLINE_MS,
    () => `the caller is still offered ${caller.leg.remoteDirection}`,
  );
  await caller.play([{ kind: 'digits', digits: '7' }], DEADLINE_MS);
  expect((await w.asked('/digits')).params.Digits).toBe('7');
  await w.isIdle();
});

test('sip-interface.md 1.6: with answerOnBridge the caller hears early media of the callee before its 200 [sip 1.6 early-media] [twiml 4.3 early-media]', async () => {
  const w = await world();
  w.answers('<Dial answerOnBridge="true"><Client>bob</Client></Dial>');
  const alice = await w.phone('alice');
  const inbox = new Inbox(await w.phone('bob'), 'bob');
  const caller = dials(alice, w.uri('1000'));
  const callee = await inbox.next('leave');
  expect(callee.leg.earlyMedia()).toBe(true);
  await until(
    () => caller.events.some((event) => event.type === 'ringing' && event.earlyMedia),
    DEADLINE_MS,
    () => 'no 183 with a description',
  );
  expect(await shareHeard(w, caller, callee, 440)).toBeGreaterThanOrEqual(CLEAN_SHARE);
  expect(caller.events.map((event) => event.type)).not.toContain('answered');
  await callee.leg.answer();
  await expectEvent(alice, caller, 'answered');
  await expectAudioBothWays(w, caller, callee);
  caller.leg.hangUp();
  await w.isIdle();
});

test('twiml.md 6.2: without answerOnBridge the answered caller hears ringing, in the cadence of ringTone [sip 1.6 ring-tone] [twiml 6.2 ringback]', async () => {
  const w = await world();
  w.answers('<Dial ringTone="de"><Client>bob</Client></Dial>');
  const alice = await w.phone('alice');
  const inbox = new Inbox(await w.phone('bob'), 'bob');
  const caller = dials(alice, w.uri('1000'));
  const callee = await inbox.next('ring');
  await expectEvent(alice, caller, 'answered');
  expect(medianShare(await heard(w, caller), 425)).toBeGreaterThanOrEqual(CLEAN_SHARE);
  callee.leg.refuse(486);
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});

test('twiml.md 6.1: timeLimit ends the callee, the caller goes on with the action [sip 2.1 time-limit] [twiml 6.2 time-limit]', async () => {
  const w = await world({ clockRate: 10 });
  const { bob, callee } = await bridged(w, '<Dial timeLimit="5" action="/after"><Client>bob</Client></Dial>');
  await expectEvent(bob, callee, 'ended');
  const { params } = await w.asked('/after');
  expect(params).toMatchObject({ DialCallStatus: 'completed', DialCallDuration: '5', DialBridged: 'true' });
  await w.isIdle();
});
