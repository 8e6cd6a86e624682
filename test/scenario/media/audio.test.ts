// Taps, recordings and streams with the media engine in worker threads, on real UDP: both ends of a bridge in one worker and in two,
// with SRTP, when a worker fails, and when the whole process is killed.

import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { EndpointInfo, MediaEngine } from '../../../src/media/engine.ts';
import type { AudioTrack, RecordingOptions, RecordingResult } from '../../../src/media/engine-audio.ts';
import { decode, linearToMuLaw } from '../../../src/media/g711.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { SRTP_TRAILER_BYTES, SrtpSender } from '../../../src/media/srtp.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { readWav } from '../../../src/media/wav.ts';
import { createWorkerMediaEngine } from '../../../src/media/workers.ts';
import type { MediaPlan, SrtpKeys } from '../../../src/sdp/plan.ts';
import {
  EventLog,
  eventually,
  plan,
  RtpPeer,
  readRtp,
  rtpPacket,
  strictSource,
  tonePackets,
} from '../../support/media.ts';
import { seededRandom } from '../../support/network.ts';
import { mediaRange } from '../../support/ports.ts';
import { startedWorlds } from '../../support/started-worlds.ts';
import { until } from '../../support/until.ts';

const LOCAL = '127.0.0.1';
const DEADLINE_MS = 10_000;
const HEARD = 0.9;

const folder = mkdtempSync(join(tmpdir(), 'hookswitch-audio-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const options = (changes: Partial<RecordingOptions> = {}): RecordingOptions => ({
  file: join(folder, `${++files}.wav`),
  channels: 1,
  track: 'inbound',
  maxDurationMs: 60_000,
  ...changes,
});

interface Leg {
  readonly peer: RtpPeer;
  readonly endpoint: EndpointInfo;
  readonly id: string;
  readonly plan: MediaPlan;
}

class World {
  readonly engine: MediaEngine;
  readonly events: EventLog;
  readonly peers: RtpPeer[] = [];
  readonly #talks: AbortController[] = [];

  constructor(workers: number) {
    const portRange = mediaRange(200);
    this.engine = createWorkerMediaEngine({ workers, portRange, log: silentLog, clock: realClock });
    this.events = new EventLog(this.engine);
  }

  async leg(changes: Partial<MediaPlan> = {}): Promise<Leg> {
    const peer = await RtpPeer.open();
    this.peers.push(peer);
    const opened = await this.engine.open({ localAddress: LOCAL, callSid: 'CA1' });
    assert.ok(opened.ok, JSON.stringify(opened));
    const leg = { peer, endpoint: opened.value, id: opened.value.id, plan: plan(peer.port, changes) };
    this.engine.configure(leg.id, leg.plan, strictSource);
    return leg;
  }

  /** The peer of a leg sends a tone, a packet each 20 ms, until the test is over. `protect` makes SRTP of a packet. */
  talks(leg: Leg, frequency: number, protect: (packet: Buffer) => Buffer = (packet) => packet): void {
    const stop = new AbortController();
    this.#talks.push(stop);
    const second = tonePackets(frequency, leg.plan.codec, 50);
    const started = realClock.now();
    let sent = 0;
    const send = () => {
      if (stop.signal.aborted) return;
      for (const due = (realClock.now() - started) / 20; sent <= due; sent++) {
        const { payload, payloadType } = readRtp(second[sent % 50]!);
        const packet = rtpPacket({ payloadType, payload, sequence: sent, timestamp: sent * 160 });
        leg.peer.send([protect(packet)], leg.endpoint.rtpPort);
      }
      realClock.after(20, send);
    };
    send();
  }

  /** Samples of one track of a tap, from its first sound. */
  tapped(tap: string, track: AudioTrack): Int16Array {
    const frames = this.events.ofType('audio').filter((event) => event.tap === tap && event.track === track);
    const samples = new Int16Array(frames.length * 160);
    for (const [index, { payload }] of frames.entries()) decode('PCMU', payload, samples.subarray(index * 160));
    return fromSound(samples);
  }

