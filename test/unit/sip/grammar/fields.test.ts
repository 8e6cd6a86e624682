// Typed header readers: what each gives for good, absent and malformed values.

import { describe, expect, test } from 'vitest';
import {
  contacts,
  contentDisposition,
  contentType,
  date,
  event,
  expires,
  maxForwards,
  minExpires,
  minSessionExpires,
  nameAddrOf,
  nameAddrsOf,
  parseReplaces,
  qValue,
  rack,
  reason,
  reasons,
  replaces,
  retryAfter,
  routeSet,
  rseq,
  sessionExpires,
  subscriptionState,
  tokens,
  userToUser,
} from '../../../../src/sip/grammar/fields.ts';
import type { Message } from '../../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';

const withLines = (...lines: string[]): Message => {
  const all = [
    'OPTIONS sip:b@example.com SIP/2.0',
    'Via: SIP/2.0/UDP h;branch=b',
    'From: <sip:a@b>;tag=1',
    'To: <sip:c@d>',
    'Call-ID: i',
    'CSeq: 1 OPTIONS',
    ...lines,
  ];
  const result = parseMessage(Buffer.from(`${all.join('\r\n')}\r\n\r\n`));
  if (!result.ok) throw new TypeError(result.error.detail);
  return result.value;
};

/** Value, 'absent' or 'malformed'. */
const outcome = (read: { ok: boolean; value?: unknown } | undefined): unknown =>
  read === undefined ? 'absent' : read.ok ? read.value : 'malformed';

describe('numbers and seconds', () => {
  const rows: readonly (readonly [string, (message: Message) => { ok: boolean } | undefined, string, unknown])[] = [
    ['RFC 3261 20.22', maxForwards, 'Max-Forwards: 70', 70],
    ['RFC 3261 20.22', maxForwards, 'Max-Forwards: 0', 0],
    ['RFC 3261 20.22', maxForwards, 'Max-Forwards: 256', 'malformed'],
    ['RFC 3261 20.22', maxForwards, 'Max-Forwards: 7\r\nMax-Forwards: 6', 'malformed'],
    ['RFC 3261 20.22', maxForwards, 'X: y', 'absent'],
    ['RFC 3261 20.19', expires, 'Expires: 3600', 3600],
    ['RFC 3261 20.19', expires, 'Expires: 99999999999999999999', 2 ** 32 - 1],
    ['RFC 3261 20.19', expires, 'Expires: soon', 'malformed'],
    ['RFC 3261 20.19', expires, 'Expires: -1', 'malformed'],
    ['RFC 3261 20.23', minExpires, 'Min-Expires: 60', 60],
    ['RFC 3262 7.1', rseq, 'RSeq: 988789', 988789],
    ['RFC 3262 7.1', rseq, 'RSeq: 0', 'malformed'],
    ['RFC 3262 7.2', rack, 'RAck: 776656 1 INVITE', { rseq: 776656, sequence: 1, method: 'INVITE' }],
    ['RFC 3262 7.2', rack, 'RAck: 776656 INVITE', 'malformed'],
    ['RFC 3262 7.2', rack, 'RAck: 1 2 INVITE x', 'malformed'],
    ['RFC 4028 4', sessionExpires, 'x: 1800;refresher=UAS', { seconds: 1800, refresher: 'uas' }],
    ['RFC 4028 4', sessionExpires, 'Session-Expires: 90', { seconds: 90, refresher: undefined }],
    ['RFC 4028 4', sessionExpires, 'Session-Expires: 90;refresher=me', 'malformed'],
    ['RFC 4028 5', minSessionExpires, 'Min-SE: 90;x', 90],
    ['RFC 3261 20.33', retryAfter, 'Retry-After: 18000;duration=3600', 18000],
    ['RFC 3261 20.33', retryAfter, 'Retry-After: 120 (I am in a meeting)', 120],
    ['RFC 3261 20.33', retryAfter, 'Retry-After: later', 'malformed'],
    ['RFC 3261 20.17', date, 'Date: Sat, 13 Nov 2010 23:29:00 GMT', Date.UTC(2010, 10, 13, 23, 29, 0)],
    ['RFC 3261 20.17', date, 'Date: Sat, 13 Nov 2010 23:29:00 EST', 'malformed'],
    ['RFC 3261 20.17', date, 'Date: Sat, 31 Feb 2010 23:29:00 GMT', 'malformed'],
  ];
  test.each(rows)('%s %o %s', (_section, read, line, expected) => {
    expect(outcome(read(withLines(line)))).toEqual(expected);
  });
});

describe('RFC 3261 20.10: Contact', () => {
  const users = (...lines: string[]) => {
    const list = contacts(withLines(...lines));
    if (!list.ok) return 'malformed';
    return list.value === '*' ? '*' : list.value.map(({ uri }) => ('user' in uri ? uri.user : uri.scheme));
  };
  test('several lines and several values', () => {
    expect(users('Contact: "a,b" <sip:a@h>;q=0.7, <sip:b@h>', 'm: sip:c@h;expires=0, tel:+1')).toEqual([
      'a',
      'b',
      'c',
      'tel',
    ]);
  });
  test('the star, and only alone', () => {
    expect([users('Contact: *'), users('m: * '), users('Contact: *', 'Contact: <sip:a@h>'), users('X: y')]).toEqual([
      '*',
      '*',
      'malformed',
      [],
    ]);
  });
});

