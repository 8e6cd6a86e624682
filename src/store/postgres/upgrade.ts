// Brings a PostgreSQL schema up to date: numbered migrations, each in a transaction of its own under an advisory lock, so that two
// gateways may start at once. A newer schema is refused. A backup is the operator's (pg_dump): it cannot be taken from here.

import type { ClientBase } from 'pg';
import { err, ok, type Result } from '../../base/result.ts';
import { openSecret, sealSecret } from '../secrets.ts';
import { textOf } from './client.ts';
import { UPGRADE_LOCK } from './watcher.ts';

const KEY_CHECK = 'secret key check';
const VERSION = 'schema version';
const OLDEST_SERVER = 130_000;

/** The error is for the operator. */
export async function upgrade(
  client: ClientBase,
  migrations: readonly string[],
  secretKey: Buffer,
): Promise<Result<null, string>> {
  const fit = await checkServer(client);
  if (!fit.ok) return fit;
  for (;;) {
    const step = await nextStep(client, migrations);
    if (!step.ok) return step;
    if (step.value === 'done') return checkSecretKey(client, secretKey);
  }
}

async function checkServer(client: ClientBase): Promise<Result<null, string>> {
  const { rows } = await client.query(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding",
  );
  if (rows[0]?.version < OLDEST_SERVER) return err('the server is too old: PostgreSQL 13 or later is needed');
  if (rows[0]?.encoding !== 'UTF8') return err(`the database has the encoding ${rows[0]?.encoding}: make it with UTF8`);
  return ok(null);
}

async function nextStep(client: ClientBase, migrations: readonly string[]): Promise<Result<'more' | 'done', string>> {
  let version = 0;
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', [...UPGRADE_LOCK]);
    await client.query('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)');
    const { rows } = await client.query('SELECT value FROM meta WHERE name = $1', [VERSION]);
    version = Number(rows[0]?.value ?? 0);
    const migration = migrations[version];
    if (migration !== undefined) {
      await client.query(migration);
      await client.query(
        'INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        [VERSION, String(version + 1)],
      );
    }
    await client.query('COMMIT');
  } catch (fault) {
    await client.query('ROLLBACK').catch(() => undefined);
    return err(`upgrade to schema ${version + 1} failed, the database is as it was: ${textOf(fault)}`);
  }
  if (version > migrations.length)
    return err(
      `written by a newer version (schema ${version}, this version knows ${migrations.length}): start that version, or restore a backup`,
    );
  return ok(version === migrations.length ? 'done' : 'more');
}

/** A constant sealed under the key that made the database: a wrong key is found at start, not at the first login. */
async function checkSecretKey(client: ClientBase, secretKey: Buffer): Promise<Result<null, string>> {
  // Only the first process to come here sets it.
  const value = sealSecret(secretKey, KEY_CHECK, KEY_CHECK);
  await client.query('INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING', [
    KEY_CHECK,
    value,
  ]);
  const { rows } = await client.query('SELECT value FROM meta WHERE name = $1', [KEY_CHECK]);
  try {
    openSecret(secretKey, String(rows[0]?.value), KEY_CHECK);
    return ok(null);
  } catch {
    return err(
      'the secret key is not the one it was made with: all nodes of one database need the same secret.key (or HOOKSWITCH_SECRET_KEY)',
    );
  }
}
