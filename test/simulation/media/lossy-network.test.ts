// Audio over a bad network on the virtual clock: 0 to 60 ms of jitter, 2 % loss, clocks that drift by 200 ppm, for ten minutes. A
// phone plays, the gateway relays, a phone records; each has an engine and a clock of its own.
//
//   phone A (200 ppm fast) ──lossy──▶ gateway: PCMU → PCMA ──clean──▶ phone B records
//                          10.0.0.x                        10.1.0.x

import { strict as assert } from 'node:assert';
import { statSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { EndpointInfo, MediaEngine } from '../../../src/media/engine.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { createInlineMediaEngine } from '../../../src/media/inline.ts';
import type { SocketFactory } from '../../../src/media/sockets.ts';
import { readWav } from '../../../src/media/wav.ts';
import { EventLog, plan, SkewedClock, strictSource, VirtualDatagrams } from '../../support/media.ts';
import { seededRandom } from '../../support/network.ts';
import { until } from '../../support/until.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const A = '10.0.0.2';
const GATEWAY_A = '10.0.0.1';
const GATEWAY_B = '10.1.0.1';
const B = '10.1.0.2';
const MINUTES_10_MS = 600_000;
const STEP_MS = 20_000;
const DEADLINE_MS = 8_000;
const SECOND = 8_000;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookswitch-media-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function open(engine: MediaEngine, localAddress: string): Promise<EndpointInfo> {
  const opened = await engine.open({ localAddress, callSid: 'CA1' });
  assert.ok(opened.ok);
  return opened.value;
}

interface Heard {
  readonly samples: Int16Array;
  readonly engines: readonly MediaEngine[];
}

/** Runs the picture above; A plays 440 Hz, and 660 Hz for the last ten seconds. */
async function call(options: { readonly seed: number; readonly rate: number }): Promise<Heard> {
  const clock = new VirtualClock();
  const lossy = new VirtualDatagrams({ clock, seed: options.seed, loss: 0.02, minDelayMs: 0, maxDelayMs: 60 });
  const clean = new VirtualDatagrams({ clock });
  const sockets: SocketFactory = {
    bind: (address, port, handlers) => (address.startsWith('10.0.') ? lossy : clean).bind(address, port, handlers),
  };
  const random = seededRandom(options.seed).bytes;
  const engine = (rate: number) =>
    createInlineMediaEngine({
      clock: new SkewedClock(clock, rate),
      random,
      sockets,
      portRange: { first: 20_000, last: 20_099 },
    });
  const engines = [engine(options.rate), engine(1), engine(1)] as const;
  const [phoneA, gateway, phoneB] = engines;
  for (const each of engines) assert.ok((await each.start()).ok);
  const a = await open(phoneA, A);
  const [gatewayA, gatewayB] = [await open(gateway, GATEWAY_A), await open(gateway, GATEWAY_B)];
  const b = await open(phoneB, B);
  phoneA.configure(a.id, plan(gatewayA.rtpPort, { remoteAddress: GATEWAY_A }), strictSource);
  gateway.configure(gatewayA.id, plan(a.rtpPort, { remoteAddress: A }), strictSource);
  gateway.configure(gatewayB.id, plan(b.rtpPort, { remoteAddress: B, codec: 'PCMA' }), strictSource);
  phoneB.configure(b.id, plan(gatewayB.rtpPort, { remoteAddress: GATEWAY_B, codec: 'PCMA' }), strictSource);
  gateway.bridge(gatewayA.id, gatewayB.id);
  const events = new EventLog(phoneB);
  const file = join(folder, 'heard.wav');
  const recording = phoneB.startRecording(b.id, {
    file,
    channels: 1,
    track: 'inbound',
    maxDurationMs: limits.recordingMs,
  });
  const tone = (frequency: number, durationMs: number) =>
    ({ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs }) as const;
  phoneA.play(a.id, { sources: [tone(440, MINUTES_10_MS - 10_000), tone(660, 20_000)], loop: 1 });
  // The disk runs on real time.
  for (let passedMs = 0; passedMs < MINUTES_10_MS; passedMs += STEP_MS) {
    clock.advance(STEP_MS);
    const bytes = (passedMs + STEP_MS - 2_000) * 16;
    await until(
      () => statSync(file).size >= bytes,
      DEADLINE_MS,
      () => `no ${bytes} bytes in the file`,
    );
  }
  phoneB.stopRecording(recording);
  const { result } = await events.waitFor('recordingEnded');
  assert.ok(Math.abs(result.durationMs - MINUTES_10_MS) <= 20, `recorded ${result.durationMs} ms`);
  const wav = readWav(await readFile(file));
  assert.ok(wav.ok);
  return { samples: wav.value.samples, engines };
}

/** Mean share of `frequency` over windows of a second between two times. */
function meanShare(samples: Int16Array, frequency: number, fromSecond: number, toSecond: number): number {
  let sum = 0;
  for (let second = fromSecond; second < toSecond; second++) {
    sum += toneShare(samples.subarray(second * SECOND, (second + 1) * SECOND), frequency);
  }
  return sum / (toSecond - fromSecond);
}

/** First sample from which 660 Hz is stronger than 440 Hz for good, in milliseconds. */
function changeAtMs(samples: Int16Array): number {
  const window = 400;
  for (let at = samples.length - window; at >= 0; at -= 80) {
    const part = samples.subarray(at, at + window);
    if (toneShare(part, 440) > toneShare(part, 660)) return (at + window / 2) / 8;
  }
  return 0;
}

describe('ten minutes with 0-60 ms of jitter and 2 % loss', () => {
  for (const [name, rate] of [
    ['equal clocks', 1],
    ['a sender 200 ppm fast', 1.0002],
    ['a sender 200 ppm slow', 0.9998],
  ] as const) {
    test(`${name}: the tone keeps a share of 0.95, and the delay does not grow`, async () => {
      const { samples, engines } = await call({ seed: 77, rate });
      const share = meanShare(samples, 440, 1, 589);
      assert.ok(share >= 0.95, `share ${share}`);
      // The change of tone, 590 s by the sender's clock, is heard after the delay of network and buffer: 60 + 100 ms and frames.
      const delayMs = changeAtMs(samples) - (MINUTES_10_MS - 10_000) / rate;
      assert.ok(delayMs > -40 && delayMs < 220, `delay ${delayMs} ms`);
      for (const engine of engines) {
        await engine.stop();
        const { endpoints, bridges, plays, portsInUse } = engine.counts();
        assert.deepEqual([endpoints, bridges, plays, portsInUse], [0, 0, 0, 0]);
      }
    });
  }
});
