// Speech engines and recognisers that fail, each at all that uses them at once: the documented code, never a wait without end, and the call
// goes on (twiml.md 5.1, 5.4, 5.6, 10.3, 11.1).

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { toneShare } from '../../../src/media/goertzel.ts';
import { StreamServer } from '../../support/stream-server.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, expectEvent, heard, type World, world } from '../../support/world.ts';
import { sentence } from '../speech/kit.ts';
import { answersByUser, askedFor, logged, nothingIsLeft, press, settings, talks, userOf } from './kit.ts';

async function httpServer(onRequest: RequestListener, path = ''): Promise<string> {
  const server = createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
}

async function socketServer(onSocket: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  server.on('connection', onSocket);
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Reads the request, then answers. */
const after =
  (answer: RequestListener): RequestListener =>
  (request, response) => {
    request.resume();
    request.on('end', () => answer(request, response));
  };

const recognisers: readonly (readonly [string, () => Promise<string>])[] = [
  ['nobody listens', async () => 'ws://127.0.0.1:1'],
  [
    'closes when audio comes',
    () => socketServer((socket) => socket.on('message', (_, isBinary) => isBinary && socket.close())),
  ],
  ['sends a megabyte', () => socketServer((socket) => socket.on('message', () => socket.send('x'.repeat(1_000_000))))],
  ['never answers', () => socketServer((socket) => void socket.pause())],
  ['HTTP 500', () => httpServer(after((_, response) => void response.writeHead(500).end('oops')))],
  ['HTTP without end', () => httpServer(after(() => {}))],
];

/** Waits of a recogniser are of 20 s. */
const quick = { ...settings, clockRate: 10 };

const RECOGNITION_FAILED = 13340;

/** Side by side, each at a gateway of its own: what is said takes its time. */
async function allAtOnce<T>(
  rows: readonly (readonly [string, T])[],
  check: (value: T) => Promise<void>,
): Promise<void> {
  const failed: unknown[] = [];
  await Promise.all(
    rows.map(([name, value]) =>
      check(value).catch((cause: unknown) => void failed.push(new Error(`${name}: ${String(cause)}`, { cause }))),
    ),
  );
  expect(failed).toEqual([]);
}

test('a recogniser that fails: the code, and the call goes on', () => allAtOnce(recognisers, expectRecogniserFailure));

async function expectRecogniserFailure(recogniser: () => Promise<string>): Promise<void> {
  const words = [
    { kind: 'samples', samples: await sentence() },
    { kind: 'silence', durationMs: 1_000 },
  ] as const;
  const agent = await StreamServer.start();
  onTestFinished(() => agent.stop());
  const w = await world({ ...quick, settings: { recogniserUrl: await recogniser() } });
  const documents: Record<string, string> = {
    gather:
      '<Gather input="speech dtmf" speechTimeout="1" action="/said"/><Gather numDigits="1" timeout="600" action="/ok"/>',
    record:
      '<Record playBeep="false" timeout="0" finishOnKey="#" transcribe="true" transcribeCallback="/text" action="/ok"/>',
    live: `<Start><Transcription track="inbound_track" statusCallbackUrl="${w.app.url('/live')}"/></Start><Gather numDigits="1" timeout="600" action="/ok"/>`,
    relay: `<Connect action="/ok"><ConversationRelay url="${agent.url()}"/></Connect>`,
  };
  answersByUser(w, (user) => documents[user] ?? '');
  for (const path of ['/text', '/live']) w.app.on(path, { status: 204 });
  w.answers('<Hangup/>', '/ok');
  const alice = await w.phone('alice');
  await Promise.all(
    Object.keys(documents).map(async (user) => {
      const call = await talks(w, alice, user);
      const sid = (await askedFor(w, user)).params.CallSid ?? '';
      if (user === 'record') await call.play([{ kind: 'silence', durationMs: 600 }], DEADLINE_MS);
      await call.play(words, DEADLINE_MS);
      if (user === 'relay') {
        const connection = await agent.connection();
        expect(await connection.gets('error')).toMatchObject({ description: expect.stringContaining('speech') });
        await logged(w, sid, RECOGNITION_FAILED);
        connection.send({ type: 'end' });
      }
      if (user === 'gather') await logged(w, sid, RECOGNITION_FAILED);
      if (user === 'gather' || user === 'live') await press(call, '1');
      if (user === 'record') await press(call, '#');
      await askedFor(w, user, '/ok');
      await expectEvent(alice, call, 'ended');
    }),
  );
  expect((await w.asked('/text')).params).toMatchObject({ TranscriptionStatus: 'failed' });
  expect(w.app.requestsTo('/said')).toEqual([]);
  await until(
    () => w.app.requestsTo('/live').some(({ params }) => params.TranscriptionEvent === 'transcription-stopped'),
    DEADLINE_MS,
    () => 'the end of the live transcription is told',
  );
  expect(w.app.requestsTo('/live').map(({ params }) => params.TranscriptionEvent)).not.toContain(
    'transcription-content',
  );
  await nothingIsLeft(w);
}

const speakers: readonly (readonly [string, () => Promise<string>])[] = [
  ['is not there', async () => 'http://127.0.0.1:1'],
  ['answers with a web page', () => httpServer(after((_, response) => void response.end('<html>')))],
  ['never answers', () => httpServer(after(() => {}))],
  [
    'sends noise without end',
    () =>
      httpServer(
        after((_, response) => {
          response.writeHead(200, { 'content-type': 'audio/wav' });
          const noise = Buffer.alloc(1_024 * 1_024, 'RIFFnoise');
          const more = () => {
            while (!response.destroyed && response.write(noise));
          };
          response.on('drain', more);
          more();
        }),
      ),
  ],
];

/** design.md 3: with no engine that can, a short tone, and a log line: never silence. */
const TONE_HZ = 440;
const NOT_SPOKEN = 13520;

const hearsTone = (w: World, call: Parameters<typeof heard>[1]) =>
  until(
    async () => toneShare(await heard(w, call), TONE_HZ) > 0.5,
    DEADLINE_MS,
    () => 'the tone',
  );

test('a speech service that fails: a tone in place of the words, a warning in the call, and the call goes on', () =>
  allAtOnce(speakers, expectTone));

async function expectTone(service: () => Promise<string>): Promise<void> {
  const agent = await StreamServer.start();
  onTestFinished(() => agent.stop());
  const w = await world({ ...quick, settings: { speech: 'http', speechUrl: await service() } });
  const documents: Record<string, string> = {
    say: '<Say loop="6">hello</Say><Gather numDigits="1" timeout="600" action="/ok"/>',
    gather: '<Gather numDigits="1" timeout="600" action="/ok"><Say loop="3">press</Say></Gather>',
    queue: '<Enqueue action="/ok" waitUrl="/wait">line</Enqueue>',
    relay: `<Connect action="/ok"><ConversationRelay url="${agent.url()}" welcomeGreeting="hi, hi, hi"/></Connect>`,
  };
  answersByUser(w, (user) => documents[user] ?? '');
  w.answers('<Say loop="3">wait</Say><Leave/>', '/wait');
  w.answers('<Hangup/>', '/ok');
  const alice = await w.phone('alice');
  await Promise.all(
    Object.keys(documents).map(async (user) => {
      const call = await talks(w, alice, user);
      const sid = (await askedFor(w, user)).params.CallSid ?? '';
      if (user === 'say') await hearsTone(w, call);
      if (user === 'say') await logged(w, sid, NOT_SPOKEN);
      if (user === 'relay') {
        const connection = await agent.connection();
        connection.send({ type: 'text', token: 'bye', last: true });
        await logged(w, sid, NOT_SPOKEN);
        connection.send({ type: 'end' });
      }
      // A key during the words of Say is nobody's: pressed until the Gather behind it hears it.
      const isOver = () => w.app.requestsTo('/ok').some((request) => userOf(request) === user);
      while (['say', 'gather'].includes(user) && !isOver() && !call.isOver) await press(call, '1');
      await askedFor(w, user, '/ok');
      await expectEvent(alice, call, 'ended');
    }),
  );
  expect(w.log.join('')).toContain('speech engine failed');
  await nothingIsLeft(w);
}
