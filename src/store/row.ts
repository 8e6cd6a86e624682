// Records ↔ rows, by the column kinds of tables.ts. Secrets are sealed on the way in and opened on the way out, bound to their
// table, column and sid, so that a sealed value copied to another row does not open.

import { openSecret, sealSecret } from './secrets.ts';
import { type Condition, columnsOf, type SqlValue } from './sql.ts';
import { type ColumnKind, columnOf, type Table } from './tables.ts';

interface FieldColumn {
  readonly field: string;
  readonly kind: ColumnKind;
  readonly column: string;
  /** Of a secret: with the key of the row it is what its sealed value is bound to. */
  readonly place: string;
}

interface RowLayout {
  readonly fields: readonly FieldColumn[];
  /** For each column of `columnsOf`: its field, or what it is derived by. */
  readonly sources: readonly (FieldColumn | ((record: never) => string))[];
}

/** Made once: every call writes some rows. */
const layouts = new WeakMap<object, RowLayout>();

function layoutOf<T>(table: Table<T>): RowLayout {
  const known = layouts.get(table);
  if (known) return known;
  const fields = entriesOf(table).map(([field, kind]) => {
    const column = columnOf(field);
    return { field, kind, column, place: `${table.name}.${column}:` };
  });
  const key = (record: never): string => table.keyOf(record);
  const sources = columnsOf(table).map(
    (column) => table.derived[column] ?? fields.find((one) => one.column === column) ?? key,
  );
  const layout = { fields, sources };
  layouts.set(table, layout);
  return layout;
}

/** Values for `columnsOf(table)`, in that order. */
export function rowOf<T>(table: Table<T>, record: T, secretKey: Buffer): readonly SqlValue[] {
  const key = table.keyOf(record);
  return layoutOf(table).sources.map((source) => {
    if (typeof source === 'function') return source(record as never);
    const value = record[source.field as keyof T];
    return source.kind === 'secret' ? encodeSecret(value, secretKey, source.place + key) : encode(value, source.kind);
  });
}

/** Throws when a secret does not open: the secret key is checked when the database is opened, so the row was tampered with. */
export function recordOf<T>(table: Table<T>, row: Readonly<Record<string, unknown>>, secretKey: Buffer): T {
  const record: Record<string, unknown> = {};
  for (const { field, kind, column, place } of layoutOf(table).fields)
    record[field] = decode(row[column], kind, secretKey, place, row.sid);
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
    conditions.push({ column: columnOf(field), operator: '=', value: encode(value, kind) });
  }
  return conditions;
}

const entriesOf = <T>(table: Table<T>): readonly (readonly [keyof T & string, ColumnKind])[] =>
  Object.entries(table.columns) as unknown as readonly (readonly [keyof T & string, ColumnKind])[];

const encodeSecret = (value: unknown, secretKey: Buffer, place: string): SqlValue =>
  value === null || value === undefined ? null : sealSecret(secretKey, String(value), place);

function encode(value: unknown, kind: Exclude<ColumnKind, 'secret'>): SqlValue {
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
  }
}

function decode(value: unknown, kind: ColumnKind, secretKey: Buffer, place: string, key: unknown): unknown {
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
      return openSecret(secretKey, String(value), place + String(key));
  }
}
