// An application as a participant: `To=app:AP…` (rest-api.md 11). It talks to the room and hears it, and both ways end together.

import { expect, test } from 'vitest';
import { toneSamples } from '../../../src/media/tone.ts';
import { wavOf } from '../../support/recording-bench.ts';
import { until } from '../../support/until.ts';
import {
  CLEAN_SHARE,
  DEADLINE_MS,
  dials,
  expectEvent,
  heard,
  medianShare,
  type World,
  world,
} from '../../support/world.ts';

const TONE_HZ = 640;

async function application(w: World, verbs: string): Promise<string> {
  w.answers(verbs, '/application');
  w.app.on('/tone.wav', {
    headers: { 'Content-Type': 'audio/wav' },
    body: wavOf(toneSamples([TONE_HZ], -10, 4_000)),
  });
  const made = await w.rest('/Applications.json', { VoiceUrl: w.app.url('/application') });
  return String(made.body.sid);
}

/** Alice, in the room. */
async function inRoom(w: World) {
  w.answers('<Dial><Conference waitUrl="" beep="false">Room 1</Conference></Dial>');
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  await expectEvent(alice, call, 'answered');
  return { alice, call };
}

const add = (w: World, To: string) =>
  w.rest('/Conferences/Room%201/Participants.json', { To, From: 'desk', WaitUrl: '', Beep: 'false' });

test('it speaks to the room and hears it; its requests name it; who is kicked ends with it [rest 11 app-participant]', async () => {
  const w = await world();
  const verbs = '<Play>/tone.wav</Play><Record action="/recorded" maxLength="3" playBeep="false" trim="trim-silence"/>';
  const sid = await application(w, verbs);
  w.answers('<Pause length="60"/>', '/recorded');
  const { alice, call } = await inRoom(w);
  const added = await add(w, `app:${sid}?Plan=gold+1`);
  expect(added).toMatchObject({ status: 201, body: { status: 'queued' } });
  const { params } = await w.asked('/application');
  expect(params).toMatchObject({
    ApplicationSid: sid,
    ParentCallSid: added.body.call_sid,
    Param_Plan: 'gold 1',
    From: 'desk',
    Direction: 'outbound-dial',
  });
  await until(
    async () => medianShare(await heard(w, call), TONE_HZ) > CLEAN_SHARE,
    DEADLINE_MS,
    () => 'alice to hear the application',
  );
  void call.play([{ kind: 'tone', frequencies: [440], levelDb: -10, durationMs: 6_000 }], DEADLINE_MS);
  expect(Number((await w.asked('/recorded')).params.RecordingDuration)).toBeGreaterThanOrEqual(1);
  const kicked = await fetch(
    `${w.gateway.info.apiUrl}/2010-04-01/Accounts/${w.config.accountSid}/Conferences/Room%201/Participants/${String(added.body.call_sid)}.json`,
    {
      method: 'DELETE',
      headers: {
        Authorization: `Basic ${Buffer.from(`${w.config.accountSid}:${w.config.authToken}`).toString('base64')}`,
      },
    },
  );
  expect(kicked.status).toBe(204);
  const child = async () => (await w.rest(`/Calls/${params.CallSid}.json`)).body.status;
  await until(
    async () => (await child()) === 'completed',
    DEADLINE_MS,
    () => 'the call of the application to end',
  );
  call.leg.hangUp();
  await expectEvent(alice, call, 'ended');
  await w.isIdle();
});

test('the end of its document takes it out of the room', async () => {
  const w = await world();
  const sid = await application(w, '<Say/><Pause length="1"/>');
  const { alice, call } = await inRoom(w);
  const added = await add(w, `app:${sid}`);
  const participant = async () =>
    (await w.rest(`/Conferences/${String(added.body.conference_sid)}/Participants/${String(added.body.call_sid)}.json`))
      .status;
  await w.asked('/application');
  await until(
    async () => (await participant()) === 404,
    DEADLINE_MS,
    () => 'the application to leave',
  );
  expect((await w.rest(`/Calls/${String(added.body.call_sid)}.json`)).body).toMatchObject({
    status: 'completed',
    to: `app:${sid}`,
  });
  call.leg.hangUp();
  await expectEvent(alice, call, 'ended');
  await w.isIdle();
});

test('refused: no application of the account, one without a URL, and a call that is no participant', async () => {
  const w = await world();
  const unknown = `app:AP${'0'.repeat(32)}`;
  expect(await add(w, unknown)).toMatchObject({ status: 400, body: { code: 21218 } });
  const empty = await w.rest('/Applications.json', { FriendlyName: 'empty' });
  expect(await add(w, `app:${String(empty.body.sid)}`)).toMatchObject({ status: 400, body: { code: 21205 } });
  const call = { To: unknown, From: 'desk', Twiml: '<Response/>' };
  expect(await w.rest('/Calls.json', call)).toMatchObject({ status: 400, body: { code: 21211 } });
  await w.isIdle();
});
