// Recordings through the vendor's library, unmodified, and their media over plain HTTP (rest-api.md 8, 10).

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newSid } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Recording } from '../../src/base/voice-records.ts';
import { toneShare } from '../../src/media/goertzel.ts';
import { decodeMp3 } from '../../src/media/mp3.ts';
import { createRecordingsApi } from '../../src/recording/api.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { aRequest, RecordingBench, wavOf } from '../support/recording-bench.ts';
import { aCall } from '../support/store-records.ts';

let world: ApiWorld;
let bench: RecordingBench;
let isMediaOpen = false;
beforeAll(async () => {
  bench = new RecordingBench();
  const api = createRecordingsApi({
    recordings: bench.recordings,
    files: bench.files,
    callOf: (sid) => bench.calls.get(sid),
    isMediaOpen: false,
    log: silentLog,
  });
  const recordings = Object.defineProperty({ ...api }, 'isMediaOpen', { get: () => isMediaOpen });
  world = await apiWorld({ recordings });
});
afterAll(async () => {
  await world.stop();
  bench.discard();
});
beforeEach(() => {
  isMediaOpen = false;
});

/** A live, answered call of the account. */
async function aLiveCall() {
  const { call, leg } = bench.inbound({ accountSid: world.account.sid });
  await call.answer();
  world.store.calls.put(call.record());
  return { call, leg, sid: call.sid };
}

const tone = (frequency: number, count: number) =>
  Int16Array.from({ length: count }, (_, index) =>
    Math.round(8_000 * Math.sin((2 * Math.PI * frequency * index) / 8_000)),
  );

/** A finished recording with media of one second, one tone per channel. */
async function aRecording(over: Partial<Recording> = {}): Promise<Recording> {
  const sid = newSid('RE');
  const now = Date.UTC(2026, 0, 2, 12);
  const channels = over.channels ?? 1;
  const [left, right] = [tone(500, 8_000), tone(1_500, 8_000)];
  const samples =
    channels === 1
      ? left
      : Int16Array.from({ length: 16_000 }, (_, index) => (index % 2 === 0 ? left : right)[index >> 1]!);
  const bytes = wavOf(samples, channels);
  const recording: Recording = {
    sid,
    accountSid: world.account.sid,
    callSid: newSid('CA'),
    conferenceSid: null,
    status: 'completed',
    source: 'RecordVerb',
    channels,
    track: 'both',
    startTime: now,
    durationSeconds: 1,
    errorCode: null,
    sizeBytes: bytes.length,
    media: bench.files.create(sid, now).name,
    isEncrypted: false,
    dateDeleted: null,
    dateCreated: now,
    dateUpdated: now,
    ...over,
  };
  if (recording.media !== null) bench.write(recording, bytes);
  await world.store.recordings.insert(recording);
  return recording;
}

const rejection = (code: number, status = 400) => ({ code, status, moreInfo: expect.stringContaining(String(code)) });
const calls = () => world.client.calls;

describe('start (rest-api.md 10)', () => {
  test('[rest 10 start] 201 with the defaults of the API [rest 6 status-201] [rest 10 source]', async () => {
    const { sid } = await aLiveCall();
    const made = await calls()(sid).recordings.create();
    expect(made).toMatchObject({
      callSid: sid,
      conferenceSid: null,
      status: 'in-progress',
      channels: 1,
      track: 'both',
      source: 'StartCallRecordingAPI',
      duration: null,
      errorCode: null,
      price: null,
      encryptionDetails: null,
    });
    expect(made.uri).toBe(`/2010-04-01/Accounts/${world.account.sid}/Calls/${sid}/Recordings/${made.sid}.json`);
    expect(made.startTime).toBeInstanceOf(Date);
    expect(bench.recordings.live(made.sid)!.request).toMatchObject({ trim: false, callback: null });
  });

  test('[rest 10 start-parameters] every parameter', async () => {
    const { sid } = await aLiveCall();
    const made = await calls()(sid).recordings.create({
      recordingChannels: 'dual',
      recordingTrack: 'both',
      trim: 'trim-silence',
      recordingStatusCallback: 'https://app.example.com/r',
      recordingStatusCallbackMethod: 'GET',
      recordingStatusCallbackEvent: ['in-progress', 'absent'],
    });
    expect(made.channels).toBe(2);
    expect(bench.recordings.live(made.sid)!.request).toEqual({
      channels: 2,
      track: 'both',
      trim: true,
      source: 'StartCallRecordingAPI',
      callback: { url: 'https://app.example.com/r', method: 'GET', events: ['in-progress', 'absent'] },
    });
    const single = await calls()(sid).recordings.create({ recordingChannels: 'dual', recordingTrack: 'inbound' });
    expect(single).toMatchObject({ channels: 1, track: 'inbound' });
  });

  test.each([
    ['RecordingChannels=quad', 20001],
    ['RecordingTrack=left', 20001],
    ['Trim=yes', 20001],
    ['RecordingStatusCallback=ftp%3A%2F%2Fx', 21502],
    ['RecordingStatusCallbackMethod=PUT', 21209],
    ['RecordingStatusCallbackEvent=done', 20001],
  ])('%s is %d', async (form, code) => {
    const { sid } = await aLiveCall();
    const answer = await world.fetch(`Calls/${sid}/Recordings.json`, { form });
    expect([answer.status, (await json(answer)).code]).toEqual([400, code]);
  });

  test('[rest 10 live-only] a call that is over: 21220; an unknown one: 20404', async () => {
    const ended = aCall(world.account.sid);
    world.store.calls.put(ended);
    await expect(calls()(ended.sid).recordings.create()).rejects.toMatchObject(rejection(21220));
    await expect(calls()(newSid('CA')).recordings.create()).rejects.toMatchObject(rejection(20404, 404));
    const { call } = bench.inbound({ accountSid: world.account.sid });
    world.store.calls.put(call.record());
    await expect(calls()(call.sid).recordings.create()).rejects.toMatchObject(rejection(21220));
  });
});

