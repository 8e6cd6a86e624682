// Statements from table literals: pure text, no database. Every value is a parameter, every name comes from tables.ts.
//
//   seq   1  2  3  4  5  6  7  8  9      newest first: ORDER BY seq DESC
//         [previous ──▶)  cursor  (──▶ next]
//
// A page is bound to a record (keyset), not to an offset: records that arrive meanwhile have a greater seq and cannot shift it.

import type { PageRequest } from './store.ts';
import { columnOf, type TableShape } from './tables.ts';

export type SqlValue = string | number | null;

export interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

export interface Condition {
  readonly column: string;
  /** `=` finds null too. `LIKE` takes `%` as any text; the value must hold none of its other signs, `_` and `\\`. */
  readonly operator: '=' | '<=' | '<' | '>=' | 'LIKE';
  readonly value: SqlValue;
}

// A column may be called `to` or `from`, which are words of SQL: all names are quoted.
const quoted = (name: string): string => `"${name}"`;

/** What is the same for every record of a table is made once: every call writes some. */
function oncePerTable<T>(make: (table: TableShape) => T): (table: TableShape) => T {
  const made = new WeakMap<TableShape, { readonly value: T }>();
  return (table) => {
    const known = made.get(table) ?? { value: make(table) };
    made.set(table, known);
    return known.value;
  };
}

/** All columns a record fills: its fields, the key unless it is a field, and the derived ones. */
export const columnsOf = oncePerTable((table): readonly string[] => [
  ...new Set(['sid', ...Object.keys(table.columns).map(columnOf), ...Object.keys(table.derived)]),
]);

/** `source` gives the values: a list or a query. */
function insertOf(table: TableShape, source: string): string {
  return `INSERT INTO ${table.name} (${columnsOf(table).map(quoted).join(', ')}) ${source}`;
}

const oneRow = (table: TableShape): string =>
  `VALUES (${columnsOf(table)
    .map(() => '?')
    .join(', ')})`;

export const insertText = oncePerTable((table) => insertOf(table, oneRow(table)));

/** Inserts, or replaces the record of the same sid without moving it in the order. */
export function upsertOf(table: TableShape, source: string): string {
  const changes = columnsOf(table)
    .filter((column) => column !== 'sid')
    .map((column) => `${quoted(column)} = excluded.${quoted(column)}`);
  return `${insertOf(table, source)} ON CONFLICT (sid) DO UPDATE SET ${changes.join(', ')}`;
}

export const upsertText = oncePerTable((table) => upsertOf(table, oneRow(table)));

/** Parameters: all columns but sid in order, then sid. */
export const updateText = oncePerTable((table) => {
  const changes = columnsOf(table)
    .filter((column) => column !== 'sid')
    .map((column) => `${quoted(column)} = ?`);
  return `UPDATE ${table.name} SET ${changes.join(', ')} WHERE sid = ?`;
});

/** The oldest records by a column that has an index; `what` is `*` or `sid`. */
export function oldestStatement(
  table: TableShape,
  what: '*' | 'sid',
  { column, before, size }: { readonly column: string; readonly before: SqlValue; readonly size: number },
): Statement {
  const text = `SELECT ${what} FROM ${table.name} WHERE ${quoted(column)} < ? ORDER BY ${quoted(column)} LIMIT ?`;
  return { text, values: [before, size] };
}

export const getText = (table: TableShape): string => `SELECT * FROM ${table.name} WHERE sid = ?`;

export const eraseText = (table: TableShape): string => `DELETE FROM ${table.name} WHERE sid = ?`;

/** Gives the removed row back: its parent list has to be told. */
export const removeText = (table: TableShape): string => `DELETE FROM ${table.name} WHERE sid = ? RETURNING *`;

/** Remembers where a removed record stood, so that a walk that removes what it reads can go on behind it. */
export const markRemovedText = (table: TableShape): string =>
  `INSERT INTO removed (sid, seq) SELECT sid, seq FROM ${table.name} WHERE sid = ?`;

/** Parameters: sid, and how many marks stay. An older mark of the same sid goes too. */
export const FORGET_MARKS = 'DELETE FROM removed WHERE sid = ? OR mark <= (SELECT MAX(mark) FROM removed) - ?';

// Null by its own words: PostgreSQL uses an index for `IS NULL` but not for `IS NOT DISTINCT FROM`.
const isNull = (condition: Condition): boolean => condition.operator === '=' && condition.value === null;

const clause = (condition: Condition): string =>
  isNull(condition) ? `${quoted(condition.column)} IS NULL` : `${quoted(condition.column)} ${condition.operator} ?`;

const valuesOf = (conditions: readonly Condition[]): SqlValue[] =>
  conditions.filter((condition) => !isNull(condition)).map((condition) => condition.value);

const whereText = (clauses: readonly string[]): string => (clauses.length > 0 ? ` WHERE ${clauses.join(' AND ')}` : '');

/** One record more than the page asks for is read: it says whether there is more. */
export function listStatement(table: TableShape, conditions: readonly Condition[], page: PageRequest): Statement {
  const clauses = conditions.map(clause);
  const values = valuesOf(conditions);
  const backwards = page.cursor !== null && page.direction === 'previous';
  if (page.cursor !== null) {
    const place = `COALESCE((SELECT seq FROM ${table.name} WHERE sid = ?), (SELECT seq FROM removed WHERE sid = ?))`;
    clauses.push(`seq ${backwards ? '>' : '<'} ${place}`);
    values.push(page.cursor, page.cursor);
  }
  const offset = page.cursor === null ? page.page * page.size : 0;
  const order = backwards ? 'ASC' : 'DESC';
  values.push(page.size + 1, offset);
  return {
    text: `SELECT * FROM ${table.name}${whereText(clauses)} ORDER BY seq ${order} LIMIT ? OFFSET ?`,
    values,
  };
}

export function countStatement(table: TableShape, conditions: readonly Condition[]): Statement {
  return {
    text: `SELECT COUNT(*) AS total FROM ${table.name}${whereText(conditions.map(clause))}`,
    values: valuesOf(conditions),
  };
}

/** With `$1`, `$2` … for `?`, as PostgreSQL wants it. No name and no text in a statement holds a question mark. */
export function numbered(text: string): string {
  let index = 0;
  return text.replaceAll('?', () => `$${++index}`);
}
