// Refusals for want of capacity: counted by cause, logged once per second at most, so that an overload does not add a log flood.

import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';

export interface RefusalLog {
  count(reason: string): void;
  totals(): Readonly<Record<string, number>>;
}

const LOG_EVERY_MS = 1_000;

export function createRefusalLog(log: Log, clock: Clock): RefusalLog {
  const totals = new Map<string, number>();
  let lastLoggedMs = Number.NEGATIVE_INFINITY;
  return {
    count(reason) {
      totals.set(reason, (totals.get(reason) ?? 0) + 1);
      if (clock.now() - lastLoggedMs < LOG_EVERY_MS) return;
      lastLoggedMs = clock.now();
      log.warn({ reason, total: totals.get(reason) }, 'INVITE refused with 503');
    },
    totals: () => Object.fromEntries(totals),
  };
}
