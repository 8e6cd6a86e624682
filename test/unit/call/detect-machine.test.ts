// Machine detection on a call: frames of a tap in their order, gaps and silence of the line, who is told, nothing left behind.

import { expect, test } from 'vitest';
import type { AnsweredBy, MachineDetection } from '../../../src/base/machine-detection-api.ts';
import type { Call } from '../../../src/call/call.ts';
import { type DetectionServices, detectMachine, type Verdict } from '../../../src/call/detect-machine.ts';
import { AudioListeners } from '../../../src/media/audio-listeners.ts';
import { encode } from '../../../src/media/g711.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { CallBench } from '../../support/call-fakes.ts';
import { settle } from '../../support/virtual-clock.ts';

const FRAME = 160;
const detection: MachineDetection = {
  mode: 'Enable',
  timeoutMs: 30_000,
  speechThresholdMs: 2_400,
  speechEndThresholdMs: 1_200,
  silenceTimeoutMs: 5_000,
  isAsync: false,
  callback: { url: 'http://app/amd', method: 'GET' },
};

class DetectionBench extends CallBench {
  readonly told: { call: Call; verdict: Verdict }[] = [];
  readonly services: DetectionServices = {
    audio: new AudioListeners(this.engine),
    clock: this.clock,
    tellDetection: (call, _callback, verdict) => void this.told.push({ call, verdict }),
  };

  async listen(changes: Partial<MachineDetection> = {}, signal = new AbortController().signal) {
    const { call, leg } = this.outbound();
    call.start();
    leg.answers();
    const verdict = detectMachine(call, { ...detection, ...changes }, this.services, signal);
    await settle();
    return { call, leg, verdict };
  }

  /** 20 ms each, as an engine gives them; `skips`: those of the frames that are lost. */
  async hears(samples: Int16Array, skips: (frame: number) => boolean = () => false): Promise<void> {
    const [tap, endpoint] = [...this.engine.tapsNow][0]!;
    for (let frame = 0; (frame + 1) * FRAME <= samples.length; frame++) {
      await this.clock.advanceAsync(20);
      if (skips(frame) || !this.engine.tapsNow.has(tap)) continue;
      const payload = new Uint8Array(FRAME);
      encode('PCMU', samples.subarray(frame * FRAME, (frame + 1) * FRAME), payload);
      this.engine.tell({ type: 'audio', endpoint, tap, track: 'inbound', payload, timestampMs: frame * 20 });
    }
  }

  left() {
    return { taps: this.engine.counts().taps, timers: this.clock.pendingTimers - this.calls.size };
  }
}

/** Two tones at once sound like a voice, not like a beep. */
const voice = (durationMs: number) => toneSamples([300, 470, 640], -15, durationMs);

test('the verdict is written on the call, told with the time that it took, and the tap is closed [twiml 13 callback]', async () => {
  const bench = new DetectionBench();
  const { call, verdict } = await bench.listen();
  await bench.hears(voice(4_000));
  expect(await verdict).toEqual({ answeredBy: 'machine_start', durationMs: expect.any(Number) });
  expect(bench.told).toEqual([{ call, verdict: await verdict }]);
  expect((await verdict)?.durationMs).toBeGreaterThan(2_400);
  expect((await verdict)?.durationMs).toBeLessThan(2_700);
  expect([call.answeredBy, bench.left()]).toEqual(['machine_start', { taps: 0, timers: 0 }]);
});

test('lost frames are silence in their place: what is heard keeps its length', async () => {
  const bench = new DetectionBench();
  const { verdict } = await bench.listen();
  await bench.hears(voice(4_000), (frame) => frame % 10 === 3);
  expect((await verdict)?.answeredBy).toBe('machine_start');
  expect((await verdict)?.durationMs).toBeLessThan(2_800);
});

test.each<[string, Partial<MachineDetection>, AnsweredBy, number]>([
  ['nothing comes at all', {}, 'unknown', 5_000],
  ['nothing comes, and the time is short', { timeoutMs: 3_000 }, 'unknown', 3_000],
])('%s: the clock goes on alone', async (_, changes, answeredBy, atMs) => {
  const bench = new DetectionBench();
  const { verdict } = await bench.listen(changes);
  await bench.clock.advanceAsync(atMs + 1_200);
  expect(await verdict).toMatchObject({ answeredBy });
  expect(bench.left()).toEqual({ taps: 0, timers: 0 });
});

test('a voice, then a peer that sends nothing any more: human', async () => {
  const bench = new DetectionBench();
  const { verdict } = await bench.listen();
  await bench.hears(voice(800));
  await bench.clock.advanceAsync(3_000);
  expect((await verdict)?.answeredBy).toBe('human');
});

test('without a callback nobody is told', async () => {
  const bench = new DetectionBench();
  const { call, verdict } = await bench.listen({ callback: null });
  await bench.clock.advanceAsync(7_000);
  await verdict;
  expect([call.answeredBy, bench.told]).toEqual(['unknown', []]);
});

test('the call ends, or its document: no verdict, nothing left', async () => {
  const bench = new DetectionBench();
  const ended = await bench.listen();
  ended.leg.hangsUp();
  expect(await ended.verdict).toBeUndefined();
  const document = new AbortController();
  const replaced = await bench.listen({}, document.signal);
  document.abort();
  expect(await replaced.verdict).toBeUndefined();
  expect([replaced.call.answeredBy, bench.told, bench.left()]).toEqual([undefined, [], { taps: 0, timers: 0 }]);
});

test('a call that is over, or has no audio, is not listened to', async () => {
  const bench = new DetectionBench();
  const { call, leg } = bench.outbound();
  call.start();
  leg.fails(486);
  expect(await detectMachine(call, detection, bench.services, call.signal)).toBeUndefined();
  expect(bench.left()).toEqual({ taps: 0, timers: 0 });
});
