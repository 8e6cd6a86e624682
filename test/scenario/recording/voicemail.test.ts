// Messages, Dials and whole calls recorded with real phones over sockets: what was said is what is downloaded.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bridged, DEADLINE_MS, dials, expectEvent, Inbox, world } from '../../support/world.ts';
import { bestShare, channelsOf, download, finished, tone } from './kit.ts';

const CLEAN = 0.9;

describe('Record', () => {
  test('a message is downloaded as it was spoken; the key ends it [twiml 5.5 finish-on-key] [twiml 8.3 parameters] [twiml 3.3 record-action] [twiml 5.5 mono] [twiml 8.3 source] [twiml 16 point-24]', async () => {
    const w = await world();
    w.answers(
      '<Record timeout="0" playBeep="false" finishOnKey="#" recordingStatusCallback="/recorded" action="/after"/>',
    );
    w.answers('<Hangup/>', '/after');
    w.app.on('/recorded', { status: 204 });
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    await call.play(tone(700), DEADLINE_MS);
    await call.play([{ kind: 'digits', digits: '#' }], DEADLINE_MS);
    const { params } = await w.asked('/after');
    expect(params).toMatchObject({ Digits: '#', RecordingSid: expect.stringMatching(/^RE[0-9a-f]{32}$/) });
    expect(params.RecordingUrl).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/2010-04-01\/Accounts\/AC\w{32}\/Recordings\/RE\w{32}$/,
    );
    expect(Number(params.RecordingDuration)).toBeGreaterThanOrEqual(1);
    const told = await w.asked('/recorded');
    expect(told.params).toMatchObject({
      RecordingSid: params.RecordingSid,
      RecordingStatus: 'completed',
      RecordingDuration: params.RecordingDuration,
      RecordingChannels: '1',
      RecordingSource: 'RecordVerb',
      RecordingTrack: 'inbound',
    });
    const wav = await download(params.RecordingUrl!);
    expect(bestShare(channelsOf(wav)[0]!, 700)).toBeGreaterThan(CLEAN);
    await w.isIdle();
  });

  test('silence ends it; the beep is not in it; media open by setting [twiml 5.5 timeout] [twiml 5.5 play-beep]', async () => {
    const w = await world({ settings: { recordingAuth: false } });
    w.answers('<Record timeout="1" action="/after"/>');
    w.answers('<Hangup/>', '/after');
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    // Silence packets of the phone are heard as silence, speech holds the end up.
    void call.play([...tone(900, 1_200), { kind: 'silence', durationMs: 8_000 }], DEADLINE_MS * 2);
    const { params } = await w.asked('/after');
    expect(params.Digits).toBe('');
    const [samples] = channelsOf(await download(params.RecordingUrl!));
    expect(bestShare(samples!, 1_000)).toBeLessThan(0.5);
    // rest-api.md 10: as the vendor does, media without credentials; the record is not open.
    expect((await fetch(`${params.RecordingUrl}.wav`)).status).toBe(200);
    expect((await fetch(`${params.RecordingUrl}.json`)).status).toBe(401);
    await w.isIdle();
  });

  test('the caller hangs up: Digits=hangup, and the message is there [twiml 5.5 hang-up] [twiml 4.2 record-hangup]', async () => {
    const w = await world();
    w.answers('<Record timeout="0" playBeep="false" action="/after"/>');
    w.answers('<Say>ignored</Say>', '/after');
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    await call.play(tone(700), DEADLINE_MS);
    call.leg.hangUp();
    const { params } = await w.asked('/after');
    expect(params).toMatchObject({ Digits: 'hangup', CallStatus: 'completed' });
    expect(bestShare(channelsOf(await download(params.RecordingUrl!))[0]!, 700)).toBeGreaterThan(CLEAN);
    await w.isIdle();
  });

  test('encrypted at rest: the download is the message, the file is not [twiml 5.5 recording-url]', async () => {
    const w = await world({ settings: { recordingEncryption: true } });
    w.answers('<Record timeout="0" playBeep="false" action="/after"/>');
    w.answers('<Hangup/>', '/after');
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    await call.play(tone(700), DEADLINE_MS);
    await call.play([{ kind: 'digits', digits: '5' }], DEADLINE_MS);
    const { params } = await w.asked('/after');
    const wav = await download(params.RecordingUrl!);
    expect(bestShare(channelsOf(wav)[0]!, 700)).toBeGreaterThan(CLEAN);
    const mp3 = await download(`${params.RecordingUrl}.mp3`);
    const folder = join(w.folder, 'data/recordings');
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(wav|mp3)$/.test(name),
    );
    expect(names.map((name) => name.slice(-4)).sort()).toEqual(['.mp3', '.wav']);
    for (const name of names) {
      const bytes = readFileSync(join(folder, name));
      expect(bytes.includes(wav.subarray(2_000, 2_032))).toBe(false);
      expect(bytes.includes(mp3.subarray(500, 532))).toBe(false);
    }
    await w.isIdle();
  });

  test('the folder of recordings cannot be written: the call goes on, and the code is said [twiml 5.5 failed]', async () => {
    const w = await world();
    writeFileSync(join(w.folder, 'data/recordings'), 'a file where the folder should be');
    w.answers(
      '<Record timeout="0" playBeep="false" action="/after" recordingStatusCallback="/recorded" recordingStatusCallbackEvent="absent"/>',
    );
    w.answers('<Pause length="60"/>', '/after');
    w.app.on('/recorded', { status: 204 });
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    const told = await w.asked('/recorded');
    expect(told.params).toMatchObject({ RecordingStatus: 'failed', ErrorCode: '90916' });
    const { params } = await w.asked('/after');
    expect(params.CallStatus).toBe('in-progress');
    expect(existsSync(join(w.folder, 'data/recordings/2026'))).toBe(false);
    call.leg.hangUp();
    await w.isIdle();
  });
});

