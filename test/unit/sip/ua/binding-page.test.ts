// Pages of the bindings of a domain: each binding on one page, whoever comes and goes between two of them.

import { describe, expect, test } from 'vitest';
import type { Binding } from '../../../../src/base/records.ts';
import type { BindingPosition } from '../../../../src/base/registrations-api.ts';
import { bindingPage } from '../../../../src/sip/ua/binding-page.ts';

/** Users with this many bindings each, named a1, a2, b1 … */
const domain = (counts: Readonly<Record<string, number>>) => ({
  aors: () => Object.keys(counts),
  of: (aor: string) =>
    Array.from({ length: counts[aor] ?? 0 }, (_, index) => ({ aor, contact: `${aor}${index + 1}` }) as Binding),
});
type Users = ReturnType<typeof domain>;
const page = (users: Users, most: number, after?: BindingPosition) => {
  const { bindings, next } = bindingPage(users.aors(), users.of, { after, most });
  return { shown: bindings.map(({ contact }) => contact).join(' '), next };
};

describe('[sip 3 registrations-pages]', () => {
  const users = domain({ a: 1, b: 3, c: 0, d: 2, e: 1 });

  test.each([
    [1, ['a1', 'b1', 'b2', 'b3', 'd1', 'd2', 'e1']],
    [2, ['a1 b1', 'b2 b3', 'd1 d2', 'e1']],
    [3, ['a1 b1 b2', 'b3 d1 d2', 'e1']],
    [7, ['a1 b1 b2 b3 d1 d2 e1']],
    [50, ['a1 b1 b2 b3 d1 d2 e1']],
  ])('%i on a page: %j', (most, expected) => {
    const shown: string[] = [];
    let after: BindingPosition | undefined;
    do {
      const one = page(users, most, after);
      shown.push(one.shown);
      after = one.next;
    } while (after);
    expect(shown).toEqual(expected);
  });

  test('nobody is registered: an empty page and no other', () => {
    expect(page(domain({}), 5)).toEqual({ shown: '', next: undefined });
    expect(page(domain({ a: 0 }), 5)).toEqual({ shown: '', next: undefined });
  });

  test('users that went before the edge move nothing; where the one at the edge went, its place counts', () => {
    const { next } = page(users, 2);
    expect(next).toEqual({ index: 1, aor: 'b', shown: 1 });
    expect(page(domain({ b: 3, d: 2 }), 9, next).shown).toBe('b2 b3 d1 d2');
    expect(page(domain({ a: 1, d: 2, e: 1 }), 9, next).shown).toBe('d1 d2 e1');
    expect(page(domain({}), 9, next)).toEqual({ shown: '', next: undefined });
    // Of its three one is left, which was shown.
    expect(page(domain({ a: 1, b: 1, e: 1 }), 9, next).shown).toBe('e1');
  });

  test('a place that nobody has', () => {
    expect(page(users, 9, { index: 999, aor: 'z', shown: 3 })).toEqual({ shown: '', next: undefined });
  });
});
