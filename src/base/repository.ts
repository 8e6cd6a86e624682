// What every keeper of records offers. It stands in base so that api/, store/ and the parts of a call that keep records share one shape.

/** One page, newest first unless said otherwise; `cursor` is the sid of the last record of the page before (keyset). */
export interface PageRequest {
  readonly size: number;
  readonly cursor: string | null;
  /** `previous` reads the page that ends just before the cursor (still newest first). Default `next`. */
  readonly direction?: 'next' | 'previous';
  /** Used without cursor: skip `page * size` records. */
  readonly page: number;
}

export interface Page<T> {
  readonly records: readonly T[];
  readonly hasMore: boolean;
}

/** Promises reject with an error whose `code` is `duplicate`, `missing`, `full` or `unavailable`. */
export interface Repository<T> {
  get(sid: string): Promise<T | undefined>;
  /** Rejects with `duplicate` when the sid or a name that must be unique is taken. */
  insert(record: T): Promise<void>;
  /** Replaces the record of the same sid. False when there is none. */
  update(record: T): Promise<boolean>;
  /** False when there was none. */
  remove(sid: string): Promise<boolean>;
  /** Records whose fields equal `where`, newest first. */
  list(where: Partial<T>, page: PageRequest): Promise<Page<T>>;
  count(where: Partial<T>): Promise<number>;
}

/** Wall milliseconds, both ends inclusive. */
export interface DateRange {
  readonly from?: number;
  readonly to?: number;
}

/** Records that are made by calls and read by date: written in batches, never awaited by a call. */
export interface LogRepository<T> {
  /** Inserts or replaces; batched within 100 ms. */
  put(record: T): void;
  get(sid: string): Promise<T | undefined>;
  /** Records whose fields equal `where` and whose `dateCreated` is in `range`, newest first. */
  list(where: Partial<T>, page: PageRequest, range?: DateRange): Promise<Page<T>>;
  remove(sid: string): Promise<boolean>;
}

/** Records that calls make in batches and REST changes durably. What was put before is written before anything else is done. */
export interface RecordRepository<T> extends Repository<T> {
  /** Inserts or replaces; batched within 100 ms. */
  put(record: T): void;
  /** Records whose fields equal `where`, whose `dateCreated` is in `created` and whose `dateUpdated` is in `updated`, newest first. */
  list(where: Partial<T>, page: PageRequest, created?: DateRange, updated?: DateRange): Promise<Page<T>>;
}

/** What is to be done later and must not be forgotten by a restart. */
export interface TaskRepository<T> {
  /** Inserts or replaces; durable within 100 ms. */
  put(task: T): void;
  /** Done, or given up; durable within 100 ms. */
  remove(sid: string): void;
  /** All that are still to be done, in their order. */
  all(): Promise<readonly T[]>;
}
