// A SQLite store in a folder of its own for one test, with everything that ends it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.ts';
import { realClock } from '../../src/base/clock.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

export interface TempStore {
  readonly store: Store;
  discard(): Promise<void>;
}

export async function openTempStore(clock: Clock = realClock, log: Log = silentLog): Promise<TempStore> {
  const dir = mkdtempSync(join(tmpdir(), 'store-'));
  const store = await openSqliteStore({ file: join(dir, 'a.sqlite'), secretKey: Buffer.alloc(32, 9), clock, log });
  if (!store.ok) throw new Error(store.error);
  return {
    store: store.value,
    async discard() {
      await store.value.close();
      rmSync(dir, { recursive: true });
    },
  };
}
