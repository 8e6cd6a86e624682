// Taps and recordings of endpoints and mixers on a virtual clock and network, in one core and across two; files are real. Peers send
// packets of one constant sample, so that what is heard can be computed to the sample.

import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { MediaEvent } from '../../../src/media/engine.ts';
import type { AudioTrack, RecordingOptions, RecordingResult } from '../../../src/media/engine-audio.ts';
import { decode, muLawToLinear } from '../../../src/media/g711.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { TrackRecorder } from '../../../src/media/track-recorder.ts';
import { readWav } from '../../../src/media/wav.ts';
import { eventPayload, eventually, rtpPacket, shareOf } from '../../support/media.ts';
import { ADDRESS, coded, type Leg, MixerWorld, packetOf, sum } from '../../support/mixer-world.ts';
import { settle } from '../../support/virtual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'hookswitch-listeners-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = (): string => join(folder, `${++files}.wav`);

let worlds: MixerWorld[] = [];
afterEach(async () => {
  const made = worlds;
  worlds = [];
  for (const here of made) {
    await here.end();
    const { taps, recordings } = here.engine.counts();
    assert.deepEqual({ taps, recordings }, { taps: 0, recordings: 0 });
  }
});

function world(workers = 1): MixerWorld {
  const made = new MixerWorld(workers, 8);
  worlds.push(made);
  void made.engine.start();
  return made;
}

type Frame = MediaEvent & { readonly type: 'audio' };

function framesOf(here: MixerWorld, tap: string, track: AudioTrack): readonly Frame[] {
  return here.events.ofType('audio').filter((event) => event.tap === tap && event.track === track);
}

/** The value of which a frame consists; NaN: of more than one. */
function levelOf({ payload }: Frame): number {
  const samples = new Int16Array(160);
  assert.equal(decode('PCMU', payload, samples), 160);
  return samples.every((sample) => sample === samples[0]) ? samples[0]! : Number.NaN;
}

const valuesOf = (frames: readonly Frame[]): number[] => frames.map(levelOf);
/** Runs of equal values as [value, count]. */
function runsOf(values: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last && Object.is(last[0], value)) last[1] += 1;
    else runs.push([value, 1]);
  }
  return runs;
}

const options = (changes: Partial<RecordingOptions> = {}): RecordingOptions => ({
  file: newFile(),
  channels: 1,
  track: 'inbound',
  maxDurationMs: limits.recordingMs,
  ...changes,
});

async function ended(here: MixerWorld, recording: string): Promise<RecordingResult> {
  return (await here.events.waitFor('recordingEnded', (event) => event.recording === recording)).result;
}

async function stopped(here: MixerWorld, recording: string): Promise<RecordingResult> {
  here.engine.stopRecording(recording);
  return ended(here, recording);
}

/** Samples of each channel. */
function channelsOf(file: string, channels = 1): Int16Array[] {
  const bytes = readFileSync(file);
  assert.equal(bytes.readUInt32LE(4), bytes.length - 8, 'RIFF size');
  assert.equal(bytes.readUInt32LE(40), bytes.length - 44, 'data size');
  assert.equal(bytes.readUInt16LE(22), channels);
  const samples = new Int16Array((bytes.length - 44) / 2);
  for (let index = 0; index < samples.length; index++) samples[index] = bytes.readInt16LE(44 + index * 2);
  return Array.from({ length: channels }, (_, channel) => samples.filter((_, index) => index % channels === channel));
}

/** Values of whole frames of a recording. */
const frameValues = (samples: Int16Array): number[] =>
  Array.from({ length: samples.length / 160 }, (_, frame) => {
    const part = samples.subarray(frame * 160, (frame + 1) * 160);
    return part.every((sample) => sample === part[0]) ? part[0]! : Number.NaN;
  });

const isSound = (value: number): boolean => value !== 0;

