// RFC 3261 17 and appendix A table 4; RFC 6026 for L and M.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { doubledIntervalMs, type TimerName, timerDurationMs } from '../../../../src/sip/transaction/timers.ts';

const rows: readonly [TimerName, unreliable: number, reliable: number | undefined, section: string][] = [
  ['A', 500, undefined, '17.1.1.2'],
  ['B', 32_000, 32_000, '17.1.1.2'],
  ['D', 32_000, 0, '17.1.1.2: at least 32 s for UDP'],
  ['E', 500, undefined, '17.1.2.2'],
  ['F', 32_000, 32_000, '17.1.2.2'],
  ['G', 500, undefined, '17.2.1'],
  ['H', 32_000, 32_000, '17.2.1'],
  ['I', 5_000, 0, '17.2.1'],
  ['J', 32_000, 0, '17.2.2'],
  ['K', 5_000, 0, '17.1.2.2'],
  ['L', 32_000, 32_000, 'RFC 6026 8.7'],
  ['M', 32_000, 32_000, 'RFC 6026 7.2'],
  ['cancel', 32_000, 32_000, '9.1: 64*T1'],
];

describe('transaction timers', () => {
  for (const [name, unreliable, reliable, section] of rows)
    test(`timer ${name}: ${unreliable} ms, reliable ${reliable} (${section})`, () => {
      assert.equal(timerDurationMs(name, false), unreliable);
      assert.equal(timerDurationMs(name, true), reliable);
    });

  const intervals = (name: TimerName) => {
    const list = [500];
    while (list.length < 7) list.push(doubledIntervalMs(name, list.at(-1)!));
    return list;
  };

  test('17.1.1.2: timer A doubles without end', () =>
    assert.deepEqual(intervals('A'), [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000]));
  test('17.1.2.2: timer E doubles up to T2', () =>
    assert.deepEqual(intervals('E'), [500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000]));
  test('17.2.1: timer G doubles up to T2', () =>
    assert.deepEqual(intervals('G'), [500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000]));
});
