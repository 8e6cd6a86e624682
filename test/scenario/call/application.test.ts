// Dial><Application> over real sockets: another application of the gateway is the callee (twiml.md 6.8). It answers with its own document,
// which plays to the caller, hears its keys and speech, and may dial on.

import { describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  CLEAN_SHARE,
  DEADLINE_MS,
  dials,
  expectEvent,
  heard,
  Inbox,
  medianShare,
  shareHeard,
  type World,
  world,
} from '../../support/world.ts';

async function application(w: World, changes: Readonly<Record<string, string>> = {}): Promise<string> {
  const form = { FriendlyName: 'second', VoiceUrl: `${w.app.origin}/second`, ...changes };
  const made = await w.rest('/Applications.json', form);
  expect(made.status).toBe(201);
  return String(made.body.sid);
}

const noun = (sid: string, attributes = '', more = '') =>
  `<Application${attributes}><ApplicationSid>${sid}</ApplicationSid>${more}</Application>`;

async function callOf(w: World) {
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  return { alice, call };
}

const LONG_TONE = '<Play digits="w"/><Play>/tone.wav</Play>';

/** A WAVE file of 440 Hz for 4 s. */
function toneFile(): Buffer {
  const samples = 32_000;
  const file = Buffer.alloc(44 + samples * 2);
  file.write('RIFF', 0);
  file.writeUInt32LE(36 + samples * 2, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(8_000, 24);
  file.writeUInt32LE(16_000, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(samples * 2, 40);
  for (let index = 0; index < samples; index++)
    file.writeInt16LE(Math.round(8_000 * Math.sin((2 * Math.PI * 440 * index) / 8_000)), 44 + index * 2);
  return file;
}

const servesTone = (w: World) => w.app.on('/tone.wav', { headers: { 'Content-Type': 'audio/wav' }, body: toneFile() });

test('[twiml 6.8 parameters] the application is asked with its parameters, plays to the caller, and its end gives the Dial its result', async () => {
  const w = await world();
  const sid = await application(w);
  servesTone(w);
  w.app.on('/child', { status: 204 });
  const attributes =
    ' customerId="shop 7" statusCallback="/child" statusCallbackEvent="initiated ringing answered completed"';
  w.answers(
    `<Dial action="/after">${noun(sid, attributes, '<Parameter name="color" value="blue &amp; red"/>')}</Dial>`,
  );
  w.answers(LONG_TONE, '/second');
  w.answers('<Hangup/>', '/after');
  const { alice, call } = await callOf(w);
  await expectEvent(alice, call, 'answered');
  const asked = (await w.asked('/second')).params;
  const parent = (await w.asked('/voice')).params;
  expect(asked).toMatchObject({
    AccountSid: ACCOUNT_SID,
    ApplicationSid: sid,
    ParentCallSid: parent.CallSid,
    From: parent.From,
    To: sid,
    CallStatus: 'ringing',
    Param_color: 'blue & red',
    CustomerId: 'shop 7',
  });
  expect(asked.CallSid).not.toBe(parent.CallSid);
  await until(
    async () => medianShare(await heard(w, call), 440) > CLEAN_SHARE,
    DEADLINE_MS,
    () => 'the tone of the application',
  );
  const after = (await w.asked('/after')).params;
  expect(after).toMatchObject({
    CallSid: parent.CallSid,
    DialCallSid: asked.CallSid,
    DialCallStatus: 'completed',
    DialBridged: 'true',
  });
  expect(Number(after.DialCallDuration)).toBeGreaterThanOrEqual(3);
  expect(after.DialSipResponseCode).toBeUndefined();
  await w.isIdle();
  await w.asked('/child', 4);
  const events = w.app.requestsTo('/child').map(({ params }) => params);
  expect(events.map(({ CallStatus }) => CallStatus).sort()).toEqual([
    'completed',
    'in-progress',
    'initiated',
    'ringing',
  ]);
  expect(new Set(events.map(({ CallSid }) => CallSid))).toEqual(new Set([asked.CallSid]));
  const record = await w.rest(`/Calls/${asked.CallSid}.json`);
  expect(record.body).toMatchObject({ status: 'completed', to: sid, parent_call_sid: parent.CallSid });
});

test('it hears the keys and the voice of the caller', async () => {
  const w = await world();
  const sid = await application(w);
  w.answers(`<Dial>${noun(sid)}</Dial>`);
  w.answers('<Gather numDigits="2" action="/keys" timeout="20"/>', '/second');
  w.answers('<Echo/>', '/keys');
  const { alice, call } = await callOf(w);
  await expectEvent(alice, call, 'answered');
  await w.asked('/second');
  void call.play(
    [
      { kind: 'silence', durationMs: 500 },
      { kind: 'digits', digits: '42' },
    ],
    DEADLINE_MS,
  );
  expect((await w.asked('/keys')).params.Digits).toBe('42');
  expect(await shareHeard(w, call, call, 700)).toBeGreaterThan(CLEAN_SHARE);
  call.leg.hangUp();
  await w.isIdle();
});

test('[twiml 6.8 copy-parent-to] To of the caller, its own caller id', async () => {
  const w = await world();
  const sid = await application(w);
  w.answers(`<Dial callerId="+15550001111">${noun(sid, ' copyParentTo="true"')}</Dial>`);
  w.answers('<Hangup/>', '/second');
  await callOf(w);
  const { params } = await w.asked('/second');
  const parent = (await w.asked('/voice')).params;
  expect(params).toMatchObject({ To: parent.To, From: '+15550001111', CustomerId: ACCOUNT_SID });
  await w.isIdle();
});

describe('[twiml 6.8 dial-attributes]', () => {
  test('answerOnBridge: the caller rings until the application answers; Reject is what the Dial tells', async () => {
    const w = await world();
    const sid = await application(w);
    w.answers(`<Dial answerOnBridge="true" action="/after">${noun(sid)}</Dial>`);
    w.answers('<Reject reason="busy"/>', '/second');
    w.answers('<Reject/>', '/after');
    const { alice, call } = await callOf(w);
    const failed = await expectEvent(alice, call, 'failed');
    expect(failed).toMatchObject({ status: 404 });
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'busy', DialBridged: 'false' });
    await w.isIdle();
  });

  test('timeLimit ends the application, and the caller goes on', async () => {
    const w = await world();
    const sid = await application(w);
    w.answers(`<Dial timeLimit="1" action="/after">${noun(sid)}</Dial>`);
    w.answers('<Play digits="w"/><Pause length="60"/>', '/second');
    w.answers('<Hangup/>', '/after');
    await callOf(w);
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
    await w.isIdle();
  });

  test('hangupOnStar gives the caller back', async () => {
    const w = await world();
    const sid = await application(w);
    w.answers(`<Dial hangupOnStar="true" action="/after">${noun(sid)}</Dial>`);
    w.answers('<Play digits="w"/><Pause length="60"/>', '/second');
    w.answers('<Hangup/>', '/after');
    const { alice, call } = await callOf(w);
    await expectEvent(alice, call, 'answered');
    await w.asked('/second');
    void call.play(
      [
        { kind: 'silence', durationMs: 500 },
        { kind: 'digits', digits: '*' },
      ],
      DEADLINE_MS,
    );
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed' });
    await w.isIdle();
  });

  test('record: both sides of it in one file', async () => {
    const w = await world();
    const sid = await application(w);
    w.answers(`<Dial record="record-from-answer" action="/after">${noun(sid)}</Dial>`);
    w.answers('<Play digits="wwww"/>', '/second');
    w.answers('<Hangup/>', '/after');
    await callOf(w);
    expect((await w.asked('/after')).params.RecordingSid).toMatch(/^RE/);
    await w.isIdle();
  });
});

