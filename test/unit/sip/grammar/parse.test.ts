// RFC 3261 7, 8.1.1, 18.3: reading messages: what is tolerated, what is refused and with which status, and the limits.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import type { Message } from '../../../../src/sip/grammar/message.ts';
import { type ParseFailure, parseMessage } from '../../../../src/sip/grammar/parse.ts';

const headers = [
  'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1',
  'From: "Alice" <sip:alice@example.com>;tag=a',
  'To: <sip:bob@example.com>',
  'Call-ID: c1@192.0.2.1',
  'CSeq: 1 INVITE',
];
const invite = (lines: readonly string[] = headers, body = '', start = 'INVITE sip:bob@example.com SIP/2.0') =>
  `${[start, ...lines].join('\r\n')}\r\n\r\n${body}`;

const parse = (text: string | Buffer) => parseMessage(typeof text === 'string' ? Buffer.from(text) : text);
const message = (text: string | Buffer): Message => {
  const result = parse(text);
  if (!result.ok) throw new TypeError(result.error.detail);
  return result.value;
};
const failure = (text: string | Buffer): ParseFailure => {
  const result = parse(text);
  if (result.ok) throw new TypeError('the message was taken');
  return result.error;
};
const replaced = (index: number, line: string) => headers.with(index, line);

describe('RFC 3261 7.3.1: header fields', () => {
  test('order, case of names and several lines of one name survive', () => {
    const lines = [...headers, 'X-tWo: 2', 'x-One:1', 'X-Two : 3', 'm: <sip:a@b>'];
    const read = message(invite(lines)).headers;
    expect([...read].slice(5)).toEqual([
      { name: 'X-tWo', value: '2' },
      { name: 'x-One', value: '1' },
      { name: 'X-Two', value: '3' },
      { name: 'm', value: '<sip:a@b>' },
    ]);
    expect(read.getAll('x-two')).toEqual(['2', '3']);
    expect(read.get('Contact')).toBe('<sip:a@b>');
  });

  test('RFC 3261 7.3.3: compact forms of the mandatory headers', () => {
    const lines = [
      'v: SIP/2.0/UDP h;branch=b',
      'f: <sip:a@b>;tag=x',
      't: <sip:c@d>',
      'i: id',
      'CSeq: 7 INVITE',
      'l: 2',
    ];
    expect(message(invite(lines, 'ok'))).toMatchObject({
      via: { host: 'h' },
      from: { uri: { user: 'a' } },
      callId: 'id',
      cseq: { sequence: 7 },
    });
  });

  test('folded lines become one value', () => {
    const lines = [...headers, 'Subject: I know', '\tyou are', '   there', 'X:', ' y'];
    const read = message(invite(lines)).headers;
    expect(read.get('subject')).toBe('I know you are there');
    expect(read.get('x')).toBe('y');
  });

  test('lone LF as line end, CRLFs in front', () => {
    expect(message(`\r\n\r\n${invite(headers, 'body')}`).body.toString()).toBe('body');
    expect(message(invite(headers, 'body').replaceAll('\r\n', '\n')).body.toString()).toBe('body');
  });

  test('RFC 3261 25.1: UTF-8 values; what is no UTF-8 is read as ISO 8859-1', () => {
    expect(message(invite([...headers, 'Subject: grüße'])).headers.get('subject')).toBe('grüße');
    const latin1 = Buffer.from(invite(replaced(1, 'From: "Jürgen" <sip:a@b>;tag=1')), 'latin1');
    expect(message(latin1).from.displayName).toBe('Jürgen');
  });

  test('the first of several Via values on one line is the top one', () => {
    const lines = replaced(0, 'Via: SIP/2.0/UDP first;branch="a,b", SIP/2.0/TCP second');
    expect(message(invite(lines)).via).toMatchObject({ host: 'first', branch: 'a,b' });
  });
});

