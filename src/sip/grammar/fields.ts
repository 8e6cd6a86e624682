// Typed readers for the headers that are not read with every message. Each looks at the message when asked; absent headers give
// undefined (or an empty list), malformed ones a Result with the reason, so that the caller answers 400 or goes on without.

import { err, ok, type Result } from '../../base/result.ts';
import { charClass, isToken, parseDecimal, type SyntaxProblem, skipBlanks, spanOf } from './chars.ts';
import { canonicalName, type Message } from './message.ts';
import { type NameAddr, parseNameAddr, parseNameAddrList } from './name-addr.ts';
import { type Params, scanParams, splitList } from './params.ts';

export { splitList } from './params.ts';

type Read<T> = Result<T, SyntaxProblem>;

// RFC 3261 20.19: delta-seconds up to 2^32-1; what is larger means the same.
const MAX_DELTA_SECONDS = 2 ** 32 - 1;
const problem = (detail: string, offset = 0) => err<SyntaxProblem>({ detail, offset });

/** RFC 3261 20.10: the Contact values in order, or `*`; an empty list without the header. */
export function contacts(message: Message): Read<NameAddr[] | '*'> {
  const lines = message.headers.getAll('contact');
  if (lines.length === 1 && lines[0] === '*') return ok('*');
  return nameAddrLines(lines);
}

/** The values of Record-Route, Route or Path (or Service-Route) over all lines, in order. */
export const routeSet = (
  message: Message,
  name: 'record-route' | 'route' | 'path' | 'service-route',
): Read<NameAddr[]> => nameAddrLines(message.headers.getAll(name));

function nameAddrLines(lines: readonly string[]): Read<NameAddr[]> {
  const values: NameAddr[] = [];
  for (const line of lines) {
    const list = parseNameAddrList(line);
    if (!list.ok) return list;
    values.push(...list.value);
  }
  return ok(values);
}

/** A header with one name-addr: Refer-To, Referred-By, … More than one value is an error. */
export function nameAddrOf(message: Message, name: string): Read<NameAddr> | undefined {
  const value = singleValue(message, name);
  return value === undefined ? undefined : value.ok ? parseNameAddr(value.value) : value;
}

/** All values of a header with name-addrs: P-Asserted-Identity, Diversion, Remote-Party-ID, History-Info … */
export const nameAddrsOf = (message: Message, name: string): Read<NameAddr[]> =>
  nameAddrLines(message.headers.getAll(name));

function singleValue(message: Message, name: string): Read<string> | undefined {
  const lines = message.headers.getAll(name);
  if (lines.length === 0) return undefined;
  return lines.length === 1 ? ok(lines[0]!) : problem(`more than one ${canonicalName(name)}`);
}

/** RFC 3261 20.22: 0 to 255. */
export function maxForwards(message: Message): Read<number> | undefined {
  return readNumber(message, 'max-forwards', 255);
}

/** RFC 3261 20.19: seconds. Numbers above 2^32-1 count as 2^32-1. */
export const expires = (message: Message): Read<number> | undefined => readDeltaSeconds(message, 'expires');

export const minExpires = (message: Message): Read<number> | undefined => readDeltaSeconds(message, 'min-expires');

/** RFC 3262 7.1: 1 to 2^32-1. */
export function rseq(message: Message): Read<number> | undefined {
  const value = readNumber(message, 'rseq', 2 ** 32 - 1);
  return value?.ok && value.value === 0 ? problem('RSeq of zero') : value;
}

function readNumber(message: Message, name: string, max: number): Read<number> | undefined {
  const single = singleValue(message, name);
  if (!single?.ok) return single;
  const value = parseDecimal(single.value, 0, single.value.length, max);
  return value < 0 ? problem(`${name} is not a number up to ${max}`) : ok(value);
}

function readDeltaSeconds(message: Message, name: string): Read<number> | undefined {
  const single = singleValue(message, name);
  if (!single?.ok) return single;
  const seconds = parseDeltaSeconds(single.value);
  return seconds === undefined ? problem(`${name} is not a number of seconds`) : ok(seconds);
}

/** Seconds as in Expires or an `expires` parameter; undefined when it is no number. */
export function parseDeltaSeconds(text: string): number | undefined {
  if (!/^\d{1,64}$/.test(text)) return undefined;
  return Math.min(Number(text), MAX_DELTA_SECONDS);
}

