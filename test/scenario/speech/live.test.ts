// Start><Transcription> on a real call, and the same over REST with the vendor's library.

import { expect, test } from 'vitest';
import { DEADLINE_MS, world } from '../../support/world.ts';
import { calls, recogniserServer, sentence } from './kit.ts';

test('what the phone says is told as text while the document goes on [twiml 10.3 content]', async () => {
  const words = await sentence();
  const server = await recogniserServer('i need help with my bill');
  const w = await world({ settings: { recogniserUrl: server.url } });
  const callback = w.app.url('/t');
  w.app.on('/t', { status: 204 });
  w.answers(
    `<Start><Transcription name="notes" track="inbound_track" statusCallbackUrl="${callback}"/></Start><Echo/>`,
  );
  const call = await calls(w);
  void call.play(
    [
      { kind: 'samples', samples: words },
      { kind: 'silence', durationMs: 2_000 },
    ],
    DEADLINE_MS,
  );
  expect((await w.asked('/t', 1)).params).toMatchObject({ TranscriptionEvent: 'transcription-started', Name: 'notes' });
  const content = await w.asked('/t', 2);
  expect(content.params).toMatchObject({
    TranscriptionEvent: 'transcription-content',
    Track: 'inbound_track',
    TranscriptionData: '{"transcript":"i need help with my bill","confidence":0.75}',
    Final: 'true',
  });
  call.leg.hangUp();
  expect((await w.asked('/t', 3)).params.TranscriptionEvent).toBe('transcription-stopped');
  await w.isIdle();
});

test('over REST: begun, stopped by name, known until the call ends [rest 9.5 transcriptions]', async () => {
  const server = await recogniserServer('x');
  const w = await world({ settings: { recogniserUrl: server.url } });
  w.answers('<Echo/>');
  w.app.on('/t', { status: 204 });
  const call = await calls(w);
  const { CallSid } = (await w.asked('/voice')).params;
  const path = `/Calls/${CallSid}/Transcriptions`;
  const form = { Name: 'notes', Track: 'inbound_track', StatusCallbackUrl: w.app.url('/t') };
  const created = await w.rest(`${path}.json`, form);
  expect(created).toMatchObject({ status: 200, body: { name: 'notes', status: 'in-progress', call_sid: CallSid } });
  expect((await w.asked('/t')).params).toMatchObject({ Track: 'inbound_track', TranscriptionSid: created.body.sid });
  const stopped = await w.rest(`${path}/notes.json`, { Status: 'stopped' });
  expect(stopped).toMatchObject({ status: 200, body: { sid: created.body.sid, status: 'stopped' } });
  expect((await w.rest(`${path}/other.json`, { Status: 'stopped' })).status).toBe(404);
  expect((await w.rest(`${path}/notes.json`, { Status: 'paused' })).status).toBe(400);
  call.leg.hangUp();
  await w.isIdle();
  expect((await w.rest(`${path}.json`, form)).body).toMatchObject({ status: 400, code: 21220 });
});
