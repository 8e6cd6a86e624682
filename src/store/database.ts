// The database itself: opens the file, brings its schema up to date, runs groups of operations. Synchronous (node:sqlite), so it is
// only ever built inside sqlite-worker.ts and in tests. Nothing here throws for what a disk or a peer can cause: outcomes are values.

import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { migrations as released } from './migrations/index.ts';
import { isWrite, type Operation, type Outcome } from './operations.ts';
import { type Answer, planOf, prepared } from './plan.ts';
import { storable } from './row.ts';
import { openSecret, sealSecret } from './secrets.ts';
import { StoreFault, type StoreFaultCode } from './store.ts';

export interface DatabaseOptions {
  readonly file: string;
  readonly secretKey: Buffer;
  /** Writes beyond this size fail as on a full disk; null = the disk decides. */
  readonly maxFileBytes: number | null;
  /** Another list than the released one: tests of the upgrade. */
  readonly migrations?: readonly string[];
}

const KEY_CHECK = 'secret key check';

export class Database {
  readonly #connection: DatabaseSync;
  readonly #secretKey: Buffer;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(connection: DatabaseSync, secretKey: Buffer) {
    this.#connection = connection;
    this.#secretKey = secretKey;
  }

  /** The error is for the operator: what is wrong with the file and what to do. */
  static open(options: DatabaseOptions): Result<Database, string> {
    let connection: DatabaseSync | undefined;
    try {
      mkdirSync(dirname(options.file), { recursive: true });
      connection = new DatabaseSync(options.file, { timeout: limits.storeBusyMs });
      // FULL, not NORMAL: in WAL mode both survive a killed process, but only FULL also survives a power cut, and the fsync costs
      // nothing that matters here: it happens in this thread, once per group (design.md 7).
      connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
      const upgraded = upgrade(connection, options.file, options.migrations ?? released);
      const checked = upgraded.ok ? checkSecretKey(connection, options.secretKey) : upgraded;
      if (!checked.ok) {
        connection.close();
        return err(`${options.file}: ${checked.error}`);
      }
      if (options.maxFileBytes !== null) limitFile(connection, options.maxFileBytes);
      return ok(new Database(connection, options.secretKey));
    } catch (fault) {
      if (connection?.isOpen) connection.close();
      return err(`${options.file}: ${textOf(fault)}`);
    }
  }

  /** Runs one group: all its writes in one transaction; a refusal leaves the others alone. */
  run(operations: readonly Operation[]): readonly Outcome[] {
    if (!operations.some(isWrite)) return operations.map((operation) => this.#attempt(operation));
    // Nearly always nothing is refused: savepoints are set only where the group has to be run again.
    return this.#transact(operations, false) ?? this.#transact(operations, true) ?? [];
  }

  /** Undefined: without savepoints, an operation of several statements was refused, maybe with half of it done. All is undone. */
  #transact(operations: readonly Operation[], hasSavepoints: boolean): readonly Outcome[] | undefined {
    try {
      this.#command('BEGIN IMMEDIATE');
      const outcomes: Outcome[] = [];
      for (const operation of operations) {
        // A single statement that fails undoes itself (https://www.sqlite.org/lang_conflict.html, ABORT).
        const isOne = !isWrite(operation) || isOneStatement(operation);
        const outcome = hasSavepoints && !isOne ? this.#guarded(operation) : this.#attempt(operation);
        // SQLite rolled the whole transaction back by itself, as it may when the disk is full
        // (https://www.sqlite.org/lang_transaction.html): then nothing of the group was written.
        if (!this.#connection.isTransaction) return operations.map(() => outcome);
        if (!outcome.ok && !isOne && !hasSavepoints) {
          this.#rollBack();
          return undefined;
        }
        outcomes.push(outcome);
      }
      this.#command('COMMIT');
      return outcomes;
    } catch (fault) {
      this.#rollBack();
      return operations.map(() => failure(fault));
    }
  }

  close(): void {
    this.#statements.clear();
    this.#connection.close();
  }

  #rollBack(): void {
    try {
      // A full disk may have ended the transaction already; then there is nothing to roll back.
      if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
    } catch {
      // The outcome already says that the group failed.
    }
  }

  #guarded(operation: Operation): Outcome {
    this.#command('SAVEPOINT operation');
    const outcome = this.#attempt(operation);
    if (!this.#connection.isTransaction) return outcome;
    if (!outcome.ok) this.#command('ROLLBACK TO operation');
    this.#command('RELEASE operation');
    return outcome;
  }

  /** As a prepared statement: `exec` would have it compiled each time. */
  #command(text: string): void {
    this.#statement(text).run();
  }

  #attempt(operation: Operation): Outcome {
    try {
      return { ok: true, value: this.#perform(operation) };
    } catch (fault) {
      return failure(fault);
    }
  }

  #perform(operation: Operation): unknown {
    const plan = isWrite(operation)
      ? prepared(() => planOf(operation, this.#secretKey))
      : planOf(operation, this.#secretKey);
    const last = plan.statements.length - 1;
    let answer: Answer = { rows: [], changes: 0 };
    for (const [index, { text, values: given }] of plan.statements.entries()) {
      const values = given.map(storable);
      const statement = this.#statement(text);
      if (plan.reads && index === last) answer = { rows: statement.all(...values), changes: 0 };
      else answer = { rows: [], changes: Number(statement.run(...values).changes) };
    }
    return plan.value(answer);
  }

  #statement(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known) return known;
    // Filters combine freely; a bound on what they may leave behind.
    if (this.#statements.size >= limits.storeStatementsCached) this.#statements.clear();
    const statement = this.#connection.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}

/** Numbered migrations, each in a transaction of its own after a backup of the file; a newer schema is refused (design.md 7). */
function upgrade(connection: DatabaseSync, file: string, migrations: readonly string[]): Result<null, string> {
  // A file that this start makes has nothing in it to keep.
  const isNew = schemaVersion(connection) === 0;
  for (;;) {
    const version = schemaVersion(connection);
    if (version === migrations.length) return ok(null);
    if (version > migrations.length)
      return err(
        `written by a newer version (schema ${version}, this version knows ${migrations.length}): start that version, or restore a backup`,
      );
    if (!isNew && file !== ':memory:') backUp(connection, `${file}.backup-schema-${version}`);
    connection.exec('BEGIN IMMEDIATE');
    try {
      // Another process may have done this step between the look and the lock.
      if (schemaVersion(connection) === version) {
        connection.exec(migrations[version]!);
        connection.exec(`PRAGMA user_version = ${version + 1}`);
      }
      connection.exec('COMMIT');
    } catch (fault) {
      if (connection.isTransaction) connection.exec('ROLLBACK');
      return err(`upgrade to schema ${version + 1} failed, the file is as it was: ${textOf(fault)}`);
    }
  }
}

const schemaVersion = (connection: DatabaseSync): number =>
  Number(connection.prepare('PRAGMA user_version').get()?.user_version ?? 0);

// VACUUM INTO reads through the WAL, so the copy is whole where copying the file would not be.
function backUp(connection: DatabaseSync, target: string): void {
  if (existsSync(target)) rmSync(target);
  connection.prepare('VACUUM INTO ?').run(target);
}

/** A constant sealed under the key that made the database: a wrong key is found at start, not at the first login. */
function checkSecretKey(connection: DatabaseSync, secretKey: Buffer): Result<null, string> {
  // Only the first process to come here sets it.
  const value = sealSecret(secretKey, KEY_CHECK, KEY_CHECK);
  connection.prepare('INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)').run(KEY_CHECK, value);
  const sealed = connection.prepare('SELECT value FROM meta WHERE name = ?').get(KEY_CHECK)?.value;
  try {
    openSecret(secretKey, String(sealed), KEY_CHECK);
    return ok(null);
  } catch {
    return err('the secret key is not the one it was made with: restore secret.key (or HOOKSWITCH_SECRET_KEY)');
  }
}

function limitFile(connection: DatabaseSync, maxFileBytes: number): void {
  const pageBytes = Number(connection.prepare('PRAGMA page_size').get()?.page_size ?? 4096);
  connection.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxFileBytes / pageBytes))}`);
}

// SQLite result codes, https://www.sqlite.org/rescode.html: the low byte is the primary code.
const PRIMARY_FULL = 13;
// Too big, another constraint, wrong type, out of range.
const REFUSED: ReadonlySet<number> = new Set([18, 19, 20, 25]);
const CONSTRAINT_FOREIGNKEY = 787;
const CONSTRAINT_PRIMARYKEY = 1555;
const CONSTRAINT_UNIQUE = 2067;

function failure(fault: unknown): Outcome {
  return { ok: false, code: codeOf(fault), message: textOf(fault) };
}

function codeOf(fault: unknown): StoreFaultCode {
  if (fault instanceof StoreFault) return fault.code;
  const code = fault instanceof Error && 'errcode' in fault && typeof fault.errcode === 'number' ? fault.errcode : -1;
  if (code === CONSTRAINT_UNIQUE || code === CONSTRAINT_PRIMARYKEY) return 'duplicate';
  if (code === CONSTRAINT_FOREIGNKEY) return 'missing';
  const primary = code & 0xff;
  if (primary === PRIMARY_FULL) return 'full';
  return REFUSED.has(primary) ? 'refused' : 'unavailable';
}

const isOneStatement = (operation: Operation): boolean =>
  operation.do === 'put' || operation.do === 'insert' || operation.do === 'update' || operation.do === 'erase';

const textOf = (fault: unknown): string => (fault instanceof Error ? fault.message : String(fault));