test('the application dials on: caller and phone hear each other through both', async () => {
  const w = await world();
  const sid = await application(w);
  w.answers(`<Dial>${noun(sid)}</Dial>`);
  w.answers('<Dial action="/inner"><Client>bob</Client></Dial>', '/second');
  w.answers('<Hangup/>', '/inner');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const { alice, call } = await callOf(w);
  const callee = await inbox.next('answer');
  await expectEvent(alice, call, 'answered');
  expect(await shareHeard(w, callee, call, 1_000)).toBeGreaterThan(CLEAN_SHARE);
  expect(await shareHeard(w, call, callee, 500)).toBeGreaterThan(CLEAN_SHARE);
  callee.leg.hangUp();
  expect((await w.asked('/inner')).params).toMatchObject({ DialCallStatus: 'completed' });
  await w.isIdle();
});

test('REST gives the application another document, and the caller stays joined with it', async () => {
  const w = await world();
  const sid = await application(w);
  servesTone(w);
  w.answers(`<Dial>${noun(sid)}</Dial>`);
  w.answers('<Play digits="w"/><Pause length="60"/>', '/second');
  w.answers(LONG_TONE, '/other');
  const { alice, call } = await callOf(w);
  await expectEvent(alice, call, 'answered');
  const { CallSid } = (await w.asked('/second')).params;
  await until(
    async () => (await w.rest(`/Calls/${CallSid}.json`)).body.status === 'in-progress',
    DEADLINE_MS,
    () => 'the application has answered',
  );
  expect((await w.rest(`/Calls/${CallSid}.json`, { Url: `${w.app.origin}/other` })).status).toBe(200);
  await w.asked('/other');
  await until(
    async () => medianShare(await heard(w, call), 440) > CLEAN_SHARE,
    DEADLINE_MS,
    () => 'the tone of the other document',
  );
  call.leg.hangUp();
  await w.isIdle();
});

