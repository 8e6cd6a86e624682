// The oldest entry of a map, over and over: as a new iterator would give it, whatever was added, deleted or set anew in between.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { oldestFirst } from '../../../src/base/oldest-first.ts';

test('gives what a new iterator gives, as long as what was given is deleted', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('set' as const), key: fc.nat(20) }),
    fc.record({ do: fc.constant('delete' as const), key: fc.nat(20) }),
    fc.record({ do: fc.constant('oldest' as const), key: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const map = new Map<number, string>();
      const oldest = oldestFirst(map);
      for (const { do: what, key } of steps) {
        if (what === 'set') map.set(key, `value ${key}`);
        else if (what === 'delete') map.delete(key);
        else {
          const expected = map.entries().next().value;
          const given = oldest();
          expect(given).toEqual(expected);
          if (given) map.delete(given[0]);
        }
      }
    }),
  );
});

test('an empty map has none, and has again when something is added', () => {
  const map = new Map<string, number>();
  const oldest = oldestFirst(map);
  expect(oldest()).toBeUndefined();
  map.set('a', 1);
  expect(oldest()).toEqual(['a', 1]);
});
