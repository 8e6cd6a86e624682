// HMAC-SHA1 (RFC 2104) of one packet after the other under one key: two one-shot hashes over prepared buffers. That is a third of what
// an HMAC object for each packet costs, and nothing is left behind for the collector but two short strings. base/keyed-hash.ts has buffers
// for its one key; here there are four keys for each protected leg, which share them.
//
//   tag = SHA1(key ^ opad │ SHA1(key ^ ipad │ packet))

import { hash } from 'node:crypto';
import { limits } from '../base/limits.ts';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 20;
const INNER = 0x36;
const OUTER = 0x5c;
/** More than any packet with its roll-over counter, or SRTCP index. */
const ROOM_BYTES = limits.mediaDatagramBytes + 16;

/** Of all keys: a tag is made in one go. */
const inner = Buffer.alloc(BLOCK_BYTES + ROOM_BYTES);
const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
const tag = Buffer.alloc(DIGEST_BYTES);

export class HmacSha1 {
  readonly #innerPad: Uint8Array;
  readonly #outerPad: Uint8Array;

  /** `key`: 64 octets at most. */
  constructor(key: Uint8Array) {
    this.#innerPad = padded(key, INNER);
    this.#outerPad = padded(key, OUTER);
  }

  /** Of bytes[0..end), which is at most a datagram and 16 octets: 20 octets, valid until the next tag of any key. */
  of(bytes: Uint8Array, end: number): Uint8Array {
    inner.set(this.#innerPad);
    inner.set(end === bytes.length ? bytes : bytes.subarray(0, end), BLOCK_BYTES);
    outer.set(this.#outerPad);
    // As text (binary is Node's older word for latin1): a string costs a tenth of a buffer of its own.
    outer.write(hash('sha1', inner.subarray(0, BLOCK_BYTES + end), 'binary'), BLOCK_BYTES, 'latin1');
    tag.write(hash('sha1', outer, 'binary'), 0, 'latin1');
    return tag;
  }
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES).fill(pad);
  for (const [index, octet] of key.entries()) block[index] = octet ^ pad;
  return block;
}
