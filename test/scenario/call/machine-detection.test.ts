// Who answered, over real sockets: REST calls with MachineDetection, and the nouns of Dial (rest-api.md 9.1, twiml.md 13).

import { expect, test } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone-call.ts';
import type { PlaySource } from '../../../src/media/engine.ts';
import { DEADLINE_MS, dials, expectEvent, Inbox, type World, world } from '../../support/world.ts';

/** Three tones at once sound like a voice, not like a beep. */
const voice = (durationMs: number): PlaySource => ({
  kind: 'tone',
  frequencies: [300, 470, 640],
  levelDb: -15,
  durationMs,
});
const beep: PlaySource = { kind: 'tone', frequencies: [1_000], levelDb: -12, durationMs: 500 };
const silence = (durationMs: number): PlaySource => ({ kind: 'silence', durationMs });

const says = (call: PhoneCall, ...sources: PlaySource[]) => void call.play(sources, DEADLINE_MS);

async function calls(w: World, form: Readonly<Record<string, string>>) {
  const answer = await w.rest('/Calls.json', {
    To: 'client:bob',
    From: 'reception',
    Url: w.app.url('/outgoing'),
    StatusCallback: w.app.url('/progress'),
    ...form,
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return String(answer.body.sid);
}

async function bobAnswers(w: World) {
  w.app.on('/progress', { status: 204 });
  w.app.on('/amd', { status: 204 });
  const bob = await w.phone('bob');
  return { bob, inbox: new Inbox(bob, 'bob') };
}

test('Enable: a voice that goes on is machine_start, in the document request, the record and the callback [rest 9.1 machine-detection] [rest 9.1 amd-answered-by] [rest 9.2 answered-by] [twiml 13 rest] [sip 8.1 answered-by] [sip 2.6 record-and-detection]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/outgoing');
  const { bob, inbox } = await bobAnswers(w);
  const sid = await calls(w, { MachineDetection: 'Enable', MachineDetectionSpeechThreshold: '1000' });
  const callee = await inbox.next('answer');
  says(callee, voice(3_000));
  expect((await w.asked('/outgoing')).params).toMatchObject({ CallSid: sid, AnsweredBy: 'machine_start' });
  await expectEvent(bob, callee, 'ended');
  expect((await w.asked('/progress')).params).toMatchObject({ CallStatus: 'completed', AnsweredBy: 'machine_start' });
  expect((await w.rest(`/Calls/${sid}.json`)).body.answered_by).toBe('machine_start');
  await w.isIdle();
});

test('AsyncAmd: the document runs at once, and the callback hears of a person [rest 9.1 async-amd] [twiml 13 callback] [twiml 13 rest]', async () => {
  const w = await world();
  w.answers('<Pause length="10"/>', '/outgoing');
  const { bob, inbox } = await bobAnswers(w);
  const sid = await calls(w, {
    MachineDetection: 'Enable',
    MachineDetectionSpeechEndThreshold: '500',
    AsyncAmd: 'true',
    AsyncAmdStatusCallback: w.app.url('/amd'),
  });
  const callee = await inbox.next('answer');
  says(callee, voice(400), silence(3_000));
  expect((await w.asked('/outgoing')).params.AnsweredBy).toBeUndefined();
  const { params } = await w.asked('/amd');
  expect(params).toMatchObject({ CallSid: sid, AnsweredBy: 'human' });
  expect(Number(params.MachineDetectionDuration)).toBeGreaterThan(800);
  callee.leg.hangUp();
  await expectEvent(bob, callee, 'ended');
  await w.isIdle();
});

test('a Number or Sip with url: the screening document is told who answered, when the beep is over [twiml 13 nouns] [twiml 3.3 screening-answered-by] [twiml 6.6 machine-detection]', async () => {
  const w = await world();
  w.answers(
    `<Dial><Sip url="/screen" machineDetection="DetectMessageEnd" machineDetectionSpeechThreshold="1000" amdStatusCallback="/amd">sip:bob@office.sip.localhost</Sip></Dial>`,
  );
  w.answers('<Hangup/>', '/screen');
  const { inbox } = await bobAnswers(w);
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  const callee = await inbox.next('answer');
  says(callee, voice(1_600), silence(300), beep, silence(2_000));
  expect((await w.asked('/screen')).params).toMatchObject({
    AnsweredBy: 'machine_end_beep',
    Direction: 'outbound-dial',
  });
  expect((await w.asked('/amd')).params).toMatchObject({ AnsweredBy: 'machine_end_beep' });
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});
