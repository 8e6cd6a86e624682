// Gather with speech: a real phone says a sentence (of espeak-ng), a server with the protocol of Vosk hears it and answers. What it
// understands is in the hands of the test; that it gets exactly the words, from the first sound to the pause, is what is looked at.

import { expect, test } from 'vitest';
import { DEADLINE_MS, world } from '../../support/world.ts';
import { calls, loudness, recogniserServer, sentence } from './kit.ts';

test('what the caller says stops the prompt, reaches the recogniser whole, and its text the action [twiml 5.4 speech-input] [twiml 3.3 gather-speech] [twiml 3.3 partial-result] [twiml 5.4 partial-callback]', async () => {
  const words = await sentence();
  const server = await recogniserServer('i need help with my bill');
  const w = await world({ settings: { recogniserUrl: server.url } });
  const prompt = '<Play loop="0">/tone.wav</Play>';
  w.answers(
    `<Gather input="speech dtmf" speechTimeout="1" action="/said" partialResultCallback="/partial">${prompt}</Gather>`,
  );
  w.answers('<Hangup/>', '/said');
  w.answers('', '/partial');
  const call = await calls(w);
  void call.play(
    [
      { kind: 'silence', durationMs: 600 },
      { kind: 'samples', samples: words },
    ],
    DEADLINE_MS,
  );
  const said = await w.asked('/said');
  expect(said.params).toMatchObject({
    SpeechResult: 'i need help with my bill',
    Confidence: '0.75',
    msg: 'Gather End',
  });
  expect(said.params).not.toHaveProperty('Digits');
  const partial = await w.asked('/partial');
  expect(partial.params).toMatchObject({
    UnstableSpeechResult: 'i need',
    SequenceNumber: '0',
    CallStatus: 'in-progress',
  });
  const [{ samples } = { samples: new Int16Array() }] = server.utterances;
  // The sentence, what was kept before it and the pause behind it; G.711 changes it a little.
  expect(samples.length).toBeGreaterThan(words.length * 0.95);
  expect(samples.length).toBeLessThan(words.length + 3 * 8_000);
  const energy = (some: Int16Array) => loudness(some) ** 2 * some.length;
  expect(energy(samples) / energy(words)).toBeGreaterThan(0.8);
  expect(energy(samples) / energy(words)).toBeLessThan(1.2);
  await w.isIdle();
  expect((w.gateway.counts() as { media: { taps: number } }).media.taps).toBe(0);
});

test('keys come first: the recogniser is not asked [twiml 5.4 first-kind-wins]', async () => {
  const server = await recogniserServer('nothing');
  const w = await world({ settings: { recogniserUrl: server.url } });
  w.answers('<Gather input="speech dtmf" numDigits="2" action="/typed"/>');
  w.answers('<Hangup/>', '/typed');
  const call = await calls(w);
  void call.play([{ kind: 'digits', digits: '42' }], DEADLINE_MS);
  expect((await w.asked('/typed')).params).toMatchObject({ Digits: '42', FinishedOnKey: '' });
  expect(server.utterances).toEqual([]);
  await w.isIdle();
});

test('a recogniser that is down: 13340 in the notifications, and the next verb [twiml 5.4 recogniser-down] [twiml 14 speech]', async () => {
  const words = await sentence();
  const w = await world({ settings: { recogniserUrl: 'ws://127.0.0.1:1' } });
  w.answers('<Gather input="speech" speechTimeout="1" action="/said"/><Redirect>/next</Redirect>');
  w.answers('<Hangup/>', '/next');
  const call = await calls(w);
  void call.play([{ kind: 'samples', samples: words }], DEADLINE_MS);
  await w.asked('/next');
  expect(w.log.filter((line) => line.includes('"errorCode":13340'))).toHaveLength(1);
  expect(w.app.requestsTo('/said')).toEqual([]);
  await w.isIdle();
});

test('a caller who hangs up while speaking: no action, nothing is left [twiml 5.4 hang-up]', async () => {
  const words = await sentence();
  const server = await recogniserServer('x');
  const w = await world({ settings: { recogniserUrl: server.url } });
  w.answers('<Gather input="speech" speechTimeout="5" action="/said" partialResultCallback="/partial"/>');
  w.answers('', '/partial');
  const call = await calls(w);
  void call.play([{ kind: 'samples', samples: words }], DEADLINE_MS);
  await w.asked('/partial');
  call.leg.hangUp();
  await w.isIdle();
  expect(w.app.requestsTo('/said')).toEqual([]);
  expect((w.gateway.counts() as { media: { taps: number } }).media.taps).toBe(0);
});
