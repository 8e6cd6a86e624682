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
  ['voice="robot"', { voice: undefined }, [13511]],
  ['language="de-DE"', { language: 'de-DE' }, []],
  ['language="arb"', { language: 'arb' }, []],
  ['language="et-EE"', { language: 'et-EE' }, [13512]],
  ['language="Deutsch bitte"', { language: 'en-US' }, [13512]],
  ['loop="3"', { loop: 3 }, []],
  ['loop="0"', { loop: limits.playLoops }, []],
  ['loop="5000"', { loop: limits.playLoops }, [13510]],
  ['loop="-1"', { loop: 1 }, [13510]],
  ['loop="two"', { loop: 1 }, [13510]],
];

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

  test('SSML children make it SSML, written out again with escapes', () => {
    const { value } = parsedValue(
      parseVerb(say, '<Say>A &lt; B<break time="1s"/><say-as interpret-as="digits">12 &quot;</say-as></Say>'),
    );
    expect(value.spoken).toMatchObject({
      text: 'A &lt; B<break time="1s"/><say-as interpret-as="digits">12 &quot;</say-as>',
      ssml: true,
    });
  });

  test('13521: a text over the limit is cut, its markup dropped', () => {
    const { value, codes } = parsedValue(parseVerb(say, `<Say><p>${'x'.repeat(limits.sayChars + 1)}</p></Say>`));
    expect(value.spoken).toMatchObject({ text: 'x'.repeat(limits.sayChars), ssml: false });
    expect(codes).toEqual([13521]);
  });

  test('13520: nothing to say', async () => {
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

  test('the trace shows the length of the text, not the text', () => {
    const { value } = parsedValue(parseVerb(say, '<Say>your PIN is 1234</Say>'));
    expect(say.describe(value)).toBe('16 characters, en-US');
  });
});
