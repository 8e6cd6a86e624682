// The gateway stops while everything is live (design.md 4): phones get BYE, recordings are whole, servers of streams are told, callbacks are
// sent or kept for the next start.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StreamServer } from '../../support/stream-server.ts';
import { until } from '../../support/until.ts';
import { bridges, DEADLINE_MS, expectEvent, Inbox, type World, world } from '../../support/world.ts';
import { channelsOf, finished } from '../recording/kit.ts';
import { answersByUser, askedFor, talks } from './kit.ts';

interface Counts {
  readonly queues: { readonly waiting: number };
  readonly conferences: { readonly participants: number };
  readonly recordings: { readonly live: number };
  readonly streams: { readonly live: number; readonly relays: number };
}

const ALL = 'start end join leave';

async function everythingLive(w: World, agent: StreamServer, callbacks: string) {
  const recorded = `recordingStatusCallback="${callbacks}"`;
  const documents: Record<string, string> = {
    message: `<Record playBeep="false" timeout="0" ${recorded} action="/acted"/>`,
    dial: `<Dial record="record-from-answer-dual" ${recorded} action="/acted"><Client statusCallback="${callbacks}">bob</Client></Dial>`,
    room: `<Dial action="/acted"><Conference waitUrl="" record="record-from-start" ${recorded} statusCallback="${callbacks}" statusCallbackEvent="${ALL}">room</Conference></Dial>`,
    room2: '<Dial action="/acted"><Conference waitUrl="">room</Conference></Dial>',
    queue: '<Enqueue action="/acted">line</Enqueue>',
    stream: `<Connect action="/acted"><Stream url="${agent.url()}" statusCallback="${callbacks}"/></Connect>`,
    relay: `<Connect action="/acted"><ConversationRelay url="${agent.url()}"/></Connect>`,
    gather: '<Gather timeout="600" action="/acted"/>',
  };
  answersByUser(w, (user) => documents[user] ?? '<Reject/>');
  w.app.on('/acted', { status: 204 });
  const alice = await w.phone('alice');
  const inbox = new Inbox(await w.phone('bob'), 'bob');
  const calls = await Promise.all(Object.keys(documents).map((user) => talks(w, alice, user)));
  await inbox.next('answer');
  await bridges(w, 1);
  const counts = () => w.gateway.counts() as unknown as Counts;
  await until(
    () =>
      counts().queues.waiting === 1 &&
      counts().conferences.participants === 2 &&
      counts().recordings.live === 3 &&
      counts().streams.live === 1 &&
      counts().streams.relays === 1 &&
      agent.connections.length === 2,
    DEADLINE_MS,
    () => JSON.stringify(counts()),
  );
  const [talking] = calls;
  // A second of sound in each recording.
  await talking!.play([{ kind: 'tone', frequencies: [700], levelDb: -10, durationMs: 1_000 }], DEADLINE_MS);
  return { alice, calls };
}

const wavFiles = (w: World): string[] =>
  readdirSync(join(w.folder, 'data/recordings'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.wav'))
    .map((name) => join(w.folder, 'data/recordings', name));

test('with its applications there: BYE to all, files whole, callbacks sent; stopping twice is stopping once', async () => {
  const agent = await StreamServer.start();
  onTestFinished(() => agent.stop());
  const w = await world();
  w.app.on('/told', { status: 204 });
  const { alice, calls } = await everythingLive(w, agent, w.app.url('/told'));
  await Promise.all([w.gateway.stop(), w.gateway.stop()]);
  await w.gateway.stop();

  for (const call of calls) expect(await expectEvent(alice, call, 'ended')).toMatchObject({ by: 'remote' });
  for (const connection of agent.connections) await connection.isClosed();
  const files = wavFiles(w);
  expect(files).toHaveLength(3);
  for (const file of files) {
    const wav = readFileSync(file);
    expect(wav.readUInt32LE(40)).toBe(wav.length - 44);
    expect(channelsOf(wav)[0]!.length).toBeGreaterThan(1_600);
  }
  const told = w.app.requestsTo('/told').map(({ params }) => params);
  expect(told.filter(({ RecordingStatus }) => RecordingStatus === 'completed')).toHaveLength(3);
  expect(told.filter(({ StreamEvent }) => StreamEvent === 'stream-stopped')).toHaveLength(1);
  expect(told.filter(({ StatusCallbackEvent }) => StatusCallbackEvent === 'participant-leave')).toHaveLength(2);
  expect(told.filter(({ StatusCallbackEvent }) => StatusCallbackEvent === 'conference-end')).toHaveLength(1);
  expect(told.filter(({ CallStatus, RecordingStatus }) => CallStatus === 'completed' && !RecordingStatus)).toHaveLength(
    1,
  );
  // Every caller's own completed, after its last action.
  expect(w.app.requestsTo('/status').filter(({ params }) => params.CallStatus === 'completed')).toHaveLength(
    calls.length,
  );
  expect((await askedFor(w, 'queue', '/acted')).params).toMatchObject({ QueueResult: 'hangup' });
  expect(w.log.filter((line) => line.includes('"level":"error"') && !line.includes('13343'))).toEqual([]);
});

test('with its applications gone: the stop is bounded, and what could not be told is told after the next start', async () => {
  const agent = await StreamServer.start();
  const w = await world();
  w.app.on('/told', { status: 204 });
  await everythingLive(w, agent, 'http://127.0.0.1:1/told');
  const sids = ['message', 'dial'].map((user) => askedFor(w, user).then(({ params }) => params.CallSid));
  await agent.stop();
  await w.restart();

  const pending = () => (w.gateway.counts() as { statusCallbacksWaiting: number }).statusCallbacksWaiting;
  await until(
    () => pending() > 0,
    DEADLINE_MS,
    () => `${pending()} callbacks wait`,
  );
  for (const sid of await Promise.all(sids)) {
    expect((await w.rest(`/Calls/${sid}.json`)).body).toMatchObject({ status: 'completed' });
    const { recordings } = (await w.rest(`/Calls/${sid}/Recordings.json`)).body as { recordings: { sid: string }[] };
    expect(recordings).toHaveLength(1);
    expect(await finished(w, recordings[0]!.sid)).toMatchObject({ status: 'completed' });
  }
  const conferences = (await w.rest('/Conferences.json')).body.conferences as { status: string }[];
  expect(conferences.map(({ status }) => status)).toEqual(['completed']);
  expect(existsSync(join(w.folder, 'data/recordings'))).toBe(true);
});
