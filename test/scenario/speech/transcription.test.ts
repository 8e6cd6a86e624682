// Record with transcribe="true": a message of a real phone is recorded, recognised after the call, and its text told and kept.

import { expect, test } from 'vitest';
import type { PlaySource } from '../../../src/media/engine.ts';
import { ACCOUNT_SID, DEADLINE_MS, world } from '../../support/world.ts';
import { calls, recogniserServer, sentence } from './kit.ts';

const RECORD =
  '<Record transcribe="true" transcribeCallback="/text" action="/recorded" timeout="2" playBeep="false" trim="do-not-trim"/>';

/** Words and then a line that stays open: without RTP there is no silence that could end the message. */
const message = (samples: Int16Array): PlaySource[] => [
  { kind: 'samples', samples },
  { kind: 'silence', durationMs: 6_000 },
];

test('the text of a message: callback with its parameters, and the resource over REST [twiml 5.6 transcribe-callback]', async () => {
  const words = await sentence();
  const server = await recogniserServer('i need help with my bill');
  const w = await world({ settings: { recogniserUrl: server.url } });
  w.answers(RECORD);
  w.answers('<Hangup/>', '/recorded');
  w.answers('', '/text');
  const call = await calls(w);
  void call.play(message(words), DEADLINE_MS);
  const recorded = await w.asked('/recorded');
  const told = await w.asked('/text');
  expect(told.method).toBe('POST');
  const { CallSid, RecordingSid, TranscriptionSid } = told.params;
  const base = `/2010-04-01/Accounts/${ACCOUNT_SID}/Recordings/${RecordingSid}`;
  expect(told.params).toMatchObject({
    TranscriptionText: 'i need help with my bill',
    TranscriptionStatus: 'completed',
    TranscriptionUrl: expect.stringContaining(`${base}/Transcriptions/${TranscriptionSid}`),
    RecordingUrl: expect.stringContaining(base),
    AccountSid: ACCOUNT_SID,
    CallSid: recorded.params.CallSid,
    Direction: 'inbound',
    ApiVersion: '2010-04-01',
  });
  expect(recorded.params.RecordingSid).toBe(RecordingSid);
  const [{ samples } = { samples: new Int16Array() }] = server.utterances;
  expect(samples.length).toBeGreaterThan(words.length * 0.9);

  const fetched = await w.rest(`/Transcriptions/${TranscriptionSid}.json`);
  expect(fetched.body).toMatchObject({
    sid: TranscriptionSid,
    recording_sid: RecordingSid,
    status: 'completed',
    transcription_text: 'i need help with my bill',
  });
  const listed = await w.rest(`/Recordings/${RecordingSid}/Transcriptions.json`);
  expect((listed.body.transcriptions as { sid: string }[]).map(({ sid }) => sid)).toEqual([TranscriptionSid]);
  expect(CallSid).toMatch(/^CA/);
  await w.isIdle();
});

test('a recogniser that is down: the callback says failed, the recording stays [twiml 5.6 failed]', async () => {
  const words = await sentence();
  const w = await world({ settings: { recogniserUrl: 'http://127.0.0.1:1' } });
  w.answers(RECORD);
  w.answers('<Hangup/>', '/recorded');
  w.answers('', '/text');
  const call = await calls(w);
  void call.play(message(words), DEADLINE_MS);
  const told = await w.asked('/text');
  expect(told.params).toMatchObject({ TranscriptionStatus: 'failed', TranscriptionText: '' });
  const recording = await w.rest(`/Recordings/${told.params.RecordingSid}.json`);
  expect(recording.body.status).toBe('completed');
  await w.isIdle();
});

test('without a recogniser the document warns at once (13614), and the message is recorded [twiml 5.5 no-engine]', async () => {
  const words = await sentence();
  const w = await world();
  w.answers(RECORD);
  w.answers('<Hangup/>', '/recorded');
  const call = await calls(w);
  void call.play(message(words), DEADLINE_MS);
  expect((await w.asked('/recorded')).params.RecordingUrl).toMatch(/Recordings\/RE/);
  expect(w.log.filter((line) => line.includes('"errorCode":13614'))).toHaveLength(1);
  await w.isIdle();
});
