import { describe, expect, test } from 'vitest';
import { HttpCache } from '../../../src/webhook/http-cache.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const file = (size = 10) => ({ contentType: 'audio/wav', body: Buffer.alloc(size) });

// RFC 9111 3, 4.2: headers of the 200, after how many seconds, what the cache says.
const rows: [rule: string, headers: Record<string, string>, seconds: number, kind: 'fresh' | 'stale' | 'none'][] = [
  ['max-age, young', { 'cache-control': 'max-age=60' }, 59, 'fresh'],
  ['max-age, old', { 'cache-control': 'public, max-age=60' }, 60, 'stale'],
  ['Age counts', { 'cache-control': 'max-age=60', age: '50' }, 11, 'stale'],
  ['no-store', { 'cache-control': 'no-store, max-age=60', etag: '"a"' }, 0, 'none'],
  ['no-cache forces revalidation', { 'cache-control': 'no-cache', etag: '"a"' }, 0, 'stale'],
  ['nothing to go by', {}, 0, 'none'],
  ['validator only', { etag: '"a"' }, 0, 'stale'],
  [
    'Expires against Date',
    { expires: 'Fri, 02 Jan 2026 00:01:00 GMT', date: 'Fri, 02 Jan 2026 00:00:00 GMT' },
    59,
    'fresh',
  ],
  ['Expires in the past', { expires: '0', etag: '"a"' }, 0, 'stale'],
  ['max-age that is no number', { 'cache-control': 'max-age=soon' }, 0, 'none'],
  ['Vary on what is always the same', { 'cache-control': 'max-age=60', vary: 'Accept-Encoding' }, 1, 'fresh'],
  ['Vary on something else', { 'cache-control': 'max-age=60', vary: 'Cookie' }, 1, 'none'],
  ['Vary *', { 'cache-control': 'max-age=60', vary: '*' }, 1, 'none'],
];

describe('twiml.md 2.2, RFC 9111: cache of audio files [twiml 2.2 cache-media] [twiml 2.2 cache-no-cache]', () => {
  test.each(rows)('%s', (_rule, headers, seconds, kind) => {
    const clock = new VirtualClock();
    const cache = new HttpCache(clock);
    cache.store('k', file(), headers);
    clock.advance(seconds * 1000);
    expect(cache.lookup('k').kind).toBe(kind);
  });

  test('revalidation asks with both validators; 304 makes it fresh for its own lifetime again', () => {
    const clock = new VirtualClock();
    const cache = new HttpCache(clock);
    cache.store('k', file(), { 'cache-control': 'max-age=60', etag: '"a"', 'last-modified': 'yesterday' });
    clock.advance(60_000);
    expect(cache.lookup('k')).toEqual({
      kind: 'stale',
      headers: { 'If-None-Match': '"a"', 'If-Modified-Since': 'yesterday' },
    });
    expect(cache.revalidated('k', {})).toBeDefined();
    clock.advance(59_000);
    expect(cache.lookup('k').kind).toBe('fresh');
    cache.revalidated('k', { 'cache-control': 'no-cache' });
    expect(cache.lookup('k').kind).toBe('stale');
  });

  test('bounded: least recently used out first; one file takes at most a quarter', () => {
    const cache = new HttpCache(new VirtualClock(), 100);
    for (const key of ['a', 'b', 'c', 'd']) cache.store(key, file(25), { etag: key });
    cache.lookup('a');
    cache.store('e', file(20), { etag: 'e' });
    expect(cache.lookup('b').kind).toBe('none');
    expect(cache.lookup('a').kind).toBe('stale');
    expect(cache.bytes).toBe(95);
    cache.store('big', file(26), { etag: 'x' });
    expect(cache.lookup('big').kind).toBe('none');
  });
});
