// Who answered, from the audio alone: made-up speech, real speech where a speech engine is installed, tones of machines and faxes.

import { describe, expect, test } from 'vitest';
import type { AnsweredBy, DetectionSettings } from '../../../src/base/machine-detection-api.ts';
import { MachineDetector } from '../../../src/call/machine-detection.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { espeakMissing, spoken } from '../../support/spoken.ts';

const RATE = 8_000;
const FRAME = 160;
const defaults: DetectionSettings = {
  mode: 'Enable',
  timeoutMs: 30_000,
  speechThresholdMs: 2_400,
  speechEndThresholdMs: 1_200,
  silenceTimeoutMs: 5_000,
};
const messageEnd: DetectionSettings = { ...defaults, mode: 'DetectMessageEnd' };

/** Noise of a line, −60 dBm0 or so; a seed, so that a run can be repeated. */
function noise(durationMs: number, amplitude = 20): Int16Array {
  let state = 1;
  return Int16Array.from({ length: (durationMs * RATE) / 1_000 }, () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    return Math.round((state / 0x40000000 - 1) * amplitude);
  });
}

/** Syllables of 180 ms with 60 ms between them: harmonics of a pitch that moves. */
function speech(durationMs: number, pitch = 120): Int16Array {
  const out = noise(durationMs);
  let phase = 0;
  for (let index = 0; index < out.length; index++) {
    const ms = (index * 1_000) / RATE;
    const within = ms % 240;
    const hertz = pitch * (1 + 0.15 * Math.sin(ms / 130));
    phase += (2 * Math.PI * hertz) / RATE;
    if (within >= 180) continue;
    let sum = 0;
    for (let harmonic = 1; harmonic <= 12; harmonic++) sum += Math.sin(harmonic * phase) / (1 + Math.abs(harmonic - 4));
    out[index] = out[index]! + Math.round(sum * 2_500 * Math.sin((Math.PI * within) / 180));
  }
  return out;
}

const tone = (frequency: number, durationMs: number, levelDb = -12) => toneSamples([frequency], levelDb, durationMs);
const lost = (durationMs: number): null[] => Array.from({ length: durationMs / 20 }, () => null);

function framesOf(parts: readonly (Int16Array | readonly null[])[]): (Int16Array | null)[] {
  return parts.flatMap((part) =>
    part instanceof Int16Array
      ? Array.from({ length: Math.floor(part.length / FRAME) }, (_, at) => part.slice(at * FRAME, (at + 1) * FRAME))
      : [...part],
  );
}

/** The verdict and when it came. */
function judged(settings: DetectionSettings, ...parts: (Int16Array | readonly null[])[]) {
  const detector = new MachineDetector(settings);
  for (const frame of framesOf(parts)) {
    const answeredBy = detector.push(frame);
    if (answeredBy) return { answeredBy, atMs: detector.durationMs };
  }
  return undefined;
}

describe('what is said', () => {
  test('a short greeting and silence: human, SpeechEndThreshold after it [twiml 13 speech-end-threshold] [twiml 13 answered-by] [rest 9.1 amd-answered-by]', () => {
    const found = judged(defaults, noise(800), speech(960), noise(4_000));
    expect(found?.answeredBy).toBe('human');
    expect(found?.atMs).toBeGreaterThan(800 + 900 + 1_100);
    expect(found?.atMs).toBeLessThan(800 + 960 + 1_300);
  });

  test('a pause shorter than SpeechEndThreshold ends nothing', () => {
    const found = judged(defaults, speech(720), noise(900), speech(720), noise(4_000));
    expect(found?.answeredBy).toBe('human');
    expect(found?.atMs).toBeGreaterThan(720 + 900 + 600 + 1_100);
  });

  test('more than SpeechThreshold: machine, at once with Enable [twiml 13 speech-threshold] [twiml 13 enable]', () => {
    const found = judged(defaults, noise(400), speech(10_000));
    expect(found?.answeredBy).toBe('machine_start');
    expect(found?.atMs).toBeGreaterThan(400 + 2_400);
    expect(found?.atMs).toBeLessThan(400 + 2_900);
  });

  test('the thresholds count: the same greeting is one or the other', () => {
    const greeting = [speech(2_000), noise(6_000)];
    expect(judged(defaults, ...greeting)?.answeredBy).toBe('human');
    expect(judged({ ...defaults, speechThresholdMs: 1_000 }, ...greeting)?.answeredBy).toBe('machine_start');
  });

  test('nothing but silence: unknown after SilenceTimeout [twiml 13 silence-timeout]', () => {
    expect(judged(defaults, noise(20_000))).toEqual({ answeredBy: 'unknown', atMs: 5_000 });
    expect(judged({ ...defaults, silenceTimeoutMs: 2_000 }, lost(20_000))).toEqual({
      answeredBy: 'unknown',
      atMs: 2_000,
    });
  });

  test('somebody who neither ends nor goes on: unknown when the time is over [twiml 13 timeout]', () => {
    const mumble = Array.from({ length: 20 }, () => [speech(240), noise(760)]).flat();
    const settings = { ...defaults, speechThresholdMs: 6_000, timeoutMs: 4_000 };
    expect(judged(settings, ...mumble)).toEqual({ answeredBy: 'unknown', atMs: 4_000 });
  });

  test('a peer that sends nothing while it is silent is silent', () => {
    expect(judged(defaults, speech(960), lost(6_000))?.answeredBy).toBe('human');
  });
});