describe('change (rest-api.md 10)', () => {
  test('[rest 10 current] paused with skip, resumed, stopped, by Twilio.CURRENT', async () => {
    const { sid } = await aLiveCall();
    await calls()(sid).recordings.create();
    const current = () => calls()(sid).recordings('Twilio.CURRENT');
    expect((await current().update({ status: 'paused', pauseBehavior: 'skip' })).status).toBe('paused');
    expect((await current().update({ status: 'in-progress' })).status).toBe('in-progress');
    const stopped = await current().update({ status: 'stopped' });
    expect(stopped.status).toBe('stopped');
    await expect(current().update({ status: 'stopped' })).rejects.toMatchObject(rejection(20404, 404));
  });

  test('[rest 10 16108] two at once: Twilio.CURRENT is ambiguous, the sid is not [rest 6 16108]', async () => {
    const { sid } = await aLiveCall();
    const one = await calls()(sid).recordings.create();
    await calls()(sid).recordings.create();
    await expect(calls()(sid).recordings('Twilio.CURRENT').update({ status: 'paused' })).rejects.toMatchObject(
      rejection(16108),
    );
    expect((await calls()(sid).recordings(one.sid).update({ status: 'paused' })).status).toBe('paused');
    const after = await calls()(sid)
      .recordings('Twilio.CURRENT')
      .update({ status: 'paused' })
      .catch((fault) => fault);
    // A paused one counts as current too.
    expect(after.code).toBe(16108);
  });

  test('one that is completed cannot be changed: 21220; a foreign one is not found', async () => {
    const done = await aRecording();
    await expect(calls()(done.callSid).recordings(done.sid).update({ status: 'stopped' })).rejects.toMatchObject(
      rejection(21220),
    );
    const { sid } = await aLiveCall();
    await expect(calls()(sid).recordings(done.sid).update({ status: 'stopped' })).rejects.toMatchObject(
      rejection(20404, 404),
    );
  });

  test.each(['Status=loud', 'PauseBehavior=skip', 'Status=paused&PauseBehavior=hum'])('%s is 20001', async (form) => {
    const { sid } = await aLiveCall();
    await calls()(sid).recordings.create();
    const answer = await world.fetch(`Calls/${sid}/Recordings/Twilio.CURRENT.json`, { form });
    expect([answer.status, (await json(answer)).code]).toEqual([400, 20001]);
  });

  test('[rest 10 conference] recordings of a conference', async () => {
    const conferenceSid = newSid('CF');
    const room = { conferenceSid, accountSid: world.account.sid, callSid: newSid('CA'), mixer: 'm9' };
    const started = bench.recordings.startOnConference(room, aRequest({ source: 'Conference' }));
    if (!started.ok) throw new Error(started.error.message);
    const conference = world.client.conferences(conferenceSid);
    const paused = await conference.recordings('Twilio.CURRENT').update({ status: 'paused' });
    expect(paused).toMatchObject({ sid: started.value.sid, conferenceSid, status: 'paused', source: 'Conference' });
    expect(paused.uri).toBe(
      `/2010-04-01/Accounts/${world.account.sid}/Conferences/${conferenceSid}/Recordings/${paused.sid}.json`,
    );
    expect((await conference.recordings(paused.sid).fetch()).status).toBe('paused');
    await conference.recordings(paused.sid).update({ status: 'stopped' });
    const ended = await started.value.ended;
    await world.store.recordings.insert(ended);
    expect((await conference.recordings.list()).map(({ sid, status }) => [sid, status])).toEqual([
      [paused.sid, 'completed'],
    ]);
    expect(await conference.recordings(paused.sid).remove()).toBe(true);
    await expect(conference.recordings(paused.sid).fetch()).rejects.toMatchObject(rejection(20404, 404));
  });
});

