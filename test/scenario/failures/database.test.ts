// The database goes away, or its disk is full, while every kind of call is made: calls go on or end as documented, REST says so, and when
// the database is back its records are there (design.md 7).

import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { PostgresServer } from '../../support/postgres.ts';
import { testUnless } from '../../support/skip.ts';
import { fillDisk, mountSmallDisk, smallDiskMissing } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, expectEvent, type World, world } from '../../support/world.ts';
import { answersByUser, askedFor, press, talks } from './kit.ts';

const documents: Readonly<Record<string, string>> = {
  gather: '<Gather numDigits="1" timeout="60" action="/ok"><Say>a</Say></Gather>',
  dial: '<Dial action="/ok" record="record-from-answer"><Client>bob</Client></Dial>',
  record: '<Record playBeep="false" maxLength="2" timeout="0" action="/ok"/>',
  conference:
    '<Dial action="/ok"><Conference waitUrl="" record="record-from-start" endConferenceOnExit="true">room</Conference></Dial>',
  queue: '<Enqueue action="/ok" waitUrl="/leave">line</Enqueue>',
  agent: '<Dial action="/ok" timeout="5"><Queue>other line</Queue></Dial>',
  stream: '<Connect action="/ok"><Stream url="ws://127.0.0.1:1/"/></Connect>',
};

/** Phones that are registered, and the documents; what gives all calls at once, each to its end. */
async function prepare(w: World): Promise<() => Promise<void>> {
  answersByUser(w, (user) => documents[user] ?? '<Reject/>');
  w.answers('<Leave/>', '/leave');
  w.answers('<Hangup/>', '/ok');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  bob.onCall((call) => void call.leg.answer().then(() => call.leg.hangUp()));
  return async () => {
    await Promise.all(
      Object.keys(documents).map(async (user) => {
        const call = await talks(w, alice, user);
        if (user === 'gather') await press(call, '1');
        if (user === 'conference') {
          await until(
            () => conference(w).participants === 1,
            DEADLINE_MS,
            () => 'alice is in the room',
          );
          call.leg.hangUp();
        }
        await askedFor(w, user, '/ok');
        await expectEvent(alice, call, 'ended');
      }),
    );
  };
}

const conference = (w: World) => (w.gateway.counts() as { conferences: { participants: number } }).conferences;

const ended = async (w: World) => {
  const calls = ((await w.rest('/Calls.json')).body.calls ?? []) as readonly { readonly status: string }[];
  return calls.filter(({ status }) => status === 'completed').length;
};

const resultOf = async (w: World, user: string) => (await askedFor(w, user, '/ok')).params;

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
}, 60_000);
afterAll(() => server.dispose(), 60_000);

test('PostgreSQL goes away: calls need nothing of it but queues, and their records are written later', async () => {
  const w = await world({
    clockRate: 4,
    settings: { databaseUrl: server.url(await server.newDatabase()), secretKey: '5a'.repeat(32) },
  });
  const callAll = await prepare(w);
  await server.halt();
  await until(
    async () => (await fetch(`${w.gateway.info.apiUrl}/readyz`)).status === 503,
    DEADLINE_MS,
    () => 'the gateway knows',
  );
  await callAll();
  expect(await resultOf(w, 'queue')).toMatchObject({ QueueResult: 'system-error' });
  expect(await resultOf(w, 'agent')).toMatchObject({ DialCallStatus: 'failed' });
  expect(await resultOf(w, 'record')).toMatchObject({ RecordingDuration: expect.stringMatching(/^[12]$/) });
  expect(await w.rest('/Calls.json')).toMatchObject({ status: 503, body: { code: 20503 } });
  expect(await w.rest('/Queues.json', { FriendlyName: 'x' })).toMatchObject({ status: 503, body: { code: 20503 } });
  await server.run();
  await until(
    async () => (await ended(w)) >= Object.keys(documents).length,
    DEADLINE_MS,
    () => 'all calls have their records',
  );
  await w.isIdle();
});

testUnless(smallDiskMissing())(
  'the disk is full: what was to be recorded is told as failed, calls go on, and their records are written when there is room',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hookswitch-disk-'));
    onTestFinished(() => rmdirSync(folder));
    mountSmallDisk(folder, '8m');
    const w = await world({ clockRate: 4, settings: { dataDir: folder } });
    const callAll = await prepare(w);
    const makeRoom = fillDisk(folder);
    await callAll().catch((cause: unknown) => {
      makeRoom();
      throw cause;
    });
    const message = await resultOf(w, 'record');
    expect(Number(message.RecordingDuration ?? 0)).toBe(0);
    expect(w.log.join('')).toContain('"errorCode":90916');
    makeRoom();
    await until(
      async () => (await ended(w)) >= Object.keys(documents).length,
      DEADLINE_MS,
      () => 'all calls have their records',
    );
    await w.isIdle();
  },
);
