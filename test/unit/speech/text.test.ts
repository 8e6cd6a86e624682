// What reaches an engine: plain text and SSML (twiml.md 5.1) freed of everything that an engine could take for a command.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { espeakLanguage, espeakVoice } from '../../../src/speech/espeak-voices.ts';
import { plainText, safeSsml, stripSsml } from '../../../src/speech/text.ts';

describe('plain text', () => {
  test.each([
    ['  Hello, Wörld! 你好 🙂 ', 'Hello, Wörld! 你好 🙂'],
    ['a\0b\x01c\x1b[0md\x7fe\u0085f', 'a b c [0md e f'],
    ['two\nlines\tand\rmore', 'two\nlines and more'],
    ['[[h@l"oU]] [[[x]]', '[h@l"oU]] [x]]'],
    ['lone \ud800 surrogate', 'lone \ufffd surrogate'],
    ['-v --help $(reboot) `x` ; rm', '-v --help $(reboot) `x` ; rm'],
    ['\0\x01 \r', ''],
  ])('%j is spoken as %j', (text, expected) => {
    expect(plainText(text)).toBe(expected);
  });

  test('what is too long is cut', () => {
    expect(plainText('x'.repeat(1_000_000))).toHaveLength(limits.speechTextChars);
    expect(safeSsml('<s>x</s>'.repeat(100_000)).length).toBeLessThan(limits.speechInputChars + 20);
    expect(safeSsml('x'.repeat(1_000_000))).toHaveLength(limits.speechTextChars + '<speak></speak>'.length);
    const breaks = safeSsml('<break time="9s"/>'.repeat(500)).matchAll(/time="(\d+)ms"/g);
    expect([...breaks].reduce((sum, [, ms]) => sum + Number(ms), 0)).toBe(limits.ssmlBreaksTotalMs);
  });
});

