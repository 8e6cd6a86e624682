// Taps of voice agents: packets at once, lost ones filled, late ones left out, and a time that keeps step with the clock.

import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { linearToMuLaw, muLawToLinear } from '../../../src/media/g711.ts';
import { PromptTrack } from '../../../src/media/prompt-tap.ts';
import { MixerWorld } from '../../support/mixer-world.ts';

const SSRC = 7;
const loud = linearToMuLaw(8_000);
const value = muLawToLinear[loud]!;

function track() {
  const frames: { level: number; timestampMs: number; at: number }[] = [];
  let nowMs = 1_000;
  const tested = new PromptTrack('inbound', nowMs, (_track, samples, timestampMs) => {
    assert.equal(samples.length, 160);
    frames.push({ level: samples[159]!, timestampMs, at: nowMs });
  });
  return {
    frames,
    levels: () => frames.map(({ level }) => level),
    to(ms: number) {
      nowMs = 1_000 + ms;
    },
    push: (sequence: number, samples = 160, ssrc = SSRC) =>
      tested.push(ssrc, sequence & 0xffff, new Uint8Array(samples).fill(loud), 'PCMU', nowMs),
    event: (sequence: number) => tested.push(SSRC, sequence, new Uint8Array(4), null, nowMs),
    tick: () => tested.tick(nowMs),
  };
}

describe('a prompt track', () => {
  test('gives a packet in the moment in which it comes, numbered by time', () => {
    const it = track();
    for (const sequence of [65_534, 65_535, 0, 1]) {
      it.to(it.frames.length * 20 + 3);
      it.push(sequence);
    }
    assert.deepEqual(
      it.frames.map(({ timestampMs, at }) => [timestampMs, at]),
      [0, 20, 40, 60].map((ms) => [ms, 1_003 + ms]),
    );
    assert.deepEqual(it.levels(), [value, value, value, value]);
  });

  test('a lost packet is filled with what was before it, quieter each time; more than three are left to the clock', () => {
    const it = track();
    it.push(1);
    it.to(60);
    it.push(4);
    assert.deepEqual(it.levels(), [value, value >> 1, (value >> 1) >> 2, value]);
    it.to(200);
    it.push(9);
    assert.equal(it.frames.length, 5);
  });

  test('twice, or out of order: left out', () => {
    const it = track();
    for (const sequence of [1, 2, 2, 1, 3]) it.push(sequence);
    assert.equal(it.frames.length, 3);
  });

  test.each([
    [80, 2],
    [240, 1],
    [480, 1],
  ])('packets of %d samples become frames of 160', (samples, packets) => {
    const it = track();
    for (let packet = 0; packet < packets * 4; packet++) {
      it.to((packet * samples) / 8);
      it.push(packet, samples);
    }
    assert.equal(it.frames.length, Math.floor((samples * packets * 4) / 160));
  });

  test('while nothing comes the clock gives silence, 60 ms behind; a burst of what is late does not move the time', () => {
    const it = track();
    it.push(1);
    for (let ms = 20; ms <= 400; ms += 20) {
      it.to(ms);
      it.tick();
    }
    assert.equal(it.frames.length, 17);
    assert.ok(
      it
        .levels()
        .slice(1)
        .every((level) => level === 0),
    );
    for (let sequence = 2; sequence <= 21; sequence++) it.push(sequence);
    assert.ok(it.frames.length <= 400 / 20 + 6, `${it.frames.length}`);
  });

  test('a telephone event is silence', () => {
    const it = track();
    it.push(1);
    for (let ms = 20; ms <= 200; ms += 20) {
      it.to(ms);
      it.event(1 + ms / 20);
      it.tick();
    }
    assert.ok(
      it
        .levels()
        .slice(1)
        .every((level) => level === 0),
    );
    it.push(12);
    assert.equal(it.levels().at(-1), value);
  });

  test('a new sender begins anew', () => {
    const it = track();
    it.push(30_000);
    it.to(20);
    it.push(5, 160, 8);
    assert.equal(it.frames.length, 2);
  });

  test('whatever comes: frames are numbered without a gap and keep step with the clock', () => {
    const step = fc.record({ wait: fc.integer({ min: 0, max: 100 }), sequence: fc.integer({ min: 0, max: 60 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const it = track();
        let ms = 0;
        for (const { wait, sequence } of steps) {
          for (const end = ms + wait; ms < end; ms++) {
            it.to(ms);
            if (ms % 20 === 0) it.tick();
          }
          it.push(sequence, 160, SSRC + (sequence % 3));
        }
        assert.deepEqual(
          it.frames.map(({ timestampMs }) => timestampMs),
          it.frames.map((_, index) => index * 20),
        );
        assert.ok(it.frames.length * 20 <= ms + 8 * 20);
        assert.ok(it.frames.length * 20 >= ms - 5 * 20);
      }),
    );
  });
});

test('[twiml 9 latency] in the engine: a packet is an audio event within the time of one packet', async () => {
  const here = new MixerWorld(1, 2);
  void here.engine.start();
  const leg = await here.leg();
  const tap = here.engine.tap(leg.id, ['inbound'], 'prompt');
  const count = () => here.events.ofType('audio').filter((event) => event.tap === tap).length;
  // Packets of a peer every 20 ms: after each, one frame more is there, whatever the phase of the ticks.
  await here.speak(new Map([[leg, 4_000]]), 100);
  const before = count();
  for (let packet = 1; packet <= 10; packet++) {
    await here.speak(new Map([[leg, 4_000]]), 20);
    assert.equal(count(), before + packet);
  }
  here.engine.closeTap(tap);
  assert.equal(here.engine.counts().taps, 0);
  await here.end();
});
