// HMAC-SHA1 against the library's own HMAC, and a published vector.

import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { HmacSha1 } from '../../../src/media/hmac-sha1.ts';
import { seededRandom } from '../../support/network.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('RFC 2202, case 1: "Hi There" under twenty octets of 0x0b', () => {
  const tag = new HmacSha1(new Uint8Array(20).fill(0x0b)).of(Buffer.from('Hi There'), 8);
  expect(hex(tag)).toBe('b617318655057264e28bc0b6fb378c8ef146be00');
});

test('RFC 2104: any key and length, as the library says it; one key after the other', () => {
  const random = seededRandom(7);
  const keys = [1, 20, 64].map((size) => random.bytes(size));
  const makers = keys.map((key) => new HmacSha1(key));
  for (const end of [0, 1, 55, 56, 63, 64, 172, 176, limits.mediaDatagramBytes, limits.mediaDatagramBytes + 4]) {
    const bytes = random.bytes(limits.mediaDatagramBytes + 10);
    for (const [index, maker] of makers.entries()) {
      const expected = createHmac('sha1', keys[index]!).update(bytes.subarray(0, end)).digest('hex');
      expect(hex(maker.of(bytes, end)), `${end} octets, key ${index}`).toBe(expected);
    }
  }
});
