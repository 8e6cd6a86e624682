// What the façade asks of the thread that holds the database, as plain messages. One message is one group: its writes are committed
// together, and each operation has an outcome of its own.

import type { Condition, SqlValue } from './sql.ts';
import type { BindingChange, PageRequest, StoreFaultCode } from './store.ts';
import type { TableName } from './tables.ts';

/** `erase` removes without a mark for walks: of what is never paged. */
export type Operation =
  | { readonly do: 'insert' | 'update' | 'put'; readonly table: TableName; readonly record: unknown }
  | { readonly do: 'get' | 'remove' | 'erase'; readonly table: TableName; readonly key: string }
  | {
      readonly do: 'list';
      readonly table: TableName;
      readonly where: object;
      readonly conditions: readonly Condition[];
      readonly page: PageRequest;
    }
  | {
      /** The oldest records whose `column` is below `before`, or only their keys; at most `size`. */
      readonly do: 'oldest' | 'oldestKeys';
      readonly table: TableName;
      readonly column: string;
      readonly before: SqlValue;
      readonly size: number;
    }
  | { readonly do: 'count'; readonly table: TableName; readonly where: object }
  | { readonly do: 'saveBindings'; readonly change: BindingChange }
  | { readonly do: 'allBindings' };

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: StoreFaultCode; readonly message: string };

export interface GroupRequest extends PackedOperations {
  readonly id: number;
}

/**
 * Operations as they travel to the thread. Bindings, which are plain data and come by the thousand, go as one text: a structured clone
 * writes the name of each field of each record, at several times the price.
 */
export interface PackedOperations {
  /** In order; null stands for the next change of bindings. */
  readonly operations: readonly (Operation | null)[];
  readonly changes: string;
}

export function packOperations(operations: readonly Operation[]): PackedOperations {
  const changes: BindingChange[] = [];
  const others = operations.map((operation) => {
    if (operation.do !== 'saveBindings') return operation;
    changes.push(operation.change);
    return null;
  });
  return { operations: others, changes: changes.length > 0 ? JSON.stringify(changes) : '' };
}

export function unpackOperations({ operations, changes }: PackedOperations): readonly Operation[] {
  if (changes === '') return operations as readonly Operation[];
  const all = JSON.parse(changes) as readonly BindingChange[];
  let next = 0;
  return operations.map((operation) => operation ?? { do: 'saveBindings', change: all[next++]! });
}

/** What most groups give: every operation was carried out, and none has a value. Travels as one word. */
const ALL_DONE = 'done';
const DONE: Outcome = { ok: true, value: undefined };

export type PackedOutcomes = readonly Outcome[] | typeof ALL_DONE;

export const packOutcomes = (outcomes: readonly Outcome[]): PackedOutcomes =>
  outcomes.every((outcome) => outcome.ok && outcome.value === undefined) ? ALL_DONE : outcomes;

/** The outcome of the operation at `index`; undefined where the database gave none. */
export const outcomeAt = (outcomes: PackedOutcomes, index: number): Outcome | undefined =>
  outcomes === ALL_DONE ? DONE : outcomes[index];

export interface GroupReply {
  readonly id: number;
  readonly outcomes: PackedOutcomes;
}

export const isWrite = (operation: Operation): boolean =>
  operation.do === 'insert' ||
  operation.do === 'update' ||
  operation.do === 'put' ||
  operation.do === 'remove' ||
  operation.do === 'erase' ||
  operation.do === 'saveBindings';
