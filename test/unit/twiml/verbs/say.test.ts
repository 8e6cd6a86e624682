import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { say } from '../../../../src/twiml/verbs/say.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

// twiml.md 5.1: attribute, written value, what is spoken with, warnings.
const attributes: [attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  ['', { voice: undefined, language: 'en-US', loop: 1 }, []],
  ['voice="man"', { voice: 'man' }, []],
  ['voice="woman"', { voice: 'woman' }, []],
  ['voice="alice"', { voice: 'alice' }, []],
  ['voice="Polly.Joanna-Neural"', { voice: 'Polly.Joanna-Neural' }, []],
  ['voice="Google.de-DE-Standard-B"', { voice: 'Google.de-DE-Standard-B', language: 'de-DE' }, []],
  ['voice="Google.de-DE-Standard-B" language="de-DE"', { language: 'de-DE' }, []],
  ['voice="Google.de-DE-Standard-B" language="fr-FR"', { language: 'de-DE' }, [13512]],
  ['voice="Polly.Rémi-Generative"', { voice: 'Polly.Rémi-Generative' }, []],
  ['voice="robot"', { voice: undefined }, [13511]],
  ['language="de-DE"', { language: 'de-DE' }, []],
  ['language="arb"', { language: 'arb' }, []],
  ['voice="alice" language="en"', { voice: 'alice', language: 'en' }, []],
  ['voice="man" language="en-gb"', { voice: 'man', language: 'en-gb' }, []],
  ['language="et-EE"', { language: 'et-EE' }, [13512]],
  ['language="Deutsch bitte"', { language: 'en-US' }, [13512]],
  ['loop="3"', { loop: 3 }, []],
  ['loop="0"', { loop: limits.playLoops }, []],
  ['loop="5000"', { loop: limits.playLoops }, [13510]],
  ['loop="-1"', { loop: 1 }, [13510]],
  ['loop="two"', { loop: 1 }, [13510]],
];

// holds: [twiml 5.1 voice] [twiml 5.1 voice-unknown] [twiml 5.1 language] [twiml 5.1 language-unknown]
// holds: [twiml 5.1 language-fits] [twiml 5.1 loop]
describe('twiml.md 5.1 Say: attributes', () => {
  test.each(attributes)('%s', (attribute, expected, codes) => {
    const parsed = parsedValue(parseVerb(say, `<Say ${attribute}>Hello</Say>`));
    expect({ ...parsed.value.spoken, loop: parsed.value.loop }).toMatchObject(expected);
    expect(parsed.codes).toEqual(codes);
  });
});

describe('twiml.md 5.1 Say: text', () => {
  test('blanks around the text are cut, entities are resolved', () => {
    const { value } = parsedValue(parseVerb(say, '<Say>\n  Tom &amp; Jerry  </Say>'));
    expect(value.spoken).toMatchObject({ text: 'Tom & Jerry', ssml: false });
  });

  test('SSML children make it SSML, written out again with escapes [twiml 5.1 mixed]', () => {
    const { value } = parsedValue(
      parseVerb(say, '<Say>A &lt; B<break time="1s"/><say-as interpret-as="digits">12 &quot;</say-as></Say>'),
    );
    expect(value.spoken).toMatchObject({
      text: 'A &lt; B<break time="1s"/><say-as interpret-as="digits">12 &quot;</say-as>',
      ssml: true,
    });
  });

  // Voice, text, how much of it is spoken (undefined: all, with its markup).
  const lengths: [voice: string, text: string, spoken: number | undefined][] = [
    ['', `<p>${'x'.repeat(4_096)}</p>`, undefined],
    ['', `<p>${'x'.repeat(4_097)}</p>`, 4_096],
    ['voice="woman"', 'x'.repeat(4_097), 4_096],
    ['voice="Polly.Joanna"', `<p>${'x'.repeat(3_000)}</p>`, undefined],
    ['voice="Polly.Joanna"', 'x'.repeat(3_001), 3_000],
    ['voice="Google.en-US-Standard-A"', `<p>${'x'.repeat(4_993)}</p>`, undefined],
    ['voice="Google.en-US-Standard-A"', `<p>${'x'.repeat(4_994)}</p>`, 4_994],
    ['voice="Google.en-US-Standard-A"', 'x'.repeat(5_001), 5_000],
  ];
  test.each(lengths)(
    '13521: the longest text with %s is cut, its markup dropped [twiml 5.1 text-length]',
    (voice, text, spoken) => {
      const { value, codes } = parsedValue(parseVerb(say, `<Say ${voice}>${text}</Say>`));
      const expected = spoken === undefined ? { text, ssml: true } : { text: 'x'.repeat(spoken), ssml: false };
      expect(value.spoken).toMatchObject(expected);
      expect(codes).toEqual(spoken === undefined ? [] : [13521]);
    },
  );

  test('13520: nothing to say [twiml 5.1 text-empty]', async () => {
    expect(parsedValue(parseVerb(say, '<Say>  </Say>')).codes).toEqual([13520]);
    const { result, control } = await runVerb(say, '<Say/>');
    expect(result).toMatchObject({ kind: 'next', waited: false });
    expect(control.done).toEqual(['answer']);
  });
});

describe('twiml.md 4.3 Say: run', () => {
  test('answers, speaks, next verb', async () => {
    const { result, control } = await runVerb(say, '<Say loop="2">Hello</Say>');
    expect(control.done).toEqual(['answer', 'play say:Hello']);
    expect(control.played[0]![0]).toMatchObject({ kind: 'say', loop: 2 });
    expect(result).toEqual({ kind: 'next', outcome: 'finished', waited: true });
  });

  test('a failing engine is no wait: a loop over it is caught', async () => {
    const control = new FakeCallControl();
    control.playOutcomes = ['failed'];
    expect((await runVerb(say, '<Say>x</Say>', control)).result).toMatchObject({ kind: 'next', waited: false });
  });

  test('hang-up while answering ends it', async () => {
    const control = new FakeCallControl();
    control.during = () => control.call.abort();
    const { result } = await runVerb(say, '<Say>x</Say>', control);
    expect(result.kind).toBe('end');
    expect(control.done).toEqual(['answer']);
  });

  test('the trace shows the length of the text, not the text [twiml 5.1 private-text]', () => {
    const { value } = parsedValue(parseVerb(say, '<Say>your PIN is 1234</Say>'));
    expect(say.describe(value)).toBe('16 characters, en-US');
  });
});