  async stop(): Promise<void> {
    for (const talk of this.#talks) talk.abort();
    await this.engine.stop();
    for (const peer of this.peers) peer.close();
    const { endpoints, plays, taps, recordings, portsInUse } = this.engine.counts();
    assert.deepEqual([endpoints, plays, taps, recordings, portsInUse], [0, 0, 0, 0, 0]);
  }
}

const fromSound = (samples: Int16Array): Int16Array =>
  samples.subarray(
    Math.max(
      0,
      samples.findIndex((sample) => Math.abs(sample) > 500),
    ),
  );

const started = startedWorlds<World>((made) => made.stop());
const world = (workers: number): Promise<World> => started(new World(workers));

/** Median share of a tone over windows of 100 ms: a packet that a busy machine delayed does not count. */
function medianShare(samples: Int16Array, frequency: number): number {
  const shares: number[] = [];
  for (let at = 0; at + 800 <= samples.length; at += 800) {
    shares.push(toneShare(samples.subarray(at, at + 800), frequency));
  }
  return shares.sort((a, b) => a - b)[shares.length >> 1] ?? 0;
}

/** Samples of each channel. */
function channelsOf(file: string): Int16Array[] {
  const bytes = readFileSync(file);
  const channels = bytes.readUInt16LE(22);
  const samples = new Int16Array((bytes.length - 44) >> 1);
  for (let index = 0; index < samples.length; index++) samples[index] = bytes.readInt16LE(44 + index * 2);
  return Array.from({ length: channels }, (_, channel) => samples.filter((_, index) => index % channels === channel));
}

const source = new URL('../../../src/', import.meta.url);
/** A process with an engine and one endpoint. */
const engineScript = `
  import { realClock } from '${source}base/clock.ts';
  import { cryptoRandom } from '${source}base/ids.ts';
  import { createInlineMediaEngine } from '${source}media/inline.ts';
  const portRange = ${JSON.stringify(mediaRange(20))};
  const engine = createInlineMediaEngine({ clock: realClock, random: cryptoRandom, portRange });
  await engine.start();
  const opened = await engine.open({ localAddress: '127.0.0.1', callSid: 'CA1' });
`;

const randomKey = (bytes: number) => seededRandom(bytes).bytes(bytes);
const workerOf = (id: string): string => id.split('-')[0]!;

for (const workers of [1, 2]) {
  describe(workers === 1 ? 'one worker' : 'two workers', () => {
    async function talking() {
      const here = await world(workers);
      const keys: SrtpKeys = { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey: randomKey(30), receiveKey: randomKey(30) };
      const [a, b] = [await here.leg({ srtp: keys, codec: 'PCMA' }), await here.leg()];
      assert.equal(workerOf(a.id) === workerOf(b.id), workers === 1);
      here.engine.bridge(a.id, b.id);
      const sender = new SrtpSender(keys.suite, keys.receiveKey);
      const protect = (packet: Buffer): Buffer => {
        const buffer = Buffer.concat([packet, Buffer.alloc(SRTP_TRAILER_BYTES)]);
        return buffer.subarray(0, sender.protect(buffer, packet.length));
      };
      here.talks(a, 500, protect);
      here.talks(b, 900);
      return { here, a, b };
    }

    test('a bridged leg with SRTP is tapped and recorded: what it says and what it hears', async () => {
      const { here, a } = await talking();
      const [dual, mono] = [options({ track: 'both', channels: 2 }), options({ track: 'both' })];
      const tap = here.engine.tap(a.id, ['inbound', 'outbound']);
      const recordings = [dual, mono].map((each) => here.engine.startRecording(a.id, each));
      await until(
        () => Math.min(here.tapped(tap, 'inbound').length, here.tapped(tap, 'outbound').length) > 12_000,
        DEADLINE_MS,
        () => `${here.tapped(tap, 'inbound').length} and ${here.tapped(tap, 'outbound').length} samples`,
      );
      for (const recording of recordings) here.engine.stopRecording(recording);
      for (const recording of recordings) {
        const { result } = await here.events.waitFor('recordingEnded', (event) => event.recording === recording);
        assert.equal(result.failure, null);
        assert.ok(result.durationMs > 1_400 && result.speech !== null, JSON.stringify(result));
      }
      assert.ok(medianShare(here.tapped(tap, 'inbound'), 500) > HEARD);
      assert.ok(medianShare(here.tapped(tap, 'outbound'), 900) > HEARD);
      const [said, heard] = channelsOf(dual.file).map(fromSound);
      assert.ok(medianShare(said!, 500) > HEARD, 'channel 1');
      assert.ok(medianShare(heard!, 900) > HEARD, 'channel 2');
      const sum = fromSound(channelsOf(mono.file)[0]!).subarray(4_000);
      assert.ok(medianShare(sum, 500) > 0.3 && medianShare(sum, 900) > 0.3, 'sum of both');
    });

    test('a stream is heard in place of the bridge, its marks come back, and the peer speaks', async () => {
      const { here, a, b } = await talking();
      here.engine.watchSpeech(a.id, true);
      const stream = here.engine.openStream(b.id);
      here.engine.feedStream(stream, Uint8Array.from(toneSamples([1_300], -10, 600), linearToMuLaw));
      here.engine.markStream(stream, 'first');
      here.engine.feedStream(stream, Uint8Array.from(toneSamples([1_300], -10, 60_000), linearToMuLaw));
      here.engine.markStream(stream, 'second');
      await here.events.waitFor('markReached', ({ name }) => name === 'first');
      here.engine.clearStream(stream);
      await here.events.waitFor('markReached', ({ name }) => name === 'second');
      here.engine.stopPlay(stream);
      await here.events.waitFor('playEnded', ({ play }) => play === stream);
      await here.events.waitFor('speech', ({ endpoint, isSpeaking }) => endpoint === a.id && isSpeaking);
      const streamed = new Int16Array(b.peer.packets.length * 160);
      for (const [index, packet] of b.peer.packets.entries()) {
        decode('PCMU', readRtp(packet).payload, streamed.subarray(index * 160));
      }
      const tone = streamed.findIndex((_, at) => toneShare(streamed.subarray(at, at + 800), 1_300) > HEARD);
      assert.ok(tone >= 0, 'the stream is heard');
      const sequences = b.peer.packets.map((packet) => readRtp(packet).sequence);
      assert.ok(sequences.slice(1).every((sequence, index) => ((sequence - sequences[index]!) & 0xffff) === 1));
    });
  });
}

describe('what goes wrong', () => {
  test('a worker that fails: its recordings end with what was written, and play', async () => {
    const here = await world(2);
    const [leg, other] = [await here.leg(), await here.leg()];
    here.talks(leg, 500);
    const [lost, kept] = [options(), options()];
    const [first, second] = [here.engine.startRecording(leg.id, lost), here.engine.startRecording(other.id, kept)];
    await until(
      () => {
        const bytes = existsSync(lost.file) ? readFileSync(lost.file) : Buffer.alloc(0);
        return bytes.length >= 44 && bytes.readUInt32LE(40) >= 16_000;
      },
      DEADLINE_MS,
      () => 'no second of audio on the disk',
    );
    // Throws outside of any guard: a plan that no caller can make.
    here.engine.configure(leg.id, { ...leg.plan, receivePayloadTypes: null as never }, strictSource);
    const { result } = await here.events.waitFor('recordingEnded', (event) => event.recording === first);
    assert.equal(result.failure, 'media worker failed');
    const wav = readWav(readFileSync(lost.file));
    assert.ok(wav.ok && wav.value.samples.length >= 8_000);
    assert.ok(result.durationMs >= 1_000);
    here.engine.stopRecording(second);
    const rest = await here.events.waitFor('recordingEnded', (event) => event.recording === second);
    assert.equal(rest.result.failure, null);
    assert.equal(here.engine.counts().recordings, 0);
  });

  test('a disk that is full after some seconds: what was written before is whole, and the engine goes on', async () => {
    const file = join(folder, 'full.wav');
    // Of 512 or 1,024 bytes, as the shell has it: one or two seconds of two channels.
    const blocks = 90;
    const script = `${engineScript}
      const recorded = (options) => new Promise((resolve) => {
        engine.onEvent((event) => event.type === 'recordingEnded' && event.recording === recording && resolve(event.result));
        const recording = engine.startRecording(opened.value.id, options);
      });
      const full = await recorded(${JSON.stringify(options({ file, track: 'both', channels: 2 }))});
      const after = await recorded(${JSON.stringify(options({ maxDurationMs: 200 }))});
      await engine.stop();
      console.log(JSON.stringify({ full, after }));
    `;
    const child = spawn(
      '/bin/sh',
      ['-c', `ulimit -f ${blocks}; exec "$0" --input-type=module --eval "$1"`, process.execPath, script],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const output: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => output.push(bytes));
    try {
      await once(child, 'close', { signal: AbortSignal.timeout(DEADLINE_MS) });
    } finally {
      child.kill('SIGKILL');
    }
    const { full, after } = JSON.parse(Buffer.concat(output).toString()) as Record<'full' | 'after', RecordingResult>;
    assert.match(full.failure ?? '', /EFBIG/);
    assert.ok(full.durationMs === 1_000 || full.durationMs === 2_000, JSON.stringify(full));
    assert.deepEqual([after.durationMs, after.failure], [200, null]);
    const bytes = readFileSync(file);
    assert.equal(bytes.readUInt32LE(40), full.durationMs * 32);
    assert.ok(bytes.length <= blocks * 1_024 && readWav(bytes).ok);
  });

  test('a process that is killed leaves files whose header is right', async () => {
    const file = join(folder, 'killed.wav');
    const script = `${engineScript}
      engine.startRecording(opened.value.id, ${JSON.stringify(options({ file, track: 'both', channels: 2 }))});
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
    try {
      await until(
        () => existsSync(file) && statSync(file).size >= 44 + 64_000,
        DEADLINE_MS,
        () => 'two seconds are not on the disk',
      );
      await eventually(() => readFileSync(file).readUInt32LE(40) >= 32_000, 'a size in the header');
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    const bytes = readFileSync(file);
    const dataBytes = bytes.readUInt32LE(40);
    assert.ok(dataBytes >= 32_000 && dataBytes <= bytes.length - 44, `${dataBytes} of ${bytes.length}`);
    assert.equal(bytes.readUInt32LE(4), dataBytes + 36);
    assert.equal(dataBytes % 32_000, 0);
    const wav = readWav(bytes);
    assert.ok(wav.ok && wav.value.channels === 2);
  });
});
