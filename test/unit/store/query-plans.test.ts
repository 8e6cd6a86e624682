// Pages of large tables: each question that REST may ask, and deletion by age, finds its records by an index, in both
// databases. 100,000 calls and as many recordings of one account; the plans are those that the database itself chooses.

import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrations as sqliteMigrations } from '../../../src/store/migrations/index.ts';
import { migrations as postgresMigrations } from '../../../src/store/postgres/migrations/index.ts';
import {
  type Condition,
  eraseText,
  listStatement,
  numbered,
  oldestStatement,
  type Statement,
} from '../../../src/store/sql.ts';
import type { PageRequest } from '../../../src/store/store.ts';
import { tables } from '../../../src/store/tables.ts';
import { PostgresServer } from '../../support/postgres.ts';

const ROWS = 100_000;

const callColumns =
  'sid, account_sid, parent_call_sid, "to", "from", to_address, from_address, status, direction, date_created, date_updated';
const callValues = `'CA' || n, 'AC1', 'CA' || (n / 2), 'sip:' || (n % 1000), 'sip:' || (n % 777), 'sip:' || (n % 1000), 'sip:' || (n % 777),
  CASE WHEN n % 1000 = 0 THEN 'busy' ELSE 'completed' END, 'inbound', n, n`;
const recordingColumns =
  'sid, account_sid, call_sid, conference_sid, status, source, channels, track, start_time, is_encrypted, date_created, date_updated';
const recordingValues = (no: string): string =>
  `'RE' || n, 'AC1', 'CA' || (n / 2), 'CF' || (n / 9), 'completed', 'RecordVerb', 1, 'both', n, ${no}, n, n`;

const equal = (column: string, value: string): Condition => ({ column, operator: '=', value });
const account = equal('account_sid', 'AC1');
const page = (over: Partial<PageRequest> = {}): PageRequest => ({ size: 50, cursor: null, page: 0, ...over });

const old = { before: 500, size: 500 };

const questions: readonly (readonly [string, 'calls' | 'recordings', Statement])[] = [
  ['first page', 'calls', listStatement(tables.calls, [account], page())],
  ['a page in the middle', 'calls', listStatement(tables.calls, [account], page({ cursor: 'CA50000' }))],
  [
    'the page before',
    'calls',
    listStatement(tables.calls, [account], page({ cursor: 'CA50000', direction: 'previous' })),
  ],
  [
    'by callee',
    'calls',
    listStatement(tables.calls, [account, equal('to_address', 'sip:5')], page({ cursor: 'CA50000' })),
  ],
  [
    'by caller',
    'calls',
    listStatement(tables.calls, [account, equal('from_address', 'sip:5')], page({ cursor: 'CA50000' })),
  ],
  ['by status', 'calls', listStatement(tables.calls, [account, equal('status', 'busy')], page({ cursor: 'CA50000' }))],
  ['of a parent', 'calls', listStatement(tables.calls, [account, equal('parent_call_sid', 'CA7')], page())],
  ['the oldest', 'calls', oldestStatement(tables.calls, '*', { column: 'date_created', ...old })],
  ['keys of the oldest', 'calls', oldestStatement(tables.calls, 'sid', { column: 'date_created', ...old })],
  ['removal', 'calls', { text: eraseText(tables.calls), values: ['CA5'] }],
  ['first page', 'recordings', listStatement(tables.recordings, [account], page())],
  ['of a call', 'recordings', listStatement(tables.recordings, [account, equal('call_sid', 'CA7')], page())],
  [
    'of a conference',
    'recordings',
    listStatement(tables.recordings, [account, equal('conference_sid', 'CF7')], page()),
  ],
  [
    'since yesterday',
    'recordings',
    listStatement(
      tables.recordings,
      [account, { column: 'date_created', operator: '>=', value: 99_000 }],
      page({ cursor: 'RE99900' }),
    ),
  ],
  ['the oldest', 'recordings', oldestStatement(tables.recordings, '*', { column: 'date_created', ...old })],
  ['deleted long ago', 'recordings', oldestStatement(tables.recordings, 'sid', { column: 'date_deleted', ...old })],
];

describe('SQLite', () => {
  let database: DatabaseSync;
  beforeAll(() => {
    database = new DatabaseSync(':memory:');
    for (const migration of sqliteMigrations) database.exec(migration);
    const numbers = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${ROWS})`;
    database.exec(`INSERT INTO calls (${callColumns}) ${numbers} SELECT ${callValues} FROM numbers`);
    database.exec(
      `INSERT INTO recordings (${recordingColumns}) ${numbers} SELECT ${recordingValues('0')} FROM numbers`,
    );
  }, 60_000);
  afterAll(() => database.close());

  test.each(questions)('%s of %s: by an index, without sorting', (_, table, { text, values }) => {
    const steps = database
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all(...values)
      .map((row) => String(row.detail));
    const plan = steps.join('\n');
    expect(plan).toMatch(new RegExp(`SEARCH ${table} USING (COVERING )?INDEX`));
    expect(plan).not.toMatch(/SCAN (calls|recordings)(?! USING)/);
    expect(plan).not.toContain('TEMP B-TREE');
  });
});

describe('PostgreSQL', () => {
  let server: PostgresServer;
  let database: string;
  beforeAll(async () => {
    server = await PostgresServer.start();
    database = await server.newDatabase();
    await server.query(database, postgresMigrations.join('\n'));
    const numbers = `FROM generate_series(1, ${ROWS}) AS n`;
    await server.query(database, `INSERT INTO calls (${callColumns}) SELECT ${callValues} ${numbers}`);
    await server.query(
      database,
      `INSERT INTO recordings (${recordingColumns}) SELECT ${recordingValues('false')} ${numbers}`,
    );
    await server.query(database, 'ANALYZE');
  }, 120_000);
  afterAll(() => server.dispose(), 60_000);

  test.each(questions)('%s of %s: by an index, without reading the table', async (_, table, { text, values }) => {
    const { rows } = await server.query(database, `EXPLAIN (COSTS OFF) ${numbered(text)}`, values);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(/Index (Only )?Scan|Bitmap Index Scan/);
    expect(plan).not.toContain(`Seq Scan on ${table}`);
  });
});