test('an application that dials itself comes to an end, and every Dial of the chain is told', async () => {
  const w = await world();
  const sid = await application(w);
  w.answers(`<Dial action="/after">${noun(sid)}</Dial>`);
  w.answers(`<Dial>${noun(sid)}</Dial>`, '/second');
  w.answers('<Hangup/>', '/after');
  await callOf(w);
  await w.asked('/after');
  expect(w.app.requestsTo('/second')).toHaveLength(10);
  await w.isIdle();
});

describe('what cannot be dialled', () => {
  test.each([
    ['an unknown sid', `AP${'0'.repeat(32)}`],
    ['no sid at all', 'second'],
  ])('%s: failed, and the action is told', async (_name, sid) => {
    const w = await world();
    w.answers(`<Dial action="/after">${noun(sid)}</Dial>`);
    w.answers('<Hangup/>', '/after');
    await callOf(w);
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'failed', DialBridged: 'false' });
    await w.isIdle();
  });

  test('an application without URL; one whose URL answers 500 [twiml 6.8 sid]', async () => {
    const w = await world();
    const empty = await application(w, { VoiceUrl: '' });
    const broken = await application(w, { VoiceUrl: `${w.app.origin}/broken` });
    w.app.on('/broken', { status: 500 });
    w.answers(`<Dial action="/first">${noun(empty)}</Dial>`);
    w.answers(`<Dial action="/after">${noun(broken)}</Dial>`, '/first');
    w.answers('<Hangup/>', '/after');
    await callOf(w);
    expect((await w.asked('/first')).params).toMatchObject({ DialCallStatus: 'failed' });
    // twiml.md 16 point 31: it is answered, and says that something went wrong.
    expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed' });
    await w.isIdle();
  });

  test('the caller hangs up while the application is asked', async () => {
    const w = await world();
    const sid = await application(w);
    w.answers(`<Dial>${noun(sid)}</Dial>`);
    w.app.on('/second', () => new Promise<never>(() => {}));
    const { alice, call } = await callOf(w);
    await expectEvent(alice, call, 'answered');
    await w.asked('/second');
    call.leg.hangUp();
    await w.isIdle();
  });
});