describe('the end of a message (DetectMessageEnd)', () => {
  const greeting = [noise(500), speech(5_040)];

  test.each([425, 440, 850, 1_000, 1_400])(
    'a beep of %i Hz: machine_end_beep, when it is over [twiml 13 machine-end-beep]',
    (hertz) => {
      const found = judged(messageEnd, ...greeting, noise(600), tone(hertz, 400), noise(5_000));
      expect(found?.answeredBy).toBe('machine_end_beep');
      expect(found?.atMs).toBeGreaterThanOrEqual(500 + 5_040 + 600 + 400);
      expect(found?.atMs).toBeLessThan(500 + 5_040 + 600 + 500);
    },
  );

  test('no beep: machine_end_silence [twiml 13 machine-end-silence]', () => {
    const found = judged(messageEnd, ...greeting, noise(8_000));
    expect(found?.answeredBy).toBe('machine_end_silence');
    expect(found?.atMs).toBeGreaterThan(500 + 5_000 + 2_500);
  });

  test('it never ends: machine_end_other when the time is over [twiml 13 machine-end-other]', () => {
    expect(judged({ ...messageEnd, timeoutMs: 8_000 }, speech(20_000))).toEqual({
      answeredBy: 'machine_end_other',
      atMs: 8_000,
    });
  });

  test('a person is told as with Enable', () => {
    expect(judged(messageEnd, speech(960), noise(4_000))?.answeredBy).toBe('human');
  });

  test('a short greeting with a beep behind it is a machine', () => {
    const parts = [speech(960), noise(400), tone(1_000, 300), noise(4_000)];
    expect(judged(messageEnd, ...parts)?.answeredBy).toBe('machine_end_beep');
    expect(judged(defaults, ...parts)?.answeredBy).toBe('machine_start');
  });

  test('a beep that is lost in part is one', () => {
    const beep = framesOf([tone(1_000, 400)]).map((frame, at) => (at % 5 === 3 ? null : frame));
    const detector = new MachineDetector(messageEnd);
    const verdicts = [...framesOf(greeting), ...framesOf([noise(400)]), ...beep, ...framesOf([noise(3_000)])].map(
      (frame) => detector.push(frame),
    );
    expect(verdicts.find(Boolean)).toBe('machine_end_beep');
  });
});

describe('tones', () => {
  test.each([
    ['the answer of a fax', 2_100, 3_000],
    ['the call of a fax', 1_100, 500],
  ])('%s: fax [twiml 13 fax]', (_, hertz, durationMs) => {
    const found = judged(defaults, noise(1_500), tone(hertz, durationMs), noise(4_000));
    expect(found?.answeredBy).toBe('fax');
    expect(found?.atMs).toBeLessThan(1_500 + 500);
  });

  test('a phone that beeps when it picks up is nobody yet', () => {
    expect(judged(defaults, noise(200), tone(1_000, 300), noise(400), speech(960), noise(4_000))?.answeredBy).toBe(
      'human',
    );
    expect(judged(defaults, tone(1_000, 300), noise(20_000))?.answeredBy).toBe('unknown');
  });

  test('keys are no beep', () => {
    const keys = [toneSamples([697, 1_209], -9, 300), noise(100), toneSamples([770, 1_336], -9, 300)];
    expect(judged(messageEnd, speech(960), noise(200), ...keys, noise(6_000))?.answeredBy).not.toBe('machine_end_beep');
  });
});

const missing = espeakMissing();
describe.skipIf(missing)(`real speech${missing ? ` (${missing})` : ''}`, () => {
  const said = (text: string, voice: string, pitch: number): Int16Array =>
    Int16Array.from(spoken(text, voice, pitch, -18), (sample, at) => Math.round(sample) + (at % 7) - 3);
  const long =
    'Hello, you have reached the office of Smith and Sons. We cannot take your call at the moment. Please leave a message after the tone.';
  test.each([
    ['en', 30],
    ['en', 70],
    ['en+f3', 60],
    ['de', 40],
    ['fr', 50],
  ])('%s, pitch %i', (voice, pitch) => {
    const verdict = (settings: DetectionSettings, ...parts: Int16Array[]): AnsweredBy | undefined =>
      judged(settings, noise(700), ...parts)?.answeredBy;
    expect(verdict(defaults, said('Hello?', voice, pitch), noise(5_000))).toBe('human');
    expect(verdict(defaults, said('Smith, good morning.', voice, pitch), noise(5_000))).toBe('human');
    expect(verdict(defaults, said(long, voice, pitch), noise(5_000))).toBe('machine_start');
    expect(verdict(messageEnd, said(long, voice, pitch), noise(700), tone(1_000, 500), noise(5_000))).toBe(
      'machine_end_beep',
    );
    expect(verdict(messageEnd, said(long, voice, pitch), noise(8_000))).toBe('machine_end_silence');
  });
});
