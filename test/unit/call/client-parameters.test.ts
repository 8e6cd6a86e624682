// Custom parameters of Client as headers for a SIP phone (twiml.md 6.7).

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { clientHeaders, refusalOfParameter } from '../../../src/call/client-parameters.ts';

describe('[twiml 6.7 parameters-delivered] parameters become X- headers', () => {
  test.each([
    ['color', 'blue', 'X-color'],
    ['X-Already', 'blue', 'X-Already'],
    ['x-lower', '', 'x-lower'],
    ['a.b!c', 'żółć', 'X-a.b!c'],
  ])('%s', (name, value, header) => {
    expect(clientHeaders([[name, value]])).toEqual([{ name: header, value }]);
  });

  test.each([
    ['two words', 'v'],
    ['a:b', 'v'],
    ['', 'v'],
    ['żółć', 'v'],
    ['a', 'b\r\nVia: evil'],
    ['a', 'b\0c'],
    ['a\r\nVia', 'v'],
    ['Twilio-CallSid', 'CA0'],
    ['x-twilio-AccountSid', 'AC0'],
  ])('%j=%j reaches no phone', (name, value) => {
    expect(refusalOfParameter([name, value])).toBeTypeOf('string');
    expect(
      clientHeaders([
        [name, value],
        ['ok', '1'],
      ]),
    ).toEqual([{ name: 'X-ok', value: '1' }]);
  });

  test('together they are bounded; a shorter one still goes', () => {
    const long = 'v'.repeat(limits.sipNounHeaderChars - 20);
    expect(
      clientHeaders([
        ['a', long],
        ['b', long],
        ['c', '1'],
      ]).map(({ name }) => name),
    ).toEqual(['X-a', 'X-c']);
  });
});
