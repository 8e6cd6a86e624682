// Reading a whole table, page by page along the keyset: for what is held in memory or compared as a whole.

import { limits } from '../base/limits.ts';
import type { Page, PageRequest } from './store.ts';

export const sidOf = (record: { readonly sid: string }): string => record.sid;

/** Walks a list to its end. Records that arrive meanwhile are newer than the first page and are not read. */
export async function allPages<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  keyOf: (record: T) => string,
): Promise<T[]> {
  const records: T[] = [];
  let cursor: string | null = null;
  for (;;) {
    const page: Page<T> = await list({ size: limits.pageSizeMax, cursor, page: 0 });
    records.push(...page.records);
    const last = page.records.at(-1);
    if (!page.hasMore || last === undefined) return records;
    cursor = keyOf(last);
  }
}
