// When somebody speaks: onset, hangover, a floor that follows the noise, and what is missing.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { SPEECH_HANGOVER_MS, SpeechActivity } from '../../../src/media/speech-activity.ts';
import { amplitudeOf, toneSamples } from '../../../src/media/tone.ts';
import { seededRandom } from '../../support/network.ts';

const FRAME_MS = 20;
const SILENCE = new Int16Array(160);
const HANGOVER = SPEECH_HANGOVER_MS / FRAME_MS;
const random = seededRandom(5).next;

const tone = (levelDb: number): Int16Array => toneSamples([400], levelDb, FRAME_MS);

/** White noise of a level in dBm0. */
function noise(levelDb: number): Int16Array {
  // A sine of amplitude A has the mean square A²/2, even noise up to B has B²/3.
  const limit = amplitudeOf(levelDb) * Math.sqrt(1.5);
  return Int16Array.from({ length: 160 }, () => (random() * 2 - 1) * limit);
}

/** Pushes frames; the changes with the milliseconds after which they came. */
function changes(activity: SpeechActivity, frames: readonly (Int16Array | null)[]): [number, boolean][] {
  return frames.flatMap((frame, index): [number, boolean][] =>
    activity.push(frame) ? [[(index + 1) * FRAME_MS, activity.isSpeaking]] : [],
  );
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

describe('speech activity', () => {
  test('begins with the third voiced frame, ends after 200 ms without one', () => {
    const activity = new SpeechActivity();
    const frames = [...times(50, () => SILENCE), ...times(50, () => tone(-20)), ...times(50, () => SILENCE)];
    assert.deepEqual(changes(activity, frames), [
      [1_060, true],
      [2_000 + SPEECH_HANGOVER_MS, false],
    ]);
  });

  test('the onset is told from its first frame', () => {
    const activity = new SpeechActivity();
    activity.push(SILENCE);
    activity.push(tone(-20));
    activity.push(tone(-20));
    assert.equal(activity.push(tone(-20)), true);
    assert.equal(activity.onsetMs, 60);
  });

  test('a click of 40 ms is no speech; pauses between words are', () => {
    const activity = new SpeechActivity();
    const click = [...times(20, () => SILENCE), tone(-10), tone(-10), ...times(20, () => SILENCE)];
    assert.deepEqual(changes(activity, click), []);
    const word = [...times(10, () => tone(-20)), ...times(HANGOVER - 1, () => SILENCE)];
    assert.deepEqual(changes(activity, [...word, ...word, ...word]), [[60, true]]);
  });

  test.each([-65, -55, -45, -40])('noise of %d dBm0 is not speech for long; a voice over it is', (levelDb) => {
    const activity = new SpeechActivity();
    changes(
      activity,
      times(1_500, () => noise(levelDb)),
    );
    assert.equal(activity.isSpeaking, false);
    assert.deepEqual(
      changes(
        activity,
        times(20, () => tone(-22)),
      ),
      [[60, true]],
    );
    const after = changes(
      activity,
      times(50, () => noise(levelDb)),
    );
    assert.deepEqual(
      after.map(([, isSpeaking]) => isSpeaking),
      [false],
    );
  });

  test('a quiet voice (-40 dBm0) on a quiet line is heard', () => {
    const activity = new SpeechActivity();
    changes(
      activity,
      times(100, () => noise(-65)),
    );
    assert.equal(
      changes(
        activity,
        times(20, () => tone(-40)),
      ).length,
      1,
    );
  });

  test('an even sound at the level of a voice stays speech for minutes', () => {
    const activity = new SpeechActivity();
    const frames = times(3 * 3_000, () => tone(-15));
    assert.deepEqual(changes(activity, frames), [[60, true]]);
  });

  test('what is missing ends no sentence, and begins none', () => {
    const activity = new SpeechActivity();
    changes(
      activity,
      times(10, () => tone(-20)),
    );
    // 900 ms lost, then the voice goes on: no change.
    const frames = [...times(45, () => null), ...times(10, () => tone(-20))];
    assert.deepEqual(changes(activity, frames), []);
    assert.deepEqual(
      changes(
        new SpeechActivity(),
        times(500, () => null),
      ),
      [],
    );
  });

  test('a peer that sends nothing for a second is silent', () => {
    const activity = new SpeechActivity();
    changes(
      activity,
      times(10, () => tone(-20)),
    );
    assert.deepEqual(
      changes(
        activity,
        times(100, () => null),
      ),
      [[1_000, false]],
    );
  });
});
