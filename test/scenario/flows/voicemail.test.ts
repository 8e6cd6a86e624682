// A mailbox: nobody answers, the caller leaves a message, the owner hears it behind a PIN, and it is thrown away.

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, world } from '../../support/world.ts';
import { authorization, download, finished, tone } from '../recording/kit.ts';
import { application, calls, ended, hears, presses, waiter } from './kit.ts';

const PIN_HZ = 500;
const WRONG_HZ = 600;
const THANKS_HZ = 900;
const MESSAGE_HZ = 700;

test('left by a caller, heard by the owner, deleted over REST [twiml 5.5 recording-url] [rest 10 play-recording]', async () => {
  const w = await world();
  let message = '';
  application(w, {
    '/voice': ({ params }) =>
      params.To?.includes('mailbox')
        ? `<Gather action="/mailbox"><Play loop="0">/tone/${PIN_HZ}</Play></Gather>`
        : '<Dial timeout="20" action="/unanswered"><Client>bob</Client></Dial>',
    '/unanswered': ({ params }) =>
      params.DialCallStatus === 'completed'
        ? '<Hangup/>'
        : '<Record action="/left" finishOnKey="#" maxLength="30" timeout="10"/>',
    '/left': ({ params }) => {
      message = params.RecordingUrl ?? '';
      return `<Play>/tone/${THANKS_HZ}</Play><Play>/tone/${THANKS_HZ}</Play>`;
    },
    '/mailbox': ({ params }) =>
      params.Digits === '4711'
        ? `<Play>${message}</Play><Play>${message}.mp3</Play>`
        : `<Play>/tone/${WRONG_HZ}</Play><Play>/tone/${WRONG_HZ}</Play><Redirect>/voice</Redirect>`,
  });
  const { inbox } = await waiter(w, 'bob');
  const alice = await calls(w, 'alice');
  (await inbox.next('ring')).leg.refuse(486);
  await w.asked('/unanswered');
  await until(
    () => (w.gateway.counts() as { recordings: { live: number } }).recordings.live === 1,
    DEADLINE_MS,
    () => 'nothing is recorded',
  );
  await alice.play(tone(MESSAGE_HZ, 2_000), 10_000);
  await presses(alice, '#');
  await hears(w, alice, THANKS_HZ);
  await ended(alice);
  const { params } = await w.asked('/left');
  expect(params).toMatchObject({ Digits: '#', CallStatus: 'in-progress' });

  const owner = await calls(w, 'carol', 'mailbox');
  await hears(w, owner, PIN_HZ);
  await presses(owner, '1234#');
  await hears(w, owner, WRONG_HZ);
  await hears(w, owner, PIN_HZ);
  await presses(owner, '4711#');
  await hears(w, owner, MESSAGE_HZ);
  owner.leg.hangUp();
  await w.isIdle();

  const sid = params.RecordingSid!;
  expect(await finished(w, sid)).toMatchObject({ status: 'completed', source: 'RecordVerb' });
  expect((await download(`${message}.wav`)).subarray(0, 4).toString()).toBe('RIFF');
  const { apiUrl } = w.gateway.info;
  const removed = await fetch(`${apiUrl}/2010-04-01/Accounts/${w.config.accountSid}/Recordings/${sid}.json`, {
    method: 'DELETE',
    headers: { authorization },
  });
  expect(removed.status).toBe(204);
  expect((await fetch(message, { headers: { authorization } })).status).toBe(404);
});
