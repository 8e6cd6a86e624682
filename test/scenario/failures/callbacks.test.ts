// Receivers of callbacks that fail: whatever they answer, or whether they are there at all, the call does not notice. What has not been
// reached is tried again, what has answered is not (twiml.md 8.1).

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { StreamServer } from '../../support/stream-server.ts';
import { until } from '../../support/until.ts';
import { bridges, DEADLINE_MS, expectEvent, Inbox, type World, world } from '../../support/world.ts';
import {
  answersByUser,
  askedFor,
  callsOf,
  documentRows,
  manyCalls,
  nothingIsLeft,
  press,
  type Row,
  settings,
} from './kit.ts';

const urlOf = (rows: readonly Row[], user: string): string => rows.find((row) => row.user === user)!.url;

/** Failures after which a callback is sent again. */
const NOT_REACHED: ReadonlySet<number> = new Set([11200, 11201, 11202, 11203, 11205, 11206, 11210]);

/** Callbacks that wait for another try; the calls of all others are over and done with. */
const waiting = (w: World) => (w.gateway.counts() as { statusCallbacksWaiting: number }).statusCallbacksWaiting;

/** Documents with every kind of callback, which nothing but a hang-up ends. */
const kinds: readonly (readonly [string, (url: string, user: string) => string])[] = [
  [
    'of parties, of recordings, of live transcriptions',
    (url) =>
      `<Start><Recording recordingStatusCallback="${url}" recordingStatusCallbackEvent="in-progress completed absent"/></Start>` +
      `<Dial record="record-from-ringing" recordingStatusCallback="${url}" recordingStatusCallbackEvent="in-progress completed" action="/ok">` +
      `<Client statusCallback="${url}" statusCallbackEvent="initiated ringing answered completed">bob</Client></Dial>`,
  ],
  [
    'of conferences and streams',
    (url, user) =>
      `<Start><Stream url="STREAMS" statusCallback="${url}"/><Transcription statusCallbackUrl="${url}"/></Start>` +
      `<Dial action="/ok"><Conference waitUrl="" statusCallback="${url}" record="record-from-start" recordingStatusCallback="${url}" ` +
      `statusCallbackEvent="start end join leave mute hold modify speaker announcement">${user}</Conference></Dial>`,
  ],
  [
    'of the parts of an utterance, of messages and their texts',
    (url) =>
      `<Gather input="dtmf speech" partialResultCallback="${url}" numDigits="1" timeout="60" action="/record?u=${encodeURIComponent(url)}"/>`,
  ],
];

test.each(kinds)('%s: the call goes on', async (_what, verbs) => {
  const streams = await StreamServer.start();
  onTestFinished(() => streams.stop());
  const w = await world(settings);
  const rows = await documentRows(w);
  answersByUser(w, (user) => verbs(urlOf(rows, user), user).replace('STREAMS', streams.url()));
  w.app.on('/record', ({ query }) => {
    const url = query.get('u') ?? '';
    return `<Response><Record playBeep="false" transcribe="true" transcribeCallback="${url}" recordingStatusCallback="${url}" action="/ok"/></Response>`;
  });
  w.answers('<Gather timeout="60"/>', '/ok');
  const bob = await w.phone('bob', manyCalls);
  const inbox = new Inbox(bob, 'bob');
  const calls = await callsOf(w, rows);
  if (verbs('', '').includes('<Client')) {
    const callees = await Promise.all(rows.map(() => inbox.next('answer')));
    await bridges(w, rows.length);
    for (const callee of callees) callee.leg.hangUp();
  } else if (verbs('', '').includes('<Gather')) {
    await Promise.all(
      calls.map(async ({ call, row }) => {
        await press(call, '5');
        await askedFor(w, row.user, '/record');
        await press(call, '#');
      }),
    );
  } else {
    await until(
      () => (w.gateway.counts() as { conferences: { participants: number } }).conferences.participants === rows.length,
      DEADLINE_MS,
      () => 'all are in their rooms',
    );
    await Promise.all(
      calls.map(async ({ sid, row }) => {
        const room = encodeURIComponent(row.user);
        const { body } = await w.rest(`/Conferences/${room}/Participants/${sid}.json`, { Muted: 'true' });
        await w.rest(`/Conferences/${body.conference_sid}.json`, { Status: 'completed' });
      }),
    );
  }
  // Each goes on with its action, whatever became of its callbacks.
  await Promise.all(rows.map(({ user }) => askedFor(w, user, '/ok')));
  for (const { call } of calls) call.leg.hangUp();
  await Promise.all(calls.map(({ phone, call }) => expectEvent(phone, call, 'ended')));
  await nothingIsLeft(w, ['statusCallbacks', 'webhooks']);
  expect(waiting(w)).toBeGreaterThan(0);
  expect(rows.some(({ code }) => NOT_REACHED.has(code))).toBe(true);
});

/** A receiver that can be switched on later at the same port. */
async function laterServer(
  onBody: (body: string) => void,
): Promise<{ readonly url: string; readonly open: () => Promise<Server> }> {
  const listen = (port: number) =>
    new Promise<Server>((resolve) => {
      const server = createServer((request, response) => {
        let body = '';
        request.on('data', (piece) => {
          body += piece;
        });
        request.on('end', () => {
          onBody(body);
          response.writeHead(204).end();
        });
      });
      server.listen(port, '127.0.0.1', () => resolve(server));
      onTestFinished(() => {
        server.closeAllConnections();
        server.close();
      });
    });
  const first = await listen(0);
  const { port } = first.address() as AddressInfo;
  await new Promise((resolve) => first.close(resolve));
  return { url: `http://127.0.0.1:${port}/callback`, open: () => listen(port) };
}

test('who comes back in time gets all of them, in their order', async () => {
  const got: string[] = [];
  const receiver = await laterServer((body) => got.push(new URLSearchParams(body).get('CallStatus') ?? ''));
  const w = await world(settings);
  answersByUser(
    w,
    () =>
      `<Dial action="/ok"><Client statusCallback="${receiver.url}" statusCallbackEvent="initiated ringing answered completed">bob</Client></Dial>`,
  );
  w.answers('<Hangup/>', '/ok');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const [made] = await callsOf(w, [{ user: 'u0', name: '', url: '', code: 0 }]);
  const callee = await inbox.next('answer');
  await bridges(w, 1);
  callee.leg.hangUp();
  await expectEvent(made!.phone, made!.call, 'ended');
  await until(
    () => waiting(w) === 4,
    DEADLINE_MS,
    () => `${waiting(w)} wait`,
  );
  await receiver.open();
  await until(
    () => got.length === 4,
    DEADLINE_MS,
    () => `got ${got}`,
  );
  expect(got).toEqual(['initiated', 'ringing', 'in-progress', 'completed']);
  await nothingIsLeft(w);
});
