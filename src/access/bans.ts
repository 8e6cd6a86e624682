// Bans of password guessers (design.md 9). The only thing that leads to a ban is a wrong digest that answers a nonce which we sent
// to that very source: over UDP the source address alone proves nothing, a nonce that came back proves the return path.
// Who has authenticated or is listed is never banned; access-control.ts asks before it counts a failure.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';

export interface BanEntry {
  /** IPv4 address or IPv6 /64, as sourceKey writes it. */
  readonly source: string;
  readonly failures: number;
  /** Wall milliseconds. */
  readonly bannedAt: number;
  readonly expiresAt: number;
}

interface Failures {
  count: number;
  /** Monotonic milliseconds. */
  firstAt: number;
}

export interface Bans {
  isBanned(key: string): boolean;
  /** Counts one failed digest; true when this one led to the ban. */
  failed(key: string): boolean;
  /** A correct digest forgets the failures. */
  succeeded(key: string): void;
  list(): readonly BanEntry[];
  /** Lifts one ban, or all. Returns how many were lifted. */
  clear(key?: string): number;
  readonly size: number;
}

export function createBans(
  clock: Clock,
  settings: { readonly failures: number; readonly banMs: number; readonly sources: number } = {
    failures: limits.digestFailuresBeforeBan,
    banMs: limits.banMs,
    sources: limits.sourcesTracked,
  },
): Bans {
  const failures = new Map<string, Failures>();
  const bans = new Map<string, BanEntry & { readonly until: number }>();

  const makeRoom = (table: Map<string, unknown>) => {
    if (table.size >= settings.sources) table.delete(table.keys().next().value!);
  };

  return {
    isBanned(key) {
      const ban = bans.get(key);
      if (!ban) return false;
      if (clock.now() < ban.until) return true;
      bans.delete(key);
      return false;
    },
    failed(key) {
      const known = failures.get(key);
      // Failures older than a ban would last do not add up.
      const current =
        known && clock.now() - known.firstAt < settings.banMs ? known : { count: 0, firstAt: clock.now() };
      current.count++;
      failures.delete(key);
      if (current.count < settings.failures) {
        makeRoom(failures);
        failures.set(key, current);
        return false;
      }
      makeRoom(bans);
      bans.set(key, {
        source: key,
        failures: current.count,
        bannedAt: clock.wall(),
        expiresAt: clock.wall() + settings.banMs,
        until: clock.now() + settings.banMs,
      });
      return true;
    },
    succeeded(key) {
      failures.delete(key);
    },
    list() {
      const alive: BanEntry[] = [];
      for (const [key, { until, ...entry }] of bans) {
        if (clock.now() < until) alive.push(entry);
        else bans.delete(key);
      }
      return alive;
    },
    clear(key) {
      const lifted = key === undefined ? bans.size : Number(bans.delete(key));
      if (key === undefined) bans.clear();
      if (key === undefined) failures.clear();
      else failures.delete(key);
      return lifted;
    },
    get size() {
      return bans.size;
    },
  };
}
