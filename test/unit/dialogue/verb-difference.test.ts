import { expect, test } from 'vitest';
import type { VerbLine } from '../../../src/dialogue/replay.ts';
import { difference, drawDifference, isSame } from '../../../src/dialogue/verb-difference.ts';

const say = (text: string): VerbLine => ({ verb: 'Say', detail: `${text.length} characters, en-US`, heard: [text] });
const dial = (number: string): VerbLine => ({ verb: 'Dial', detail: number, heard: [] });
const kinds = (before: readonly VerbLine[], after: readonly VerbLine[]) =>
  difference(before, after).map(({ kind }) => kind);

test('the same', () => {
  const verbs = [say('a'), dial('1'), say('b')];
  expect(kinds(verbs, verbs)).toEqual(['same', 'same', 'same']);
  expect(kinds([], [])).toEqual([]);
});

test('gone, new and changed', () => {
  expect(kinds([say('a'), say('b'), say('c')], [say('a'), say('c')])).toEqual(['same', 'gone', 'same']);
  expect(kinds([say('a'), say('c')], [say('a'), dial('1'), say('c')])).toEqual(['same', 'new', 'same']);
  expect(kinds([say('a'), dial('1'), say('c')], [say('a'), dial('2'), say('c')])).toEqual(['same', 'changed', 'same']);
  expect(kinds([say('a')], [])).toEqual(['gone']);
  expect(kinds([], [say('a')])).toEqual(['new']);
});

test('every verb of both stands in one row, in order', () => {
  const before = [say('a'), say('b'), dial('1'), say('c'), say('d')];
  const after = [say('b'), dial('2'), say('x'), say('d'), say('e')];
  const rows = difference(before, after);
  expect(rows.flatMap((row) => row.before ?? [])).toEqual(before);
  expect(rows.flatMap((row) => row.after ?? [])).toEqual(after);
});

test('words count where both are known; else what the trace says of them', () => {
  expect(isSame(say('one'), { ...say('one'), detail: '3 characters, de-DE' })).toBe(true);
  expect(isSame(say('one'), say('two'))).toBe(false);
  expect(isSame({ ...say('one'), heard: undefined }, say('two'))).toBe(true);
  expect(isSame({ ...say('one'), heard: undefined }, say('three'))).toBe(false);
});

test('two columns', () => {
  const lines = drawDifference(difference([say('a'), dial('1')], [say('a'), dial('2'), say('b')]), 60);
  expect(lines).toEqual([
    'recorded                       now',
    'Say "a"                        Say "a"',
    'Dial 1                       ≠ Dial 2',
    '                             + Say "b"',
  ]);
});
