// X-Twilio-Signature (twiml.md 2.6): Base64 of HMAC-SHA1 under the account's auth token. Pure; client.ts signs what it sends.

import { createHash } from 'node:crypto';
import { createKeyedHash } from '../base/keyed-hash.ts';
import { remembered } from '../base/remembered.ts';

/**
 * Signs a request. `url` is what the receiver sees: scheme to end of query, without fragment, without a default port.
 * `form` holds the fields of a form POST; leave it out for GET and for raw bodies, whose URL says it all.
 * A field given more than once counts once per distinct value, values sorted, as the vendor's checker does it.
 */
export function signRequest(authToken: string, url: string, form?: Iterable<readonly [string, string]>): string {
  // A field that comes again is rare: one value, or several in an array.
  const values = new Map<string, string | string[]>();
  for (const [name, value] of form ?? []) {
    const known = values.get(name);
    if (known === undefined) values.set(name, value);
    else if (typeof known === 'string') values.set(name, [known, value]);
    else known.push(value);
  }
  let data = url;
  // Names by code unit, case-sensitive: the default order of sort(), no locale.
  for (const name of [...values.keys()].sort()) {
    const value = values.get(name)!;
    if (typeof value === 'string') data += name + value;
    else for (const one of [...new Set(value)].sort()) data += name + one;
  }
  return keyOf(authToken).base64(data);
}

/** URL and fields of nearly all requests; what is longer is signed all the same. */
const USUAL_BYTES = 4_096;

/** A key that is made ready once saves half of a signature. */
const keyOf = remembered(64, (authToken) => createKeyedHash(Buffer.from(authToken, 'utf8'), USUAL_BYTES, 'sha1'));

/** A raw or JSON body: the URL with `bodySHA256` in its query, which is what gets requested and signed. */
export function withBodyHash(url: string, body: string | Buffer): string {
  const hash = createHash('sha256').update(body).digest('hex');
  return `${url}${url.includes('?') ? '&' : '?'}bodySHA256=${hash}`;
}

/** The URL that is signed: no fragment, no default port, and no user information unless `withCredentials`. */
export function signedUrl(url: URL, withCredentials: boolean): string {
  const isPlain = url.hash === '' && url.username === '' && url.password === '';
  // An empty fragment still has its sign.
  if (isPlain && !url.href.endsWith('#')) return url.href;
  const signed = new URL(url);
  signed.hash = '';
  if (!withCredentials) {
    signed.username = '';
    signed.password = '';
  }
  return signed.href;
}
