// Audio that cannot be had or is none, at every place that plays something: the code is told, the call goes on with what comes next
// (twiml.md 5.2; 16, 4). The failures of one place run side by side.

import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { toneSamples } from '../../../src/media/tone.ts';
import type { AppAnswer } from '../../support/fake-app.ts';
import { wavOf } from '../../support/recording-bench.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, expectEvent, twiml, type World, world } from '../../support/world.ts';
import {
  answersByUser,
  askedFor,
  callsOf,
  logged,
  nothingIsLeft,
  press,
  type Row,
  settings,
  unreachable,
} from './kit.ts';

const audio = (type: string, body: Buffer, headers: Record<string, string> = {}): AppAnswer => ({
  headers: { 'Content-Type': type, ...headers },
  body,
});

const good = wavOf(toneSamples([700], -10, 100));

/** A header that claims what the file does not hold. */
function wavHeader(change: (header: Buffer) => void): Buffer {
  const header = Buffer.from(good.subarray(0, 60));
  change(header);
  return header;
}

const NOT_PLAYED = 13420;

const files: readonly (readonly [name: string, code: number, answer: AppAnswer])[] = [
  ['404', 11217, { status: 404, body: 'not found' }],
  ['500', 11217, { status: 500 }],
  ['a web page', NOT_PLAYED, { headers: { 'Content-Type': 'text/html' }, body: '<html>Hi</html>' }],
  ['TwiML', NOT_PLAYED, twiml('<Say>a</Say>')],
  ['no bytes', NOT_PLAYED, audio('audio/wav', Buffer.alloc(0))],
  ['no samples', NOT_PLAYED, audio('audio/wav', good.subarray(0, 44))],
  ['text that says it is WAVE', NOT_PLAYED, audio('audio/wav', Buffer.from('hello, hello, hello'))],
  ['text that says it is MP3', NOT_PLAYED, audio('audio/mpeg', Buffer.from('hello, hello, hello'))],
  ['noise that says it is MP3', NOT_PLAYED, audio('audio/mpeg', Buffer.alloc(100_000, '\xff\xfb\x00 noise', 'latin1'))],
  ['GSM', NOT_PLAYED, audio('audio/x-gsm', Buffer.alloc(330))],
  [
    'a rate of nothing',
    NOT_PLAYED,
    audio(
      'audio/wav',
      wavHeader((header) => header.writeUInt32LE(0, 24)),
    ),
  ],
  [
    '65,535 channels',
    NOT_PLAYED,
    audio(
      'audio/wav',
      wavHeader((header) => header.writeUInt16LE(0xffff, 22)),
    ),
  ],
  ['more than 40 MB', 11750, audio('audio/wav', Buffer.alloc(41 * 1024 * 1024))],
  [
    'a bomb of gzip',
    11750,
    audio('audio/wav', gzipSync(Buffer.alloc(60 * 1024 * 1024)), { 'Content-Encoding': 'gzip' }),
  ],
  ['no gzip', 11206, audio('audio/wav', Buffer.from('hello'), { 'Content-Encoding': 'gzip' })],
  ['endless redirects', 11215, { status: 302, headers: { Location: 'endless-redirects' } }],
];

async function fileRows(w: World): Promise<Row[]> {
  const served = files.map(([name, code, answer]) => {
    const path = `/audio/${name.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase()}`;
    w.app.on(path, answer);
    return { name, code, url: w.app.url(path) };
  });
  return [...served, ...(await unreachable(w, '/audio'))].map((row, index) => ({ ...row, user: `u${index}` }));
}

const urlOf = (rows: readonly Row[], user: string): string => rows.find((row) => row.user === user)!.url;

/** A prompt that is not audio has a number of its own (twiml.md 5.2). */
const inGather = (code: number): number => (code === NOT_PLAYED ? 13325 : code);

test.each<[string, (url: string) => string, (code: number) => number]>([
  ['Play', (url) => `<Play>${url}</Play><Gather action="/ok" numDigits="1" timeout="60"/>`, (code) => code],
  [
    'the prompt of Gather',
    (url) => `<Gather action="/ok" numDigits="1" timeout="60"><Play>${url}</Play></Gather>`,
    inGather,
  ],
])('%s: the next is done', async (_what, verbs, codeOf) => {
  const w = await world(settings);
  const rows = await fileRows(w);
  answersByUser(w, (user) => verbs(urlOf(rows, user)));
  w.answers('<Hangup/>', '/ok');
  await Promise.all(
    (await callsOf(w, rows)).map(async ({ row, call, sid, phone }) => {
      await logged(w, sid, codeOf(row.code));
      await press(call, '5');
      expect((await askedFor(w, row.user, '/ok')).params.Digits).toBe('5');
      await expectEvent(phone, call, 'ended');
    }),
  );
  await nothingIsLeft(w);
});

test('a document that is such a file: the call ends', async () => {
  const w = await world(settings);
  const rows = (await fileRows(w)).filter(({ name }) => /WAVE|MP3|samples|rate/.test(name));
  answersByUser(w, (user) => `<Say>a</Say><Redirect>${urlOf(rows, user)}</Redirect>`);
  await Promise.all(
    (await callsOf(w, rows)).map(async ({ row, call, sid, phone }) => {
      await logged(w, sid, row.code);
      expect(await expectEvent(phone, call, 'ended')).toMatchObject({ by: 'remote' });
    }),
  );
  await nothingIsLeft(w);
});

test('in wait documents of queues and conferences: the caller goes on waiting', async () => {
  const w = await world(settings);
  const rows = await fileRows(w);
  const isEven = (user: string) => rows.findIndex((row) => row.user === user) % 2 === 0;
  answersByUser(w, (user) =>
    isEven(user)
      ? `<Enqueue waitUrl="/wait/${user}">line</Enqueue>`
      : `<Dial><Conference waitUrl="/wait/${user}">room ${user}</Conference></Dial>`,
  );
  for (const { user, url } of rows) w.answers(`<Play>${url}</Play><Pause length="60"/>`, `/wait/${user}`);
  const calls = await callsOf(w, rows);
  await Promise.all(calls.map(({ sid, row }) => logged(w, sid, row.code)));
  const { queues, conferences } = w.gateway.counts() as {
    queues: { waiting: number };
    conferences: { participants: number };
  };
  expect(queues.waiting + conferences.participants).toBe(rows.length);
  for (const { call } of calls) call.leg.hangUp();
  await nothingIsLeft(w);
});

test('in announcements to a room: what can be played is, and the end is told', async () => {
  const w = await world(settings);
  const rows = await fileRows(w);
  w.answers(
    '<Dial><Conference beep="false" waitUrl="" statusCallback="/room" statusCallbackEvent="join announcement">room</Conference></Dial>',
  );
  w.app.on('/room', { status: 204 });
  w.answers(rows.map(({ url }) => `<Play>${url}</Play>`).join(''), '/all');
  const [made] = await callsOf(w, rows.slice(0, 1));
  const { ConferenceSid } = (await w.asked('/room')).params;
  await w.rest(`/Conferences/${ConferenceSid}.json`, { AnnounceUrl: w.app.url('/all') });
  const told = await until(
    () => w.app.requestsTo('/room').find(({ params }) => params.StatusCallbackEvent?.startsWith('announcement')),
    DEADLINE_MS,
    () => 'the end of the announcement',
  );
  expect(told.params.StatusCallbackEvent).toBe('announcement-end');
  for (const { code } of rows) expect(w.log.join('')).toContain(`"errorCode":${code}`);
  made!.call.leg.hangUp();
  await nothingIsLeft(w);
});
