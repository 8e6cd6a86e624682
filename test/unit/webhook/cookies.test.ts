import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { CookieJar, CookieJars } from '../../../src/webhook/cookies.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const NOW = Date.UTC(2026, 0, 1);
const FROM = 'https://app.example.test/dir/voice';

// RFC 6265 5.3, 5.4: Set-Cookie, URL of the next request, Cookie sent (undefined = none).
const rows: [rule: string, setCookie: string, url: string, sent: string | undefined][] = [
  ['name and value', 'a=1', FROM, 'a=1'],
  ['value may hold =', 'a=b=c', FROM, 'a=b=c'],
  ['value in quotes is kept', 'a="x y"', FROM, 'a="x y"'],
  ['no name', '=1', FROM, undefined],
  ['no equals sign', 'a', FROM, undefined],
  ['host only: not for a subdomain', 'a=1', 'https://x.app.example.test/dir/', undefined],
  ['default path is the directory', 'a=1', 'https://app.example.test/dir/other', 'a=1'],
  ['default path does not cover others', 'a=1', 'https://app.example.test/else', undefined],
  ['path', 'a=1; Path=/', 'https://app.example.test/else', 'a=1'],
  ['path on a segment boundary', 'a=1; Path=/di', 'https://app.example.test/dir/x', undefined],
  ['domain covers subdomains', 'a=1; Domain=example.test; Path=/', 'https://other.example.test/', 'a=1'],
  ['leading dot is ignored', 'a=1; Domain=.example.test; Path=/', 'https://other.example.test/', 'a=1'],
  ['domain of another site is refused', 'a=1; Domain=evil.test', FROM, undefined],
  ['domain below the host is refused', 'a=1; Domain=x.app.example.test', FROM, undefined],
  ['top-level domain is refused', 'a=1; Domain=test', FROM, undefined],
  ['domain match needs a label boundary', 'a=1; Domain=example.test; Path=/', 'https://badexample.test/', undefined],
  ['secure: not over http', 'a=1; Secure; Path=/', 'http://app.example.test/', undefined],
  ['secure: over https', 'a=1; Secure; Path=/', 'https://app.example.test/', 'a=1'],
  ['Max-Age=0 deletes', 'a=1; Max-Age=0', FROM, undefined],
  ['negative Max-Age deletes', 'a=1; Max-Age=-5', FROM, undefined],
  ['Max-Age wins over Expires', 'a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60', FROM, 'a=1'],
  ['Expires in the past', 'a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT', FROM, undefined],
  ['Expires that is no date is ignored', 'a=1; Expires=soon', FROM, 'a=1'],
  ['control characters are refused', 'a=1\r\nX: y', FROM, undefined],
  ['over 4096 bytes', `a=${'x'.repeat(limits.cookieBytes)}`, FROM, undefined],
  ['ports share cookies', 'a=1', 'https://app.example.test:8443/dir/x', 'a=1'],
];

describe('RFC 6265 cookies of one call [twiml 2.2 cookies]', () => {
  test.each(rows)('%s', (_rule, setCookie, url, sent) => {
    const jar = new CookieJar();
    jar.store(new URL(FROM), [setCookie], NOW);
    expect(jar.header(new URL(url), NOW)).toBe(sent);
  });

  test('a cookie of the same name, domain and path is replaced', () => {
    const jar = new CookieJar();
    jar.store(new URL(FROM), ['a=1', 'a=2'], NOW);
    expect(jar.header(new URL(FROM), NOW)).toBe('a=2');
  });

  test('5.4: longer paths first', () => {
    const jar = new CookieJar();
    jar.store(new URL(FROM), ['a=root; Path=/', 'b=dir'], NOW);
    expect(jar.header(new URL(FROM), NOW)).toBe('b=dir; a=root');
  });

  test('expires while waiting', () => {
    const jar = new CookieJar();
    jar.store(new URL(FROM), ['a=1; Max-Age=10'], NOW);
    expect(jar.header(new URL(FROM), NOW + 9_999)).toBe('a=1');
    expect(jar.header(new URL(FROM), NOW + 10_000)).toBeUndefined();
    expect(jar.size).toBe(0);
  });

  test('bounded: the oldest makes room', () => {
    const jar = new CookieJar();
    jar.store(
      new URL(FROM),
      Array.from({ length: limits.cookiesPerCall + 1 }, (_, index) => `c${index}=1`),
      NOW,
    );
    expect(jar.size).toBe(limits.cookiesPerCall);
    expect(jar.header(new URL(FROM), NOW)).not.toContain('c0=1;');
  });
});

describe('twiml.md 16, 25: a jar per call', () => {
  const headers = { 'set-cookie': ['a=1'] };

  test('calls do not see one another; forget drops the jar [twiml 2.2 cookie-jar] [twiml 16 point-25]', () => {
    const jars = new CookieJars(new VirtualClock());
    jars.store('CA1', new URL(FROM), headers, true);
    expect(jars.header('CA1', new URL(FROM))).toBe('a=1');
    expect(jars.header('CA2', new URL(FROM))).toBeUndefined();
    jars.forget('CA1');
    expect(jars.size).toBe(0);
  });

  test('a status callback makes no jar', () => {
    const jars = new CookieJars(new VirtualClock());
    jars.store('CA1', new URL(FROM), headers, false);
    expect(jars.size).toBe(0);
  });
});