describe('taps', () => {
  test.each(['PCMU', 'PCMA'] as const)('inbound: 20 ms of PCMU each tick, the peer speaks %s', async (codec) => {
    const here = world();
    const leg = await here.leg({ codec });
    const tap = here.engine.tap(leg.id, ['inbound']);
    await here.speak(new Map([[leg, 4_000]]), 400);
    await here.clock.advanceAsync(200);
    const frames = framesOf(here, tap, 'inbound');
    assert.deepEqual(
      frames.map(({ timestampMs }) => timestampMs),
      frames.map((_, index) => index * 20),
    );
    const [before, speech, after, ...more] = runsOf(valuesOf(frames));
    assert.deepEqual(more, []);
    assert.equal(before![0], 0);
    assert.deepEqual(speech, [coded('PCMU', coded(codec, 4_000)), 20]);
    assert.equal(after![0], 0);
    assert.equal(framesOf(here, tap, 'outbound').length, 0);
    assert.equal(here.engine.counts().taps, 1);
    here.engine.close(leg.id);
    assert.equal(here.engine.counts().taps, 0);
  });

  test('packets out of order come in order; a lost one is filled by what was before it, more quietly', async () => {
    const here = world();
    const leg = await here.leg();
    const tap = here.engine.tap(leg.id, ['inbound']);
    const values = [1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000];
    const packets = values.map((value) => {
      const packet = packetOf(leg, value);
      leg.sent += 1;
      return packet;
    });
    // The third never comes, the sixth comes before the fifth.
    for (const index of [0, 1, 3, 5, 4, 6, 7]) {
      leg.peer.sendRtp(packets[index]!, ADDRESS, leg.endpoint.rtpPort);
      await here.clock.advanceAsync(index === 1 ? 40 : 20);
    }
    await here.clock.advanceAsync(200);
    const heard = valuesOf(framesOf(here, tap, 'inbound')).filter(isSound);
    const expected = values.map((value) => coded('PCMU', value));
    expected[2] = coded('PCMU', expected[1]! >> 1);
    assert.deepEqual(heard, expected);
  });

  test('packets of 10, 30 and 60 ms come as frames of 20 ms', async () => {
    for (const packetMs of [10, 30, 60]) {
      const here = world();
      const leg = await here.leg();
      const tap = here.engine.tap(leg.id, ['inbound']);
      for (let at = 0; at < 1_200; at += packetMs) {
        const payload = new Uint8Array(packetMs * 8).fill(0x90);
        leg.peer.sendRtp(
          rtpPacket({ sequence: at / packetMs, timestamp: at * 8, payload }),
          ADDRESS,
          leg.endpoint.rtpPort,
        );
        await here.clock.advanceAsync(packetMs);
      }
      await here.clock.advanceAsync(300);
      const values = valuesOf(framesOf(here, tap, 'inbound'));
      const sounding = values.slice(values.findIndex(isSound), values.findLastIndex(isSound) + 1);
      // The first and the last frame may be of half a packet; the buffer may leave out a packet where it finds the delay too long.
      assert.deepEqual(new Set(sounding.slice(1, -1)), new Set([muLawToLinear[0x90]]), `${packetMs} ms`);
      assert.ok(sounding.length >= 59 && sounding.length <= 61, `${packetMs} ms: ${sounding.length} frames`);
    }
  });

  test('a telephone event is silence', async () => {
    const here = world();
    const leg = await here.leg();
    const tap = here.engine.tap(leg.id, ['inbound']);
    await here.speak(new Map([[leg, 4_000]]), 100);
    for (let count = 1; count <= 5; count++) {
      const payload = eventPayload(5, count === 5, count * 160);
      const fields = { payloadType: 101, sequence: leg.sent++, timestamp: 800, payload };
      leg.peer.sendRtp(rtpPacket(fields), ADDRESS, leg.endpoint.rtpPort);
      await here.clock.advanceAsync(20);
    }
    leg.sent = 10;
    await here.speak(new Map([[leg, 4_000]]), 100);
    await here.clock.advanceAsync(200);
    const runs = runsOf(valuesOf(framesOf(here, tap, 'inbound')).slice(1));
    const sound = coded('PCMU', 4_000);
    assert.deepEqual(
      runs.filter(([value]) => value === sound),
      [
        [sound, 5],
        [sound, 5],
      ],
    );
  });

  for (const workers of [1, 2]) {
    test(`both tracks of a bridged endpoint, ${workers} core(s): what its peer says and what it hears`, async () => {
      const here = world(workers);
      const [a, b] = [await here.leg({ codec: 'PCMA' }), await here.leg()];
      here.engine.bridge(a.id, b.id);
      const tap = here.engine.tap(a.id, ['inbound', 'outbound']);
      await here.speak(
        new Map([
          [a, 3_000],
          [b, -7_000],
        ]),
        400,
      );
      await here.clock.advanceAsync(200);
      const inbound = runsOf(valuesOf(framesOf(here, tap, 'inbound'))).filter(([value]) => isSound(value));
      const outbound = runsOf(valuesOf(framesOf(here, tap, 'outbound'))).filter(([value]) => isSound(value));
      assert.deepEqual(inbound, [[coded('PCMU', coded('PCMA', 3_000)), 20]]);
      assert.deepEqual(outbound, [[coded('PCMU', coded('PCMA', coded('PCMU', -7_000))), 20]]);
      // Both go through the same buffering: what was sent together is heard together, but for the way through the other core.
      const startOf = (track: AudioTrack) => valuesOf(framesOf(here, tap, track)).findIndex(isSound);
      assert.ok(Math.abs(startOf('inbound') - startOf('outbound')) <= 1);
    });
  }

  test('outbound: plays, hold music and echo are heard as the peer hears them', async () => {
    const here = world();
    const leg = await here.leg({ codec: 'PCMA' });
    const tap = here.engine.tap(leg.id, ['outbound']);
    const tone = { kind: 'tone', frequencies: [500], levelDb: -10, durationMs: 500 } as const;
    here.engine.play(leg.id, { sources: [tone], loop: 1 });
    await here.clock.advanceAsync(600);
    const played = Buffer.concat(framesOf(here, tap, 'outbound').map(({ payload }) => payload));
    const samples = new Int16Array(played.length);
    decode('PCMU', played, samples);
    const first = samples.findIndex(isSound);
    assert.ok(toneShare(samples.subarray(first, first + 3_840), 500) > 0.98);
    assert.equal(shareOf(leg.peer.rtp, 'PCMA', 500) > 0.98, true);
    here.engine.setComfort(leg.id, 'music', new Int16Array(16_000).fill(2_000));
    await here.clock.advanceAsync(400);
    const music = coded('PCMU', coded('PCMA', 2_000));
    assert.equal(
      valuesOf(framesOf(here, tap, 'outbound').slice(-10)).every((value) => value === music),
      true,
    );
    here.engine.setComfort(leg.id, 'none');
    here.engine.setEcho(leg.id, true);
    await here.speak(new Map([[leg, 6_000]]), 400);
    assert.equal(valuesOf(framesOf(here, tap, 'outbound')).at(-1), coded('PCMU', coded('PCMA', 6_000)));
  });

  test('the peer changes its codec: not a frame is taken for one of the other', async () => {
    const here = world();
    const leg = await here.leg();
    const tap = here.engine.tap(leg.id, ['inbound']);
    await here.speak(new Map([[leg, 4_000]]), 400);
    const other: Leg = { ...leg, codec: 'PCMA', sent: leg.sent };
    await here.speak(new Map([[other, 6_000]]), 400);
    await here.clock.advanceAsync(200);
    const runs = runsOf(valuesOf(framesOf(here, tap, 'inbound'))).filter(([value]) => isSound(value));
    assert.deepEqual(runs, [
      [coded('PCMU', 4_000), 20],
      [coded('PCMU', coded('PCMA', 6_000)), 20],
    ]);
  });

  test('outbound of a member of a mixer: the others, not itself', async () => {
    const here = world(2);
    const mixer = here.engine.createMixer();
    const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
    const tap = here.engine.tap(a.id, ['inbound', 'outbound']);
    here.engine.watchSpeech(a.id, true);
    await here.speak(
      new Map([
        [a, 3_000],
        [b, 5_000],
      ]),
      600,
    );
    assert.equal(valuesOf(framesOf(here, tap, 'inbound')).at(-1), coded('PCMU', 3_000));
    assert.equal(valuesOf(framesOf(here, tap, 'outbound')).at(-1), coded('PCMU', 5_000));
    assert.deepEqual(
      here.events.ofType('speech').map(({ endpoint, isSpeaking }) => [endpoint, isSpeaking]),
      [[a.id, true]],
    );
  });

  test('a held endpoint: silence from the peer, the music towards it', async () => {
    const here = world();
    const leg = await here.leg({ direction: 'sendonly' });
    const tap = here.engine.tap(leg.id, ['inbound', 'outbound']);
    here.engine.setComfort(leg.id, 'music', new Int16Array(16_000).fill(2_000));
    await here.speak(new Map([[leg, 6_000]]), 400);
    const inbound = framesOf(here, tap, 'inbound');
    assert.ok(inbound.length >= 18);
    assert.ok(valuesOf(inbound).every((value) => value === 0));
    assert.equal(valuesOf(framesOf(here, tap, 'outbound')).at(-1), coded('PCMU', 2_000));
  });

  test('several taps are independent; a closed one is silent at once, an unknown one is ignored', async () => {
    const here = world();
    const leg = await here.leg();
    const [first, second] = [here.engine.tap(leg.id, ['inbound']), here.engine.tap(leg.id, ['inbound', 'outbound'])];
    await here.speak(new Map([[leg, 4_000]]), 200);
    here.engine.closeTap(first);
    here.engine.closeTap('tap-unknown');
    const count = framesOf(here, first, 'inbound').length;
    assert.ok(count >= 9);
    await here.speak(new Map([[leg, 4_000]]), 200);
    assert.equal(framesOf(here, first, 'inbound').length, count);
    assert.ok(framesOf(here, second, 'inbound').length >= count + 10);
    here.engine.closeTap(second);
    await here.speak(new Map([[leg, 4_000]]), 200);
    assert.equal(framesOf(here, 'tap-unknown', 'inbound').length, 0);
    assert.equal(here.engine.counts().taps, 0);
    assert.equal(here.engine.tap('no-such-endpoint', ['inbound']).startsWith('tap-'), true);
  });

  test('a listener that stands still loses frames beyond the limit, counted; the time goes on', async () => {
    const here = world();
    const leg = await here.leg();
    const tap = here.engine.tap(leg.id, ['inbound']);
    await here.clock.advanceAsync(100);
    const before = framesOf(here, tap, 'inbound').length;
    const standsMs = limits.tapFramesWaiting * 20 + 1_000;
    // Without a turn of the event loop nothing is taken.
    here.clock.advance(standsMs);
    await settle();
    assert.equal(framesOf(here, tap, 'inbound').length, before + limits.tapFramesWaiting);
    assert.deepEqual(here.engine.statistics(leg.id)!.drops, { tap: 50 });
    await here.clock.advanceAsync(20);
    assert.equal(framesOf(here, tap, 'inbound').at(-1)!.timestampMs, (before + standsMs / 20) * 20);
  });

  test('so many taps on one endpoint and no more', async () => {
    const here = world();
    const leg = await here.leg();
    const taps = Array.from({ length: limits.tapsPerEndpoint + 1 }, () => here.engine.tap(leg.id, ['inbound']));
    await here.clock.advanceAsync(100);
    assert.ok(framesOf(here, taps.at(-2)!, 'inbound').length > 0);
    assert.equal(framesOf(here, taps.at(-1)!, 'inbound').length, 0);
    assert.equal(here.engine.statistics(leg.id)!.drops.tap, 1);
  });
});