describe('read (rest-api.md 5, 7.3, 10)', () => {
  test('[rest 10 fetch] the account form has the media, the call form the track', async () => {
    const one = await aRecording();
    const fetched = await world.client.recordings(one.sid).fetch();
    expect(fetched).toMatchObject({
      sid: one.sid,
      duration: '1',
      status: 'completed',
      channels: 1,
      source: 'RecordVerb',
    });
    expect(fetched.mediaUrl).toBe(`${world.url}/2010-04-01/Accounts/${world.account.sid}/Recordings/${one.sid}`);
    expect(fetched.subresourceUris).toHaveProperty('transcriptions');
    const ofCall = await calls()(one.callSid).recordings(one.sid).fetch();
    expect(ofCall.track).toBe('both');
    await expect(calls()(newSid('CA')).recordings(one.sid).fetch()).rejects.toMatchObject(rejection(20404, 404));
  });

  test('[rest 7.3 recordings] lists by call, conference and date [rest 9.4 recordings]', async () => {
    const callSid = newSid('CA');
    const conferenceSid = newSid('CF');
    const old = await aRecording({ callSid, dateCreated: Date.UTC(2025, 4, 5, 6) });
    const other = await aRecording({ callSid, conferenceSid });
    const sids = async (filter: object) => (await world.client.recordings.list(filter)).map(({ sid }) => sid);
    expect(await sids({ callSid })).toEqual([other.sid, old.sid]);
    expect(await sids({ conferenceSid })).toEqual([other.sid]);
    expect(await sids({ callSid, dateCreatedBefore: new Date('2025-05-06T00:00:00Z') })).toEqual([old.sid]);
    expect(await sids({ callSid, dateCreatedAfter: new Date('2025-05-06T00:00:00Z') })).toEqual([other.sid]);
    expect(
      (await calls()(callSid).recordings.list({ dateCreated: new Date('2025-05-05T00:00:00Z') })).map(({ sid }) => sid),
    ).toEqual([old.sid]);
    expect(await sids({ callSid: 'CA' })).toEqual([]);
  });

  test('one under way is shown as it is now [rest 10 states]', async () => {
    const { sid } = await aLiveCall();
    const made = await calls()(sid).recordings.create();
    world.store.recordings.put(bench.recordings.live(made.sid)!.record);
    await calls()(sid).recordings(made.sid).update({ status: 'paused' });
    expect((await world.client.recordings.list({ callSid: sid }))[0]!.status).toBe('paused');
    expect((await world.client.recordings(made.sid).fetch()).status).toBe('paused');
  });
});

describe('delete (rest-api.md 8)', () => {
  test('[rest 8 recording] the media goes, the record stays for who asks for it', async () => {
    const one = await aRecording();
    const file = join(bench.folder, one.media!);
    expect(existsSync(file)).toBe(true);
    expect(await world.client.recordings(one.sid).remove()).toBe(true);
    expect(existsSync(file)).toBe(false);
    await expect(world.client.recordings(one.sid).fetch()).rejects.toMatchObject(rejection(20404, 404));
    const kept = await world.client.recordings(one.sid).fetch({ includeSoftDeleted: true });
    expect(kept.status).toBe('deleted');
    const listed = async (includeSoftDeleted: boolean) =>
      (await world.client.recordings.list({ callSid: one.callSid, includeSoftDeleted })).map(({ status }) => status);
    expect(await listed(false)).toEqual([]);
    expect(await listed(true)).toEqual(['deleted']);
    expect((await world.fetch(`Recordings/${one.sid}.wav`)).status).toBe(404);
    await expect(world.client.recordings(one.sid).remove()).rejects.toMatchObject(rejection(20404, 404));
  });

  test('[rest 8 active-recording] one under way is refused: 21220', async () => {
    const { sid } = await aLiveCall();
    const made = await calls()(sid).recordings.create();
    await expect(calls()(sid).recordings(made.sid).remove()).rejects.toMatchObject(rejection(21220));
  });
});

