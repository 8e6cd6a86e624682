// Dates in filters and bodies. Out: RFC 2822 in UTC with a numeric zone. In: `YYYY-MM-DD` (that whole UTC day) or a date-time, with the
// operator as part of the parameter's name: `StartTime<`, `StartTime>` (rest-api.md 7.3).

import { type Form, lastOf } from './form.ts';

const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;

/** `Tue, 31 Aug 2010 20:36:29 +0000`; null stays null. */
export function rfc2822(wall: number | null): string | null {
  return wall === null ? null : new Date(wall).toUTCString().replace('GMT', '+0000');
}

/** `2015-07-30T20:00:00Z`, as v1 writes dates. */
export const iso8601 = (wall: number): string => new Date(wall).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** Wall milliseconds, both ends inclusive. */
export interface TimeRange {
  readonly from?: number;
  readonly to?: number;
}

/**
 * The range that `Name`, `Name<` and `Name>` ask for together. `none` when a value is no date: a filter on an unknown value gives an
 * empty list, not an error.
 */
export function timeRange(query: Form, name: string): TimeRange | 'none' {
  let from = Number.NEGATIVE_INFINITY;
  let to = Number.POSITIVE_INFINITY;
  for (const operator of ['', '<', '>'] as const) {
    const value = lastOf(query, name + operator);
    if (value === undefined) continue;
    const span = spanOf(value);
    if (!span) return 'none';
    // A day: `<` is up to its first midnight, `>` from it on. A date-time: compared exactly, to the second that is shown.
    if (operator !== '<') from = Math.max(from, span.first);
    if (operator === '<') to = Math.min(to, span.isDay ? span.first : span.last);
    if (operator === '') to = Math.min(to, span.last);
  }
  return { ...(Number.isFinite(from) ? { from } : {}), ...(Number.isFinite(to) ? { to } : {}) };
}

interface Span {
  readonly first: number;
  readonly last: number;
  readonly isDay: boolean;
}

function spanOf(text: string): Span | undefined {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  // A `+` of a zone that was not percent-encoded arrives as a space.
  const normal = text.replace(/ (?=\d{2}:?\d{2}$)/, '+');
  if (!isDay && !/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/.test(normal))
    return undefined;
  const hasZone = isDay || /(Z|[+-]\d{2}:?\d{2})$/.test(normal.slice(10));
  const first = Date.parse(hasZone ? normal : `${normal}Z`);
  if (Number.isNaN(first)) return undefined;
  return { first, last: first + (isDay ? DAY_MS : SECOND_MS) - 1, isDay };
}