describe('recordings', () => {
  test('one track: what the peer says, as long as the recording lasts', async () => {
    const here = world();
    const leg = await here.leg();
    const opened = options();
    const recording = here.engine.startRecording(leg.id, opened);
    await here.clock.advanceAsync(1_000);
    await here.speak(new Map([[leg, 4_000]]), 2_000);
    await here.clock.advanceAsync(1_000);
    const result = await stopped(here, recording);
    assert.deepEqual([result.file, result.durationMs, result.failure], [opened.file, 4_000, null]);
    const runs = runsOf(frameValues(channelsOf(opened.file)[0]!));
    assert.deepEqual(
      runs.map(([value]) => value),
      [0, coded('PCMU', 4_000), 0],
    );
    assert.equal(runs[1]![1], 100);
    const [quietFrames] = [runs[0]![1]];
    assert.deepEqual(result.speech, { firstMs: quietFrames * 20, lastMs: quietFrames * 20 + 2_000 });
    assert.equal(statSync(opened.file).mode & 0o777, 0o600);
  });

  for (const workers of [1, 2]) {
    test(`three at once on a bridged endpoint, ${workers} core(s): mono of both is the sum, two channels keep them apart`, async () => {
      const here = world(workers);
      const [a, b] = [await here.leg(), await here.leg({ codec: 'PCMA' })];
      here.engine.bridge(a.id, b.id);
      const [mono, dual, outbound] = [
        options({ track: 'both' }),
        options({ track: 'both', channels: 2 }),
        options({ track: 'outbound' }),
      ];
      const recordings = [mono, dual, outbound].map((each) => here.engine.startRecording(a.id, each));
      assert.equal(here.engine.counts().recordings, 3);
      await here.speak(
        new Map([
          [a, 20_000],
          [b, 20_000],
        ]),
        1_000,
      );
      for (const recording of recordings) {
        const { durationMs, failure, speech } = await stopped(here, recording);
        assert.deepEqual([durationMs, failure], [1_000, null]);
        assert.ok(speech && speech.firstMs < 200 && speech.lastMs === 1_000);
      }
      const [said, heard] = [coded('PCMU', 20_000), coded('PCMU', coded('PCMA', 20_000))];
      assert.equal(frameValues(channelsOf(mono.file)[0]!).at(-1), sum(said, heard));
      const [first, second] = channelsOf(dual.file, 2);
      assert.deepEqual([frameValues(first!).at(-1), frameValues(second!).at(-1)], [said, heard]);
      assert.deepEqual([first!.length, second!.length], [8_000, 8_000]);
      assert.equal(frameValues(channelsOf(outbound.file)[0]!).at(-1), heard);
    });
  }

  test('two channels of one track are one', async () => {
    const here = world();
    const leg = await here.leg();
    const opened = options({ channels: 2 });
    const recording = here.engine.startRecording(leg.id, opened);
    await here.clock.advanceAsync(500);
    assert.equal((await stopped(here, recording)).durationMs, 500);
    assert.equal(channelsOf(opened.file)[0]!.length, 4_000);
  });

  test('plays, echo and hold music are what is recorded outbound', async () => {
    const here = world();
    const leg = await here.leg();
    const opened = options({ track: 'both', channels: 2 });
    const recording = here.engine.startRecording(leg.id, opened);
    here.engine.play(leg.id, { sources: [{ kind: 'samples', samples: new Int16Array(8_000).fill(1_000) }], loop: 1 });
    await here.clock.advanceAsync(1_020);
    here.engine.setComfort(leg.id, 'music', new Int16Array(8_000).fill(2_000));
    await here.clock.advanceAsync(1_000);
    here.engine.setComfort(leg.id, 'none');
    here.engine.setEcho(leg.id, true);
    await here.speak(new Map([[leg, 3_000]]), 1_000);
    await stopped(here, recording);
    const [inbound, outbound] = channelsOf(opened.file, 2);
    const values = runsOf(frameValues(outbound!)).filter(([value, count]) => isSound(value) && count > 30);
    assert.deepEqual(
      values.map(([value]) => value),
      [1_000, 2_000, 3_000].map((value) => coded('PCMU', value)),
    );
    assert.equal(values[0]![1], 50);
    assert.deepEqual(new Set(frameValues(inbound!)), new Set([0, coded('PCMU', 3_000)]));
  });

  test('[rest 10 pause-skip] a pause is left out, or silence; what is said in it is in neither', async () => {
    const here = world();
    const leg = await here.leg();
    const [skipped, silent] = [options(), options()];
    const [skip, silence] = [here.engine.startRecording(leg.id, skipped), here.engine.startRecording(leg.id, silent)];
    await here.speak(new Map([[leg, 4_000]]), 1_000);
    here.engine.pauseRecording(skip, 'skip');
    here.engine.pauseRecording(silence, 'silence');
    await here.speak(new Map([[leg, 8_000]]), 1_000);
    here.engine.resumeRecording(skip);
    here.engine.resumeRecording(silence);
    await here.speak(new Map([[leg, 4_000]]), 1_000);
    assert.equal((await stopped(here, skip)).durationMs, 2_000);
    const result = await stopped(here, silence);
    assert.equal(result.durationMs, 3_000);
    const runs = runsOf(frameValues(channelsOf(silent.file)[0]!)).filter(([, count]) => count > 5);
    assert.deepEqual(
      runs.map(([value]) => value),
      [coded('PCMU', 4_000), 0, coded('PCMU', 4_000)],
    );
    assert.equal(runs[1]![1], 50);
    assert.equal(channelsOf(skipped.file)[0]!.length, 16_000);
    assert.equal(result.speech?.lastMs, 3_000);
  });

  test('the other behaviour while it pauses takes over', async () => {
    const here = world();
    const leg = await here.leg();
    const recording = here.engine.startRecording(leg.id, options());
    here.engine.pauseRecording(recording, 'skip');
    await here.clock.advanceAsync(1_000);
    here.engine.pauseRecording(recording, 'silence');
    await here.clock.advanceAsync(500);
    assert.equal((await stopped(here, recording)).durationMs, 500);
  });

  test('ends by itself when it is as long as it may be, to the millisecond', async () => {
    const here = world();
    const leg = await here.leg();
    const opened = options({ maxDurationMs: 1_010, track: 'both', channels: 2 });
    const recording = here.engine.startRecording(leg.id, opened);
    await here.clock.advanceAsync(1_200);
    assert.equal((await ended(here, recording)).durationMs, 1_010);
    assert.equal(channelsOf(opened.file, 2)[1]!.length, 8_080);
    assert.equal(here.engine.counts().recordings, 0);
    here.engine.stopRecording(recording);
    here.engine.pauseRecording(recording, 'skip');
  });

  test('nothing but silence: speech is null', async () => {
    const here = world();
    const leg = await here.leg();
    const recording = here.engine.startRecording(leg.id, options({ track: 'both' }));
    here.engine.setComfort(leg.id, 'silence');
    await here.clock.advanceAsync(1_000);
    assert.equal((await stopped(here, recording)).speech, null);
  });

  test('the sizes in the header are right while it is running: what a process that dies leaves plays', async () => {
    const here = world();
    const leg = await here.leg();
    const opened = options();
    const recording = here.engine.startRecording(leg.id, opened);
    await here.speak(new Map([[leg, 4_000]]), 3_500);
    await eventually(() => statSync(opened.file).size === 44 + 48_000, 'three seconds on the disk');
    await eventually(() => readFileSync(opened.file).readUInt32LE(40) === 48_000, 'their size in the header');
    const wav = readWav(readFileSync(opened.file));
    assert.equal(wav.ok && wav.value.samples.length, 24_000);
    assert.equal((await stopped(here, recording)).durationMs, 3_500);
  });

  test('the end of the endpoint, and of the engine, completes the file', async () => {
    const here = world();
    const [a, b] = [await here.leg(), await here.leg()];
    const [first, second] = [options(), options()];
    const [one, two] = [here.engine.startRecording(a.id, first), here.engine.startRecording(b.id, second)];
    await here.clock.advanceAsync(1_500);
    here.engine.close(a.id);
    assert.equal((await ended(here, one)).durationMs, 1_500);
    await here.engine.stop();
    assert.equal(
      here.events.ofType('recordingEnded').find(({ recording }) => recording === two)?.result.durationMs,
      1_500,
    );
    assert.equal(channelsOf(second.file)[0]!.length, 12_000);
  });

  test.each([
    ['a folder that is not there', '/nonexistent/heard.wav', /ENOENT/],
    ['a disk that is full', '/dev/full', /ENOSPC/],
  ])('%s: a failure in the result, and the call goes on', async (_, file, failure) => {
    const here = world();
    const leg = await here.leg();
    const recording = here.engine.startRecording(leg.id, options({ file }));
    const good = here.engine.startRecording(leg.id, options());
    for (let second = 0; second < 20 && here.events.ofType('recordingEnded').length === 0; second++) {
      await here.speak(new Map([[leg, 4_000]]), 100);
    }
    const result = await ended(here, recording);
    assert.equal(result.durationMs, 0);
    assert.match(result.failure ?? '', failure);
    here.engine.setEcho(leg.id, true);
    const before = leg.peer.rtp.length;
    await here.speak(new Map([[leg, 4_000]]), 100);
    assert.ok(leg.peer.rtp.length >= before + 4);
    assert.equal((await stopped(here, good)).failure, null);
  });

  test('a disk that stands still: a failure, in bounded memory', async () => {
    const here = world();
    const leg = await here.leg();
    const opened = options({ track: 'both', channels: 2 });
    const recording = here.engine.startRecording(leg.id, opened);
    // Without a turn of the event loop nothing is written: two minutes are more than may wait.
    here.clock.advance(120_000);
    const result = await ended(here, recording);
    assert.match(result.failure ?? '', /too slow/);
    assert.ok(result.durationMs <= 120_000);
  });

  test('of what is not there, or too many at once: ended failed, after its id was given', async () => {
    const here = world();
    const leg = await here.leg();
    assert.match((await ended(here, here.engine.startRecording('nobody', options()))).failure ?? '', /no such/);
    const many = Array.from({ length: limits.recordingsPerEndpoint + 1 }, () =>
      here.engine.startRecording(leg.id, options()),
    );
    assert.match((await ended(here, many.at(-1)!)).failure ?? '', /too many/);
    for (const recording of many.slice(0, -1)) assert.equal((await stopped(here, recording)).failure, null);
  });

  test('ticks that a busy thread left out are silence in the file; a pause of hours is not made up for', async () => {
    const opened = options();
    const recorder = new TrackRecorder('recording', opened);
    const sound = { samples: new Int16Array(160).fill(1_000), state: 'audio' } as const;
    recorder.take(100, sound, null);
    recorder.take(101, sound, null);
    recorder.take(107, sound, null);
    recorder.pause('skip');
    recorder.take(120, sound, null);
    recorder.resume();
    recorder.take(121, sound, null);
    assert.equal((await recorder.close()).durationMs, 180);
    assert.deepEqual(runsOf(frameValues(channelsOf(opened.file)[0]!)), [
      [1_000, 2],
      [0, 5],
      [1_000, 2],
    ]);
    const other = new TrackRecorder('recording', options());
    other.take(1, sound, null);
    other.take(1_000_000, sound, null);
    assert.ok((await other.close()).durationMs < 20_000);
  });

  test('a fault of ours in one endpoint: counted, its play ends, the others go on', async () => {
    const here = world();
    const [leg, other] = [await here.leg(), await here.leg()];
    const tap = here.engine.tap(other.id, ['inbound']);
    // No caller can make this.
    const sources = [{ kind: 'tone', frequencies: null as never, levelDb: -10, durationMs: 1_000 }] as const;
    const play = here.engine.play(leg.id, { sources, loop: 1 });
    await here.clock.advanceAsync(200);
    assert.equal((await here.events.waitFor('playEnded', (event) => event.play === play)).outcome, 'stopped');
    assert.deepEqual(here.engine.statistics(leg.id)!.drops, { fault: 1 });
    assert.ok(framesOf(here, tap, 'inbound').length >= 9);
  });

  test('without listeners nothing ticks', async () => {
    const here = world();
    const leg = await here.leg();
    const timers = here.clock.pendingTimers;
    const tap = here.engine.tap(leg.id, ['inbound']);
    const recording = here.engine.startRecording(leg.id, options());
    here.engine.watchSpeech(leg.id, true);
    assert.equal(here.clock.pendingTimers, timers + 1);
    here.engine.closeTap(tap);
    await stopped(here, recording);
    here.engine.watchSpeech(leg.id, false);
    here.clock.advance(40);
    assert.equal(here.clock.pendingTimers, timers);
  });
});

