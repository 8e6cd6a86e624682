// What a table is, as data: which field of a record is which column, and of what kind.

/** `json` holds arrays and maps; `secret` is text under the secret key. Neither can be searched. */
export type ColumnKind = 'text' | 'integer' | 'boolean' | 'json' | 'secret';

export interface Table<T> {
  readonly name: string;
  /** One entry per field; the column is the field in snake_case. */
  readonly columns: { readonly [Field in keyof T]-?: ColumnKind };
  /** The value of column `key`, unique: cursors, get and remove use it. */
  readonly keyOf: (record: T) => string;
  /** Columns made from the record for searching only; never read back. */
  readonly derived: { readonly [column: string]: (record: T) => string };
}

/** What statements need of a table, whatever its records are. */
export interface TableShape {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnKind>>;
  readonly derived: Readonly<Record<string, unknown>>;
}

export const sidOf = (record: { readonly sid: string }): string => record.sid;

/** `voiceFallbackUrl` → `voice_fallback_url`. */
export const columnOf = (field: string): string =>
  field.replace(/[A-Z0-9]+/g, (part, offset) => (offset > 0 && /[A-Z]/.test(part) ? `_${part.toLowerCase()}` : part));
