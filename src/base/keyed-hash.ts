// HMAC-SHA-256 (RFC 2104) by two one-shot digests over buffers that are kept: for short messages that are signed by the thousand, where
// node:crypto's Hmac object costs more than its digest. One for one key, not to be asked again from within.

import { createHmac, hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

export interface KeyedHash {
  /** 32 bytes, of the octets of `head` and then of `text` in UTF-8. */
  sign(head: Uint8Array, text: string): Buffer;
}

/** Messages longer than `mostBytes` go the long way. */
export function createKeyedHash(secret: Uint8Array, mostBytes: number): KeyedHash {
  // RFC 2104 2: a key longer than a block is hashed first, a shorter one is filled up with zeros.
  const key = Buffer.alloc(BLOCK_BYTES);
  key.set(secret.length > BLOCK_BYTES ? hash('sha256', secret, 'buffer') : secret);
  const inner = Buffer.alloc(BLOCK_BYTES + mostBytes);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  for (let index = 0; index < BLOCK_BYTES; index++) {
    inner[index] = key[index]! ^ 0x36;
    outer[index] = key[index]! ^ 0x5c;
  }
  return {
    sign(head, text) {
      const textStart = BLOCK_BYTES + head.length;
      const sizeBytes = Buffer.byteLength(text, 'utf8');
      if (textStart + sizeBytes > inner.length) return createHmac('sha256', secret).update(head).update(text).digest();
      inner.set(head, BLOCK_BYTES);
      inner.write(text, textStart, 'utf8');
      outer.write(hash('sha256', inner.subarray(0, textStart + sizeBytes), 'hex'), BLOCK_BYTES, 'hex');
      return Buffer.from(hash('sha256', outer, 'hex'), 'hex');
    },
  };
}
