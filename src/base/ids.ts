// Identifiers. Randomness is passed in so that simulations can be repeated; nothing here comes from a counter (design.md 4).

import { randomBytes } from 'node:crypto';

/** Returns `sizeBytes` random bytes. */
export type RandomSource = (sizeBytes: number) => Buffer;

// crypto.randomBytes costs a system call's worth of work each time; identifiers are short, so draw from a pool.
const POOL_BYTES = 8192;
let pool = Buffer.alloc(0);
let used = 0;

export const cryptoRandom: RandomSource = (sizeBytes) => {
  if (sizeBytes > POOL_BYTES) return randomBytes(sizeBytes);
  if (used + sizeBytes > pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  used += sizeBytes;
  return pool.subarray(used - sizeBytes, used);
};

export type SidPrefix =
  | (
      | 'AC'
      | 'AL'
      | 'AP'
      | 'BY'
      | 'CA'
      | 'CF'
      | 'CL'
      | 'CR'
      | 'GT'
      | 'IB'
      | 'IL'
      | 'IP'
      | 'KX'
      | 'MZ'
      | 'NE'
      | 'NO'
      | 'NY'
    )
  | ('PN' | 'QU' | 'RE' | 'RQ' | 'SD' | 'SK' | 'SR' | 'TK' | 'TR' | 'VX' | 'WX' | 'ZY');

/** A resource identifier: two letters and 32 lower-case hex digits (rest-api.md 5). */
export const newSid = (prefix: SidPrefix, random: RandomSource = cryptoRandom): string =>
  prefix + random(16).toString('hex');

export const isSid = (text: string, prefix: SidPrefix): boolean =>
  text.length === 34 && text.startsWith(prefix) && /^[0-9a-f]{32}$/.test(text.slice(2));

/** RFC 3261 8.1.1.7: branch with the magic cookie, 128 random bits, unguessable. */
export const newBranch = (random: RandomSource = cryptoRandom): string => `z9hG4bK${random(16).toString('hex')}`;

/** RFC 3261 19.3: a tag, here 80 random bits. */
export const newTag = (random: RandomSource = cryptoRandom): string => random(10).toString('hex');

/** Call-ID without any address of ours in it (topology hiding). */
export const newCallId = (random: RandomSource = cryptoRandom): string => `${random(16).toString('hex')}@0.0.0.0`;

/** RFC 9562 5.4: a UUID of version 4. */
export function uuid(random: RandomSource = cryptoRandom): string {
  const bytes = Buffer.from(random(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
