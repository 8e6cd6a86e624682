// RFC 4231 vectors of HMAC-SHA-256, and agreement with node:crypto, of SHA-1 too, for every length around the edges.

import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createKeyedHash } from '../../../src/base/keyed-hash.ts';

const NOTHING = Buffer.alloc(0);

describe('HMAC-SHA-256 of short messages', () => {
  test.each([
    ['4.2', Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      '4.3',
      Buffer.from('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      '4.7: a key longer than a block',
      Buffer.alloc(131, 0xaa),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ])('RFC 4231 %s', (_section, key, text, expected) => {
    const keyed = createKeyedHash(key, 64);
    expect(keyed.sign(NOTHING, text).toString('hex')).toBe(expected);
    const head = Buffer.from(text.slice(0, 3));
    expect(keyed.sign(head, text.slice(3)).toString('hex')).toBe(expected);
  });

  test('of any length, also beyond the buffer that is kept, and of text that is not ASCII', () => {
    const key = Buffer.from('a key of some length');
    const keyed = createKeyedHash(key, 40);
    const head = Buffer.from([0, 0x80, 0xff]);
    for (let length = 0; length < 60; length++) {
      for (const text of ['x'.repeat(length), 'é'.repeat(length)]) {
        const expected = createHmac('sha256', key).update(head).update(text).digest('hex');
        expect(keyed.sign(head, text).toString('hex')).toBe(expected);
      }
    }
  });

  test('of SHA-1 in Base64, also of a lone surrogate and of what is longer than the buffer', () => {
    const key = Buffer.from('0123456789abcdef');
    const keyed = createKeyedHash(key, 40, 'sha1');
    for (const text of ['', 'one', 'é'.repeat(13), 'é'.repeat(20), 'a\ud800b', 'x'.repeat(40), 'x'.repeat(41)])
      expect(keyed.base64(text)).toBe(createHmac('sha1', key).update(text, 'utf8').digest('base64'));
  });

  test('a signature stays as it is when another one is made', () => {
    const keyed = createKeyedHash(Buffer.from('k'), 40);
    const first = keyed.sign(NOTHING, 'one');
    const text = first.toString('hex');
    keyed.sign(NOTHING, 'two');
    expect(first.toString('hex')).toBe(text);
  });
});
