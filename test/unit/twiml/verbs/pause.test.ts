import { describe, expect, test } from 'vitest';
import { pause } from '../../../../src/twiml/verbs/pause.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

// twiml.md 5.3
const rows: [attribute: string, durationMs: number, codes: number[]][] = [
  ['', 1_000, []],
  ['length="5"', 5_000, []],
  ['length="0"', 1_000, [13910]],
  ['length="-3"', 1_000, [13910]],
  ['length="1.5"', 1_000, [13910]],
  ['length="99999999"', 14_400_000, [13910]],
];

describe('twiml.md 5.3 Pause', () => {
  test.each(rows)('%s [twiml 4.1 booleans] [twiml 5.3 length]', (attribute, durationMs, codes) => {
    const parsed = parsedValue(parseVerb(pause, `<Pause ${attribute}/>`));
    expect(parsed).toEqual({ value: { durationMs }, codes });
  });

  test('twiml.md 4.3: does not answer a ringing call [sip 1.4 pause-rings-on] [twiml 4.3 pause] [twiml 5.3 first]', async () => {
    const { control, result } = await runVerb(pause, '<Pause length="2"/>');
    expect(control.done).toEqual(['pause 2000']);
    expect(result).toEqual({ kind: 'next', outcome: 'finished', waited: true });
  });

  test('hang-up while waiting ends it', async () => {
    const control = new FakeCallControl();
    control.during = () => control.call.abort();
    expect((await runVerb(pause, '<Pause/>', control)).result.kind).toBe('end');
  });
});
