// The store in PostgreSQL (HOOKSWITCH_DATABASE_URL): the same ports and records as the embedded one, for several nodes and for backups
// by the operator's own tools. gateway.ts opens it and closes it.

import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import { createStore } from './facade.ts';
import { PostgresBackend } from './postgres/backend.ts';
import { patientConfig, textOf } from './postgres/client.ts';
import { migrations as released } from './postgres/migrations/index.ts';
import { upgrade } from './postgres/upgrade.ts';
import { Watcher } from './postgres/watcher.ts';
import type { Store } from './store.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; parameters as libpq has them (`?host=/run/postgresql`, `?sslmode=require`). */
  readonly url: string;
  /** 32 bytes, the same on every node: `secretKeyFile` or `parseSecretKey`. */
  readonly secretKey: Buffer;
  readonly clock: Clock;
  readonly log: Log;
  /** Another list than the released one: tests of the upgrade. */
  readonly migrations?: readonly string[];
}

/**
 * Connects and brings the schema up to date. The error is for the operator and holds no password: no server, no permission, wrong secret
 * key, newer schema. Promises of the store reject with StoreFault.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Result<Store, string>> {
  const log = options.log.child({ folder: 'store' });
  const client = newClient(options.url);
  if (!client) return err('the database URL cannot be read: it should be postgres://user:password@host:port/database');
  const place = `database ${client.database} at ${client.host}:${client.port}`;
  const upgraded = await upgradeBy(client, options);
  if (!upgraded.ok) return err(`${place}: ${upgraded.error}`);
  const nodeId = randomUUID();
  const watcher = new Watcher({ url: options.url, nodeId, clock: options.clock, log });
  const watching = await watcher.start();
  if (!watching.ok) return err(`${place}: ${watching.error}`);
  const context = { secretKey: options.secretKey, nodeId };
  return ok(createStore(new PostgresBackend({ url: options.url, context, watcher, log }), options.clock, log));
}

// pg throws for a URL that it cannot read, with the URL in the text.
function newClient(url: string): pg.Client | undefined {
  try {
    return new pg.Client(patientConfig(url));
  } catch {
    return undefined;
  }
}

async function upgradeBy(client: pg.Client, options: PostgresOptions): Promise<Result<null, string>> {
  // The query under way is rejected too; without a listener the event would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (fault) {
    await client.end().catch(() => undefined);
    return err(`${textOf(fault)}. Is the server running, and databaseUrl (HOOKSWITCH_DATABASE_URL) right?`);
  }
  try {
    return await upgrade(client, options.migrations ?? released, options.secretKey);
  } catch (fault) {
    return err(textOf(fault));
  } finally {
    await client.end().catch(() => undefined);
  }
}
