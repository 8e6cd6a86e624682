// What an operation is in SQL: its statements in order, and how the answer of the last one reads. The same for every database, but for
// the signs that stand for values (sql.ts `numbered`).

import { limits } from '../base/limits.ts';
import type { Operation } from './operations.ts';
import { conditionsOf, recordOf, rowOf } from './row.ts';
import {
  countStatement,
  eraseText,
  FORGET_MARKS,
  getText,
  insertText,
  listStatement,
  markRemovedText,
  oldestStatement,
  removeText,
  type Statement,
  updateText,
  upsertText,
} from './sql.ts';
import { StoreFault } from './store.ts';
import { type Table, type TableName, tables } from './tables.ts';

type Row = Readonly<Record<string, unknown>>;

/** Of one statement: the rows that it gave, or how many it changed. */
export interface Answer {
  readonly rows: readonly Row[];
  readonly changes: number;
}

export interface Plan {
  readonly statements: readonly Statement[];
  /** The last statement gives rows; the others, and the last of other plans, are only carried out. */
  readonly reads: boolean;
  /** The value of the operation from the answer of the last statement. */
  readonly value: (answer: Answer) => unknown;
}

export const tableOf = (name: TableName): Table<unknown> => tables[name] as unknown as Table<unknown>;

const writes = (...statements: readonly Statement[]): Plan => ({
  statements,
  reads: false,
  value: ({ changes }) => changes > 0,
});

/** What a record that cannot be written down gives: a fault of ours, which must not take others of its group along. */
export function prepared<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new StoreFault('refused', 'the record cannot be stored', { cause });
  }
}

/** Throws when a field that cannot be searched is searched, or a secret does not open. */
export function planOf(operation: Operation, secretKey: Buffer): Plan {
  if (operation.do === 'saveBindings') {
    const { aor, bindings } = operation.change;
    const removal = { text: `DELETE FROM ${tables.bindings.name} WHERE aor = ?`, values: [aor] };
    const text = upsertText(tables.bindings);
    const added = bindings.map((binding) => ({ text, values: rowOf(tables.bindings, binding, secretKey) }));
    return { ...writes(removal, ...added), value: () => undefined };
  }
  if (operation.do === 'allBindings') {
    const statement = { text: `SELECT * FROM ${tables.bindings.name} ORDER BY seq`, values: [] };
    return { statements: [statement], reads: true, value: ({ rows }) => rows.map(reader(tables.bindings, secretKey)) };
  }
  return planOfTable(operation, tableOf(operation.table), secretKey);
}

const reader =
  <T>(table: Table<T>, secretKey: Buffer) =>
  (row: Row): T =>
    recordOf(table, row, secretKey);

function planOfTable(
  operation: Exclude<Operation, { do: 'saveBindings' | 'allBindings' }>,
  table: Table<unknown>,
  secretKey: Buffer,
): Plan {
  const read = reader(table, secretKey);
  switch (operation.do) {
    case 'insert':
      return writes({ text: insertText(table), values: rowOf(table, operation.record, secretKey) });
    case 'put':
      return writes({ text: upsertText(table), values: rowOf(table, operation.record, secretKey) });
    case 'update': {
      const [sid, ...rest] = rowOf(table, operation.record, secretKey);
      return writes({ text: updateText(table), values: [...rest, sid ?? null] });
    }
    case 'erase':
      return writes({ text: eraseText(table), values: [operation.key] });
    case 'remove':
      return {
        statements: [
          { text: FORGET_MARKS, values: [operation.key, limits.storeRemovedMarks] },
          { text: markRemovedText(table), values: [operation.key] },
          { text: removeText(table), values: [operation.key] },
        ],
        reads: true,
        value: ({ rows }) => rows[0] && read(rows[0]),
      };
    case 'get':
      return {
        statements: [{ text: getText(table), values: [operation.key] }],
        reads: true,
        value: ({ rows }) => rows[0] && read(rows[0]),
      };
    case 'list':
      return planOfList(operation, table, read);
    case 'count': {
      const statement = countStatement(table, conditionsOf(table, operation.where));
      return { statements: [statement], reads: true, value: ({ rows }) => Number(rows[0]?.total ?? 0) };
    }
    case 'oldest': {
      const statement = oldestStatement(table, '*', operation);
      return { statements: [statement], reads: true, value: ({ rows }) => rows.map(read) };
    }
    case 'oldestKeys': {
      const statement = oldestStatement(table, 'sid', operation);
      return { statements: [statement], reads: true, value: ({ rows }) => rows.map((row) => row.sid) };
    }
  }
}

function planOfList(
  { where, conditions, page }: Extract<Operation, { do: 'list' }>,
  table: Table<unknown>,
  read: (row: Row) => unknown,
): Plan {
  const all = [...conditionsOf(table, where), ...conditions];
  return {
    statements: [listStatement(table, all, page)],
    reads: true,
    value({ rows }) {
      const hasMore = rows.length > page.size;
      const found = hasMore ? rows.slice(0, page.size) : [...rows];
      if (page.cursor !== null && page.direction === 'previous') found.reverse();
      return { records: found.map(read), hasMore };
    },
  };
}
