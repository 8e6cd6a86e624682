// Why did the application refuse our signature? Shows what was signed, and looks for the mistake that gives what the application
// computed: most often a proxy before it changed the scheme, the port or the path, or the body was not parsed (twiml.md 2.6).
//
//   what we signed:  https://app.test/voice      + CallSid… From…    ──HMAC──▶ abc=
//   what it signed:  http://app.test:3000/voice  + (nothing)         ──HMAC──▶ xyz=   found: scheme, port, no body
//
// Every combination of one change per part is tried; the one with the fewest changes is told.

import type { HttpMethod } from '../base/records.ts';
import { mergeQuery } from './params.ts';
import { signedUrl, signRequest } from './signature.ts';
import type { WebhookParams } from './webhook.ts';

export interface SignedRequest {
  /** As configured, without fragment. */
  readonly url: string;
  readonly method: HttpMethod;
  readonly params: WebhookParams;
}

export interface SignatureExplanation {
  /** The URL that was signed. */
  readonly url: string;
  /** What was appended to it, in this order; empty for GET. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly signature: string;
  /** What the application did differently, in words; empty: its signature is ours. Undefined: none of the known mistakes gives it. */
  readonly mistakes: readonly string[] | undefined;
  /** The URL that the application signed, where it was found. */
  readonly applicationUrl: string | undefined;
}

type Variant<T> = readonly [mistake: string | undefined, change: (value: T) => T | undefined];
type Fields = readonly (readonly [string, string])[];

/** Ports that applications listen on behind a proxy. */
const INNER_PORTS = [
  '80',
  '443',
  '1337',
  '3000',
  '3001',
  '4000',
  '4567',
  '5000',
  '7090',
  '8000',
  '8080',
  '8443',
  '9000',
];

const PREFIXES = 4;

const schemes: readonly Variant<string>[] = [
  [undefined, (url) => url],
  ['http instead of https: the proxy ends TLS', (url) => swapped(url, 'https:', 'http:')],
  ['https instead of http', (url) => swapped(url, 'http:', 'https:')],
  ['ws instead of wss', (url) => swapped(url, 'wss:', 'ws:')],
];

const ports: readonly Variant<string>[] = [
  [undefined, (url) => url],
  ['the port is left out', (url) => (/^\w+:\/\/[^/]*:\d+(?=\/|\?|$)/.test(url) ? withPort(url, '') : undefined)],
  ...INNER_PORTS.map((port): Variant<string> => [`port ${port} is added`, (url) => withPort(url, `:${port}`)]),
];

