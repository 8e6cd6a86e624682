import { describe, expect, test } from 'vitest';
import { parseRange } from '../../../src/api/byte-range.ts';

// RFC 9110 14.1.2, for a file of 1,000 bytes.
const rows: [header: string | undefined, expected: ReturnType<typeof parseRange>][] = [
  [undefined, undefined],
  ['bytes=0-0', { start: 0, end: 1 }],
  ['bytes=0-499', { start: 0, end: 500 }],
  ['bytes=500-', { start: 500, end: 1_000 }],
  ['bytes=-200', { start: 800, end: 1_000 }],
  ['bytes=-5000', { start: 0, end: 1_000 }],
  ['bytes=900-5000', { start: 900, end: 1_000 }],
  ['Bytes=1-2', { start: 1, end: 3 }],
  ['bytes=1000-', 'outside'],
  ['bytes=1000-2000', 'outside'],
  ['bytes=-0', 'outside'],
  // Not well-formed, or more than one: all is sent.
  ['bytes=5-2', undefined],
  ['bytes=-', undefined],
  ['bytes=a-b', undefined],
  ['bytes=0-1,5-6', undefined],
  ['items=0-1', undefined],
  [`bytes=${'9'.repeat(400)}-`, undefined],
];

describe('Range', () => {
  test.each(rows)('[rest 10 ranges] %s', (header, expected) => {
    expect(parseRange(header, 1_000)).toEqual(expected);
  });

  test('of an empty file', () => {
    expect(parseRange('bytes=0-', 0)).toBe('outside');
    expect(parseRange('bytes=-1', 0)).toBe('outside');
  });
});
