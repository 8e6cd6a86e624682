// Ringing tones by country (twiml.md 6.1, ITU-T E.180 supplement 2).

import { describe, expect, test } from 'vitest';
import { ringTone, ringToneCountries } from '../../../src/call/ring-tones.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { SourcePlayer } from '../../../src/media/player.ts';

/** The list of twiml.md 6.1. */
const COUNTRIES =
  'at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg th uk us us-old tw ve za'.split(
    ' ',
  );

const cadence = (country: string | undefined) =>
  ringTone(country).map((source) => (source.kind === 'tone' || source.kind === 'silence' ? source.durationMs : 0));

/** One round as samples. */
function samplesOf(country: string): Int16Array {
  const player = new SourcePlayer({ sources: ringTone(country), loop: 1 }, { telephoneEvents: false });
  const all: number[] = [];
  const frame = new Int16Array(160);
  while (player.next(frame) !== 'end') all.push(...frame);
  return Int16Array.from(all);
}

describe('ringTone', () => {
  test('[twiml 6.1 ring-tone] every country of the list has a tone, and no other [sip 1.6 ring-tone]', () => {
    expect([...ringToneCountries].sort()).toEqual([...COUNTRIES].sort());
  });

  test('us: 440 and 480 Hz, 2 s on, 4 s off; also where none is named, or one that is not listed', () => {
    expect(ringTone('us')).toEqual([
      { kind: 'tone', frequencies: [440, 480], levelDb: -19, durationMs: 2_000 },
      { kind: 'silence', durationMs: 4_000 },
    ]);
    expect(ringTone(undefined)).toEqual(ringTone('us'));
    expect(ringTone('xx')).toEqual(ringTone('us'));
  });

  test.each([
    ['uk', [400, 450], [400, 200, 400, 2_000]],
    ['de', [425], [1_000, 4_000]],
    ['fr', [440], [1_500, 3_500]],
    ['se', [425], [1_000, 5_000]],
    ['ru', [425], [800, 3_200]],
    ['tw', [440, 480], [1_000, 2_000]],
    ['jp', [384, 416], [1_000, 2_000]],
    ['in', [375, 425], [400, 200, 400, 2_000]],
  ])('%s: %j Hz, %j ms', (country, frequencies, onOffMs) => {
    expect(cadence(country)).toEqual(onOffMs);
    const tone = samplesOf(country).subarray(0, (onOffMs[0]! * 8_000) / 1_000);
    const share = frequencies.reduce((sum, frequency) => sum + toneShare(tone, frequency), 0);
    expect(share).toBeGreaterThan(0.95);
  });

  test.each(COUNTRIES)('%s begins with sound, ends with silence, and comes again after 3 s or more', (country) => {
    const times = cadence(country);
    expect(times.length % 2).toBe(0);
    expect(times.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(3_000);
    const samples = samplesOf(country);
    expect(samples.subarray(0, 1_600).some((sample) => Math.abs(sample) > 500)).toBe(true);
    expect(samples.subarray(-800).every((sample) => sample === 0)).toBe(true);
  });
});
