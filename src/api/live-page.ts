// A page of a list that lives in memory, in its own order (participants, members of a queue): keyset pages as those of the store.

import type { Page, PageRequest } from './ports.ts';

/** `sid` tells a record apart: it is what page links name. A record that has gone meanwhile begins the list anew. */
export function livePage<T extends { readonly sid: string }>(records: readonly T[], page: PageRequest): Page<T> {
  const { size, cursor, direction } = page;
  const at = cursor === null ? -1 : records.findIndex(({ sid }) => sid === cursor);
  if (direction === 'previous') {
    const end = Math.max(0, at);
    const start = Math.max(0, end - size);
    return { records: records.slice(start, end), hasMore: start > 0 };
  }
  const start = cursor === null ? page.page * size : at + 1;
  return { records: records.slice(start, start + size), hasMore: records.length > start + size };
}