test('RFC 3261 20.30, RFC 3327: route sets keep their order over all lines', () => {
  const message = withLines(
    'Record-Route: <sip:1@h;lr>, <sip:2@h;lr>',
    'Record-Route: <sip:3@h;lr>',
    'Path: <sip:p;lr>',
    'Route: x',
  );
  const list = routeSet(message, 'record-route');
  expect(list.ok && list.value.map(({ uri }) => 'user' in uri && uri.user)).toEqual(['1', '2', '3']);
  expect(outcome(routeSet(message, 'path'))).toMatchObject([{ uri: { host: 'p' } }]);
  expect(routeSet(message, 'route').ok).toBe(false);
  expect(outcome(routeSet(message, 'service-route'))).toEqual([]);
});

test('RFC 3515: Refer-To with an escaped Replaces', () => {
  const message = withLines('r: <sip:bob@h?Replaces=id%40h%3Bto-tag%3D1%3Bfrom-tag%3D2%3Bearly-only>');
  const read = nameAddrOf(message, 'Refer-To');
  const uri = read?.ok && 'headers' in read.value.uri ? read.value.uri : undefined;
  expect(uri?.headers).toEqual([['Replaces', 'id@h;to-tag=1;from-tag=2;early-only']]);
  expect(outcome(parseReplaces(uri?.headers[0]?.[1] ?? ''))).toEqual({
    callId: 'id@h',
    toTag: '1',
    fromTag: '2',
    earlyOnly: true,
  });
  expect(nameAddrOf(message, 'Referred-By')).toBeUndefined();
  expect(outcome(nameAddrOf(withLines('r: <sip:a@b>', 'Refer-To: <sip:c@d>'), 'refer-to'))).toBe('malformed');
});

test('RFC 3325: several asserted identities', () => {
  const message = withLines('P-Asserted-Identity: "A" <sip:a@h>, tel:+1');
  expect(outcome(nameAddrsOf(message, 'p-asserted-identity'))).toHaveLength(2);
});

test.each(['id', 'id;to-tag=1', ';to-tag=1;from-tag=2', 'a b;to-tag=1;from-tag=2', 'id;to-tag=1;from-tag=2,x'])(
  'RFC 3891 6.1: %s is no Replaces',
  (value) => {
    expect(outcome(replaces(withLines(`Replaces: ${value}`)))).toBe('malformed');
  },
);

test('token lists: option tags lower case, methods as written, empty entries dropped', () => {
  const message = withLines('k: Timer, 100rel,', 'Supported: REPLACES', 'Allow: INVITE,Foo', 'Require:');
  expect(tokens(message, 'supported')).toEqual(['timer', '100rel', 'replaces']);
  expect(tokens(message, 'allow')).toEqual(['INVITE', 'Foo']);
  expect(tokens(message, 'require')).toEqual([]);
  expect(tokens(message, 'unsupported')).toEqual([]);
});

test.each([
  ['c: application/SDP', { type: 'application/sdp', params: new Map() }],
  [
    'Content-Type: multipart/mixed ; boundary="a b"',
    { type: 'multipart/mixed', params: new Map([['boundary', 'a b']]) },
  ],
  ['Content-Type: text / plain', { type: 'text/plain', params: new Map() }],
  ['Content-Type: text', undefined],
  ['Content-Type: text/plain;=', undefined],
  ['X: y', undefined],
])('RFC 3261 20.15: %s', (line, expected) => {
  expect(contentType(withLines(line))).toEqual(expected);
});

test('tokens with parameters', () => {
  const message = withLines(
    'o: Refer;id=7',
    'Subscription-State: terminated;reason=noresource',
    'Content-Disposition: session',
  );
  expect(outcome(event(message))).toEqual({ value: 'refer', params: new Map([['id', '7']]) });
  expect(outcome(subscriptionState(message))).toEqual({
    value: 'terminated',
    params: new Map([['reason', 'noresource']]),
  });
  expect(outcome(contentDisposition(message))).toMatchObject({ value: 'session' });
});

test.each([
  ['0', 0],
  ['1', 1000],
  ['0.5', 500],
  ['0.123', 123],
  ['1.000', 1000],
  ['1.1', undefined],
  ['0.1234', undefined],
  ['x', undefined],
])('RFC 3261 25.1: q=%s', (text, expected) => {
  expect(qValue(new Map([['q', text]]))).toBe(expected);
  expect(qValue(new Map())).toBeUndefined();
});

test('RFC 3326: Reason values, unreadable ones passed over', () => {
  const message = withLines('Reason: SIP ;cause=200 ;text="Call completed elsewhere, here", Q.850;cause=16, ;x');
  expect(reasons(message)).toEqual([
    { protocol: 'SIP', cause: 200, text: 'Call completed elsewhere, here' },
    { protocol: 'Q.850', cause: 16, text: undefined },
  ]);
  expect(reason(message)?.cause).toBe(200);
  expect(reason(withLines('X: y'))).toBeUndefined();
});

test('RFC 7433: User-to-User', () => {
  const message = withLines('User-to-User: 56a390f3;encoding=hex;purpose=call, "a;\\"b";content=x');
  expect(userToUser(message)).toEqual([
    {
      data: '56a390f3',
      params: new Map([
        ['encoding', 'hex'],
        ['purpose', 'call'],
      ]),
    },
    { data: 'a;"b', params: new Map([['content', 'x']]) },
  ]);
});