describe('recordings of a mixer', () => {
  for (const workers of [1, 2]) {
    test(`everybody and what is played to the room, ${workers} core(s), one channel; ends with the mixer`, async () => {
      const here = world(workers);
      const mixer = here.engine.createMixer();
      const [a, b]: Leg[] = [await here.inRoom(mixer), await here.inRoom(mixer)];
      const opened = options({ track: 'both', channels: 2 });
      const recording = here.engine.startRecording(mixer, opened);
      await here.speak(
        new Map([
          [a!, 3_000],
          [b!, 5_000],
        ]),
        1_000,
      );
      await here.clock.advanceAsync(1_000);
      here.engine.playToMixer(mixer, {
        sources: [{ kind: 'samples', samples: new Int16Array(4_000).fill(2_000) }],
        loop: 1,
      });
      await here.clock.advanceAsync(1_000);
      here.engine.pauseRecording(recording, 'skip');
      await here.clock.advanceAsync(1_000);
      here.engine.removeMixer(mixer);
      const { durationMs, failure, speech } = await ended(here, recording);
      assert.deepEqual([durationMs, failure], [3_000, null]);
      assert.ok(speech && speech.firstMs < 200 && speech.lastMs > 2_300);
      const runs = runsOf(frameValues(channelsOf(opened.file)[0]!)).filter(
        ([value, count]) => isSound(value) && count > 5,
      );
      assert.deepEqual(
        runs.map(([value]) => value).filter((value) => value > 5_000 || value === 2_000),
        [sum(coded('PCMU', 3_000), coded('PCMU', 5_000)), 2_000],
      );
    });
  }

  test('stopping leaves the room; an empty room is recorded too', async () => {
    const here = world();
    const mixer = here.engine.createMixer();
    const recording = here.engine.startRecording(mixer, options());
    await here.clock.advanceAsync(1_000);
    assert.equal((await stopped(here, recording)).durationMs, 1_000);
    const leg = await here.inRoom(mixer);
    const other = await here.inRoom(mixer);
    await here.speak(new Map([[leg, 4_000]]), 400);
    assert.ok(other.peer.rtp.length >= 15);
    here.engine.removeMixer(mixer);
    assert.match((await ended(here, here.engine.startRecording(mixer, options()))).failure ?? '', /no such/);
  });
});
