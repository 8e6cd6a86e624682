// Recordings that a process left behind when it was killed: run once at start. What is in the file is kept and its header made right;
// the record is closed. The application is not told: what it asked for went with the process.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { RecordRepository } from '../base/repository.ts';
import type { Recording } from '../base/voice-records.ts';
import type { RecordingFiles } from './files.ts';
import { unfinishedStatuses } from './states.ts';

const PAGE = 500;
const TOO_SHORT = 16101;

export interface AbandonedServices {
  readonly store: Pick<RecordRepository<Recording>, 'list' | 'put'>;
  readonly files: Pick<RecordingFiles, 'repair' | 'sizeOf' | 'remove'>;
  readonly clock: Pick<Clock, 'wall'>;
  readonly log: Log;
  /** Which of them; absent: all. */
  readonly isOurs?: (sid: string) => boolean;
}

/** Returns how many there were. Rejects with the store's fault; a file that cannot be repaired makes its record `failed`. */
export async function closeAbandonedRecordings(services: AbandonedServices): Promise<number> {
  const left: Recording[] = [];
  // Read to the end first: a record that is put leaves the filter, and the walk with it.
  for (const status of unfinishedStatuses) {
    for (let cursor: string | null = null, more = true; more; ) {
      const found: Awaited<ReturnType<AbandonedServices['store']['list']>> = await services.store.list(
        { status },
        { size: PAGE, page: 0, cursor },
      );
      left.push(...found.records.filter(({ sid }) => services.isOurs?.(sid) ?? true));
      cursor = found.records.at(-1)?.sid ?? null;
      more = found.hasMore && cursor !== null;
    }
  }
  for (const recording of left) services.store.put(await closed(recording, services));
  return left.length;
}

async function closed(recording: Recording, { files, clock, log }: AbandonedServices): Promise<Recording> {
  const now = { dateUpdated: clock.wall() };
  let durationMs: number | undefined;
  try {
    durationMs = await files.repair(recording);
  } catch (fault) {
    log.error({ err: fault, recordingSid: recording.sid }, 'a recording of an earlier run cannot be repaired');
    return { ...recording, ...now, status: 'failed', errorCode: 90916 };
  }
  if (durationMs === undefined || durationMs < limits.recordingMinMs) {
    await files.remove(recording).catch(() => {});
    return { ...recording, ...now, status: 'absent', errorCode: TOO_SHORT, durationSeconds: 0, media: null };
  }
  const sizeBytes = await files.sizeOf(recording);
  return { ...recording, ...now, status: 'completed', durationSeconds: Math.round(durationMs / 1_000), sizeBytes };
}
