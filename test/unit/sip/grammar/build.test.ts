// RFC 3261 8.1.1, 8.2.6, 16.6: building messages and changing them; what is built is what is read again.

import { describe, expect, test } from 'vitest';
import {
  createRequest,
  createResponse,
  reasonPhrase,
  withAddedHeader,
  withBody,
  withHeader,
  withoutHeader,
  withoutTopVia,
  withPushedVia,
  withTopVia,
  withUri,
} from '../../../../src/sip/grammar/build.ts';
import { HeaderList, type Message } from '../../../../src/sip/grammar/message.ts';
import { nameAddr } from '../../../../src/sip/grammar/name-addr.ts';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { isSafeHeaderValue, serializeMessage } from '../../../../src/sip/grammar/serialize.ts';
import { makeSipUri } from '../../../../src/sip/grammar/uri.ts';
import type { Via } from '../../../../src/sip/grammar/via.ts';

const via: Via = {
  transport: 'udp',
  host: '2001:db8::1',
  port: 5060,
  branch: 'z9hG4bK1',
  received: undefined,
  rport: null,
  params: new Map(),
};
const alice = makeSipUri({ user: 'alice', host: 'example.com' });
const bob = makeSipUri({ user: 'bob', host: 'example.com', params: { transport: 'tcp' } });
const request = createRequest({
  method: 'INVITE',
  uri: bob,
  via,
  from: nameAddr(alice, 'Alice "A"', new Map([['tag', '1']])),
  to: nameAddr(bob),
  callId: 'c1',
  cseq: { sequence: 7, method: 'INVITE' },
  headers: [
    { name: 'Contact', value: '<sip:alice@192.0.2.1>' },
    { name: 'Content-Type', value: 'text/plain' },
  ],
  body: Buffer.from('grüß'),
});

const lines = (message: Message) => serializeMessage(message).toString().split('\r\n');
/** Typed fields and header list agree when reading what was printed gives the same values. */
const expectInStep = (message: Message) => {
  const { headers, ...typed } = message;
  const read = parseMessage(serializeMessage(message));
  expect(read).toMatchObject({ ok: true, value: typed });
  return headers;
};

test('RFC 3261 8.1.1: order of a request, Content-Length in bytes', () => {
  expect(lines(request)).toEqual([
    'INVITE sip:bob@example.com;transport=tcp SIP/2.0',
    'Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport',
    'Max-Forwards: 70',
    'From: "Alice \\"A\\"" <sip:alice@example.com>;tag=1',
    'To: <sip:bob@example.com;transport=tcp>',
    'Call-ID: c1',
    'CSeq: 7 INVITE',
    'Contact: <sip:alice@192.0.2.1>',
    'Content-Type: text/plain',
    'Content-Length: 6',
    '',
    'grüß',
  ]);
  expectInStep(request);
});

test('a Max-Forwards of the caller takes the place of the default', () => {
  const { headers } = createRequest({ ...request, headers: [{ name: 'max-forwards', value: '12' }] });
  expect(headers.getAll('Max-Forwards')).toEqual(['12']);
});

describe('RFC 3261 8.2.6.2: responses', () => {
  const received = withAddedHeader(
    withAddedHeader(
      withPushedVia(request, { ...via, host: 'proxy', branch: 'z9hG4bK2' }),
      'Record-Route',
      '<sip:p;lr>',
    ),
    'Timestamp',
    '54',
  );

  test('Via values, From, To with tag, Call-ID, CSeq', () => {
    const response = createResponse(received, 486, {
      toTag: 'x',
      headers: [{ name: 'Reason', value: 'Q.850;cause=17' }],
    });
    expect(lines(response)).toEqual([
      'SIP/2.0 486 Busy Here',
      'Via: SIP/2.0/UDP proxy:5060;branch=z9hG4bK2;rport',
      'Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport',
      'From: "Alice \\"A\\"" <sip:alice@example.com>;tag=1',
      'To: <sip:bob@example.com;transport=tcp>;tag=x',
      'Call-ID: c1',
      'CSeq: 7 INVITE',
      'Reason: Q.850;cause=17',
      'Content-Length: 0',
      '',
      '',
    ]);
    expectInStep(response);
  });

  test('8.2.6.1: a 100 has no tag and copies Timestamp', () => {
    const response = createResponse(received, 100, { toTag: 'x' });
    expect(response.to.params.has('tag')).toBe(false);
    expect(response.headers.get('timestamp')).toBe('54');
    expectInStep(response);
  });

  test('12.1.1: Record-Route is copied when asked', () => {
    expect(createResponse(received, 200, { toTag: 'x' }).headers.has('record-route')).toBe(false);
    expect(createResponse(received, 200, { toTag: 'x', recordRoute: true }).headers.get('record-route')).toBe(
      '<sip:p;lr>',
    );
  });

  test('a tag that is there stays', () => {
    const inDialog = withHeader(request, 'To', '<sip:bob@example.com>;tag=old');
    const response = createResponse(inDialog, 200, { toTag: 'new' });
    expect(response.to.params.get('tag')).toBe('old');
    expectInStep(response);
  });

  test('21: reason phrases, unknown codes by class', () => {
    expect([200, 487, 499, 299, 699].map(reasonPhrase)).toEqual([
      'OK',
      'Request Terminated',
      'Bad Request',
      'OK',
      'Busy Everywhere',
    ]);
    expect(createResponse(request, 200, { reason: 'Fine' }).reason).toBe('Fine');
  });
});

