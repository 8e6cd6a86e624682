// Verbs that are heard one after the other follow without a gap, though the second file is slow to come: it is fetched meanwhile.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rootMeanSquare, toneShare } from '../../../src/media/goertzel.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { readWav } from '../../../src/media/wav.ts';
import { wavHeader } from '../../../src/media/wav-writer.ts';
import { DEADLINE_MS, dials, expectEvent, hearsPackets, world } from '../../support/world.ts';

const ONE_HZ = 500;
const TWO_HZ = 900;
const TONE_MS = 1_000;
/** As many packets has the phone got before the second file comes: 400 ms. */
const SLOW_PACKETS = 20;
/** What a busy machine may put between two plays: half of what the file takes to come. */
const GAP_MAX_MS = 200;

function wavOf(frequency: number) {
  const samples = toneSamples([frequency], -10, TONE_MS);
  const data = Buffer.alloc(samples.length * 2);
  for (const [index, sample] of samples.entries()) data.writeInt16LE(sample, index * 2);
  return { headers: { 'Content-Type': 'audio/wav' }, body: Buffer.concat([wavHeader(1, data.length), data]) };
}

test('Play, Play and Gather with a prompt: the files are there when their turn comes [twiml 5.2 gapless]', async () => {
  const w = await world();
  w.answers('<Play>/one.wav</Play><Play>/two.wav</Play><Gather timeout="1"><Play>/three.wav</Play></Gather><Hangup/>');
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  const slow = (frequency: number) => async () => {
    await hearsPackets(call, SLOW_PACKETS);
    return wavOf(frequency);
  };
  w.app.on('/one.wav', wavOf(ONE_HZ));
  w.app.on('/two.wav', slow(TWO_HZ));
  w.app.on('/three.wav', slow(ONE_HZ));
  await expectEvent(alice, call, 'answered');
  const file = join(w.folder, 'heard.wav');
  call.record(file);
  await call.waitFor(DEADLINE_MS, 'ended');
  await call.stopRecord();
  const wav = readWav(readFileSync(file));
  if (!wav.ok) throw new Error(wav.error.detail);
  const frames = Array.from({ length: wav.value.samples.length / 160 }, (_, index) =>
    wav.value.samples.subarray(index * 160, (index + 1) * 160),
  );
  const isSound = (frame: Int16Array) => rootMeanSquare(frame) > 500;
  const heard = frames.slice(frames.findIndex(isSound), frames.findLastIndex(isSound) + 1);
  const [one, two] = [ONE_HZ, TWO_HZ].map((frequency) => heard.filter((frame) => toneShare(frame, frequency) > 0.8));
  expect(one!.length).toBeGreaterThan(80);
  expect(two!.length).toBeGreaterThan(40);
  expect(heard.filter((frame) => !isSound(frame)).length * 20).toBeLessThan(2 * GAP_MAX_MS);
  await w.isIdle();
});
