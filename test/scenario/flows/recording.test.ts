// A recorded conversation: both sides in channels of their own, nothing of the part in which the recording pauses, a download as MP3.

import { expect, test } from 'vitest';
import { DEADLINE_MS, world } from '../../support/world.ts';
import { bestShare, channelsOf, download, finished, tone } from '../recording/kit.ts';
import { application, calls, ended, waiter } from './kit.ts';

const CLEAN = 0.9;

test('started, paused while a card number is read, resumed, downloaded [rest 10 pause-skip] [rest 10 mp3] [twiml 6.2 recording]', async () => {
  const w = await world();
  application(w, { '/voice': '<Dial action="/after"><Client>bob</Client></Dial>', '/after': '<Hangup/>' });
  w.app.on('/recorded', { status: 204 });
  const { inbox } = await waiter(w, 'bob');
  const alice = await calls(w, 'alice');
  const bob = await inbox.next('answer');
  const { CallSid } = (await w.asked('/voice')).params;
  const started = await w.rest(`/Calls/${CallSid}/Recordings.json`, {
    RecordingChannels: 'dual',
    RecordingStatusCallback: w.app.url('/recorded'),
    RecordingStatusCallbackEvent: 'in-progress completed',
  });
  expect(started).toMatchObject({ status: 201, body: { status: 'in-progress', channels: 2 } });
  const path = `/Calls/${CallSid}/Recordings/${started.body.sid}.json`;
  await Promise.all([alice.play(tone(600), DEADLINE_MS), bob.play(tone(1_400), DEADLINE_MS)]);
  expect((await w.rest(path, { Status: 'paused', PauseBehavior: 'skip' })).body).toMatchObject({ status: 'paused' });
  // Silence around it: what the jitter buffers hold when a command comes is none of it.
  const silence = { kind: 'silence', durationMs: 400 } as const;
  await alice.play([silence, ...tone(2_000), silence], DEADLINE_MS);
  expect((await w.rest(path, { Status: 'in-progress' })).body).toMatchObject({ status: 'in-progress' });
  await Promise.all([alice.play(tone(800), DEADLINE_MS), bob.play(tone(1_600), DEADLINE_MS)]);
  bob.leg.hangUp();
  await ended(alice);

  expect((await w.asked('/recorded')).params.RecordingStatus).toBe('in-progress');
  const { params } = await w.asked('/recorded', 2);
  expect(params).toMatchObject({ RecordingStatus: 'completed', RecordingChannels: '2', CallSid });
  const record = await finished(w, String(started.body.sid));
  expect(Number(record.duration)).toBeGreaterThanOrEqual(2);
  const [caller, callee] = channelsOf(await download(params.RecordingUrl!));
  expect(bestShare(caller!, 600)).toBeGreaterThan(CLEAN);
  expect(bestShare(caller!, 800)).toBeGreaterThan(CLEAN);
  expect(bestShare(caller!, 2_000)).toBeLessThan(0.1);
  expect(bestShare(callee!, 1_400)).toBeGreaterThan(CLEAN);
  expect(bestShare(callee!, 1_600)).toBeGreaterThan(CLEAN);
  const mp3 = await download(`${params.RecordingUrl}.mp3`);
  // A frame of MPEG audio begins with eleven set bits.
  expect([mp3[0], mp3[1]! & 0xe0]).toEqual([0xff, 0xe0]);
  await w.isIdle();
});