describe('media (rest-api.md 10)', () => {
  const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

  test.each(['', '.wav'])('[rest 10 wav] Recordings/RE%s', async (extension) => {
    const one = await aRecording();
    const answer = await world.fetch(`Recordings/${one.sid}${extension}`);
    expect(answer.headers.get('content-type')).toBe('audio/x-wav');
    expect(answer.headers.get('content-length')).toBe('16044');
    expect((await bytesOf(answer)).equals(wavOf(tone(500, 8_000)))).toBe(true);
    const ofCall = await world.fetch(`Calls/${one.callSid}/Recordings/${one.sid}${extension}`);
    expect((await bytesOf(ofCall)).length).toBe(16_044);
  });

  test('[rest 10 mp3] rendered once, whole and in parts', async () => {
    const one = await aRecording();
    const answer = await world.fetch(`Recordings/${one.sid}.mp3`);
    expect(answer.headers.get('content-type')).toBe('audio/mpeg');
    const mp3 = await bytesOf(answer);
    expect(mp3.length).toBe(Number(answer.headers.get('content-length')));
    const decoded = await decodeMp3(mp3);
    if (!decoded.ok) throw new Error(decoded.error.detail);
    expect(toneShare(decoded.value.subarray(3_000, 6_000), 500)).toBeGreaterThan(0.95);
    const part = await world.fetch(`Recordings/${one.sid}.mp3`, { headers: { range: 'bytes=100-199' } });
    expect((await bytesOf(part)).equals(mp3.subarray(100, 200))).toBe(true);
    expect(existsSync(join(bench.folder, one.media!.replace('.wav', '.mp3')))).toBe(true);
    await world.client.recordings(one.sid).remove();
    expect(existsSync(join(bench.folder, one.media!.replace('.wav', '.mp3')))).toBe(false);
  });

  test('[rest 10 requested-channels] two as recorded, one on request, in both formats', async () => {
    const one = await aRecording({ channels: 2 });
    const whole = await bytesOf(await world.fetch(`Recordings/${one.sid}`));
    expect([whole.length, whole.readUInt16LE(22)]).toEqual([32_044, 2]);
    const mono = await bytesOf(await world.fetch(`Recordings/${one.sid}.wav?RequestedChannels=1`));
    expect([mono.length, mono.readUInt16LE(22)]).toEqual([16_044, 1]);
    const mp3 = await bytesOf(await world.fetch(`Recordings/${one.sid}.mp3?RequestedChannels=1`));
    const decoded = await decodeMp3(mp3);
    if (!decoded.ok) throw new Error(decoded.error.detail);
    const part = decoded.value.subarray(3_000, 6_000);
    expect(toneShare(part, 500) + toneShare(part, 1_500)).toBeGreaterThan(0.9);
    expect(toneShare(part, 500)).toBeGreaterThan(0.3);
    const both = await bytesOf(await world.fetch(`Recordings/${one.sid}.mp3`));
    expect(both.length).toBeGreaterThan(mp3.length);
  });

  test('[rest 10 16113] two channels of a mono recording [rest 6 16113]', async () => {
    const one = await aRecording();
    const answer = await world.fetch(`Recordings/${one.sid}.wav?RequestedChannels=2`);
    expect([answer.status, (await json(answer)).code]).toEqual([400, 16113]);
    const wrong = await world.fetch(`Recordings/${one.sid}.wav?RequestedChannels=3`);
    expect((await json(wrong)).code).toBe(20001);
  });

  test('[rest 10 ranges] 206, 416 and HEAD', async () => {
    const one = await aRecording();
    const whole = wavOf(tone(500, 8_000));
    const part = await world.fetch(`Recordings/${one.sid}`, { headers: { range: 'bytes=-100' } });
    expect([part.status, part.headers.get('content-range'), part.headers.get('accept-ranges')]).toEqual([
      206,
      'bytes 15944-16043/16044',
      'bytes',
    ]);
    expect((await bytesOf(part)).equals(whole.subarray(-100))).toBe(true);
    const outside = await world.fetch(`Recordings/${one.sid}`, { headers: { range: 'bytes=99999-' } });
    expect([outside.status, (await json(outside)).code]).toEqual([416, 20416]);
    const head = await world.fetch(`Recordings/${one.sid}.wav`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), (await bytesOf(head)).length]).toEqual([200, '16044', 0]);
    const changed = { range: 'bytes=0-1', 'if-range': '"another"' };
    expect((await world.fetch(`Recordings/${one.sid}`, { headers: changed })).status).toBe(200);
  });

  test.each([
    ['deleted', { status: 'deleted', media: null, dateDeleted: 1 }],
    ['not ready', { status: 'in-progress' }],
    ['absent', { status: 'absent', media: null }],
    ['not on the disk', {}],
    ['a name that leads elsewhere', { media: '../../../etc/passwd' }],
  ] as const)('[rest 10 not-there] %s: 404, 20404', async (what, over) => {
    const one = await aRecording('media' in over ? { media: null } : {});
    await world.store.recordings.update({ ...one, ...over });
    if (what === 'not on the disk') await bench.files.remove(one);
    const answer = await world.fetch(`Recordings/${one.sid}.wav`);
    expect([answer.status, (await json(answer)).code]).toEqual([404, 20404]);
  });

  test.each(['RE', `${newSid('RE')}.ogg`, `${newSid('RE')}.wav.json`, '..%2f..%2fsecret.key'])(
    'no such media: %s',
    async (name) => {
      expect((await world.fetch(`Recordings/${name}`)).status).toBe(404);
    },
  );

  test('a damaged file ends the answer, not the server', async () => {
    const one = await aRecording();
    bench.write(
      one,
      Buffer.concat([Buffer.from('HSSEAL1\n'), Buffer.from('2c000000803e0000', 'hex'), randomBytes(16_000)]),
    );
    const answer = await world.fetch(`Recordings/${one.sid}.wav`).catch(() => undefined);
    const body = await answer?.arrayBuffer().catch(() => undefined);
    expect(answer?.status === 500 || body === undefined).toBe(true);
    expect((await world.fetch('Recordings.json')).status).toBe(200);
  });

  test('[rest 10 basic-auth] credentials are required by default; a setting opens the media, not the records', async () => {
    const one = await aRecording();
    const anonymous = { authorization: '' };
    expect((await world.fetch(`Recordings/${one.sid}.wav`, anonymous)).status).toBe(401);
    expect((await world.fetch(`Recordings/${one.sid}.wav`, { authorization: 'Basic QUM6eA==' })).status).toBe(401);
    isMediaOpen = true;
    expect((await world.fetch(`Recordings/${one.sid}.wav`, anonymous)).status).toBe(200);
    expect((await world.fetch(`Recordings/${one.sid}`, { ...anonymous, method: 'HEAD' })).status).toBe(200);
    expect((await world.fetch(`Recordings/${one.sid}.json`, anonymous)).status).toBe(401);
    expect((await world.fetch('Recordings.json', anonymous)).status).toBe(401);
    expect((await world.fetch(`Recordings/${one.sid}`, { ...anonymous, method: 'DELETE' })).status).toBe(401);
    const foreign = `/2010-04-01/Accounts/${newSid('AC')}/Recordings/${one.sid}.wav`;
    expect((await world.fetch(foreign, anonymous)).status).toBe(404);
  });
});

