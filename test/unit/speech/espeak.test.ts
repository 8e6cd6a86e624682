// Real speech: espeak-ng as a program (where it is installed) and as WASM in a child process (where the optional package is).

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { afterAll, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import { decodeAudio } from '../../../src/media/audio-file.ts';
import { rootMeanSquare } from '../../../src/media/goertzel.ts';
import type { SpeechEngine } from '../../../src/speech/engine.ts';
import { createEspeak } from '../../../src/speech/espeak.ts';
import { createEspeakWasm } from '../../../src/speech/espeak-wasm.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { audibleSeconds, noAbort, request } from './support.ts';

const hasProgram = spawnSync('espeak-ng', ['--version']).status === 0;
const hasPackage = (() => {
  try {
    createRequire(import.meta.url).resolve('espeak-ng');
    return true;
  } catch {
    return false;
  }
})();
if (!hasProgram) console.warn('SKIPPED: tests of the program espeak-ng, which is not installed');
if (!hasPackage) console.warn('SKIPPED: tests of the npm package espeak-ng, which is not installed');

const parts = { clock: realClock, decode: decodeAudio };
const engines: readonly (readonly [name: string, present: boolean, create: () => SpeechEngine])[] = [
  ['program', hasProgram, () => createEspeak(parts)],
  ['WASM', hasPackage, () => createEspeakWasm(parts)],
];

for (const [name, present, create] of engines) {
  // Minutes of audio are made here: on a busy machine that takes longer than other unit tests may.
  describe.skipIf(!present)(`espeak-ng, ${name}`, { timeout: 60_000 }, () => {
    const engine = create();
    afterAll(() => engine.close());
    const say = (text: string, more = {}) => engine.synthesize(request(text, more), noAbort());

    test('a sentence is heard, in a plausible time', async () => {
      const seconds = audibleSeconds(await say('The quick brown fox jumps over the lazy dog.'));
      expect(seconds).toBeGreaterThan(1.5);
      expect(seconds).toBeLessThan(5);
    });

    test('twiml.md 5.1: digits with spaces are read one by one, without as a number [twiml 5.1 digits]', async () => {
      const spaced = audibleSeconds(await say('1 2 3 4'));
      const number = audibleSeconds(await say('1234'));
      expect(spaced).not.toBeCloseTo(number, 1);
    });

    test('language and voice change what is heard', async () => {
      const [english, german, woman] = await Promise.all([
        say('Wo ist der Bahnhof?'),
        say('Wo ist der Bahnhof?', { language: 'de-DE' }),
        say('Wo ist der Bahnhof?', { voice: 'woman' }),
      ]);
      for (const spoken of [english, german, woman]) expect(audibleSeconds(spoken)).toBeGreaterThan(0.5);
      if (!english.ok || !german.ok || !woman.ok) return;
      expect(german.value).not.toEqual(english.value);
      expect(woman.value).not.toEqual(english.value);
    });

    test('SSML: a break is silence of its length [twiml 5.1 ssml-break]', async () => {
      const without = audibleSeconds(await say('Hello. There.', { ssml: true }));
      const withBreak = audibleSeconds(await say('Hello. <break time="3s"/> There.', { ssml: true }));
      expect(withBreak - without).toBeGreaterThan(2);
      expect(withBreak - without).toBeLessThan(4);
    });

    test.each<readonly [string, string, boolean]>([
      ['options', '--version -q --stdout -f /etc/hostname', false],
      ['one dash', '-', false],
      ['NUL and control characters inside', 'Hel\0lo\x01 2P there\x1b', false],
      ['phoneme brackets', "[[h@'loU]] world", false],
      ['broken SSML', '<speak><prosody rate="x">one <break time="1s" two', true],
      ['an SSML bomb', `${'<prosody rate="slow"><emphasis>'.repeat(500)} boom`, true],
      ['an entity bomb', '<!DOCTYPE l [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;">]>&m; boom', true],
      ['foreign SSML', 'before <audio src="/etc/passwd">inside</audio> after', true],
    ])('hostile text is only spoken: %s', async (_, text, ssml) => {
      const spoken = await say(text, { ssml });
      if (text === '-') return expect(spoken.ok).toBe(true);
      expect(audibleSeconds(spoken)).toBeLessThan(60);
    });

    test(`the longest text of Say, ${limits.sayChars} characters`, async () => {
      const seconds = audibleSeconds(await say('Thank you for calling. '.repeat(200).slice(0, limits.sayChars)));
      expect(seconds).toBeGreaterThan(120);
      expect(seconds).toBeLessThanOrEqual(limits.speechSeconds);
    });

    test('hundreds of breaks are cut at their total limit', async () => {
      const spoken = await say('<break time="10s"/>x. '.repeat(600), { ssml: true });
      const seconds = audibleSeconds(spoken);
      expect(seconds).toBeGreaterThan(limits.ssmlBreaksTotalMs / 1_000);
      expect(seconds).toBeLessThanOrEqual(limits.speechSeconds);
    });

    test.each(['', '   ', '\0\x01', '\n'])('nothing to say: %j', async (text) => {
      expect(await say(text)).toMatchObject({ ok: false, error: { code: 'empty' } });
      expect(await say(`<break/>${text}`, { ssml: true })).toMatchObject({ ok: false, error: { code: 'empty' } });
    });

    test('many at once, each gets its own', async () => {
      const counts = Array.from({ length: 12 }, (_, index) => index + 1);
      const spoken = await Promise.all(counts.map((count) => say('hello. '.repeat(count))));
      const seconds = spoken.map(audibleSeconds);
      expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
    });

    test('aborted before and during', async () => {
      expect(await engine.synthesize(request('x'), AbortSignal.abort())).toMatchObject({ error: { code: 'aborted' } });
      const controller = new AbortController();
      const spoken = engine.synthesize(request('hello there. '.repeat(200)), controller.signal);
      controller.abort();
      expect(await spoken).toMatchObject({ ok: false, error: { code: 'aborted' } });
      expect(audibleSeconds(await say('Still alive.'))).toBeGreaterThan(0.3);
    });

    test('every language of the table is spoken', async () => {
      const languages = [
        'am-ET',
        'ar-AE',
        'cmn-CN',
        'cy-GB',
        'es-MX',
        'fil-PH',
        'fr-BE',
        'he-IL',
        'ja-JP',
        'ko-KR',
        'pt-BR',
        'sr-RS',
        'ta-IN',
        'th-TH',
        'yue-HK',
      ];
      for (const language of languages) {
        const spoken = await say('Amen 123', { language });
        expect(spoken.ok && rootMeanSquare(spoken.value) > 300, language).toBe(true);
      }
    });
  });
}

describe('time limit and absence', () => {
  test.skipIf(!hasProgram)('a program that does not end is stopped', async () => {
    const clock = new VirtualClock();
    const engine = createEspeak({ clock, decode: decodeAudio });
    const spoken = engine.synthesize(request('hello. '.repeat(500)), noAbort());
    // The timer starts with the process, one turn of the event loop later.
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(limits.speechTimeoutMs);
    expect(await spoken).toMatchObject({ ok: false, error: { code: 'timeout' } });
    expect(clock.pendingTimers).toBe(0);
  });

  test('no program in the search path: unavailable', async () => {
    const engine = createEspeak({ ...parts, path: '/nonexistent' });
    expect(await engine.synthesize(request('hello'), noAbort())).toMatchObject({
      ok: false,
      error: { code: 'unavailable' },
    });
  });

  test.skipIf(!hasPackage)('an idle child ends after a while and is started again when needed', async () => {
    const clock = new VirtualClock();
    const engine = createEspeakWasm({ clock, decode: decodeAudio });
    expect(audibleSeconds(await engine.synthesize(request('hello'), noAbort()))).toBeGreaterThan(0.2);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(limits.speechIdleMs);
    expect(clock.pendingTimers).toBe(0);
    expect(audibleSeconds(await engine.synthesize(request('hello'), noAbort()))).toBeGreaterThan(0.2);
    engine.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test.skipIf(!hasPackage)('close while it speaks: every text gets its failure', async () => {
    const engine = createEspeakWasm(parts);
    const spoken = [1, 2, 3].map(() => engine.synthesize(request('hello there. '.repeat(100)), noAbort()));
    engine.close();
    for (const one of await Promise.all(spoken)) expect(one).toMatchObject({ ok: false, error: { code: 'failed' } });
  });
});
