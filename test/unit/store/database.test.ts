import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Binding } from '../../../src/base/records.ts';
import { Database } from '../../../src/store/database.ts';
import { migrations } from '../../../src/store/migrations/index.ts';
import { columnsOf } from '../../../src/store/sql.ts';
import { tables } from '../../../src/store/tables.ts';
import { aBinding } from '../../support/store-records.ts';

const secretKey = Buffer.alloc(32, 1);
const add = 'ALTER TABLE accounts ADD COLUMN motto TEXT';
const breaks = 'CREATE TABLE later (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)';

describe('migrations (design.md 7)', () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'database-'));
    file = join(dir, 'a.sqlite');
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const open = (list: readonly string[]) => Database.open({ file, secretKey, maxFileBytes: null, migrations: list });
  const close = (database: ReturnType<typeof open>) => {
    if (!database.ok) throw new Error(database.error);
    database.value.close();
  };
  const versionOf = (path: string) => {
    const raw = new DatabaseSync(path);
    const version = raw.prepare('PRAGMA user_version').get()?.user_version;
    raw.close();
    return version;
  };

  test('a new file needs no backup; an old one is backed up before it is changed', () => {
    close(open(migrations));
    expect(existsSync(`${file}.backup-schema-1`)).toBe(false);
    close(open([...migrations, add]));
    expect(versionOf(file)).toBe(migrations.length + 1);
    expect(versionOf(`${file}.backup-schema-${migrations.length}`)).toBe(migrations.length);
  });

  test('a migration that fails leaves the file as it was', () => {
    close(open(migrations));
    const failed = open([...migrations, breaks]);
    expect(failed).toMatchObject({ ok: false, error: expect.stringContaining('the file is as it was') });
    expect(versionOf(file)).toBe(migrations.length);
    const raw = new DatabaseSync(file);
    expect(raw.prepare("SELECT name FROM sqlite_master WHERE name = 'later'").get()).toBeUndefined();
    raw.close();
  });

  test('a newer schema is refused with what to do', () => {
    close(open([...migrations, add]));
    expect(open(migrations)).toMatchObject({
      ok: false,
      error: expect.stringMatching(
        new RegExp(
          `newer version \\(schema ${migrations.length + 1}, this version knows ${migrations.length}\\).*restore a backup`,
        ),
      ),
    });
  });

  test('the columns of every table literal are those of the migrated schema', () => {
    close(open(migrations));
    const raw = new DatabaseSync(file);
    for (const table of Object.values(tables)) {
      const present = raw
        .prepare(`PRAGMA table_info(${table.name})`)
        .all()
        .map((column) => String(column.name));
      expect([...present].sort(), table.name).toEqual([...columnsOf(table), 'seq'].sort());
    }
    raw.close();
  });
});

describe('one group of operations', () => {
  test('a change that is refused half-way is undone, also its first statements, and leaves the others of its group alone', () => {
    const opened = Database.open({ file: ':memory:', secretKey, maxFileBytes: null });
    if (!opened.ok) throw new Error(opened.error);
    const database = opened.value;
    const change = (aor: string, ...cseqs: number[]) => ({
      do: 'saveBindings' as const,
      change: { aor, bindings: cseqs.map((cseq) => aBinding({ aor, cseq, callId: `call-${cseq}` })) },
    });
    const saved = () =>
      database.run([{ do: 'allBindings' }]).flatMap((outcome) => (outcome.ok ? (outcome.value as Binding[]) : []));
    expect(database.run([change('a@x', 1), change('b@x', 2)]).map(({ ok }) => ok)).toEqual([true, true]);
    // A column of whole numbers takes no half ones: by then the old bindings of b are removed, and one of two is written.
    const outcomes = database.run([change('a@x', 3), change('b@x', 4, 5.5), change('c@x', 6)]);
    expect(outcomes).toEqual([
      { ok: true, value: undefined },
      { ok: false, code: 'refused', message: expect.any(String) },
      { ok: true, value: undefined },
    ]);
    expect(saved().map(({ aor, cseq }) => `${aor} ${cseq}`)).toEqual(['b@x 2', 'a@x 3', 'c@x 6']);
    // Alone in its group too.
    expect(database.run([change('a@x', 7, 8.5)]).map(({ ok }) => ok)).toEqual([false]);
    expect(saved()).toHaveLength(3);
    database.close();
  });
});
