// Secrets at rest (design.md 7): AES-256-GCM under the secret key, and HA1 for phone passwords, which are never kept in clear.
//
//   sealed text:  v1.<base64 of  iv (12 bytes) ‖ tag (16) ‖ ciphertext>       additional data: where the value stands

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { StoredHa1 } from '../base/records.ts';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = 'v1.';

export const SECRET_KEY_BYTES = 32;

/** `place` names table, column and row: the value opens only there. A fresh random iv each time (NIST SP 800-38D 8.2.2). */
export function sealSecret(secretKey: Buffer, clear: string, place: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, secretKey, iv).setAAD(Buffer.from(place));
  const body = Buffer.concat([cipher.update(clear, 'utf8'), cipher.final()]);
  return VERSION + Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
}

/** Throws when the key, the place or the text is not the one it was sealed with. */
export function openSecret(secretKey: Buffer, sealed: string, place: string): string {
  if (!sealed.startsWith(VERSION)) throw new RangeError('Stored secret is of an unknown form');
  const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64');
  if (bytes.length < IV_BYTES + TAG_BYTES) throw new RangeError('Stored secret is cut short');
  const decipher = createDecipheriv(CIPHER, secretKey, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(place))
    .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
}

/** RFC 7616 3.4.2: HA1 = H(username:realm:password), with MD5 and with SHA-256, one pair for each realm. */
export function digestHa1(username: string, password: string, realms: readonly string[]): readonly StoredHa1[] {
  return [...new Set(realms)].map((realm) => {
    const text = `${username}:${realm}:${password}`;
    return {
      realm,
      md5: createHash('md5').update(text).digest('hex'),
      sha256: createHash('sha256').update(text).digest('hex'),
    };
  });
}