describe('RFC 3261 18.3, 20.14: Content-Length counts bytes', () => {
  test.each([
    ['exact', 'Content-Length: 6', 'grüß', 'grüß'],
    ['absent: the rest of the datagram', 'X: y', 'grüß', 'grüß'],
    ['smaller: the rest is dropped', 'Content-Length: 2', 'abcd', 'ab'],
    ['zero', 'Content-Length: 0', 'abcd', ''],
    ['said twice alike', 'Content-Length: 2\r\nl: 2', 'ab', 'ab'],
  ])('%s', (_title, field, body, expected) => {
    expect(message(invite([...headers, field], body)).body.toString()).toBe(expected);
  });

  test.each([
    ['Content-Length: 5'],
    ['Content-Length: x'],
    ['Content-Length:'],
    ['Content-Length: +1'],
    ['l: 1\r\nl: 2'],
  ])('%s with four bytes gets 400', (field) => {
    expect(failure(invite([...headers, field], 'abcd'))).toMatchObject({ status: 400 });
  });
});

describe('RFC 3261 7.1, 7.2: start lines', () => {
  test.each([
    ['SIP/2.0 200 OK', 200, 'OK'],
    ['SIP/2.0 200', 200, ''],
    ['SIP/2.0 180 Es läutet  ', 180, 'Es läutet  '],
    ['sip/2.0 699 x', 699, 'x'],
  ])('%j', (start, status, reason) => {
    expect(message(invite(headers, '', start))).toMatchObject({ kind: 'response', status, reason });
  });

  test.each([
    'SIP/2.0 099 x',
    'SIP/2.0 700 x',
    'SIP/2.0 20 OK',
    'SIP/2.0 2000 OK',
    'SIP/2.0 200OK',
    'SIP/2.0',
    'SIP/3.0 200 OK',
    'SIP/2.0 200 a\rb',
  ])('%s is a response to be dropped', (start) => {
    expect(failure(invite(headers, '', start))).toMatchObject({ isResponse: true, request: undefined });
  });

  test.each([
    ['INVITE sip:b@example.com SIP/1.0', 505],
    ['INVITE sip:b@example.com SIP/2.00', 505],
    ['INVITE sip:b@example.com HTTP/1.1', 400],
    ['INVITE sip:b@example.com', 400],
    ['INVITE  SIP/2.0', 400],
    ['INVITE SIP/2.0', 400],
    ['IN@VITE sip:b@example.com SIP/2.0', 400],
    ['INVITE sip:b@exa mple.com SIP/2.0', 400],
    ['INVITE sip:b@example.com?x=y SIP/2.0', 400],
    [`INVITE sip:${'x'.repeat(limits.sipUriBytes)}@example.com SIP/2.0`, 414],
  ])('%s gets %i', (start, status) => {
    expect(failure(invite(headers, '', start))).toMatchObject({ status, isResponse: false });
  });

  test('RFC 3261 8.2.2.1: an unknown scheme is for the user agent to refuse, not for the parser', () => {
    expect(message(invite(headers, '', 'INVITE tel:+15551212 SIP/2.0'))).toMatchObject({ uri: { scheme: 'tel' } });
  });
});

describe('RFC 3261 8.1.1: mandatory headers', () => {
  test.each(['Via', 'From', 'To', 'Call-ID', 'CSeq'])('%s missing gets 400', (name) => {
    const lines = headers.filter((line) => !line.startsWith(name));
    expect(failure(invite(lines))).toMatchObject({ status: 400, detail: `${name} is missing`, request: undefined });
  });

  test.each(['From', 'To', 'Call-ID', 'CSeq'])('%s twice gets 400', (name) => {
    const again = headers.find((line) => line.startsWith(name))!;
    expect(failure(invite([...headers, again]))).toMatchObject({ status: 400, detail: `more than one ${name}` });
  });

  test.each([
    'CSeq: 1 ACK',
    'CSeq: 1 invite',
    'CSeq: 2147483648 INVITE',
    'CSeq: -1 INVITE',
    'CSeq: INVITE',
    'CSeq: 1',
    'CSeq: 1INVITE',
    'CSeq: 1 INVITE x',
  ])('%s gets 400', (line) => {
    expect(failure(invite(replaced(4, line)))).toMatchObject({ status: 400 });
  });

  test.each(['CSeq: 2147483647 INVITE', 'CSeq: 0000000000000001   INVITE'])('%s is taken', (line) => {
    expect(message(invite(replaced(4, line))).cseq.method).toBe('INVITE');
  });

  test.each(['Call-ID:', 'Call-ID: a b'])('%s gets 400', (line) => {
    expect(failure(invite(replaced(3, line)))).toMatchObject({ status: 400 });
  });
});

