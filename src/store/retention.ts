// Deletes what is older than the operator wants to keep: calls with conferences, recordings with their media and texts, logs. A little
// at a time with pauses between, so that calls and REST never wait behind it.
//
//   start ─▶ (retentionFirstMs) ─▶ sweep ─▶ (retentionEveryMs) ─▶ sweep …
//   sweep:  batch ─▶ pause ─▶ batch … until a batch removes nothing

import { type Clock, sleep } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Recording } from '../base/voice-records.ts';
import type { RetentionStore, Store } from './store.ts';

/** Days to keep; 0 = for ever. */
export interface RetentionDays {
  /** Calls and conferences. */
  readonly calls: number;
  /** Recordings, their media and their texts. */
  readonly recordings: number;
  /** Notifications and webhook exchanges. */
  readonly logs: number;
}

export interface RetentionServices {
  readonly store: Pick<Store, 'retention'> & { readonly recordings: Pick<Store['recordings'], 'remove'> };
  /** Removes the media for good; idempotent. When it rejects, the record stays and is tried again by the next sweep. */
  readonly removeMedia: (recording: Recording) => Promise<void>;
  readonly days: () => RetentionDays;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Retention {
  /** Resolves when a sweep that is under way has ended. */
  stop(): Promise<void>;
}

type Pruned = Parameters<RetentionStore['prune']>[0];

const DAY_MS = 24 * 3_600_000;
/** A recording that is being made is never deleted, however old. */
const unfinished: ReadonlySet<string> = new Set(['in-progress', 'paused', 'processing']);

export function startRetention(services: RetentionServices): Retention {
  const stopped = new AbortController();
  const running = keepSweeping(services, stopped.signal);
  return {
    stop() {
      stopped.abort();
      return running;
    },
  };
}

async function keepSweeping(services: RetentionServices, signal: AbortSignal): Promise<void> {
  const { clock, log } = services;
  await sleep(clock, limits.retentionFirstMs, signal);
  while (!signal.aborted) {
    try {
      await sweep(services, signal);
    } catch (fault) {
      // The store is away; what was not deleted now is deleted by the next sweep.
      log.warn({ reason: fault instanceof Error ? fault.message : fault }, 'old records could not be deleted');
    }
    await sleep(clock, limits.retentionEveryMs, signal);
  }
}

/** Deletes all that is too old now. Rejects with the store's fault. */
export async function sweep(
  services: RetentionServices,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const { clock, log } = services;
  const days = services.days();
  const removed: Record<string, number> = {};
  const before = (kept: number): number | null => (kept === 0 ? null : clock.wall() - kept * DAY_MS);
  const kept: readonly (readonly [Pruned, number])[] = [
    ['calls', days.calls],
    ['conferences', days.calls],
    ['transcriptions', days.recordings],
    ['webhookExchanges', days.logs],
    ['notifications', days.logs],
    ['trunkUsage', limits.trunkUsageDays],
  ];
  for (const [table, tableDays] of kept) removed[table] = await pruneAll(table, before(tableDays), services, signal);
  removed.recordings = await removeRecordings(before(days.recordings), services, signal);
  removed.deletedRecordings = await pruneAll(
    'deletedRecordings',
    before(limits.deletedRecordingDays),
    services,
    signal,
  );
  const total = Object.values(removed).reduce((sum, count) => sum + count, 0);
  if (total > 0) log.info({ removed }, 'records that were older than they are kept are deleted');
  return removed;
}

async function pruneAll(
  table: Pruned,
  before: number | null,
  { store, clock }: RetentionServices,
  signal: AbortSignal,
): Promise<number> {
  if (before === null) return 0;
  let total = 0;
  while (!signal.aborted) {
    const count = await store.retention.prune(table, before, limits.retentionBatch);
    total += count;
    if (count < limits.retentionBatch) break;
    await sleep(clock, limits.retentionPauseMs, signal);
  }
  return total;
}

/** The media goes first: a record without media can be seen and removed, media without a record would stay for ever. */
async function removeRecordings(
  before: number | null,
  services: RetentionServices,
  signal: AbortSignal,
): Promise<number> {
  if (before === null) return 0;
  const { store, clock } = services;
  let total = 0;
  while (!signal.aborted) {
    const oldest = await store.retention.oldestRecordings(before, limits.retentionBatch);
    let count = 0;
    for (const recording of oldest) {
      if (signal.aborted) break;
      if (!unfinished.has(recording.status) && (await removeOne(recording, services))) count++;
    }
    total += count;
    if (count === 0 || oldest.length < limits.retentionBatch) break;
    await sleep(clock, limits.retentionPauseMs, signal);
  }
  return total;
}

async function removeOne(recording: Recording, { store, removeMedia, log }: RetentionServices): Promise<boolean> {
  try {
    await removeMedia(recording);
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : fault;
    log.warn({ recordingSid: recording.sid, reason }, 'the media of an old recording could not be deleted');
    return false;
  }
  return store.recordings.remove(recording.sid);
}
