import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { play } from '../../../../src/twiml/verbs/play.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

// twiml.md 5.2
const rows: [xml: string, expected: Record<string, unknown>, codes: number[]][] = [
  ['<Play>https://cdn.example.test/a.mp3</Play>', { url: 'https://cdn.example.test/a.mp3', loop: 1 }, []],
  ['<Play> \n a.mp3 \n</Play>', { url: 'https://app.example.test/dir/a.mp3' }, []],
  ['<Play>/a b.wav</Play>', { url: 'https://app.example.test/a%20b.wav' }, []],
  ['<Play loop="4">/a.wav</Play>', { loop: 4 }, []],
  ['<Play loop="0">/a.wav</Play>', { loop: limits.playLoops }, []],
  ['<Play loop="x">/a.wav</Play>', { loop: 1 }, [13410]],
  ['<Play digits="1w2W*#A"/>', { digits: '1w2W*#A', url: undefined }, []],
  ['<Play digits="12x"/>', { digits: undefined, url: undefined }, [13430]],
  ['<Play digits="12x">/a.wav</Play>', { digits: undefined, url: 'https://app.example.test/a.wav' }, [13430]],
  ['<Play>ftp://x/a.wav</Play>', { url: undefined }, [11100]],
  ['<Play/>', { url: undefined, digits: undefined }, [11100]],
];

describe('twiml.md 5.2 Play: attributes and text', () => {
  // holds: [twiml 5.2 url] [twiml 5.2 no-url] [twiml 5.2 loop] [twiml 5.2 digits]
  test.each(rows)('%s [twiml 2.7 relative] [twiml 2.7 whitespace]', (xml, expected, codes) => {
    const parsed = parsedValue(parseVerb(play, xml));
    expect(parsed.value).toMatchObject(expected);
    expect(parsed.codes).toEqual(codes);
  });

  test('twiml.md 2.7: a relative URL in inline TwiML is 11100; the call goes on [twiml 2.7 inline-relative] [twiml 5.2 no-url]', () => {
    const parsed = parsedValue(parseVerb(play, '<Play>a.wav</Play>', { documentUrl: undefined }));
    expect(parsed.codes).toEqual([11100]);
    expect(parsed.value.url).toBeUndefined();
  });
});

describe('Play: run', () => {
  test('answers, plays, next verb', async () => {
    const { control, result } = await runVerb(play, '<Play>/a.wav</Play>');
    expect(control.done).toEqual(['answer', 'play url:https://app.example.test/a.wav']);
    expect(result).toMatchObject({ kind: 'next', waited: true });
  });

  test('twiml.md 16, 4: a file that cannot be played: next verb [twiml 5.2 not-found] [twiml 16 point-4]', async () => {
    const control = new FakeCallControl();
    control.playOutcomes = ['failed'];
    const { result } = await runVerb(play, '<Play>/a.wav</Play>', control);
    expect(result).toEqual({ kind: 'next', outcome: 'failed', waited: false });
  });

  test('digits are sent [twiml 5.2 digits]', async () => {
    expect((await runVerb(play, '<Play digits="1w2"/>')).control.done).toEqual(['answer', 'play digits:1w2']);
  });

  test('the trace holds neither digits nor the password of a URL', () => {
    const { value } = parsedValue(parseVerb(play, '<Play digits="12w34">https://u:secret@h.test/a.wav#ct=100</Play>'));
    expect(play.describe(value)).toBe('4 digits, https://h.test/a.wav');
  });
});
