// A first look at messages: their kind from the first bytes, and the fields of an answer, or nothing where only the parser may judge.

import { describe, expect, test } from 'vitest';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { serializeVia } from '../../../../src/sip/grammar/via.ts';
import { glance, kindOf, userIn } from '../../../../src/sip/transport/glance.ts';

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`;
const start = 'INVITE sip:bob@biloxi.example.com SIP/2.0';
const via = 'Via: SIP/2.0/UDP pc33.example.com:5070;branch=z9hG4bK776;rport';
const rest = ['From: "A" <sip:alice@example.com>;tag=1928', 'Call-ID: a84b4c76e66710', 'CSeq: 314159 INVITE'];

describe('kind by the first bytes', () => {
  test.each([
    ['SIP/2.0 200 OK', 'response'],
    ['sip/2.0 200 OK', 'response'],
    ['ACK sip:a@b SIP/2.0', 'ack'],
    ['BYE sip:a@b SIP/2.0', 'bye'],
    ['CANCEL sip:a@b SIP/2.0', 'cancel'],
    ['INVITE sip:a@b SIP/2.0', 'invite'],
    ['INFO sip:a@b SIP/2.0', 'other'],
    ['REGISTER sip:b SIP/2.0', 'register'],
    ['REFER sip:a@b SIP/2.0', 'other'],
    ['SUBSCRIBE sip:a@b SIP/2.0', 'other'],
    ['OPTIONS sip:b SIP/2.0', 'other'],
    ['', 'other'],
  ])('%s', (text, kind) => expect(kindOf(Buffer.from(text))).toBe(kind));
});

describe('fields', () => {
  test('those that an answer copies, as they came', () => {
    const seen = glance(
      lines(start, via, 'Via: SIP/2.0/TCP far.example.com;branch=z9hG4bK1', 'To: <sip:bob@b>', ...rest),
    );
    expect(seen).toMatchObject({
      method: 'INVITE',
      uri: 'sip:bob@biloxi.example.com',
      otherVias: '\r\nVia: SIP/2.0/TCP far.example.com;branch=z9hG4bK1\r\n',
      from: '"A" <sip:alice@example.com>;tag=1928',
      to: '<sip:bob@b>',
      callId: 'a84b4c76e66710',
      cseq: '314159 INVITE',
      hasToTag: false,
    });
    expect(seen && serializeVia(seen.via)).toBe('SIP/2.0/UDP pc33.example.com:5070;branch=z9hG4bK776;rport');
  });

  test('compact names, lone line feeds, blanks before the colon, several Vias on one line', () => {
    const text = `${start}\nv: SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2\nf: <sip:a@b>;tag=1\nt : <sip:b@c>\ni:x\nCSEQ: 1 INVITE\n\n`;
    expect(glance(text)).toMatchObject({
      otherVias: ', SIP/2.0/UDP b;branch=z9hG4bK2\r\n',
      callId: 'x',
      to: '<sip:b@c>',
    });
  });

  test.each([
    ['<sip:bob@b>;tag=9', true],
    ['<sip:bob@b>; TAG = 9', true],
    ['sip:bob@b;tag=9', true],
    ['<sip:bob@b;tag=9>', false],
    ['"x;tag=1" <sip:bob@b>', false],
    ['<sip:bob@b>;vintage=9', false],
  ])('a To tag: %s', (to, hasToTag) => {
    const text = lines(start, via, `To: ${to}`, ...rest);
    expect(glance(text)?.hasToTag).toBe(hasToTag);
    const parsed = parseMessage(Buffer.from(text));
    expect(parsed.ok && parsed.value.to.params.has('tag')).toBe(hasToTag);
  });

  test.each([
    ['no empty line', `${start}\r\n${via}\r\nTo: <sip:b@c>\r\n${rest.join('\r\n')}\r\n`],
    ['a folded To', lines(start, via, 'To: <sip:b@c>', ' ;x=1', ...rest)],
    ['two To', lines(start, via, 'To: <sip:b@c>', 't: <sip:d@c>', ...rest)],
    ['no Call-ID', lines(start, via, 'To: <sip:b@c>', rest[0]!, rest[2]!)],
    ['no Via', lines(start, 'To: <sip:b@c>', ...rest)],
    ['a Via that is none', lines(start, 'Via: nonsense', 'To: <sip:b@c>', ...rest)],
    ['a CR inside a value', lines(start, via, 'To: <sip:b@c>', rest[0]!, 'Call-ID: a\rb', rest[2]!)],
    ['a NUL inside a value', lines(start, via, 'To: <sip:b@c>\0', ...rest)],
    ['quotes among the parameters of To', lines(start, via, 'To: <sip:b@c>;x="a;tag=1"', ...rest)],
    ['another version', lines('INVITE sip:b@c SIP/3.0', via, 'To: <sip:b@c>', ...rest)],
    ['nothing', ''],
  ])('left to the parser: %s', (_name, text) => expect(glance(text)).toBeUndefined());
});

test('the user of a Request-URI', () => {
  expect(userIn('sip:911@example.com')).toBe('911');
  expect(userIn('sip:911:secret@example.com')).toBe('911');
  expect(userIn('sips:+1911;x=y@example.com')).toBe('+1911;x=y');
  expect(userIn('sip:example.com')).toBe('');
});