describe('RFC 3261 16.6, 18.2.1: the Via stack', () => {
  const oneLine = withHeader(request, 'Via', 'SIP/2.0/UDP a;branch="1,2" , SIP/2.0/TCP b;branch=3');

  test('the top value is replaced, the others on its line stay', () => {
    const changed = withTopVia(oneLine, { ...oneLine.via, received: '192.0.2.9', rport: 5 });
    expect(changed.headers.getAll('via')).toEqual([
      'SIP/2.0/UDP a;branch="1,2";received=192.0.2.9;rport=5, SIP/2.0/TCP b;branch=3',
    ]);
    expectInStep(changed);
  });

  test('the top value is removed until none is left', () => {
    const once = withoutTopVia(createResponse(oneLine, 200));
    expect(once?.via).toMatchObject({ host: 'b', branch: '3' });
    expectInStep(once!);
    expect(withoutTopVia(once!)).toBeUndefined();
  });

  test('a pushed value stands above', () => {
    const pushed = withPushedVia(oneLine, via);
    expect(pushed.headers.getAll('via')).toHaveLength(2);
    expectInStep(pushed);
    expect(withoutTopVia(pushed)?.via.host).toBe('a');
  });
});

describe('changing headers keeps the typed fields right', () => {
  test.each([
    ['Via', 'SIP/2.0/TLS h;branch=b'],
    ['f', '<sip:new@x>;tag=2'],
    ['To', '<sip:new@x>;tag=3'],
    ['i', 'new-id'],
    ['CSeq', '8 INVITE'],
    ['Subject', 'hello'],
  ])('%s', (name, value) => {
    const changed = withHeader(request, name, value);
    expect(changed.headers.getAll(name)).toEqual([value]);
    expectInStep(changed);
    expect(request.headers.get(name)).not.toBe(value);
  });

  test('URI, body and removal', () => {
    const moved = withUri(request, makeSipUri({ host: 'elsewhere' }));
    expect(lines(moved)[0]).toBe('INVITE sip:elsewhere SIP/2.0');
    const typed = withBody(request, 'application/sdp', Buffer.from('v=0'));
    expect([typed.headers.get('content-type'), lines(typed).at(-3)]).toEqual(['application/sdp', 'Content-Length: 3']);
    const empty = withBody(request, '', Buffer.alloc(0));
    expect(empty.headers.has('content-type')).toBe(false);
    expect(withoutHeader(request, 'contact').headers.has('m')).toBe(false);
  });

  test('Content-Length keeps its place and spelling and gets the right number', () => {
    const headers = new HeaderList([
      { name: 'l', value: '999' },
      ...request.headers,
      { name: 'Content-Length', value: '1' },
    ]);
    const printed = lines({ ...request, headers });
    expect(printed[1]).toBe('l: 6');
    expect(printed.filter((line) => /length/i.test(line))).toEqual([]);
  });
});

describe('design.md 9: CR, LF and NUL never become part of a header', () => {
  const bad = ['a\rb', 'a\nb', 'a\0b', 'x\r\nEvil: 1'];
  test.each(bad)('%j', (value) => {
    expect(isSafeHeaderValue(value)).toBe(false);
    expect(() => withHeader(request, 'Subject', value)).toThrow();
    expect(() => withAddedHeader(request, 'Subject', value)).toThrow();
    expect(() => createResponse(request, 200, { headers: [{ name: 'X', value }] })).toThrow();
    expect(() => createRequest({ ...request, headers: [{ name: 'X', value }] })).toThrow();
    expect(() => createRequest({ ...request, callId: value, headers: [] })).toThrow();
  });

  test('names, tags, methods and reasons are checked too', () => {
    expect(() => withHeader(request, 'X\r\nY', '1')).toThrow();
    expect(() => createResponse(request, 200, { toTag: 'a b' })).toThrow();
    expect(() => createResponse(request, 200, { reason: 'a\r\nb: c' })).toThrow();
    expect(() => createRequest({ ...request, method: 'A B', headers: [] })).toThrow();
    expect(() => createResponse(request, 99)).toThrow();
  });

  test('the five mandatory headers come once and stay', () => {
    expect(() => withoutHeader(request, 'call-id')).toThrow();
    expect(() => withAddedHeader(request, 't', '<sip:x@y>')).toThrow();
    expect(() => withHeader(request, 'CSeq', 'x')).toThrow();
  });
});
