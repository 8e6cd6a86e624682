// What is recorded of a conference, what everybody in it hears at once, and who speaks: over real sockets.

import { expect, test } from 'vitest';
import { wavOf } from '../../support/recording-bench.ts';
import { until } from '../../support/until.ts';
import { CLEAN_SHARE, DEADLINE_MS, heard, medianShare, world } from '../../support/world.ts';
import { bestShare, channelsOf, download, tone } from '../recording/kit.ts';
import { join, type Member, nothingLeft, told } from './kit.ts';

test('record-from-start: one mono file of the mix; the Dial records the leg of a participant [twiml 7.1 record] [twiml 6.2 record-conference] [twiml 8.3 source]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  w.app.on('/recorded', { status: 204 });
  w.app.on('/leg', { status: 204 });
  const [alice, bob] = (await join(
    w,
    ['alice', 'bob'],
    'record="record-from-start" trim="do-not-trim" recordingStatusCallback="/recorded" endConferenceOnExit="true"',
    'record="record-from-answer-dual" recordingStatusCallback="/leg"',
  )) as [Member, Member];
  const { ConferenceSid: sid } = await told(w, 'conference-start');
  await alice.call.play(tone(700), DEADLINE_MS);
  await bob.call.play(tone(1_100), DEADLINE_MS);
  alice.call.leg.hangUp();
  const { params } = await w.asked('/recorded');
  expect(params).toMatchObject({
    ConferenceSid: sid,
    RecordingStatus: 'completed',
    RecordingSource: 'Conference',
    RecordingChannels: '1',
  });
  const [mix] = channelsOf(await download(params.RecordingUrl!));
  expect(bestShare(mix!, 700)).toBeGreaterThan(0.9);
  expect(bestShare(mix!, 1_100)).toBeGreaterThan(0.9);
  const after = await until(
    () => w.app.requestsTo('/after').find((request) => request.params.CallSid === bob.sid),
    DEADLINE_MS,
    () => "bob's action",
  );
  expect(after.params).toMatchObject({ DialCallStatus: 'answered', RecordingSid: expect.stringMatching(/^RE/) });
  const [said, wasHeard] = channelsOf(await download(after.params.RecordingUrl!));
  expect(bestShare(said!, 1_100)).toBeGreaterThan(0.9);
  expect(bestShare(wasHeard!, 700)).toBeGreaterThan(0.9);
  await nothingLeft(w);
});

test('an announcement is heard by everybody; who speaks is told [rest 11 announce] [twiml 7.1 events]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  w.answers('<Play>/tone.wav</Play>', '/all');
  const samples = Int16Array.from(
    { length: 40_000 },
    (_, index) => 8_000 * Math.sin((2 * Math.PI * 650 * index) / 8_000),
  );
  w.app.on('/tone.wav', { headers: { 'Content-Type': 'audio/wav' }, body: wavOf(samples) });
  const [alice, bob] = (await join(w, ['alice', 'bob'])) as [Member, Member];
  const { ConferenceSid: sid } = await told(w, 'conference-start');

  void bob.call.play(tone(900, 1_500), DEADLINE_MS);
  expect(await told(w, 'participant-speech-start')).toMatchObject({ CallSid: bob.sid });
  expect(await told(w, 'participant-speech-stop')).toMatchObject({ CallSid: bob.sid });

  await w.rest(`/Conferences/${sid}.json`, { AnnounceUrl: w.app.url('/all') });
  for (const { call } of [alice, bob]) {
    await until(
      async () => medianShare(await heard(w, call), 650) > CLEAN_SHARE,
      DEADLINE_MS,
      () => 'the announcement',
    );
  }
  expect(await told(w, 'announcement-end')).toMatchObject({ AnnounceUrl: w.app.url('/all') });
  for (const { call } of [alice, bob]) call.leg.hangUp();
  await nothingLeft(w);
});

test('eventCallbackUrl alone: one request when the recording is there [twiml 7.1 event-callback-url]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  w.app.on('/event', { status: 204 });
  const [alice, bob] = (await join(w, ['alice', 'bob'], 'record="record-from-start" eventCallbackUrl="/event"')) as [
    Member,
    Member,
  ];
  await told(w, 'conference-start');
  await alice.call.play(tone(700, 1_500), DEADLINE_MS);
  for (const { call } of [alice, bob]) call.leg.hangUp();
  const { params } = await w.asked('/event');
  expect(params).toMatchObject({
    EventName: 'conference-record-end',
    RecordingUrl: expect.stringMatching(/\/Recordings\/RE[0-9a-f]{32}$/),
    Duration: expect.stringMatching(/^[1-9]\d*$/),
    RecordingFileSize: expect.stringMatching(/^[1-9]\d*$/),
  });
  await nothingLeft(w);
});
