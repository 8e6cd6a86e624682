// A bounded memory of answers.

import { expect, test } from 'vitest';
import { remembered } from '../../../src/base/remembered.ts';

function world(most: number) {
  const asked: string[] = [];
  const ask = remembered(most, (text) => {
    asked.push(text);
    return text.length === 0 ? undefined : { text };
  });
  return { ask, asked };
}

test('what was asked is not worked out again', () => {
  const { ask, asked } = world(4);
  expect([ask('a'), ask('a'), ask('a')]).toEqual([{ text: 'a' }, { text: 'a' }, { text: 'a' }]);
  expect(asked).toEqual(['a']);
});

test('what is asked often stays, the rest goes', () => {
  const { ask, asked } = world(4);
  for (const text of ['a', 'b', 'a', 'c', 'a', 'd', 'a', 'e', 'a', 'b']) ask(text);
  expect(asked).toEqual(['a', 'b', 'c', 'd', 'e', 'b']);
});

test('long texts are not kept', () => {
  const { ask, asked } = world(4);
  const long = 'x'.repeat(300);
  ask(long);
  ask(long);
  expect(asked).toHaveLength(2);
});
