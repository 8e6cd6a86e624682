// Cookies of one call (twiml.md 2.2): taken from any answer, sent back on later requests, gone when the call ends.
// What RFC 6265 needs of a client that never shows them to anyone: domain, path, secure, expiry. Bounded in count and bytes.

import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  /** RFC 6265 5.3 step 6: no Domain attribute, or one that names the host itself. */
  readonly isHostOnly: boolean;
  readonly path: string;
  readonly isSecure: boolean;
  /** Wall milliseconds; undefined = until the call ends. */
  readonly expiresAt: number | undefined;
}

export class CookieJar {
  readonly #cookies = new Map<string, Cookie>();

  get size(): number {
    return this.#cookies.size;
  }

  /** Takes the Set-Cookie header values of an answer from `url`. What is too long or not for this host is dropped. */
  store(url: URL, setCookies: readonly string[], wallMs: number): void {
    for (const line of setCookies) {
      if (Buffer.byteLength(line) > limits.cookieBytes) continue;
      const cookie = parseSetCookie(line, url, wallMs);
      if (!cookie) continue;
      const key = `${cookie.domain};${cookie.path};${cookie.name}`;
      this.#cookies.delete(key);
      if (cookie.expiresAt !== undefined && cookie.expiresAt <= wallMs) continue;
      if (this.#cookies.size >= limits.cookiesPerCall) {
        // Full: the oldest makes room (RFC 6265 6.1 leaves the choice open).
        const oldest = this.#cookies.keys().next();
        if (!oldest.done) this.#cookies.delete(oldest.value);
      }
      this.#cookies.set(key, cookie);
    }
  }

  /** The Cookie header for a request to `url`; undefined when there is none to send. */
  header(url: URL, wallMs: number): string | undefined {
    const sent: Cookie[] = [];
    for (const [key, cookie] of this.#cookies) {
      if (cookie.expiresAt !== undefined && cookie.expiresAt <= wallMs) this.#cookies.delete(key);
      else if (isSentTo(cookie, url)) sent.push(cookie);
    }
    if (sent.length === 0) return undefined;
    // RFC 6265 5.4 step 2: longer paths first, then the older ones; sort() is stable.
    sent.sort((a, b) => b.path.length - a.path.length);
    return sent.map(({ name, value }) => `${name}=${value}`).join('; ');
  }
}

function isSentTo(cookie: Cookie, url: URL): boolean {
  if (cookie.isSecure && url.protocol !== 'https:') return false;
  const host = url.hostname;
  if (cookie.isHostOnly ? host !== cookie.domain : !domainMatches(host, cookie.domain)) return false;
  // RFC 6265 5.1.4
  if (url.pathname === cookie.path) return true;
  if (!url.pathname.startsWith(cookie.path)) return false;
  return cookie.path.endsWith('/') || url.pathname[cookie.path.length] === '/';
}

// RFC 6265 5.1.3: a suffix on a label boundary, never for addresses.
function domainMatches(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !/^[\d.]+$|^\[/.test(host));
}

function parseSetCookie(line: string, url: URL, wallMs: number): Cookie | undefined {
  const [pair = '', ...attributes] = line.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, equals)).trim();
  const value = pair.slice(equals + 1).trim();
  // Sent back as a header value: a control character in it would be an injection.
  if (equals < 0 || name === '' || /[\x00-\x1f\x7f]/.test(name + value)) return undefined;
  let domain = url.hostname;
  let isHostOnly = true;
  let path = defaultPath(url);
  let isSecure = false;
  let expires: number | undefined;
  let maxAge: number | undefined;
  for (const attribute of attributes) {
    const [rawKey = '', ...rest] = attribute.split('=');
    const key = rawKey.trim().toLowerCase();
    const text = rest.join('=').trim();
    if (key === 'secure') isSecure = true;
    else if (key === 'path' && text.startsWith('/')) path = text;
    else if (key === 'max-age' && /^-?\d{1,10}$/.test(text)) maxAge = wallMs + Number(text) * 1000;
    else if (key === 'expires' && !Number.isNaN(Date.parse(text))) expires = Date.parse(text);
    else if (key === 'domain' && text !== '') {
      domain = text.replace(/^\./, '').toLowerCase();
      isHostOnly = domain === url.hostname;
    }
  }
  // A server may set cookies for itself and its parents, but not for a whole top-level domain, nor for others.
  if (!isHostOnly && (!domainMatches(url.hostname, domain) || !domain.includes('.'))) return undefined;
  // RFC 6265 5.3 step 3: Max-Age wins over Expires.
  return { name, value, domain, isHostOnly, path, isSecure, expiresAt: maxAge ?? expires };
}

// RFC 6265 5.1.4: the directory of the request path.
function defaultPath(url: URL): string {
  const end = url.pathname.lastIndexOf('/');
  return end <= 0 ? '/' : url.pathname.slice(0, end);
}

/** The jars of all calls; the oldest call loses its jar when there are too many. */
export class CookieJars {
  readonly #jars = new Map<string, CookieJar>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#jars.size;
  }

  header(callSid: string, url: URL): string | undefined {
    return this.#jars.get(callSid)?.header(url, this.#clock.wall());
  }

  /** With `mayCreate` false only a jar that exists takes them: status callbacks come when the call may be over. */
  store(callSid: string, url: URL, headers: IncomingHttpHeaders, mayCreate: boolean): void {
    const setCookies = headers['set-cookie'] as string | string[] | undefined;
    if (setCookies === undefined) return;
    let jar = this.#jars.get(callSid);
    if (!jar) {
      if (!mayCreate) return;
      const oldest = this.#jars.keys().next();
      if (this.#jars.size >= limits.cookieJars && !oldest.done) this.#jars.delete(oldest.value);
      jar = new CookieJar();
      this.#jars.set(callSid, jar);
    }
    jar.store(url, typeof setCookies === 'string' ? [setCookies] : setCookies, this.#clock.wall());
  }

  forget(callSid: string): void {
    this.#jars.delete(callSid);
  }
}
