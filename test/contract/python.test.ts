// The gateway as the vendor's library of a second language sees it: Debian's python3-twilio, unmodified, and a real gateway behind it
// (rest-api.md 3: only the host is another one). What is sent and read stands in python.py.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { toneSamples } from '../../src/media/tone.ts';
import { wavOf } from '../support/recording-bench.ts';
import { testUnless } from '../support/skip.ts';
import { until } from '../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  bridges,
  CLEAN_SHARE,
  DEADLINE_MS,
  dials,
  expectEvent,
  Inbox,
  shareHeard,
  type World,
  world,
} from '../support/world.ts';

/** Debian's interpreter: the package is not in that of a version manager. */
const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('./python.py', import.meta.url));

const missing =
  spawnSync(PYTHON, ['-c', 'import twilio']).status === 0 ? undefined : 'the package python3-twilio is not installed';
const test = testUnless(missing);

/** Runs a command of python.py against the gateway and gives its answer. */
async function python(w: World, command: string, args: Readonly<Record<string, unknown>> = {}) {
  const child = spawn(PYTHON, ['-B', SCRIPT, command], {
    env: { ...process.env, GATEWAY: w.gateway.info.apiUrl, ACCOUNT_SID, AUTH_TOKEN },
  });
  child.stdin.end(JSON.stringify(args));
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

test('domains, credentials, queues, numbers, applications and keys are made, changed, paged through and removed; refusals are the documented exceptions', async () => {
  const w = await world();
  expect(await python(w, 'resources')).toEqual({
    mapping: true,
    domain: ['Büro', true, true],
    credential: 'anna',
    queues: [5, 7, 0],
    number: [true, true],
    account: 'active',
    key: true,
    keyGone: expect.objectContaining({ code: 20003, status: 401 }),
    removed: [true, true, true, true],
    gone: expect.objectContaining({ code: 20404, status: 404 }),
    noSuchCall: expect.objectContaining({ code: 20404, status: 404 }),
    badDate: expect.objectContaining({ code: 21205, status: 400 }),
  });
});

test('a call is made, recorded, sent elsewhere, and found when it is over', async () => {
  const w = await world();
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const made = await python(w, 'call', {
    to: 'sip:bob@office.sip.localhost',
    twiml: '<Response><Pause length="30"/></Response>',
    callback: w.app.url('/status'),
  });
  expect(made).toEqual({
    sid: expect.stringMatching(/^CA[0-9a-f]{32}$/),
    status: 'queued',
    direction: 'outbound-api',
    isDate: true,
  });
  const callee = await inbox.next('answer');
  expect((await w.asked('/status')).params).toMatchObject({ CallSid: made.sid, CallStatus: 'in-progress' });
  const recording = await python(w, 'record', { sid: made.sid });
  expect(recording).toEqual({
    sid: expect.stringMatching(/^RE[0-9a-f]{32}$/),
    source: 'StartCallRecordingAPI',
    status: 'in-progress',
  });
  await callee.play([{ kind: 'tone', frequencies: [700], levelDb: -10, durationMs: 1_500 }], DEADLINE_MS);
  expect(await python(w, 'stop', { sid: made.sid, recording: recording.sid })).toEqual({
    status: expect.stringMatching(/^(stopped|processing|completed)$/),
  });
  const goodbye = '<Response><Pause length="1"/><Hangup/></Response>';
  expect(await python(w, 'redirect', { sid: made.sid, twiml: goodbye })).toEqual({ status: 'in-progress' });
  await expectEvent(bob, callee, 'ended');
  await w.isIdle();
  expect(await python(w, 'over', { sid: made.sid })).toEqual({
    status: 'completed',
    duration: expect.stringMatching(/^\d+$/),
    minutes: true,
    listed: true,
    recordings: [[recording.sid, 'completed', 2]],
    events: true,
    deleted: [true],
  });
});

test('two callers in a room: participants, mute, end', async () => {
  const w = await world();
  w.answers('<Dial><Conference>python room</Conference></Dial>');
  const phones = [await w.phone('alice'), await w.phone('carol')];
  const calls = phones.map((phone) => dials(phone, w.uri('1000')));
  for (const [index, call] of calls.entries()) await expectEvent(phones[index]!, call, 'answered');
  await until(
    () => (w.gateway.counts() as { conferences: { participants: number } }).conferences.participants === 2,
    DEADLINE_MS,
    () => JSON.stringify(w.gateway.counts()),
  );
  expect(await python(w, 'conference', { name: 'python room' })).toEqual({
    people: 2,
    muted: true,
    status: 'completed',
  });
  for (const [index, call] of calls.entries()) await expectEvent(phones[index]!, call, 'ended');
  await w.isIdle();
});

test('its TwiML is carried out without a warning, and it confirms our signatures', async () => {
  const w = await world();
  const documents = await python(w, 'twiml');
  w.app.on('/voice', { headers: { 'Content-Type': 'text/xml' }, body: String(documents.menu) });
  w.app.on('/choice', { headers: { 'Content-Type': 'text/xml' }, body: String(documents.choice) });
  w.app.on('/tone.wav', { headers: { 'Content-Type': 'audio/wav' }, body: wavOf(toneSamples([700], -10, 1_000)) });
  w.answers('<Hangup/>', '/dialled');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const caller = dials(alice, w.uri('1000'));
  await expectEvent(alice, caller, 'answered');
  await caller.play([{ kind: 'digits', digits: '5' }], DEADLINE_MS);
  const callee = await inbox.next('answer');
  await bridges(w, 1);
  expect(await shareHeard(w, callee, caller, 500)).toBeGreaterThan(CLEAN_SHARE);
  callee.leg.hangUp();
  const { params, headers } = await w.asked('/dialled');
  expect(params.DialCallStatus).toBe('completed');
  await w.isIdle();
  expect(w.log).toEqual([]);
  expect(
    await python(w, 'validate', { url: w.app.url('/dialled'), params, signature: headers['x-twilio-signature'] }),
  ).toEqual({ good: true, bad: false });
});
