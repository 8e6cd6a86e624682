// Repositories of what calls make: written in batches that no call waits for. A read or a durable write first writes what waits, so
// that it sees it.

import type { DateRange, LogRepository, RecordRepository, Repository, TaskRepository } from '../base/repository.ts';
import type { RecordBatch } from './batches.ts';
import type { Operation } from './operations.ts';
import type { Condition } from './sql.ts';
import type { Page, PageRequest } from './store.ts';
import type { TableName } from './tables.ts';
import { allPages, sidOf } from './walk.ts';

type Ask = (operation: Operation) => Promise<unknown>;

interface Sid {
  readonly sid: string;
}

/** A table that is only changed durably. */
export function plainRepository<T extends Sid>(ask: Ask, table: TableName): Repository<T> {
  return {
    get: async (sid) => (await ask({ do: 'get', table, key: sid })) as T | undefined,
    async insert(record) {
      await ask({ do: 'insert', table, record });
    },
    update: async (record) => (await ask({ do: 'update', table, record })) as boolean,
    remove: async (sid) => (await ask({ do: 'remove', table, key: sid })) !== undefined,
    list: async (where, page) => (await ask({ do: 'list', table, where, conditions: [], page })) as Page<T>,
    count: async (where) => (await ask({ do: 'count', table, where })) as number,
  };
}

export function recordRepository<T extends Sid>(ask: Ask, records: RecordBatch, table: TableName): RecordRepository<T> {
  const plain = plainRepository<T>(ask, table);
  const written =
    <Arguments extends unknown[], Value>(action: (...given: Arguments) => Promise<Value>) =>
    async (...given: Arguments): Promise<Value> => {
      await records.flush();
      return action(...given);
    };
  return {
    put: (record) => records.put(table, record),
    get: written(plain.get),
    insert: written(plain.insert),
    update: written(plain.update),
    remove: written((sid) => {
      records.forget(sid);
      return plain.remove(sid);
    }),
    list: written(async (where, page, created: DateRange = {}, updated: DateRange = {}) => {
      const conditions = [
        ...rangeConditions('date_created', created.from, created.to),
        ...rangeConditions('date_updated', updated.from, updated.to),
      ];
      return (await ask({ do: 'list', table, where, conditions, page })) as Page<T>;
    }),
    count: written(plain.count),
  };
}

export function logRepository<T extends Sid>(ask: Ask, records: RecordBatch, table: TableName): LogRepository<T> {
  const { put, get, list, remove } = recordRepository<T>(ask, records, table);
  return { put, get, list: (where, page, range) => list(where, page, range), remove };
}

/** `order` is that of `all`. */
export function taskRepository<T extends Sid>(
  ask: Ask,
  records: RecordBatch,
  table: TableName,
  order: (one: T, two: T) => number,
): TaskRepository<T> {
  return {
    put: (task) => records.put(table, task),
    remove: (sid) => records.erase(table, sid),
    async all() {
      await records.flush();
      const list = async (page: PageRequest) =>
        (await ask({ do: 'list', table, where: {}, conditions: [], page })) as Page<T>;
      return (await allPages(list, sidOf)).toSorted(order);
    },
  };
}

/** Both ends inclusive; undefined = open. */
export function rangeConditions(column: string, from: number | undefined, to: number | undefined): Condition[] {
  const conditions: Condition[] = [];
  if (from !== undefined) conditions.push({ column, operator: '>=', value: from });
  if (to !== undefined) conditions.push({ column, operator: '<=', value: to });
  return conditions;
}
