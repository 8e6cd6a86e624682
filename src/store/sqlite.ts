// The embedded store: the ports of store.ts over a SQLite file whose thread is sqlite-worker.ts. gateway.ts opens it and closes it.

import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { ok, type Result } from '../base/result.ts';
import { Connection } from './connection.ts';
import { createStore } from './facade.ts';
import type { Store } from './store.ts';

export interface SqliteOptions {
  readonly file: string;
  /** 32 bytes: `secretKeyFile` or `parseSecretKey`. */
  readonly secretKey: Buffer;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes beyond this size of the file fail as on a full disk. */
  readonly maxFileBytes?: number;
}

/**
 * Opens (and on the first start makes) the database. The error is for the operator: wrong secret key, newer schema, no permission.
 * Promises of the store reject with StoreFault.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Result<Store, string>> {
  const log = options.log.child({ folder: 'store' });
  const settings = { file: options.file, secretKey: options.secretKey, maxFileBytes: options.maxFileBytes ?? null };
  const connection = await Connection.open({ settings, log, clock: options.clock });
  return connection.ok ? ok(createStore(connection.value, options.clock, log)) : connection;
}