export interface RAck {
  readonly rseq: number;
  readonly sequence: number;
  readonly method: string;
}

/** RFC 3262 7.2: `RAck: 776656 1 INVITE`. */
export function rack(message: Message): Read<RAck> | undefined {
  const single = singleValue(message, 'rack');
  if (!single?.ok) return single;
  const [rseqText = '', sequenceText = '', method = '', ...rest] = single.value.split(/[ \t]+/);
  const rseqValue = parseDecimal(rseqText, 0, rseqText.length, 2 ** 32 - 1);
  const sequence = parseDecimal(sequenceText, 0, sequenceText.length, 2 ** 31 - 1);
  if (rseqValue < 0 || sequence < 0 || !isToken(method) || rest.length > 0) return problem('not a RAck value');
  return ok({ rseq: rseqValue, sequence, method });
}

export type TokenHeader = 'supported' | 'require' | 'allow' | 'proxy-require' | 'unsupported' | 'allow-events';

/** The tokens of a list header over all lines. Option tags in lower case; methods (Allow) as written, they are compared with case. */
export function tokens(message: Message, name: TokenHeader): string[] {
  const list = message.headers.getAll(name).flatMap(splitList);
  return name === 'allow' ? list : list.map((token) => token.toLowerCase());
}

export interface TokenWithParams {
  /** Lower case. */
  readonly value: string;
  readonly params: Params;
}

/** `token *(SEMI generic-param)`: Event, Subscription-State, Content-Disposition, Session-Expires, Reason … */
export function parseTokenWithParams(text: string): Read<TokenWithParams> {
  const start = skipBlanks(text, 0);
  const end = spanOf(charClass.token, text, start);
  if (end === start) return problem('token expected', start);
  const scanned = scanParams(text, end);
  if (!scanned.ok) return scanned;
  if (scanned.value.end !== text.length) return problem('more than one value', scanned.value.end);
  return ok({ value: text.slice(start, end).toLowerCase(), params: scanned.value.params });
}

function readTokenWithParams(message: Message, name: string): Read<TokenWithParams> | undefined {
  const single = singleValue(message, name);
  return single?.ok ? parseTokenWithParams(single.value) : single;
}

/** RFC 6665 8.2.1: package with templates, and `id`. */
export const event = (message: Message) => readTokenWithParams(message, 'event');

/** RFC 6665 8.2.3: `active;expires=60`. */
export const subscriptionState = (message: Message) => readTokenWithParams(message, 'subscription-state');

export const contentDisposition = (message: Message) => readTokenWithParams(message, 'content-disposition');

export interface MediaType {
  /** `type/subtype`, lower case. */
  readonly type: string;
  readonly params: Params;
}

/** RFC 3261 20.15: undefined when the header is absent or no media type. */
export function contentType(message: Message): MediaType | undefined {
  const text = message.headers.get('content-type');
  if (text === undefined) return undefined;
  const semicolon = text.indexOf(';');
  const type = text.slice(0, semicolon < 0 ? text.length : semicolon);
  const [main = '', sub = '', ...rest] = type.split('/').map((part) => part.trim());
  if (!isToken(main) || !isToken(sub) || rest.length > 0) return undefined;
  const scanned = scanParams(text, semicolon < 0 ? text.length : semicolon);
  return scanned.ok ? { type: `${main}/${sub}`.toLowerCase(), params: scanned.value.params } : undefined;
}

export interface SessionExpires {
  readonly seconds: number;
  /** Who refreshes; undefined when the header leaves it open. */
  readonly refresher: 'uac' | 'uas' | undefined;
}

/** RFC 4028 4. */
export function sessionExpires(message: Message): Read<SessionExpires> | undefined {
  const read = readTokenWithParams(message, 'session-expires');
  if (!read?.ok) return read;
  const seconds = parseDeltaSeconds(read.value.value);
  const refresher = read.value.params.get('refresher')?.toLowerCase();
  if (seconds === undefined) return problem('Session-Expires is not a number of seconds');
  if (refresher !== undefined && refresher !== 'uac' && refresher !== 'uas') return problem('unknown refresher');
  return ok({ seconds, refresher });
}

/** RFC 4028 5. */
export function minSessionExpires(message: Message): Read<number> | undefined {
  const read = readTokenWithParams(message, 'min-se');
  if (!read?.ok) return read;
  const seconds = parseDeltaSeconds(read.value.value);
  return seconds === undefined ? problem('Min-SE is not a number of seconds') : ok(seconds);
}

