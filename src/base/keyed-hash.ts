// HMAC (RFC 2104) by two one-shot digests over buffers that are kept: for short messages that are signed by the thousand, where
// node:crypto's Hmac object costs more than its digest. One for one key, not to be asked again from within.

import { createHmac, hash } from 'node:crypto';

/** Of SHA-1 and of SHA-256. */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = { sha1: 20, sha256: 32 } as const;

export interface KeyedHash {
  /** As many bytes as the digest has, of the octets of `head` and then of `text` in UTF-8. */
  sign(head: Uint8Array, text: string): Buffer;
  /** The same of a text alone, in Base64. */
  base64(text: string): string;
}

const NOTHING = new Uint8Array(0);

/** Messages longer than `mostBytes` go the long way. */
export function createKeyedHash(
  secret: Uint8Array,
  mostBytes: number,
  algorithm: keyof typeof DIGEST_BYTES = 'sha256',
): KeyedHash {
  // RFC 2104 2: a key longer than a block is hashed first, a shorter one is filled up with zeros.
  const key = Buffer.alloc(BLOCK_BYTES);
  key.set(secret.length > BLOCK_BYTES ? hash(algorithm, secret, 'buffer') : secret);
  const inner = Buffer.alloc(BLOCK_BYTES + mostBytes);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES[algorithm]);
  for (let index = 0; index < BLOCK_BYTES; index++) {
    inner[index] = key[index]! ^ 0x36;
    outer[index] = key[index]! ^ 0x5c;
  }
  const signed = (head: Uint8Array, text: string, encoding: 'hex' | 'base64'): string => {
    const textStart = BLOCK_BYTES + head.length;
    // UTF-8 takes three bytes for a unit of the text at most.
    const mayFit = textStart + 3 * text.length <= inner.length;
    if (!mayFit && textStart + Buffer.byteLength(text, 'utf8') > inner.length)
      return createHmac(algorithm, secret).update(head).update(text).digest(encoding);
    if (head.length > 0) inner.set(head, BLOCK_BYTES);
    const end = textStart + inner.write(text, textStart, 'utf8');
    // As text (binary is Node's older word for latin1): a string costs a part of what a buffer of its own does.
    outer.write(hash(algorithm, inner.subarray(0, end), 'binary'), BLOCK_BYTES, 'latin1');
    return hash(algorithm, outer, encoding);
  };
  return {
    sign: (head, text) => Buffer.from(signed(head, text, 'hex'), 'hex'),
    base64: (text) => signed(NOTHING, text, 'base64'),
  };
}
