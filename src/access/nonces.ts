// Digest nonces: signed, time-limited tokens, so that issuing one allocates nothing (design.md 9). 36 bytes, 48 url-safe characters:
//
//   0      6          12           16                       36
//   ┌──────┬──────────┬────────────┬────────────────────────┐
//   │ wall │ random   │ source tag │ HMAC(time…tag ‖ realm)  │
//   └──────┴──────────┴────────────┴────────────────────────┘
//
// The source tag tells whether the nonce came back from the address it was sent to: only then a failure may count for a ban.
// Nonce counts are remembered only for nonces that a correct digest used, in a bounded table.

import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import { createKeyedHash } from '../base/keyed-hash.ts';
import { limits } from '../base/limits.ts';
import { ownText } from '../base/own-text.ts';

const SIGNED_BYTES = 16;
const SIGNATURE_BYTES = 20;
const NONCE_CHARS = 48;
/** Of a realm or an address, with the word in front. */
const LONGEST_TEXT_BYTES = 2_048;
const NOTHING = Buffer.alloc(0);
/** Nonces that are too old leave the table together, so often: the oldest is looked for behind all that were deleted before it. */
const SWEEP_MS = 1_000;
/** Requests that overtook one another are accepted within this many counts (RFC 7616 3.4 wants each count once). */
const WINDOW = 31;
/** Sources whose tag is remembered: most phones ask twice within a second. */
const TAGS_KEPT = 4_096;

export interface NonceVerdict {
  /** Signed by us for this realm. */
  readonly isOurs: boolean;
  /** Ours, and not too old. */
  readonly isFresh: boolean;
  /** Ours, and sent to the address it came back from. */
  readonly fromSameSource: boolean;
}

interface CountWindow {
  highest: number;
  /** Bit n = count `highest - n` was used. */
  seen: number;
  readonly issuedAt: number;
}

export interface Nonces {
  issue(realm: string, source: string): string;
  verify(nonce: string, realm: string, source: string): NonceVerdict;
  /** Takes a nonce count; false = used before, or the nonce is too old to be remembered. Only after a correct digest. */
  use(nonce: string, count: number): boolean;
  readonly size: number;
}

export function createNonces(
  clock: Clock,
  random: RandomSource,
  secret: Buffer,
  settings: { readonly lifetimeMs: number; readonly tracked: number } = {
    lifetimeMs: limits.nonceLifetimeMs,
    tracked: limits.noncesTracked,
  },
): Nonces {
  const used = new Map<string, CountWindow>();
  // Nonces issued up to here were pushed out of the table: their counts are unknown, so they are stale.
  let forgottenUntil = 0;

  const keyed = createKeyedHash(secret, SIGNED_BYTES + LONGEST_TEXT_BYTES);
  const tags = new Map<string, Buffer>();
  const sourceTag = (source: string): Buffer => {
    const known = tags.get(source);
    if (known) return known;
    // A copy: a view would keep the whole digest.
    const tag = Buffer.from(keyed.sign(NOTHING, `source:${source}`).subarray(0, 4));
    if (tags.size >= TAGS_KEPT) tags.clear();
    tags.set(source, tag);
    return tag;
  };
  const sign = (signed: Buffer, realm: string) => keyed.sign(signed, `realm:${realm}`).subarray(0, SIGNATURE_BYTES);
  const issuedAt = (token: Buffer) => token.readUIntBE(0, 6);
  /** When the first one in the table is too old. */
  let oldestUntil = 0;
  let sweptAt = Number.NEGATIVE_INFINITY;
  const forgetOldest = (now: number) => {
    sweptAt = now;
    // A full table loses a part of it, for the same reason.
    const most = used.size >= settings.tracked ? settings.tracked - Math.ceil(settings.tracked / 16) : used.size;
    for (const [nonce, window] of used) {
      oldestUntil = window.issuedAt + settings.lifetimeMs;
      const isExpired = now > oldestUntil;
      if (!isExpired && used.size <= most) return;
      used.delete(nonce);
      if (!isExpired) forgottenUntil = Math.max(forgottenUntil, window.issuedAt);
    }
  };

  return {
    issue(realm, source) {
      const token = Buffer.alloc(SIGNED_BYTES + SIGNATURE_BYTES);
      token.writeUIntBE(clock.wall(), 0, 6);
      random(6).copy(token, 6);
      sourceTag(source).copy(token, 12);
      sign(token.subarray(0, SIGNED_BYTES), realm).copy(token, SIGNED_BYTES);
      return token.toString('base64url');
    },
    verify(nonce, realm, source) {
      const token = Buffer.from(nonce, 'base64url');
      if (nonce.length !== NONCE_CHARS || token.length !== SIGNED_BYTES + SIGNATURE_BYTES)
        return { isOurs: false, isFresh: false, fromSameSource: false };
      const signed = token.subarray(0, SIGNED_BYTES);
      if (!timingSafeEqual(token.subarray(SIGNED_BYTES), sign(signed, realm)))
        return { isOurs: false, isFresh: false, fromSameSource: false };
      const age = clock.wall() - issuedAt(token);
      return {
        isOurs: true,
        isFresh: age >= 0 && age <= settings.lifetimeMs,
        fromSameSource: timingSafeEqual(token.subarray(12, SIGNED_BYTES), sourceTag(source)),
      };
    },
    use(nonce, count) {
      const known = used.get(nonce);
      if (known) return takeCount(known, count);
      const time = issuedAt(Buffer.from(nonce, 'base64url'));
      if (time <= forgottenUntil) return false;
      const now = clock.wall();
      if ((now > oldestUntil && now - sweptAt >= SWEEP_MS) || used.size >= settings.tracked) forgetOldest(now);
      if (time <= forgottenUntil) return false;
      if (used.size === 0) oldestUntil = time + settings.lifetimeMs;
      // A slice of the request would keep that.
      used.set(ownText(nonce), { highest: count, seen: 1, issuedAt: time });
      return true;
    },
    get size() {
      return used.size;
    },
  };
}

function takeCount(window: CountWindow, count: number): boolean {
  if (count > window.highest) {
    const shift = count - window.highest;
    window.seen = shift > WINDOW ? 1 : ((window.seen << shift) | 1) >>> 0;
    window.highest = count;
    return true;
  }
  const back = window.highest - count;
  if (back > WINDOW || (window.seen & (1 << back)) !== 0) return false;
  window.seen = (window.seen | (1 << back)) >>> 0;
  return true;
}