const paths: readonly Variant<string>[] = [
  [undefined, (url) => url],
  ['a slash is added to the path', (url) => url.replace(/(?<!\/)(\?|$)/, '/$1')],
  ['the slash at the end of the path is missing', (url) => url.replace(/\/(\?|$)/, '$1')],
  ['the query is left out', (url) => (url.includes('?') ? url.replace(/\?.*$/, '') : undefined)],
  ['the query is decoded', (url) => recoded(url, (query) => decoded(query.replace(/\+/g, ' ')))],
  ['the query is encoded anew', (url) => recoded(url, (query) => new URLSearchParams(query).toString())],
  ['the path is decoded', pathDecoded],
  ['path and query are decoded', (url) => recoded(pathDecoded(url), decoded)],
  ['there is a slash more before the path', (url) => url.replace(/^(\w+:\/\/[^/?]+)\//, '$1//')],
];

/** What a proxy may have cut off in front: each folder of the path, up to a few. */
const prefixes = (url: string): readonly Variant<string>[] => {
  const [, origin = '', path = '', query = ''] = /^(\w+:\/\/[^/?]+)([^?]*)(.*)$/s.exec(url) ?? [];
  const folders = path.split('/').slice(1, -1).slice(0, PREFIXES);
  return folders.map((_, index): Variant<string> => {
    const prefix = `/${folders.slice(0, index + 1).join('/')}`;
    return [
      `${prefix} is missing before the path: the proxy cuts it off`,
      () => origin + path.slice(prefix.length) + query,
    ];
  });
};

/** Names that an application has for itself when the proxy does not hand on the Host header; `given` by who asks. */
const hosts = (given: string | undefined): readonly Variant<string>[] =>
  ['localhost', '127.0.0.1', ...(given ? [given] : [])].map(
    (host): Variant<string> => [
      `host ${host} in place of the one in the URL: the proxy does not hand on Host`,
      (url) => url.replace(/^(\w+:\/\/)(?:\[[^\]]*\]|[^/:?]*)/, `$1${host.replaceAll('$', '')}`),
    ],
  );

const bodies: readonly Variant<Fields>[] = [
  [undefined, (fields) => fields],
  ['the form fields are missing: the body was not parsed, or not handed to the check', () => []],
  ['fields without a value are left out', (fields) => fields.filter(([, value]) => value !== '')],
  ['values are trimmed', (fields) => fields.map(([name, value]) => [name, value.trim()])],
  ['a + in a value became a space', (fields) => fields.map(([name, value]) => [name, value.replace(/\+/g, ' ')])],
  ['values are still percent-encoded', (fields) => fields.map(([name, value]) => [name, encodeURIComponent(value)])],
];

/**
 * Explains the signature of a request that was sent. `computed`: the signature that the application computed itself, if it is known;
 * `host`: a name that it may have for itself.
 * Pure; some thousand HMACs at most.
 */
export function explainSignature(
  request: SignedRequest,
  authToken: string,
  computed?: string,
  host?: string,
): SignatureExplanation {
  const target = request.method === 'GET' ? mergeQuery(new URL(request.url), request.params) : new URL(request.url);
  const url = signedUrl(target, false);
  const form: Fields = request.method === 'POST' ? [...request.params] : [];
  const fields = [...form].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const signature = signRequest(authToken, url, form);
  const found = computed === undefined ? undefined : search(url, form, authToken, computed.trim(), host);
  return { url, fields, signature, mistakes: found?.mistakes, applicationUrl: found?.url };
}

function search(
  url: string,
  form: Fields,
  authToken: string,
  computed: string,
  host: string | undefined,
): { readonly mistakes: readonly string[]; readonly url: string } | undefined {
  let best: { readonly mistakes: readonly string[]; readonly url: string } | undefined;
  const groups = [schemes, ports, [...paths, ...prefixes(url)]];
  const urls = combined(url, groups);
  // Another host with a body that is wrong too is not looked for: the time of the gateway is for calls.
  const elsewhere = combined(url, [hosts(host), ...groups]);
  const forms = variantsOf(form, bodies);
  for (const candidate of [...urls, ...elsewhere]) {
    for (const body of candidate.isElsewhere ? forms.slice(0, 1) : forms) {
      const mistakes = [...candidate.mistakes, ...body.mistakes];
      if (best && best.mistakes.length <= mistakes.length) continue;
      if (signRequest(authToken, candidate.value, body.value) === computed) best = { mistakes, url: candidate.value };
    }
  }
  return best;
}

interface Candidate {
  readonly value: string;
  readonly mistakes: readonly string[];
  readonly isElsewhere: boolean;
}

/** One change of each group after the other. */
function combined(url: string, groups: readonly (readonly Variant<string>[])[]): readonly Candidate[] {
  const start = { value: url, mistakes: [] as readonly string[], isElsewhere: groups.length > 3 };
  return groups.reduce<readonly Candidate[]>(
    (before, group) =>
      before.flatMap((one) =>
        variantsOf(one.value, group).map(({ value, mistakes }) => ({
          ...one,
          value,
          mistakes: [...one.mistakes, ...mistakes],
        })),
      ),
    [start],
  );
}

/** What each variant makes of the value; those that change nothing are left out. */
function variantsOf<T>(value: T, variants: readonly Variant<T>[]): { value: T; mistakes: readonly string[] }[] {
  return variants.flatMap(([mistake, change]) => {
    const changed = change(value);
    if (changed === undefined || (mistake !== undefined && JSON.stringify(changed) === JSON.stringify(value)))
      return [];
    return [{ value: changed, mistakes: mistake === undefined ? [] : [mistake] }];
  });
}

const swapped = (url: string, from: string, to: string): string | undefined =>
  url.startsWith(from) ? to + url.slice(from.length) : undefined;

const withPort = (url: string, port: string): string =>
  url.replace(/^(\w+:\/\/(?:\[[^\]]*\]|[^/:?]*))(?::\d+)?/, `$1${port}`);

function recoded(url: string, change: (query: string) => string): string | undefined {
  const mark = url.indexOf('?');
  return mark < 0 ? undefined : url.slice(0, mark + 1) + change(url.slice(mark + 1));
}

function pathDecoded(url: string): string {
  return url.replace(/^(\w+:\/\/[^/?]+)([^?]*)/, (_all, host, path) => host + decoded(path));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The explanation as lines for a terminal. */
export function printExplanation(explanation: SignatureExplanation, computed: string | undefined): string {
  const { url, fields, signature, mistakes, applicationUrl } = explanation;
  const lines = [`signed URL   ${url}`];
  lines.push(
    ...(fields.length === 0
      ? ['fields       none: everything is in the URL']
      : fields.map(([name, value], index) => `${index === 0 ? 'fields       ' : '             '}${name} = ${value}`)),
    `signature    ${signature}`,
  );
  if (computed === undefined) return lines.join('\n');
  lines.push(`application  ${computed}`);
  if (mistakes === undefined)
    lines.push(
      '             no known mistake gives this: is the auth token of the application that of the account?',
      '             Or does it know itself by another name (Host behind the proxy)? Try --host NAME.',
    );
  else if (mistakes.length === 0) lines.push('             the same: the application should accept the request');
  else
    lines.push(`             it signed ${applicationUrl}`, ...mistakes.map((mistake) => `             - ${mistake}`));
  return lines.join('\n');
}