describe('what a failure says', () => {
  test('RFC 3261 21.4.1: the reason names the problem, the offset its place', () => {
    const text = invite(replaced(2, 'To: <sip:bob@exa_mple..com>'));
    const found = failure(text);
    expect(found.reason).toBe(`Bad Request (${found.detail})`);
    expect(text.slice(found.offset)).toMatch(/^exa_mple/);
  });

  test('enough for a stateless answer: Via, From, To, Call-ID and CSeq as they came', () => {
    const found = failure(invite(replaced(2, 'To: "unbalanced <sip:b@c>'), '', 'INVITE <sip:x@y> SIP/2.0'));
    expect(found.request).toMatchObject({
      method: 'INVITE',
      via: { host: '192.0.2.1' },
      from: { uri: { user: 'alice' } },
      to: { uri: { scheme: '', text: '"unbalanced <sip:b@c>' } },
      callId: 'c1@192.0.2.1',
    });
  });
});

describe('hostile header blocks', () => {
  test.each([
    ['a NUL', [...headers, 'X: a\0b']],
    ['a CR inside a line', [...headers, 'X: a\rY: b']],
    ['a line without colon', [...headers, 'nonsense']],
    ['a name that is no token', [...headers, 'X Y: z']],
    ['an empty name', [...headers, ': z']],
    ['a fold before any field', [' x', ...headers]],
  ])('%s gets 400', (_title, lines) => {
    expect(failure(invite(lines))).toMatchObject({ status: 400 });
  });

  test.each([
    ['too many fields [sip 1.7 message-size]', [...headers, ...new Array(limits.sipHeaderCount).fill('X: y')]],
    ['a line that is too long [sip 1.7 message-size]', [...headers, `X: ${'y'.repeat(limits.sipHeaderLineBytes)}`]],
    ['a folded value that is too long', [...headers, 'X: y', ...new Array(20).fill(` ${'y'.repeat(500)}`)]],
  ])('%s gets 513 and can be answered', (_title, lines) => {
    const found = failure(invite(lines));
    expect(found.status).toBe(513);
    expect(found.request?.callId).toBe('c1@192.0.2.1');
  });

  test('RFC 3261 25.1: a quoted NUL is taken and goes no further; behind an even number of backslashes it is bare', () => {
    const read = message(invite(replaced(2, 'To: "a\\\0b" <sip:b@c>')));
    expect([read.to.displayName, read.headers.get('to')]).toEqual(['ab', '"ab" <sip:b@c>']);
    expect(failure(invite(replaced(2, 'To: "a\\\\\0b" <sip:b@c>')))).toMatchObject({ status: 400 });
  });

  test('a CR or NUL inside a header is not copied into the answer', () => {
    const found = failure(invite(replaced(2, 'To: "a\rb\0" <sip:b@c>')));
    expect(found.request?.headers.get('to')).toBe('"a b " <sip:b@c>');
  });

  test('a body above the limit gets 513', () => {
    expect(failure(invite(headers, 'x'.repeat(limits.sipBodyBytes + 1))).status).toBe(513);
  });

  test('no empty line behind the headers gets 400', () => {
    expect(failure(invite().slice(0, -2)).status).toBe(400);
  });

  test.each(['', '\r\n', '\0', 'GET / HTTP/1.1\r\n\r\n', 'x'])('%j is an error, not a fault', (text) => {
    expect(parse(text).ok).toBe(false);
  });
});
