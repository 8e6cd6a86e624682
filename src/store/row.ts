// Records ↔ rows, by the column kinds of tables.ts. Secrets are sealed on the way in and opened on the way out, bound to their
// table, column and sid, so that a sealed value copied to another row does not open.

import { openSecret, sealSecret } from './secrets.ts';
import { type Condition, columnsOf, type SqlValue } from './sql.ts';
import { type ColumnKind, columnOf, type Table } from './tables.ts';

/** Values for `columnsOf(table)`, in that order. */
export function rowOf<T>(table: Table<T>, record: T, secretKey: Buffer): readonly SqlValue[] {
  const key = table.keyOf(record);
  const values = new Map<string, SqlValue>([['sid', key]]);
  for (const [field, kind] of entriesOf(table)) {
    const column = columnOf(field);
    values.set(column, encode(record[field], kind, secretKey, `${table.name}.${column}:${key}`));
  }
  for (const [column, derive] of Object.entries(table.derived)) values.set(column, derive(record));
  return columnsOf(table).map((column) => values.get(column) ?? null);
}

/** Throws when a secret does not open: the secret key is checked when the database is opened, so the row was tampered with. */
export function recordOf<T>(table: Table<T>, row: Readonly<Record<string, unknown>>, secretKey: Buffer): T {
  const record: Partial<Record<keyof T, unknown>> = {};
  for (const [field, kind] of entriesOf(table)) {
    const column = columnOf(field);
    record[field] = decode(row[column], kind, secretKey, `${table.name}.${column}:${String(row.sid)}`);
  }
  return record as T;
}

/** A zero byte is no character of a text in PostgreSQL; peers write what they like. For keys, cursors and filters too. */
export const storable = (value: SqlValue): SqlValue =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;

/** Equality conditions from a partial record; `undefined` fields are left out. */
export function conditionsOf<T>(table: Table<T>, where: Partial<T>): readonly Condition[] {
  const conditions: Condition[] = [];
  for (const [field, kind] of entriesOf(table)) {
    const value = where[field];
    if (value === undefined) continue;
    if (kind === 'secret' || kind === 'json') throw new TypeError(`${table.name}.${field} cannot be searched`);
    conditions.push({ column: columnOf(field), operator: '=', value: encode(value, kind, NO_KEY, '') });
  }
  return conditions;
}

const NO_KEY = Buffer.alloc(0);

const entriesOf = <T>(table: Table<T>): readonly (readonly [keyof T & string, ColumnKind])[] =>
  Object.entries(table.columns) as unknown as readonly (readonly [keyof T & string, ColumnKind])[];

function encode(value: unknown, kind: ColumnKind, secretKey: Buffer, place: string): SqlValue {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case 'text':
      return String(value);
    case 'integer':
      return Number(value);
    case 'boolean':
      return value === true ? 1 : 0;
    case 'json':
      return JSON.stringify(value);
    case 'secret':
      return sealSecret(secretKey, String(value), place);
  }
}

function decode(value: unknown, kind: ColumnKind, secretKey: Buffer, place: string): unknown {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case 'text':
    case 'integer':
      return value;
    case 'boolean':
      return value === 1 || value === true;
    case 'json':
      return JSON.parse(String(value));
    case 'secret':
      return openSecret(secretKey, String(value), place);
  }
}