/** RFC 3261 20.33: seconds; a comment and parameters are passed over. */
export function retryAfter(message: Message): Read<number> | undefined {
  const single = singleValue(message, 'retry-after');
  if (!single?.ok) return single;
  const seconds = parseDeltaSeconds(/^\d+/.exec(single.value)?.[0] ?? '');
  return seconds === undefined ? problem('Retry-After is not a number of seconds') : ok(seconds);
}

/** RFC 3261 25.1 qvalue in thousandths, 0 to 1000; undefined when there is no (valid) `q`. */
export function qValue(params: Params): number | undefined {
  const text = params.get('q');
  if (text === undefined || !/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text)) return undefined;
  return Math.round(Number(text) * 1_000);
}

export interface Reason {
  /** Upper case: `SIP`, `Q.850`. */
  readonly protocol: string;
  readonly cause: number | undefined;
  readonly text: string | undefined;
}

/** RFC 3326: the Reason values that can be read. */
export function reasons(message: Message): Reason[] {
  const values: Reason[] = [];
  for (const entry of message.headers.getAll('reason').flatMap(splitList)) {
    const read = parseTokenWithParams(entry);
    if (!read.ok) continue;
    const causeText = read.value.params.get('cause') ?? '';
    const cause = parseDecimal(causeText, 0, causeText.length, 999_999);
    values.push({
      protocol: read.value.value.toUpperCase(),
      cause: cause < 0 ? undefined : cause,
      text: read.value.params.get('text'),
    });
  }
  return values;
}

/** RFC 3326: the first Reason value. */
export const reason = (message: Message): Reason | undefined => reasons(message)[0];

export interface UserToUser {
  /** As written, quotes removed. */
  readonly data: string;
  readonly params: Params;
}

/** RFC 7433 4.1: the values that can be read. */
export function userToUser(message: Message): UserToUser[] {
  const values: UserToUser[] = [];
  for (const entry of message.headers.getAll('user-to-user').flatMap(splitList)) {
    const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(entry);
    const dataEnd = quoted ? quoted[0].length : spanOf(charClass.token, entry, 0);
    const scanned = scanParams(entry, dataEnd);
    if (dataEnd === 0 || !scanned.ok) continue;
    const data = quoted ? quoted[1]!.replace(/\\(.)/g, '$1') : entry.slice(0, dataEnd);
    values.push({ data, params: scanned.value.params });
  }
  return values;
}

export interface Replaces {
  readonly callId: string;
  readonly toTag: string;
  readonly fromTag: string;
  readonly earlyOnly: boolean;
}

/** RFC 3891 6.1: a Replaces value, from the header or (unescaped) from a Refer-To URI. */
export function parseReplaces(text: string): Read<Replaces> {
  const semicolon = text.indexOf(';');
  const scanned = scanParams(text, semicolon < 0 ? text.length : semicolon);
  if (!scanned.ok) return scanned;
  const { params, end } = scanned.value;
  const callId = text.slice(0, Math.max(semicolon, 0)).trim();
  const [toTag, fromTag] = [params.get('to-tag'), params.get('from-tag')];
  if (callId === '' || /\s/.test(callId) || !toTag || !fromTag || end !== text.length) {
    return problem('Replaces without Call-ID, to-tag or from-tag');
  }
  return ok({ callId, toTag, fromTag, earlyOnly: params.has('early-only') });
}

export function replaces(message: Message): Read<Replaces> | undefined {
  const single = singleValue(message, 'replaces');
  return single?.ok ? parseReplaces(single.value) : single;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const SIP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;

/** RFC 3261 20.17: SIP-date as milliseconds since 1970. The zone is GMT and nothing else. */
export function date(message: Message): Read<number> | undefined {
  const single = singleValue(message, 'date');
  if (!single?.ok) return single;
  const match = SIP_DATE.exec(single.value);
  const month = MONTHS.indexOf(match?.[2] ?? '');
  if (!match || month < 0) return problem('not a SIP-date in GMT');
  const [day, year, hour, minute, second] = [1, 3, 4, 5, 6].map((group) => Number(match[group]));
  const wall = Date.UTC(year!, month, day!, hour!, minute!, second!);
  return new Date(wall).getUTCDate() === day && hour! < 24 && minute! < 60 ? ok(wall) : problem('no such date');
}
