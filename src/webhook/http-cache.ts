// A private HTTP cache for audio files (twiml.md 2.2, RFC 9111): freshness by Cache-Control and Expires, revalidation by
// ETag and Last-Modified, bounded in bytes, least recently used out first. Holds no request logic; media.ts asks it.

import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { MediaFile } from './webhook.ts';

interface Entry {
  readonly file: MediaFile;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly lifetimeMs: number;
  /** Monotonic milliseconds; at or after it the entry must be revalidated. */
  readonly freshUntil: number;
}

export type CacheLookup =
  | { readonly kind: 'fresh'; readonly file: MediaFile }
  | { readonly kind: 'stale'; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'none' };

export class HttpCache {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(clock: Clock, maxBytes: number = limits.mediaCacheBytes) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  lookup(key: string): CacheLookup {
    const entry = this.#entries.get(key);
    if (!entry) return { kind: 'none' };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#clock.now() < entry.freshUntil) return { kind: 'fresh', file: entry.file };
    const headers: Record<string, string> = {};
    if (entry.etag !== undefined) headers['If-None-Match'] = entry.etag;
    if (entry.lastModified !== undefined) headers['If-Modified-Since'] = entry.lastModified;
    return { kind: 'stale', headers };
  }

  /** Keeps the file of a 200 if RFC 9111 3 allows it and it can ever be used again. */
  store(key: string, file: MediaFile, headers: IncomingHttpHeaders): void {
    this.drop(key);
    const directives = cacheControl(headers);
    // Vary: we always ask in the same way, so only `*` and request headers that differ by call matter.
    const vary = String(headers.vary ?? '').toLowerCase();
    const variesByCall = vary !== '' && vary.split(',').some((name) => !SAME_FOR_ALL.has(name.trim()));
    if (directives.has('no-store') || variesByCall) return;
    if (file.body.length > this.#maxBytes / 4) return;
    const lifetimeMs = this.#lifetimeMs(directives, headers);
    const entry: Entry = {
      file,
      lifetimeMs,
      etag: headers.etag,
      lastModified: headers['last-modified'],
      freshUntil: this.#clock.now() + lifetimeMs,
    };
    const isReusable = entry.etag !== undefined || entry.lastModified !== undefined;
    if (!isReusable && lifetimeMs === 0) return;
    this.#entries.set(key, entry);
    this.#bytes += file.body.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.drop(oldest);
    }
  }

  /** RFC 9111 4.3.4: a 304 makes the stored file usable again. Undefined if it was pushed out meanwhile. */
  revalidated(key: string, headers: IncomingHttpHeaders): MediaFile | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    // A field that the 304 does not repeat keeps its stored value.
    const isRestated = headers['cache-control'] !== undefined || headers.expires !== undefined;
    const lifetimeMs = isRestated ? this.#lifetimeMs(cacheControl(headers), headers) : entry.lifetimeMs;
    this.#entries.set(key, { ...entry, lifetimeMs, freshUntil: this.#clock.now() + lifetimeMs });
    return entry.file;
  }

  drop(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.file.body.length;
  }

  // RFC 9111 4.2.1: max-age over Expires; no guessing without either. `no-cache` forces revalidation every time.
  #lifetimeMs(directives: ReadonlyMap<string, string>, headers: IncomingHttpHeaders): number {
    if (directives.has('no-cache')) return 0;
    const maxAge = directives.get('max-age');
    const ageMs = /^\d{1,9}$/.test(String(headers.age ?? '')) ? Number(headers.age) * 1000 : 0;
    if (maxAge !== undefined) return /^\d{1,9}$/.test(maxAge) ? Math.max(0, Number(maxAge) * 1000 - ageMs) : 0;
    const expires = Date.parse(String(headers.expires ?? ''));
    if (Number.isNaN(expires)) return 0;
    const date = Date.parse(String(headers.date ?? ''));
    return Math.max(0, expires - (Number.isNaN(date) ? this.#clock.wall() : date));
  }
}

const SAME_FOR_ALL: ReadonlySet<string> = new Set(['accept', 'accept-encoding', 'user-agent', 'origin']);

function cacheControl(headers: IncomingHttpHeaders): ReadonlyMap<string, string> {
  const directives = new Map<string, string>();
  for (const part of String(headers['cache-control'] ?? '').split(',')) {
    const [name = '', value = ''] = part.split('=');
    if (name.trim() !== '') directives.set(name.trim().toLowerCase(), value.trim().replace(/^"|"$/g, ''));
  }
  return directives;
}