describe('SSML', () => {
  test.each([
    ['Hi <break time="1s"/> there', 'Hi <break time="1000ms"/> there'],
    ["<break time='250ms' strength='weak'/>", '<break time="250ms" strength="weak"/>'],
    ['<break time="100000s"/>', '<break time="10000ms"/>'],
    ['<break time="forever"/>', '<break time="0ms"/>'],
    ['<break strength="strong"></break>x', '<break strength="strong"/>x'],
    [
      '<prosody rate="slow" pitch="+10%" volume="-6dB">x</prosody>',
      '<prosody rate="slow" pitch="+10%" volume="-6dB">x</prosody>',
    ],
    [
      '<say-as interpret-as="date" format="mdy">1/2/2026</say-as>',
      '<say-as interpret-as="date" format="mdy">1/2/2026</say-as>',
    ],
    ['<lang xml:lang="de-DE">Tag</lang>', '<lang xml:lang="de-DE">Tag</lang>'],
    ['<sub alias="World Wide Web">WWW</sub>', '<sub alias="World Wide Web">WWW</sub>'],
    ['<phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme>', '<phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme>'],
    ['<audio src="/etc/passwd"/>x', 'x'],
    ['<audio src="$(reboot)">x</audio>', 'x'],
    ['<voice name="../../x">y</voice><mark name="z"/>', 'y'],
    ['<p onload="x">y</p>', '<p>y</p>'],
    ['<prosody rate="x&quot;&gt;&lt;audio">y</prosody>', '<prosody>y</prosody>'],
    ['<s>a<p>b', '<s>a<p>b</p></s>'],
    ['</p></s>a', 'a'],
    ['<s>a<p>b</s>c</p>', '<s>a<p>b</p></s>c'],
    ['1 < 2 & 3 > 2 &amp; &lt;audio&gt;', '1 &lt; 2 &amp; 3 &gt; 2 &amp; &lt;audio&gt;'],
    ['&#1;&#x1b;&#60;audio&#62;&bomb;', '&lt;audio&gt;&amp;bomb;'],
    ['<!DOCTYPE x [<!ENTITY a "b">]>&a;', '&lt;!DOCTYPE x [&lt;!ENTITY a "b"&gt;]&gt;&amp;a;'],
    ['<?xml version="1.0"?>x', '&lt;?xml version="1.0"?&gt;x'],
    ['<![CDATA[<audio src="x"/>]]>', '&lt;![CDATA[]]&gt;'],
    ['<constructor>x</constructor><__proto__>y</__proto__>', 'x&lt;__proto__&gt;y&lt;/__proto__&gt;'],
  ])('%s [twiml 5.1 ssml-break] [twiml 5.1 ssml-safe]', (source, expected) => {
    expect(safeSsml(source)).toBe(`<speak>${expected}</speak>`);
  });

  test('a bomb of nested elements is cut at the depth limit and stays balanced', () => {
    const output = safeSsml('<s>'.repeat(2_000));
    expect(output).toBe(`<speak>${'<s>'.repeat(limits.ssmlDepth)}${'</s>'.repeat(limits.ssmlDepth)}</speak>`);
  });

  test('stripSsml leaves the words [twiml 5.1 ssml-sub] [twiml 5.1 ssml-stripped]', () => {
    expect(stripSsml('Hi <break time="1s"/> <emphasis level="strong">you &amp; me</emphasis>')).toBe('Hi you & me');
    expect(stripSsml('<sub alias="World Wide Web">WWW</sub> 1 &lt; 2 &#65; &#0;')).toBe('World Wide Web 1 < 2 A');
    expect(stripSsml('<break time="1s"/>')).toBe('');
  });

  test('any text becomes one balanced document of allowed elements only [twiml 5.1 ssml-safe]', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '<s>',
        '</s>',
        '<p>',
        '</p>',
        '<audio src="x">',
        '<break/>',
        '<',
        '>',
        '"',
        '&',
        '<s',
        ' a="',
        '/>',
        '&#60;',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const output = safeSsml(pieces.join(''));
        const open: string[] = [];
        for (const [, slash, name, closed] of output.matchAll(/<(\/?)([\w-]+)[^<>]*?(\/?)>/g)) {
          expect([
            'speak',
            's',
            'p',
            'break',
            'emphasis',
            'lang',
            'phoneme',
            'prosody',
            'say-as',
            'sub',
            'w',
          ]).toContain(name);
          if (slash) expect(open.pop()).toBe(name);
          else if (!closed) open.push(name!);
        }
        expect(open).toEqual([]);
        expect(output.replaceAll(/<\/?[\w-]+[^<>]*>/g, '')).not.toMatch(/[<>]|[\0-\x09\x0b-\x1f]/);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('voices of espeak-ng', () => {
  test.each([
    ['en-US', 'man', 'en-us'],
    ['en-GB', 'woman', 'en+f3'],
    ['en-GB-WLS', 'man', 'en'],
    ['de-DE', 'Polly.Vicki-Neural', 'de+f3'],
    ['de-DE', 'Polly.Hans', 'de'],
    ['es-MX', 'alice', 'es-419+f3'],
    ['pt-BR', 'man', 'pt-br'],
    ['zh-CN', 'man', 'cmn'],
    ['zh-HK', 'man', 'yue'],
    ['nb-NO', 'man', 'nb'],
    ['arb', 'man', 'ar'],
    ['xx-YY', 'man', 'en-us'],
    ['', '', 'en-us'],
    ['constructor', '__proto__', 'en-us'],
    ['--help', '-x', 'en-us'],
    ['../../etc/passwd', 'f/../../x', 'en-us'],
    ['de+croak', 'woman', 'en-us+f3'],
  ])('%s, %s: %s', (language, voice, expected) => {
    expect(espeakVoice(language, voice)).toBe(expected);
  });

  test('every language of twiml.md 5.1 has its own voice (Filipino excepted) [twiml 5.1 language]', () => {
    const languages =
      'af-ZA am-ET ar-AE ar-XA bg-BG bn-IN ca-ES cmn-CN cmn-TW cs-CZ cy-GB da-DK de-AT de-DE el-GR es-ES fi-FI fr-CA gu-IN he-IL hi-IN hu-HU ' +
      'id-ID is-IS it-IT ja-JP kn-IN ko-KR lv-LV ml-IN mr-IN ms-MY nb-NO nl-BE pa-IN pl-PL pt-PT ro-RO ru-RU sk-SK sr-RS sv-SE ta-IN te-IN ' +
      'th-TH tr-TR uk-UA vi-VN yue-HK';
    for (const language of languages.split(' ')) expect(espeakLanguage(language)).toBe(language.split('-')[0]);
  });
});