describe('Dial record', () => {
  const dialVerb = (record: string) =>
    `<Dial record="${record}" action="/after"><Client statusCallback="/child">bob</Client></Dial>`;

  test('dual: channel 1 is the caller, channel 2 the callee [twiml 6.2 recording] [twiml 3.3 dial-recording] [sip 2.1 record] [sip 2.5 action-recording] [sip 8.1 recording] [twiml 8.1 recording] [twiml 8.3 source]', async () => {
    const w = await world();
    w.app.on('/child', { status: 204 });
    const { caller, callee } = await bridged(w, dialVerb('record-from-answer-dual'));
    await Promise.all([caller.play(tone(600), DEADLINE_MS), callee.play(tone(1_400), DEADLINE_MS)]);
    callee.leg.hangUp();
    const { params } = await w.asked('/after');
    expect(params).toMatchObject({ DialCallStatus: 'completed', RecordingSid: expect.stringMatching(/^RE/) });
    const [left, right] = channelsOf(await download(params.RecordingUrl!));
    expect(bestShare(left!, 600)).toBeGreaterThan(CLEAN);
    expect(bestShare(left!, 1_400)).toBeLessThan(0.1);
    expect(bestShare(right!, 1_400)).toBeGreaterThan(CLEAN);
    expect(bestShare(right!, 600)).toBeLessThan(0.1);
    const child = await w.asked('/child');
    expect(child.params).toMatchObject({
      CallStatus: 'completed',
      RecordingSid: params.RecordingSid,
      RecordingUrl: params.RecordingUrl,
      RecordingDuration: params.RecordingDuration,
    });
    const record = await finished(w, params.RecordingSid!);
    expect(record).toMatchObject({ call_sid: params.CallSid, source: 'DialVerb', channels: 2 });
    await w.isIdle();
  });

  test('mono: both in one channel [twiml 6.1 record]', async () => {
    const w = await world();
    w.app.on('/child', { status: 204 });
    const { caller, callee } = await bridged(w, dialVerb('true'));
    await caller.play(tone(600), DEADLINE_MS);
    await callee.play(tone(1_400), DEADLINE_MS);
    callee.leg.hangUp();
    const { params } = await w.asked('/after');
    const channels = channelsOf(await download(params.RecordingUrl!));
    expect(channels).toHaveLength(1);
    expect(bestShare(channels[0]!, 600)).toBeGreaterThan(CLEAN);
    expect(bestShare(channels[0]!, 1_400)).toBeGreaterThan(CLEAN);
    await w.isIdle();
  });

  test('from ringing: what the caller heard while it rang is in it [twiml 6.1 record-from-ringing]', async () => {
    const w = await world();
    w.app.on('/child', { status: 204 });
    w.answers(dialVerb('record-from-ringing-dual').replace('<Dial ', '<Dial ringTone="us" '));
    w.answers('<Hangup/>', '/after');
    const alice = await w.phone('alice');
    const bob = await w.phone('bob');
    const inbox = new Inbox(bob, 'bob');
    const caller = dials(alice, w.uri('1000'));
    const callee = await inbox.next('ring');
    await expectEvent(alice, caller, 'answered');
    await caller.play(tone(600), DEADLINE_MS);
    callee.leg.refuse(486);
    const { params } = await w.asked('/after');
    expect(params.DialCallStatus).toBe('busy');
    const [left, right] = channelsOf(await download(params.RecordingUrl!));
    expect(bestShare(left!, 600)).toBeGreaterThan(CLEAN);
    // The ringing tone of the US: 440 and 480 Hz.
    expect(right!.some((sample) => Math.abs(sample) > 500)).toBe(true);
    await w.isIdle();
  });
});

