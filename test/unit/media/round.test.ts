// Going round a map in turns.

import { describe, expect, test } from 'vitest';
import { Round, turnsFor } from '../../../src/media/round.ts';

const mapOf = (count: number) => new Map(Array.from({ length: count }, (_, index) => [index, index]));

function turn(round: Round<number>, turns: number): number[] {
  const seen: number[] = [];
  round.visit(turns, (item) => seen.push(item));
  return seen;
}

describe('a round', () => {
  test.each([1, 8, 9, 200, 600, 1_001])('of %i items visits each of them, in turns of about the same size', (count) => {
    const round = new Round(mapOf(count));
    const turns = turnsFor(count);
    const all = Array.from({ length: turns }, () => turn(round, turns));
    expect([...new Set(all.flat())].length).toBe(count);
    for (const part of all) expect(part.length).toBe(Math.ceil(count / turns));
  });

  test('few items are visited together, many in 25 turns', () => {
    expect([0, 1, 8, 9, 16, 200, 5_000].map(turnsFor)).toEqual([1, 1, 1, 2, 2, 25, 25]);
  });

  test('begins again where its last turn ended', () => {
    const round = new Round(mapOf(5));
    expect([turn(round, 2), turn(round, 2), turn(round, 2)]).toEqual([
      [0, 1, 2],
      [3, 4, 0],
      [1, 2, 3],
    ]);
  });

  test('what comes is taken in, what goes is left out', () => {
    const items = mapOf(4);
    const round = new Round(items);
    expect(turn(round, 2)).toEqual([0, 1]);
    items.delete(2);
    items.set(9, 9);
    expect(turn(round, 1)).toEqual([3, 9, 0, 1]);
  });

  test('an item that goes while it is visited ends nothing; nothing is left of none', () => {
    const items = mapOf(3);
    const round = new Round(items);
    const seen: number[] = [];
    round.visit(1, (item) => {
      seen.push(item);
      items.clear();
    });
    expect([seen, turn(round, 1), turn(new Round(new Map<number, number>()), 1)]).toEqual([[0], [], []]);
  });
});
