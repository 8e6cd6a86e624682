// One gateway per data folder: two on one folder would close each other's calls at start and overwrite registrations. The lock is
// SQLite's own exclusive lock on a file beside the database: the system drops it when the process dies, however it dies.

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { err, ok, type Result } from '../base/result.ts';

export interface FolderLock {
  release(): void;
}

const SQLITE_BUSY = 5;

/** Takes the data folder. The error is for the operator: another gateway holds it, or the folder cannot be written. */
export function lockFolder(folder: string): Result<FolderLock, string> {
  const path = join(folder, 'gateway.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    const held = database;
    return ok({ release: () => held.close() });
  } catch (fault) {
    database?.close();
    const { errcode, message } = fault as Error & { errcode?: number };
    if (errcode === SQLITE_BUSY) {
      return err(
        `another gateway uses the data folder ${folder}: stop it, or give this one a HOOKSWITCH_DATA_DIR of its own`,
      );
    }
    return err(`the data folder ${folder} cannot be written: ${message}`);
  }
}
