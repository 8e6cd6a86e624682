// The registry: states, callbacks with their parameters, what becomes of the file, several at once, failures of disk and worker.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { RecordingChange } from '../../../src/base/recordings-api.ts';
import type { RecordingStatus } from '../../../src/base/voice-records.ts';
import { changeOf } from '../../../src/recording/states.ts';
import { aRequest, RecordingBench, wavOf } from '../../support/recording-bench.ts';
import { settle } from '../../support/virtual-clock.ts';

let bench: RecordingBench;
beforeEach(() => {
  bench = new RecordingBench();
});
afterEach(() => bench.discard());

const engineRecordings = () => [...bench.engine.recordingsNow.keys()];

describe('states (rest-api.md 10)', () => {
  // [rest 10 change]
  const rows: [RecordingStatus, RecordingChange['status'], string | undefined][] = [
    ['in-progress', 'paused', 'pause'],
    ['in-progress', 'in-progress', 'nothing'],
    ['in-progress', 'stopped', 'stop'],
    ['paused', 'in-progress', 'resume'],
    ['paused', 'paused', 'nothing'],
    ['paused', 'stopped', 'stop'],
    ['stopped', 'in-progress', undefined],
    ['processing', 'stopped', undefined],
    ['completed', 'stopped', undefined],
    ['absent', 'paused', undefined],
    ['failed', 'in-progress', undefined],
    ['deleted', 'stopped', undefined],
  ];
  test.each(rows)('[rest 10 change] %s, asked for %s: %s', (status, asked, action) => {
    expect(changeOf(status, asked)).toBe(action);
  });
});

describe('a recording from start to end', () => {
  test('[rest 10 states] in-progress, stopped, completed; the record says where and how long', async () => {
    const { call, live } = bench.started(aRequest({ channels: 2 }));
    expect(live.record).toMatchObject({
      accountSid: call.options.accountSid,
      callSid: call.sid,
      conferenceSid: null,
      status: 'in-progress',
      channels: 2,
      durationSeconds: null,
      sizeBytes: null,
      dateDeleted: null,
    });
    expect(live.record.media).toMatch(/^recordings\/\d{4}\/\d{2}\/RE[0-9a-f]{32}\.wav$/);
    bench.write(live.record, wavOf(new Int16Array(16_000)));
    live.stop();
    expect(live.record.status).toBe('stopped');
    const ended = await live.ended;
    expect(ended).toMatchObject({ status: 'completed', durationSeconds: 1, errorCode: null, sizeBytes: 32_044 });
    expect(bench.puts.map(({ status }) => status)).toEqual(['in-progress', 'stopped', 'completed']);
    await settle();
    expect(bench.recordings.count).toBe(0);
  });

  test('[twiml 8.3 parameters] the callbacks of in-progress and completed', async () => {
    const { call, live } = bench.started();
    live.stop();
    await live.ended;
    expect(bench.callbacks.map(({ url, method, callSid }) => [url, method, callSid])).toEqual([
      ['https://app.example/recorded', 'POST', call.sid],
      ['https://app.example/recorded', 'POST', call.sid],
    ]);
    const [begun, done] = bench.callbacks.map(({ params }) => Object.fromEntries(params));
    const common = {
      AccountSid: call.options.accountSid,
      CallSid: call.sid,
      RecordingSid: live.sid,
      RecordingUrl: `https://gw.example/2010-04-01/Accounts/${call.options.accountSid}/Recordings/${live.sid}`,
      RecordingChannels: '1',
      RecordingStartTime: expect.stringMatching(/^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000$/),
      RecordingSource: 'StartCallRecordingAPI',
      RecordingTrack: 'both',
    };
    expect(begun).toEqual({ ...common, RecordingStatus: 'in-progress' });
    expect(done).toEqual({ ...common, RecordingStatus: 'completed', RecordingDuration: '1' });
  });

  test.each([
    [['completed'], ['completed']],
    [['in-progress'], ['in-progress']],
    [['absent'], []],
  ] as const)('[twiml 8.3 events] subscribed to %j: told of %j', async (events, told) => {
    const { live } = bench.started(aRequest({ callback: { url: 'https://a.example/', method: 'GET', events } }));
    live.stop();
    await live.ended;
    expect(bench.callbacks.map(({ params }) => params.get('RecordingStatus'))).toEqual(told);
  });

  test('[rest 10 parent-leg] a child is recorded under its parent [twiml 8.3 parent]', () => {
    const parentCallSid = `CA${'b'.repeat(32)}`;
    const { call } = bench.outbound({ parentCallSid });
    const started = bench.recordings.start(call, aRequest());
    expect(started.ok && started.value.record.callSid).toBe(parentCallSid);
    const accountSid = call.options.accountSid;
    expect(bench.recordings.of({ accountSid, callSid: call.sid })).toHaveLength(1);
    expect(bench.recordings.of({ accountSid, callSid: parentCallSid })).toHaveLength(1);
    expect(bench.recordings.of({ accountSid: 'AC0', callSid: parentCallSid })).toHaveLength(0);
  });

  test('[rest 10 pause-skip] pause and resume reach the engine', () => {
    const { live } = bench.started();
    const [id] = engineRecordings();
    expect(live.change({ status: 'paused', pauseBehavior: 'skip' })).toBe(true);
    expect(live.record.status).toBe('paused');
    expect(live.change({ status: 'in-progress', pauseBehavior: 'silence' })).toBe(true);
    expect(live.change({ status: 'stopped', pauseBehavior: 'silence' })).toBe(true);
    expect(live.change({ status: 'paused', pauseBehavior: 'silence' })).toBe(false);
    expect(bench.engine.done).toEqual(
      expect.arrayContaining([`pauseRecording ${id} skip`, `resumeRecording ${id}`, expect.stringMatching(/^stop/)]),
    );
  });

  test('[rest 10 several] several run at once, up to a limit', () => {
    const { call } = bench.started();
    for (let more = 1; more < limits.recordingsPerOwner; more++)
      expect(bench.recordings.start(call, aRequest()).ok).toBe(true);
    const one = bench.recordings.start(call, aRequest());
    expect(!one.ok && one.error.code).toBe(21220);
  });

  test('a call that is over is not recorded', () => {
    const { call, leg } = bench.inbound();
    leg.hangsUp();
    call.hangUp('over');
    const started = bench.recordings.start(call, aRequest());
    expect(!started.ok && started.error.code).toBe(21220);
    expect(engineRecordings()).toEqual([]);
  });
});

