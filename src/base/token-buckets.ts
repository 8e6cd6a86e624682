// Token buckets by key in a bounded table: how often something may happen per source address, address of record, trunk …
// A bucket that is full again equals no bucket, so the least recently used one is given up first when the table is full.

import type { Clock } from './clock.ts';

export interface TokenBucketSettings {
  /** Tokens of a fresh bucket, and the most it ever holds. */
  readonly burst: number;
  readonly perSecond: number;
  /** Most keys tracked at a time. */
  readonly keys: number;
}

export interface TokenBuckets {
  /** True while `key` has a token. Takes nothing. */
  has(key: string): boolean;
  /** Takes one token; false = none left. */
  take(key: string): boolean;
  readonly size: number;
}

interface Bucket {
  tokens: number;
  /** Monotonic milliseconds of the last refill. */
  at: number;
}

export function createTokenBuckets(clock: Clock, settings: TokenBucketSettings): TokenBuckets {
  const buckets = new Map<string, Bucket>();

  const refilled = (bucket: Bucket): number =>
    Math.min(settings.burst, bucket.tokens + ((clock.now() - bucket.at) / 1000) * settings.perSecond);

  return {
    has(key) {
      const bucket = buckets.get(key);
      return !bucket || refilled(bucket) >= 1;
    },
    take(key) {
      let bucket = buckets.get(key);
      const tokens = bucket ? refilled(bucket) : settings.burst;
      // Half full or more, the map is brought into the order of use; below that nobody asks for the order.
      const isOrdered = buckets.size >= settings.keys / 2;
      if (bucket && isOrdered) buckets.delete(key);
      if (buckets.size >= settings.keys) buckets.delete(buckets.keys().next().value!);
      const allowed = tokens >= 1;
      if (!bucket || isOrdered) {
        bucket = { tokens: 0, at: 0 };
        buckets.set(key, bucket);
      }
      bucket.tokens = allowed ? tokens - 1 : tokens;
      bucket.at = clock.now();
      return allowed;
    },
    get size() {
      return buckets.size;
    },
  };
}
