import { describe, expect, test } from 'vitest';
import { reject } from '../../../../src/twiml/verbs/reject.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

// twiml.md 5.8
const rows: [attribute: string, reason: string, codes: number[]][] = [
  ['', 'rejected', []],
  ['reason="rejected"', 'rejected', []],
  ['reason="busy"', 'busy', []],
  ['reason="away"', 'rejected', [13810]],
];

describe('twiml.md 5.8 Reject', () => {
  // holds: [twiml 5.8 reason] [twiml 5.8 first] [twiml 5.8 parameter]
  test.each(rows)('%s', async (attribute, reason, codes) => {
    const xml = `<Reject ${attribute}><Parameter name="a" value="b"/></Reject>`;
    expect(parsedValue(parseVerb(reject, xml))).toEqual({ value: { reason }, codes });
    const { control, result } = await runVerb(reject, xml);
    expect(control.done).toEqual([`reject ${reason}`]);
    expect(result.kind).toBe('end');
  });

  test('twiml.md 16, 17: an answered call is hung up [twiml 5.8 answered] [twiml 16 point-17]', async () => {
    const control = new FakeCallControl();
    control.answered = true;
    await runVerb(reject, '<Reject reason="busy"/>', control);
    expect(control.done).toEqual(['hangUp']);
  });
});
