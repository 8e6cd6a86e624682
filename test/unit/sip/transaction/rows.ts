// Runs a list of rows against a table: one test per row of the RFC's figure, and one that the table has no row beside them.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { step, type Table } from '../../../../src/sip/transaction/step.ts';

export type RowCase<State, Input, Action> = readonly [
  state: State,
  input: Input,
  next: State,
  actions: readonly Action[],
];

const HANDS_OVER = /^(passUp|passAck|report)/;

export function testRows<State extends string, Input extends string, Action extends string>(
  title: string,
  table: Table<State, Input, Action>,
  rows: readonly RowCase<State, Input, Action>[],
): void {
  describe(title, () => {
    for (const [state, input, next, actions] of rows)
      test(`${state} + ${input} → ${next}${actions.length > 0 ? `: ${actions.join(', ')}` : ''}`, () =>
        assert.deepEqual(step(table, state, input), { state: next, actions }));

    test('the table has these rows and no others', () => {
      const listed = rows.map(([state, input]) => `${state} + ${input}`);
      const present = (Object.keys(table) as State[]).flatMap((state) =>
        Object.keys(table[state]).map((input) => `${state} + ${input}`),
      );
      assert.deepEqual(present.sort(), listed.sort());
    });

    test('what hands something to the user is the last action of its row', () => {
      for (const [state, input, , actions] of rows)
        assert.ok(!actions.slice(0, -1).some((action) => HANDS_OVER.test(action)), `${state} + ${input}`);
    });

    test('nothing leaves terminated', () => assert.deepEqual(table['terminated' as State], {}));
  });
}

/** The pairs a table ignores, one line per state: `calling: timer D, timer M`. */
export function ignoredPairs<State extends string, Input extends string, Action extends string>(
  table: Table<State, Input, Action>,
): string[] {
  const states = Object.keys(table) as State[];
  const inputs = [...new Set(states.flatMap((state) => Object.keys(table[state])))] as Input[];
  return states
    .filter((state) => state !== 'initial' && state !== 'terminated')
    .map(
      (state) =>
        `${state}: ${inputs
          .filter((input) => !step(table, state, input))
          .sort()
          .join(', ')}`,
    );
}