describe('what becomes of the file', () => {
  const speech = { firstMs: 500, lastMs: 1_500 };
  /** Two seconds were written. */
  async function ended(request: ReturnType<typeof aRequest>, result: Parameters<typeof bench.engine.endRecording>[1]) {
    const { call, live } = bench.started(request);
    bench.write(live.record, wavOf(new Int16Array(16_000)));
    bench.engine.endRecording(engineRecordings()[0]!, { durationMs: 2_000, ...result });
    const record = await live.ended;
    return { call, record, hasFile: existsSync(join(bench.folder, live.record.media ?? 'none')) };
  }

  test('[twiml 5.5 trim] silence at both ends is cut off, with a margin', async () => {
    const { record } = await ended(aRequest({ trim: true }), { speech });
    expect(record).toMatchObject({ status: 'completed', durationSeconds: 1, sizeBytes: 44 + 1_400 * 16 });
    expect(bench.puts.map(({ status }) => status)).toEqual(['in-progress', 'processing', 'completed']);
  });

  test('do-not-trim: all of it stays', async () => {
    const { record } = await ended(aRequest({ trim: false }), { speech });
    expect(record).toMatchObject({ status: 'completed', durationSeconds: 2, sizeBytes: 32_044 });
  });

  test('[rest 6 16101] too short: absent, and no media [twiml 8.3 absent]', async () => {
    const { record, hasFile } = await ended(aRequest(), { durationMs: 0 });
    expect(record).toMatchObject({ status: 'absent', errorCode: 16101, media: null, sizeBytes: null });
    expect(hasFile).toBe(false);
    expect(bench.callbacks.at(-1)!.params.get('RecordingStatus')).toBe('absent');
    expect(bench.callbacks.at(-1)!.params.has('RecordingDuration')).toBe(false);
  });

  test('[rest 6 16102] trimmed and only silence: absent; do-not-trim keeps it', async () => {
    const { record } = await ended(aRequest({ trim: true }), { speech: null });
    expect(record).toMatchObject({ status: 'absent', errorCode: 16102, media: null });
    const kept = await ended(aRequest({ trim: false }), { speech: null });
    expect(kept.record.status).toBe('completed');
  });

  test('[twiml 5.5 silent-kept] a silent message of the Record verb is kept', async () => {
    const { record } = await ended(aRequest({ trim: true, source: 'RecordVerb' }), { speech: null });
    expect(record).toMatchObject({ status: 'completed', durationSeconds: 2 });
  });

  test('the disk is full before anything was written: absent with its code, and the call is told', async () => {
    const { call, record } = await ended(aRequest(), { durationMs: 0, failure: 'ENOSPC' });
    expect(record).toMatchObject({ status: 'absent', errorCode: 90916, media: null });
    expect(call.notice?.errorCode).toBe(90916);
    expect(call.isOver).toBe(false);
    const message = await ended(aRequest({ source: 'RecordVerb' }), { durationMs: 0, failure: 'ENOSPC' });
    expect(message.record.status).toBe('failed');
  });

  test('the disk becomes full later: failed, and what was written stays', async () => {
    const { record, hasFile } = await ended(aRequest({ trim: true }), { failure: 'ENOSPC', speech });
    expect(record).toMatchObject({ status: 'failed', errorCode: 90916, durationSeconds: 2, sizeBytes: 32_044 });
    expect(hasFile).toBe(true);
    expect(bench.callbacks.at(-1)!.params.get('RecordingStatus')).toBe('absent');
    expect(bench.callbacks.at(-1)!.params.get('ErrorCode')).toBe('90916');
  });

  test('silence that cannot be cut off stays: the recording is completed', async () => {
    const { live } = bench.started(aRequest({ trim: true }));
    bench.engine.endRecording(engineRecordings()[0]!, { durationMs: 2_000, speech });
    expect(await live.ended).toMatchObject({ status: 'completed', durationSeconds: 2, sizeBytes: null });
  });

  test('the media worker dies: what is in the file is kept', async () => {
    const { live, leg } = bench.started();
    bench.write(live.record, wavOf(new Int16Array(12_000)));
    bench.engine.tell({ type: 'workerFailed', endpoints: [leg.endpoint!] });
    expect(await live.ended).toMatchObject({ status: 'completed', durationSeconds: 2 });
    const other = bench.started();
    bench.engine.tell({ type: 'workerFailed', endpoints: [other.leg.endpoint!] });
    expect(await other.live.ended).toMatchObject({ status: 'absent', errorCode: 90916 });
  });
});

