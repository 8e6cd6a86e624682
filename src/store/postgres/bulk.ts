// Operations of a kind that stand one behind the other become one statement whose values are arrays, one per column: a batch of calls
// costs one round trip, and so do the registrations of a window.

import type { Operation } from '../operations.ts';
import { tableOf } from '../plan.ts';
import { rowOf } from '../row.ts';
import { columnsOf, type SqlValue, upsertOf } from '../sql.ts';
import { columnOf, type Table } from '../table.ts';
import { tables } from '../tables.ts';

type SaveBindings = Extract<Operation, { do: 'saveBindings' }>;
type Put = Extract<Operation, { do: 'insert' | 'update' | 'put' }>;
type Erase = Extract<Operation, { do: 'get' | 'remove' | 'erase' }>;

/** Text with `$1` …; a value is an array of column values. */
export interface BulkStatement {
  readonly text: string;
  readonly values: readonly (readonly SqlValue[])[];
}

/** `statements` is null for one operation that goes by its own plan. */
export interface Bulk {
  readonly operations: readonly Operation[];
  readonly statements: readonly BulkStatement[] | null;
}

/** In the same order; each bulk is to be carried out before the next. */
export function bulksOf(operations: readonly Operation[], secretKey: Buffer): readonly Bulk[] {
  return runsOf(operations).map((run) => ({
    operations: run,
    statements: run.length > 1 ? statementsOf(run, secretKey) : null,
  }));
}

/** Splits where the kind changes, and before a second operation on one record: one statement touches a row once. */
function runsOf(operations: readonly Operation[]): Operation[][] {
  const runs: Operation[][] = [];
  let kind: string | null = null;
  let touched = new Set<string>();
  for (const operation of operations) {
    const own = kindOf(operation);
    const key = own === null ? '' : keyOf(operation);
    if (own === null || own !== kind || touched.has(key)) {
      runs.push([]);
      touched = new Set();
    }
    runs.at(-1)?.push(operation);
    touched.add(key);
    kind = own;
  }
  return runs;
}

/** Null for what goes alone. */
function kindOf(operation: Operation): string | null {
  if (operation.do === 'saveBindings') return 'saveBindings';
  return operation.do === 'put' || operation.do === 'erase' ? `${operation.do} ${operation.table}` : null;
}

function keyOf(operation: Operation): string {
  if (operation.do === 'saveBindings') return operation.change.aor;
  if ('record' in operation) return tableOf(operation.table).keyOf(operation.record);
  return 'key' in operation ? operation.key : '';
}

function statementsOf(run: readonly Operation[], secretKey: Buffer): readonly BulkStatement[] {
  const [first] = run;
  if (first?.do === 'saveBindings') {
    const changes = (run as readonly SaveBindings[]).map((operation) => operation.change);
    const removal = {
      text: `DELETE FROM ${tables.bindings.name} WHERE aor = ANY ($1::text[])`,
      values: [changes.map((change) => change.aor)],
    };
    const bindings = changes.flatMap((change) => change.bindings);
    return bindings.length === 0 ? [removal] : [removal, bulkUpsert(tables.bindings, bindings, secretKey)];
  }
  if (first?.do === 'put') {
    const records = (run as readonly Put[]).map((operation) => operation.record);
    return [bulkUpsert(tableOf(first.table), records, secretKey)];
  }
  const erased = run as readonly Erase[];
  const { name } = tableOf(erased[0]?.table ?? 'calls');
  return [{ text: `DELETE FROM ${name} WHERE sid = ANY ($1::text[])`, values: [erased.map(({ key }) => key)] }];
}

const types = { text: 'text', integer: 'bigint', boolean: 'boolean', json: 'json', secret: 'text' } as const;

function bulkUpsert<T>(table: Table<T>, records: readonly T[], secretKey: Buffer): BulkStatement {
  const kinds = new Map(
    Object.entries<keyof typeof types>(table.columns).map(([field, kind]) => [columnOf(field), kind]),
  );
  const columns = columnsOf(table);
  const arrays = columns.map((column, index) => `$${index + 1}::${types[kinds.get(column) ?? 'text']}[]`);
  const rows = records.map((record) => rowOf(table, record, secretKey));
  return {
    text: upsertOf(table, `SELECT * FROM unnest(${arrays.join(', ')})`),
    values: columns.map((_, index) => rows.map((row) => row[index] ?? null)),
  };
}