describe('recordings beside the document', () => {
  test('Start and Stop; in-progress and completed are told in order [twiml 10.1 begins]', async () => {
    const w = await world();
    w.app.on('/recorded', { status: 204 });
    w.answers(
      '<Start><Recording name="r" recordingStatusCallback="/recorded" recordingStatusCallbackEvent="in-progress completed"/></Start>' +
        '<Gather numDigits="1" timeout="30" action="/stop"/>',
    );
    w.answers('<Stop><Recording name="r"/></Stop><Pause length="60"/>', '/stop');
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    await call.play(tone(800), DEADLINE_MS);
    await call.play([{ kind: 'digits', digits: '1' }], DEADLINE_MS);
    const [begun, done] = [await w.asked('/recorded', 1), await w.asked('/recorded', 2)];
    expect([begun.params.RecordingStatus, done.params.RecordingStatus]).toEqual(['in-progress', 'completed']);
    expect(done.params).toMatchObject({ RecordingChannels: '2', RecordingTrack: 'both' });
    expect(bestShare(channelsOf(await download(done.params.RecordingUrl!))[0]!, 800)).toBeGreaterThan(CLEAN);
    call.leg.hangUp();
    await w.isIdle();
  });

  test('over REST: started, paused with skip, resumed, stopped on a live call [rest 10 pause-skip]', async () => {
    const w = await world();
    w.answers('<Gather timeout="60"/>');
    const alice = await w.phone('alice');
    const call = dials(alice, w.uri('1000'));
    await expectEvent(alice, call, 'answered');
    const { params } = await w.asked('/voice');
    const made = await w.rest(`/Calls/${params.CallSid}/Recordings.json`, { RecordingTrack: 'inbound' });
    expect(made.status).toBe(201);
    const current = (form: Record<string, string>) =>
      w.rest(`/Calls/${params.CallSid}/Recordings/Twilio.CURRENT.json`, form);
    await call.play(tone(600, 800), DEADLINE_MS);
    expect((await current({ Status: 'paused', PauseBehavior: 'skip' })).body.status).toBe('paused');
    // Silence around it: what the jitter buffers hold when a command comes is none of it.
    const silence = { kind: 'silence', durationMs: 400 } as const;
    await call.play([silence, ...tone(1_100, 800), silence], DEADLINE_MS);
    expect((await current({ Status: 'in-progress' })).body.status).toBe('in-progress');
    await call.play(tone(1_700, 800), DEADLINE_MS);
    expect((await current({ Status: 'stopped' })).body.status).toBe('stopped');
    const record = await finished(w, String(made.body.sid));
    expect(record).toMatchObject({ status: 'completed', source: 'StartCallRecordingAPI', channels: 1 });
    const [samples] = channelsOf(await download(String(record.media_url)));
    expect(bestShare(samples!, 600)).toBeGreaterThan(CLEAN);
    expect(bestShare(samples!, 1_700)).toBeGreaterThan(CLEAN);
    expect(bestShare(samples!, 1_100)).toBeLessThan(0.5);
    call.leg.hangUp();
    await w.isIdle();
  });

  test('a call made with Record: its completed callback names the recording [rest 9.1 record] [twiml 8.2 recording] [rest 10 source] [twiml 8.3 source] [sip 2.6 record-and-detection]', async () => {
    const w = await world();
    w.app.on('/done', { status: 204 });
    const bob = await w.phone('bob');
    const inbox = new Inbox(bob, 'bob');
    const made = await w.rest('/Calls.json', {
      To: 'client:bob',
      From: 'alice',
      Twiml: '<Response><Pause length="60"/></Response>',
      Record: 'true',
      StatusCallback: w.app.url('/done'),
    });
    expect(made.status).toBe(201);
    expect(w.log.join('')).not.toContain('has no effect');
    const callee = await inbox.next('answer');
    await callee.play(tone(750), DEADLINE_MS);
    callee.leg.hangUp();
    const { params } = await w.asked('/done');
    expect(params).toMatchObject({ CallStatus: 'completed', RecordingSid: expect.stringMatching(/^RE/) });
    expect(bestShare(channelsOf(await download(params.RecordingUrl!))[0]!, 750)).toBeGreaterThan(CLEAN);
    expect((await finished(w, params.RecordingSid!)).source).toBe('OutboundAPI');
    await w.isIdle();
  });
});
