// Lists: the page that a query asks for, and the envelope around it (rest-api.md 7.1). Pages are keyset pages: a link names the record
// at the edge, so a walk is stable while records arrive.
//
//   …/Calls.json?Status=busy&PageSize=50&Page=2&PageToken=PACA…    PA + sid: behind this record
//                                                       PBCA…      PB + sid: before it

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type ApiFault, fault } from './errors.ts';
import { type Form, lastOf } from './form.ts';
import type { Page, PageRequest } from './ports.ts';
import type { ApiRequest } from './request.ts';

const PAGING = new Set(['PageSize', 'Page', 'PageToken']);
const TOKEN = /^(P[AB])([A-Z]{2}[0-9a-f]{32})$/;
const PAGE_MAX = 1_000_000;

/** Reads PageSize (clamped to 1…1000), Page and PageToken. `toCursor` turns the sid of a token into the store's cursor. */
export function pageRequest(query: Form, toCursor = (sid: string): string => sid): Result<PageRequest, ApiFault> {
  const size = Math.min(
    Math.max(wholeNumber(lastOf(query, 'PageSize')) ?? limits.pageSizeDefault, 1),
    limits.pageSizeMax,
  );
  const page = Math.min(wholeNumber(lastOf(query, 'Page')) ?? 0, PAGE_MAX);
  const token = lastOf(query, 'PageToken');
  if (token === undefined) return ok({ size, page, cursor: null });
  const parts = TOKEN.exec(token);
  if (!parts) return err(fault(21481, 'PageToken is not valid'));
  return ok({ size, page, cursor: toCursor(parts[2]!), direction: parts[1] === 'PB' ? 'previous' : 'next' });
}

/** The envelope. `start` and `end` are indexes from 0 over the whole list; links are relative and keep the filters. */
export function pageBody<T extends { readonly sid: string }>(
  request: Pick<ApiRequest, 'path' | 'query'>,
  page: PageRequest,
  found: Page<T>,
  key: string,
  present: (record: T) => object,
): object {
  const links = linksOf(request, `${request.path}.json`, page, found);
  const start = found.records.length > 0 ? page.page * page.size : 0;
  return {
    [key]: found.records.map(present),
    page: page.page,
    page_size: page.size,
    start,
    end: found.records.length > 0 ? start + found.records.length - 1 : 0,
    uri: links.self,
    first_page_uri: links.first,
    previous_page_uri: links.previous,
    next_page_uri: links.next,
  };
}

/** The envelope of v1: `meta` with absolute links on our own origin, which the vendor's library follows (rest-api.md 3.2, 7.1). */
export function metaBody<T extends { readonly sid: string }>(
  request: Pick<ApiRequest, 'path' | 'query' | 'origin'>,
  page: PageRequest,
  found: Page<T>,
  key: string,
  present: (record: T) => object,
): object {
  const links = linksOf(request, request.origin + request.path, page, found);
  return {
    meta: {
      page: page.page,
      page_size: page.size,
      first_page_url: links.first,
      previous_page_url: links.previous,
      url: links.self,
      next_page_url: links.next,
      key,
    },
    [key]: found.records.map(present),
  };
}

interface Links {
  readonly self: string;
  readonly first: string;
  readonly previous: string | null;
  readonly next: string | null;
}

function linksOf<T extends { readonly sid: string }>(
  request: Pick<ApiRequest, 'query'>,
  path: string,
  page: PageRequest,
  found: Page<T>,
): Links {
  const link = (number: number, token?: string): string => {
    const query = new URLSearchParams();
    for (const [name, values] of request.query)
      if (!PAGING.has(name)) for (const value of values) query.append(name, value);
    query.set('PageSize', String(page.size));
    query.set('Page', String(number));
    if (token !== undefined) query.set('PageToken', token);
    return `${path}?${query}`;
  };
  const isBackwards = page.direction === 'previous';
  const first = found.records[0];
  const last = found.records.at(-1);
  // Reached by a link backwards, there is a next page for certain; forwards, a page before exists unless this is the first.
  const hasNext = isBackwards ? last !== undefined : found.hasMore;
  const hasPrevious = isBackwards ? found.hasMore : page.page > 0;
  return {
    self: link(page.page, lastOf(request.query, 'PageToken')),
    first: link(0),
    previous: hasPrevious && first ? link(Math.max(0, page.page - 1), `PB${first.sid}`) : null,
    next: hasNext && last ? link(page.page + 1, `PA${last.sid}`) : null,
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
