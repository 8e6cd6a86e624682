// <Play> of a RecordingUrl: every voicemail application does it, and no document has credentials for our media.

import { expect, test } from 'vitest';
import {
  ACCOUNT_SID,
  CLEAN_SHARE,
  DEADLINE_MS,
  dials,
  expectEvent,
  heard,
  medianShare,
  world,
} from '../../support/world.ts';

const tone = (frequency: number, durationMs: number) =>
  ({ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs }) as const;

test('a message is heard again from its RecordingUrl, though media wants credentials [rest 10 play-recording]', async () => {
  const w = await world();
  w.answers('<Record action="/recorded" playBeep="false" finishOnKey="#" trim="do-not-trim"/>');
  w.app.on('/recorded', ({ params }) => ({
    headers: { 'Content-Type': 'text/xml' },
    body: `<Response><Play loop="0">${params.RecordingUrl}.mp3</Play></Response>`,
  }));
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  await expectEvent(alice, call, 'answered');
  void call.play([tone(700, 3_000), { kind: 'digits', digits: '#' }], DEADLINE_MS);
  const { params } = await w.asked('/recorded');
  expect((await fetch(params.RecordingUrl!)).status).toBe(401);
  expect(medianShare(await heard(w, call), 700)).toBeGreaterThan(CLEAN_SHARE);
  call.leg.hangUp();
  await w.isIdle();
});

test('a recording that is not there: a warning with its code, and the next verb', async () => {
  const w = await world();
  const missing = `/2010-04-01/Accounts/${ACCOUNT_SID}/Recordings/RE${'0'.repeat(32)}`;
  w.app.on('/voice', () => ({
    headers: { 'Content-Type': 'text/xml' },
    body: `<Response><Play>${w.gateway.info.apiUrl}${missing}</Play><Redirect>/next</Redirect></Response>`,
  }));
  w.answers('<Hangup/>', '/next');
  const alice = await w.phone('alice');
  dials(alice, w.uri('1000'));
  await w.asked('/next');
  expect(w.log.filter((line) => line.includes('"errorCode":11217'))).toHaveLength(1);
  await w.isIdle();
});
