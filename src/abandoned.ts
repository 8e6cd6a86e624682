// Part of the composition root: what an earlier run left unfinished is closed before the first call. Alone on the database it is all that
// looks alive; beside other gateways only what this one had.

import { closeAbandoned } from './gateway-recordings.ts';
import type { ProvisioningContext } from './provisioning.ts';
import type { RecordingFiles } from './recording/files.ts';
import { endAbandonedCalls } from './store/abandoned-calls.ts';
import { endAbandonedConferences } from './store/abandoned-conferences.ts';
import type { OpenRecords } from './store/open-records.ts';
import type { Store } from './store/store.ts';

export interface LeftBehind {
  readonly store: Store;
  /** Absent where a database has one gateway. */
  readonly openRecords?: OpenRecords | undefined;
}

/** Rejects with the store's fault. */
export async function closeLeftBehind(
  { store, openRecords }: LeftBehind,
  files: RecordingFiles,
  { clock, log }: Pick<ProvisioningContext, 'clock' | 'log'>,
): Promise<void> {
  const close = async (isOurs: (sid: string) => boolean) => {
    const calls = await endAbandonedCalls(store, clock, isOurs);
    if (calls > 0) log.warn({ folder: 'start', calls }, 'calls of an earlier run had no end; their records are closed');
    await endAbandonedConferences(store, clock, isOurs);
    await closeAbandoned(files, store, { clock, log }, isOurs);
  };
  const isAlone = await store.whileAlone(() => close(() => true));
  if (!openRecords) return;
  const { left } = openRecords;
  if (!isAlone && left.size > 0) await close((sid) => left.has(sid));
  openRecords.forgetLeft();
}
