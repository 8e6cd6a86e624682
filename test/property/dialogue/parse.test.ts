import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseScript } from '../../../src/dialogue/parse.ts';
import { type Step, stepLine } from '../../../src/dialogue/script.ts';

const times = fc.integer({ min: 0, max: 14_400_000 });
const time = fc.option(times, { nil: undefined });
const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !/[\r\n]/.test(text));
const keys = fc.stringMatching(/^[0-9A-D*#wW]{1,20}$/);
const hz = fc.integer({ min: 50, max: 3_900 });

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('press' as const), keys, now: fc.boolean() }),
  fc.record({ kind: fc.constant('speak' as const), text: words }),
  fc.record({ kind: fc.constant('sound' as const), hz, forMs: times }),
  fc.record({ kind: fc.constant('wait' as const), forMs: times }),
  fc.record({
    kind: fc.constant('outcome' as const),
    outcome: fc.oneof(
      fc.record({ kind: fc.constant('answer' as const), forMs: time }),
      fc.record({ kind: fc.constantFrom('no-answer' as const, 'ends' as const), afterMs: time }),
      fc.record({ kind: fc.constantFrom('busy' as const, 'failed' as const) }),
    ),
  }),
  fc.record({
    kind: fc.constant('expect' as const),
    withinMs: time,
    expectation: fc.oneof(
      fc.record({
        kind: fc.constant('say' as const),
        pattern: fc.record({ kind: fc.constant('text' as const), text: words }),
      }),
      fc.record({ kind: fc.constant('play' as const), part: words }),
      fc.record({ kind: fc.constant('tone' as const), hz }),
      fc.record({ kind: fc.constant('record' as const), forMs: time }),
      fc.record({
        kind: fc.constant('verb' as const),
        verb: fc.constantFrom('Dial', 'Gather', 'Enqueue', 'Pause'),
        part: fc.option(
          words.filter((text) => !/^(for|within|after)$/.test(text) && !text.startsWith('conference ')),
          { nil: undefined },
        ),
      }),
    ),
  }),
);

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
      const script = parseScript(steps.map(stepLine).join('\n'));
      expect(script).toMatchObject({ ok: true });
      if (script.ok) expect(script.value.lines.map((line) => line.step)).toEqual(steps);
    }),
  );
});

test('any text gives a script, or mistakes that lie within it', () => {
  const line = fc.oneof(
    fc.string(),
    step.map(stepLine),
    fc.stringMatching(/^(press|wait|expect-say|answer|to) .{0,20}$/),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const text = lines.join('\n');
      const script = parseScript(text);
      if (script.ok) return;
      const rows = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
      for (const mistake of script.error) {
        expect(mistake.line).toBeLessThanOrEqual(rows.length);
        expect(mistake.column).toBeLessThanOrEqual(rows[mistake.line - 1]!.length + 1);
      }
    }),
  );
});
