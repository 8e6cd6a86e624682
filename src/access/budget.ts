// How much unauthenticated talk a source gets: one token bucket per IPv4 address or IPv6 /64 (design.md 9). Only refusals,
// challenges and other answers to strangers cost a token; who authenticated is not counted at all (access-control.ts).

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { createTokenBuckets, type TokenBuckets } from '../base/token-buckets.ts';
import { normalizedAddress } from './acl.ts';

/** One key per IPv4 address, one per IPv6 /64: the smallest network that a single host can be expected to own. */
export function sourceKey(address: string): string {
  // Transport has normalised it; asked for every message.
  if (!address.includes(':')) return address;
  const parsed = normalizedAddress(address);
  if (!parsed) return address;
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const groups: string[] = [];
  const bytes = parsed.toByteArray();
  for (let index = 0; index < 8; index += 2) groups.push(((bytes[index]! << 8) | bytes[index + 1]!).toString(16));
  return `${groups.join(':')}::/64`;
}

export const createBudget = (clock: Clock): TokenBuckets =>
  createTokenBuckets(clock, {
    burst: limits.sourceBudgetBurst,
    perSecond: limits.sourceBudgetPerSecond,
    keys: limits.sourcesTracked,
  });
