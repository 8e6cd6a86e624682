// Form fields and query strings of webhooks: ordered maps, one encoding for bodies and for queries.
// Pure. What the fields mean is known to call/ (standard ones) and twiml/ (those of a verb), not here.

import type { WebhookParams } from './webhook.ts';

type Entry = readonly [name: string, value: string | number | boolean | null | undefined];

/** An ordered map of the entries that have a value. Numbers are decimal, booleans `true`/`false` (twiml.md 3.1). */
export function buildParams(entries: Iterable<Entry>): WebhookParams {
  const params = new Map<string, string>();
  for (const [name, value] of entries) {
    if (value !== null && value !== undefined) params.set(name, String(value));
  }
  return params;
}

/** `base` with `extra` behind it; a name that occurs in both takes the value of `extra`, in its old place. */
export function mergeParams(base: WebhookParams, extra: WebhookParams): WebhookParams {
  const merged = new Map(base);
  for (const [name, value] of extra) merged.set(name, value);
  return merged;
}

/** `application/x-www-form-urlencoded`, UTF-8. */
export function encodeForm(params: WebhookParams): string {
  let form = '';
  for (const [name, value] of params) form += `${form === '' ? '' : '&'}${encodeText(name)}=${encodeText(value)}`;
  return form;
}

/** What the form encoding leaves as it is (URL standard 5.2, application/x-www-form-urlencoded percent-encode set). */
const PLAIN = /^[\w*.-]*$/;
const ENCODED_TOO = /%20|[!'()~]/g;

/** As URLSearchParams does it, at a part of its cost: most names and values have nothing to be encoded. */
function encodeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return encodeURIComponent(text.toWellFormed()).replace(ENCODED_TOO, (found) =>
    found === '%20' ? '+' : `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** twiml.md 2.1: with GET the parameters follow the query that the URL already has, which is kept as written. */
export function mergeQuery(url: URL, params: WebhookParams): URL {
  const merged = new URL(url);
  const added = encodeForm(params);
  const own = merged.search.replace(/^\?/, '');
  if (added !== '') merged.search = own === '' ? added : `${own}&${added}`;
  return merged;
}

/** RFC 2822 date in UTC, as the vendor writes it: `Fri, 20 Aug 2010 01:13:42 +0000`. */
export function rfc2822Date(wallMs: number): string {
  return new Date(wallMs).toUTCString().replace(/GMT$/, '+0000');
}
