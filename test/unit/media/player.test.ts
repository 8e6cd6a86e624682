// The player: one frame per call, sources without gaps, rounds, digits both ways (engine.ts PlaySource).

import { describe, expect, test } from 'vitest';
import { digitTone } from '../../../src/media/dtmf-tones.ts';
import type { PlaySource } from '../../../src/media/engine.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { type PlayStep, SourcePlayer } from '../../../src/media/player.ts';
import { TelephoneEventReceiver } from '../../../src/media/telephone-event.ts';

const ramp = (length: number, from = 1): PlaySource => ({
  kind: 'samples',
  samples: Int16Array.from({ length }, (_, index) => from + index),
});

interface Played {
  readonly steps: readonly PlayStep[];
  readonly samples: Int16Array;
}

/** Plays until the end (or `maxFrames`); `samples` has each frame's content. */
function play(sources: readonly PlaySource[], loop = 1, telephoneEvents = false, maxFrames = 1_000): Played {
  const player = new SourcePlayer({ sources, loop }, { telephoneEvents });
  const steps: PlayStep[] = [];
  const samples: number[] = [];
  while (steps.length < maxFrames) {
    const frame = new Int16Array(160).fill(-1);
    const step = player.next(frame);
    if (step === 'end') break;
    steps.push(step);
    samples.push(...frame);
  }
  return { steps, samples: Int16Array.from(samples) };
}
const names = (steps: readonly PlayStep[]) => steps.map((step) => (typeof step === 'string' ? step : 'event'));

describe('samples, silence, tones', () => {
  test('samples come out as they are, the last frame padded with zeros', () => {
    const { steps, samples } = play([ramp(330)]);
    expect(steps).toEqual(['audio', 'audio', 'audio']);
    expect([...samples.subarray(0, 330)]).toEqual(Array.from({ length: 330 }, (_, index) => index + 1));
    expect(samples.subarray(330).every((sample) => sample === 0)).toBe(true);
  });

  test('sources follow without a gap inside one frame', () => {
    const { samples } = play([ramp(100), ramp(100, 101), ramp(10, 201)]);
    expect([...samples.subarray(0, 210)]).toEqual(Array.from({ length: 210 }, (_, index) => index + 1));
  });

  test('silence is named so that the engine may send comfort in its place', () => {
    const { steps, samples } = play([{ kind: 'silence', durationMs: 50 }, ramp(80)]);
    expect(steps).toEqual(['silence', 'silence', 'audio']);
    expect(samples[399]).toBe(0);
    expect(samples[400]).toBe(1);
  });

  test('a tone lasts as long as it says and keeps its phase over frames', () => {
    const { steps, samples } = play([{ kind: 'tone', frequencies: [440], levelDb: -10, durationMs: 500 }]);
    expect(steps).toHaveLength(25);
    expect(toneShare(samples, 440)).toBeGreaterThan(0.999);
  });

  test('a finished player stays finished', () => {
    const player = new SourcePlayer({ sources: [ramp(10)], loop: 1 }, { telephoneEvents: false });
    const frame = new Int16Array(160);
    expect([player.next(frame), player.next(frame), player.next(frame)]).toEqual(['audio', 'end', 'end']);
  });
});

describe('rounds', () => {
  test('loop 3 plays three times without a gap, loop 0 until stopped', () => {
    expect([...play([ramp(100)], 3).samples.subarray(0, 300)]).toEqual(
      Array.from({ length: 300 }, (_, index) => (index % 100) + 1),
    );
    expect(play([ramp(100)], 0, false, 500).steps).toHaveLength(500);
  });

  test('an endless loop over nothing ends', () => {
    const nothing: PlaySource[] = [
      { kind: 'samples', samples: new Int16Array(0) },
      { kind: 'silence', durationMs: 0 },
      { kind: 'silence', durationMs: Number.NaN },
      { kind: 'silence', durationMs: Number.POSITIVE_INFINITY },
      { kind: 'tone', frequencies: [440], levelDb: -10, durationMs: -5 },
      { kind: 'digits', digits: 'xyz' },
    ];
    expect(play([], 0).steps).toEqual([]);
    expect(play(nothing, 0).steps).toEqual([]);
  });
});

describe('digits', () => {
  test('in-band: 100 ms of both tones, 100 ms of silence, for each', () => {
    const { steps, samples } = play([{ kind: 'digits', digits: '1#' }]);
    expect(names(steps)).toEqual(
      [...Array(5).fill('audio'), ...Array(5).fill('silence')].concat([
        ...Array(5).fill('audio'),
        ...Array(5).fill('silence'),
      ]),
    );
    for (const [index, digit] of ['1', '#'].entries()) {
      const [low, high] = digitTone(digit)!;
      const tone = samples.subarray(index * 1_600, index * 1_600 + 800);
      expect(toneShare(tone, low) + toneShare(tone, high)).toBeGreaterThan(0.95);
    }
  });

  test('w is half a second, W a second of silence; anything else in the string is skipped [sip 2.6 send-digits]', () => {
    expect(play([{ kind: 'digits', digits: 'w' }]).steps).toEqual(Array(25).fill('silence'));
    expect(play([{ kind: 'digits', digits: 'W' }], 1, true).steps).toEqual(Array(50).fill('silence'));
    expect(play([{ kind: 'digits', digits: ' x-' }]).steps).toEqual([]);
  });

  test('RFC 4733: seven packets, marker and start on the first, three silent frames, received as what was asked', () => {
    const { steps, samples } = play([{ kind: 'digits', digits: '5a' }], 1, true);
    const round = [...Array(7).fill('event'), ...Array(3).fill('silence')];
    expect(names(steps)).toEqual([...round, ...round]);
    expect(samples.every((sample) => sample === 0)).toBe(true);
    const receiver = new TelephoneEventReceiver();
    let timestamp = 0;
    const digits = steps.flatMap((step, index) => {
      if (typeof step === 'string') return [];
      expect(step.marker).toBe(step.startOfEvent);
      if (step.startOfEvent) timestamp = index * 160;
      return receiver.push(step.payload, timestamp, index * 20);
    });
    expect(digits).toEqual([
      { digit: '5', durationMs: 100 },
      { digit: 'A', durationMs: 100 },
    ]);
  });

  test('an event waits for the end of a frame that has audio in it', () => {
    const { steps } = play([ramp(200), { kind: 'digits', digits: '1' }, ramp(10)], 1, true);
    expect(names(steps)).toEqual([
      'audio',
      'audio',
      ...Array(7).fill('event'),
      'silence',
      'silence',
      'silence',
      'audio',
    ]);
  });
});