describe('conferences', () => {
  const room = {
    conferenceSid: `CF${'1'.repeat(32)}`,
    accountSid: `AC${'a'.repeat(32)}`,
    callSid: `CA${'1'.repeat(32)}`,
    mixer: 'm1',
  };

  test('[twiml 8.3 conference] mono, told with ConferenceSid in place of CallSid', async () => {
    const started = bench.recordings.startOnConference(room, aRequest({ channels: 2, source: 'Conference' }));
    if (!started.ok) throw new Error(started.error.message);
    expect(bench.recordings.ofConference(room.conferenceSid)).toEqual([started.value]);
    expect(started.value.record).toMatchObject({
      channels: 1,
      conferenceSid: room.conferenceSid,
      callSid: room.callSid,
    });
    expect([...bench.engine.recordingsNow.values()][0]!.of).toBe('m1');
    started.value.stop();
    await started.value.ended;
    const { params } = bench.callbacks.at(-1)!;
    expect(params.get('ConferenceSid')).toBe(room.conferenceSid);
    expect(params.has('CallSid')).toBe(false);
    expect(bench.recordings.of({ accountSid: room.accountSid, callSid: room.callSid })).toEqual([]);
  });
});

describe('the end of the gateway', () => {
  test('stop waits for all, a bounded time', async () => {
    const { live } = bench.started();
    const { live: stuck } = bench.started();
    bench.engine.recordingsNow.delete(stuck.engineId);
    let isStopped = false;
    const stopped = bench.recordings.stop().then(() => {
      isStopped = true;
    });
    await live.ended;
    await settle();
    expect(isStopped).toBe(false);
    await bench.clock.advance(limits.recordingEndWaitMs);
    await stopped;
    expect(live.record.status).toBe('completed');
  });

  test('[twiml 8.1 recording] the completed callback of a call waits for its recording', async () => {
    const { call, live } = bench.started();
    bench.recordings.attribute(call, live);
    const told = bench.recordings.ofCallback(call);
    live.stop();
    expect(await told).toEqual({ sid: live.sid, url: live.url, durationSeconds: 1 });
    expect(await bench.recordings.ofCallback({})).toBeUndefined();
  });
});
