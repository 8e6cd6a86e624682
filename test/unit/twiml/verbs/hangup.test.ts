import { describe, expect, test } from 'vitest';
import { hangup } from '../../../../src/twiml/verbs/hangup.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

// twiml.md 5.9: no attributes; Parameter children are accepted and ignored.
const rows: [xml: string][] = [['<Hangup/>'], ['<Hangup><Parameter name="a" value="b"/></Hangup>']];

describe('twiml.md 5.9 Hangup', () => {
  test.each(rows)(
    '%s: answers a ringing call first, then BYE (4.3) [sip 1.4 hangup-answers] [twiml 4.3 hangup] [twiml 5.9 parameter]',
    async (xml) => {
      expect(parsedValue(parseVerb(hangup, xml)).codes).toEqual([]);
      const { control, result } = await runVerb(hangup, xml);
      expect(control.done).toEqual(['answer', 'hangUp']);
      expect(result.kind).toBe('end');
    },
  );

  test('an answered call is hung up [twiml 5.9 hangup]', async () => {
    const control = new FakeCallControl();
    control.answered = true;
    expect((await runVerb(hangup, '<Hangup/>', control)).control.done).toEqual(['hangUp']);
  });
});
