// What a gateway that was killed had, beside others on its database: told by a file of its data folder, and closed at its next start.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeLeftBehind } from '../../../src/abandoned.ts';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { RecordingFiles } from '../../../src/recording/files.ts';
import { OpenRecords } from '../../../src/store/open-records.ts';
import { aCall, anAccount } from '../../support/store-records.ts';
import { openTempStore, type TempStore } from '../../support/temp-store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { aConference, aRecording } from '../../support/voice-record-makers.ts';

let folder: string;
let temp: TempStore;
const account = anAccount();
const clock = new VirtualClock();
const open = () => OpenRecords.open({ folder, clock, log: silentLog });
const text = () => readFile(join(folder, 'open-records'), 'utf8').catch(() => '');
const live = () => aCall(account.sid, { status: 'in-progress', endTime: null });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'open-records-'));
  temp = await openTempStore();
  await temp.store.accounts.insert(account);
});
afterEach(async () => {
  await temp.discard();
  await rm(folder, { recursive: true });
});

describe('the file', () => {
  test('has what is unfinished: calls, conferences and recordings, and what became of them', async () => {
    const records = await open();
    const store = records.watch(temp.store);
    const [call, ended] = [live(), live()];
    const room = aConference(account.sid, { status: 'init' });
    const recording = aRecording(account.sid, { status: 'paused' });
    for (const one of [call, ended, { ...ended, status: 'completed' as const }]) store.calls.put(one);
    store.conferences.put(room);
    store.recordings.put(recording);
    await records.stop();
    expect((await open()).left).toEqual(new Set([call.sid, room.sid, recording.sid]));
    expect(await store.calls.get(call.sid)).toEqual(call);
  });

  test('is written soon after, without a stop', async () => {
    const records = await open();
    const call = live();
    records.watch(temp.store).calls.put(call);
    clock.advance(limits.openRecordsDelayMs);
    await records.stop();
    expect(await text()).toBe(`+${call.sid}\n`);
  });

  test('stays short: it is written anew with what is open', async () => {
    const [old, call] = [live(), live()];
    await writeFile(join(folder, 'open-records'), `+${old.sid}\n-${old.sid}\n`.repeat(limits.openRecordsLines));
    const records = await open();
    expect(records.left.size).toBe(0);
    records.watch(temp.store).calls.put(call);
    await records.stop();
    expect(await text()).toBe(`+${call.sid}\n`);
  });

  test('what is no line of ours is passed over', async () => {
    const call = live();
    await writeFile(join(folder, 'open-records'), `+CA1\n\0\0\n+${call.sid}\n+${call.sid.slice(0, 20)}`);
    expect((await open()).left).toEqual(new Set([call.sid]));
  });
});

describe('at the next start', () => {
  const files = { repair: async () => 4_000, sizeOf: async () => 32_044 } as unknown as RecordingFiles;
  const services = { clock, log: silentLog };

  test('beside other gateways only what was ours is closed', async () => {
    const first = await open();
    const store = first.watch(temp.store);
    const ours = [live(), aConference(account.sid, { status: 'in-progress' })] as const;
    const recording = aRecording(account.sid, { status: 'in-progress' });
    store.calls.put(ours[0]);
    store.conferences.put(ours[1]);
    store.recordings.put(recording);
    const theirs = live();
    temp.store.calls.put(theirs);
    await first.stop();

    const openRecords = await open();
    const beside = { ...openRecords.watch(temp.store), whileAlone: async () => false };
    await closeLeftBehind({ store: beside, openRecords }, files, services);
    expect((await beside.calls.get(ours[0].sid))?.status).toBe('completed');
    expect((await beside.conferences.get(ours[1].sid))?.status).toBe('completed');
    expect((await beside.recordings.get(recording.sid))?.status).toBe('completed');
    expect((await beside.calls.get(theirs.sid))?.status).toBe('in-progress');
    await openRecords.stop();
    expect((await open()).left.size).toBe(0);
  });

  test('alone it is all that looks alive', async () => {
    const theirs = live();
    temp.store.calls.put(theirs);
    const openRecords = await open();
    await closeLeftBehind({ store: temp.store, openRecords }, files, services);
    expect((await temp.store.calls.get(theirs.sid))?.status).toBe('completed');
  });
});
