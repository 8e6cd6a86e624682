import { expect, test } from 'vitest';
import { reasonOf } from '../../../src/base/reason.ts';

test.each<[unknown, string]>([
  [
    new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:9') }),
    'connect ECONNREFUSED 127.0.0.1:9',
  ],
  [
    new TypeError('fetch failed', { cause: new AggregateError([new Error('connect ECONNREFUSED ::1:9')], '') }),
    'connect ECONNREFUSED ::1:9',
  ],
  [Object.assign(new Error(''), { code: 'ECONNRESET' }), 'ECONNRESET'],
  [new RangeError(''), 'RangeError'],
  [new Error('own words', { cause: 'no error' }), 'own words'],
  ['text', 'text'],
  [undefined, 'undefined'],
])('%s', (fault, words) => {
  expect(reasonOf(fault)).toBe(words);
});

test('a fault that is its own cause has an end', () => {
  const fault = new Error('round');
  fault.cause = fault;
  expect(reasonOf(fault)).toBe('round');
});

test('what a refused connection says', async () => {
  // Port 9 of this machine: nobody is there.
  const fault: unknown = await fetch('http://127.0.0.1:9/').catch((error: unknown) => error);
  expect(reasonOf(fault)).not.toBe('fetch failed');
});
