// DSCP by name (RFC 2474, RFC 2597, RFC 3246) or number.

import { expect, test } from 'vitest';
import { settings } from '../../../../src/settings.ts';

test.each([
  ['ef', 46],
  ['EF', 46],
  ['cs0', 0],
  ['cs3', 24],
  ['cs7', 56],
  ['af11', 10],
  ['af31', 26],
  ['af43', 38],
  ['0', 0],
  ['63', 63],
  ['', null],
])('%j is %j', (text, value) => {
  expect(settings.dscpMedia.parse(text)).toBe(value);
});

test.each(['64', '-1', 'cs8', 'cs11', 'af1', 'af01', 'af51', 'af14', 'af10', '0.5', 'expedited'])(
  '%j is refused',
  (text) => {
    expect(() => settings.dscpSignalling.parse(text)).toThrow(RangeError);
  },
);