describe('Calls with Record (rest-api.md 9.1)', () => {
  const create = (over: object) =>
    world.client.calls.create({ to: 'sip:bob@x', from: '+4930123456', url: 'https://app.example.com/voice', ...over });

  test('[rest 9.1 record] the defaults, and every parameter', async () => {
    await create({ record: true });
    expect(world.calls.created.at(-1)!.recording).toEqual({
      channels: 1,
      track: 'both',
      trim: true,
      source: 'OutboundAPI',
      callback: null,
    });
    await create({
      record: true,
      recordingChannels: 'dual',
      trim: 'do-not-trim',
      recordingStatusCallback: 'https://app.example.com/r',
      recordingStatusCallbackEvent: ['completed', 'absent'],
    });
    expect(world.calls.created.at(-1)!.recording).toEqual({
      channels: 2,
      track: 'both',
      trim: false,
      source: 'OutboundAPI',
      callback: { url: 'https://app.example.com/r', method: 'POST', events: ['completed', 'absent'] },
    });
    await create({ record: false, recordingChannels: 'dual' });
    expect(world.calls.created.at(-1)!.recording).toBeUndefined();
  });

  test.each([
    'Record=perhaps',
    'Record=true&RecordingChannels=5',
    'Record=true&RecordingTrack=x',
    'Record=true&Trim=x',
  ])('%s is 20001', async (form) => {
    const common = 'To=sip%3Ab%40x&From=a&Url=https%3A%2F%2Fapp.example.com%2F';
    const answer = await world.fetch('Calls.json', { form: `${common}&${form}` });
    expect([answer.status, (await json(answer)).code]).toEqual([400, 20001]);
  });
});
