// RFC 3261 20.10, 20.42, 7.3.1: addresses with display names, Via values, and splitting lists at commas.

import { describe, expect, test } from 'vitest';
import {
  nameAddr,
  parseNameAddr,
  parseNameAddrList,
  serializeNameAddr,
  withoutParam,
  withParam,
} from '../../../../src/sip/grammar/name-addr.ts';
import { splitList } from '../../../../src/sip/grammar/params.ts';
import { makeSipUri } from '../../../../src/sip/grammar/uri.ts';
import { parseVia, parseViaList, serializeVia } from '../../../../src/sip/grammar/via.ts';

const value = (text: string) => {
  const result = parseNameAddr(text);
  if (!result.ok) throw new TypeError(`${text}: ${result.error.detail} at ${result.error.offset}`);
  return result.value;
};

describe('RFC 3261 20.10: forms of an address', () => {
  // text, display name, user, URI parameters, header parameters, printed
  const rows: readonly (readonly [string, string | undefined, string, string[], string[], string])[] = [
    ['<sip:a@b>', undefined, 'a', [], [], '<sip:a@b>'],
    ['Bob <sip:a@b;lr>;tag=x', 'Bob', 'a', ['lr'], ['tag'], 'Bob <sip:a@b;lr>;tag=x'],
    ['"Mr. \\"X\\\\" <sip:a@b>', 'Mr. "X\\', 'a', [], [], '"Mr. \\"X\\\\" <sip:a@b>'],
    ['"" <sip:a@b>', '', 'a', [], [], '<sip:a@b>'],
    ['"a,b;<c>" <sip:a@b>;q=0.5', 'a,b;<c>', 'a', [], ['q'], '"a,b;<c>" <sip:a@b>;q=0.5'],
    ['Bob Smith<sip:a@b>', 'Bob Smith', 'a', [], [], '"Bob Smith" <sip:a@b>'],
    ['sip:a@b;tag=x', undefined, 'a', [], ['tag'], '<sip:a@b>;tag=x'],
    ['sip:a@b ; tag = x ; y', undefined, 'a', [], ['tag', 'y'], '<sip:a@b>;tag=x;y'],
    ['+49 (30) 1 <sip:a@b>', '+49 (30) 1', 'a', [], [], '"+49 (30) 1" <sip:a@b>'],
    ['Jürgen <sip:a@b>', 'Jürgen', 'a', [], [], '"Jürgen" <sip:a@b>'],
    [
      '<sip:a@b>;+sip.instance="<urn:uuid:1>";reg-id=1',
      undefined,
      'a',
      [],
      ['+sip.instance', 'reg-id'],
      '<sip:a@b>;+sip.instance="<urn:uuid:1>";reg-id=1',
    ],
    ['<sip:a@b>;x="a b"', undefined, 'a', [], ['x'], '<sip:a@b>;x="a b"'],
    ['<sip:a@b>;received=[2001:db8::1]', undefined, 'a', [], ['received'], '<sip:a@b>;received=[2001:db8::1]'],
  ];
  test.each(rows)('%s', (text, displayName, user, uriParams, params, printed) => {
    const read = value(text);
    expect(read).toMatchObject({ displayName, uri: { user } });
    expect('params' in read.uri && [...read.uri.params.keys()]).toEqual(uriParams);
    expect([...read.params.keys()]).toEqual(params);
    expect(serializeNameAddr(read)).toBe(printed);
  });
});

describe('RFC 3261 25.1: what is no address', () => {
  test.each([
    '',
    'Bob',
    '<sip:a@b',
    '"Bob <sip:a@b>',
    '"Bob" sip:a@b',
    'Bell, Alexander <sip:a@b>',
    '<sip:a@b> x',
    '<sip:a@b>;',
    '<sip:a@b>;=x',
    '<sip:a@b>;x=',
    '<sip:a@b>;x="y',
    '< sip:a@b>',
    '<sip:a@b >',
    'sip:a@b?x=y',
    '<sip:a@b>,<sip:c@d>',
  ])('%s', (text) => {
    expect(parseNameAddr(text).ok).toBe(false);
  });
});

test('RFC 3261 7.3.1: a list of addresses with commas in quotes and URIs', () => {
  const list = parseNameAddrList('"a,b" <sip:a,1@x>;q=1, <sip:b@x> ,, sip:c@x;expires=5,');
  expect(list.ok && list.value.map(serializeNameAddr)).toEqual([
    '"a,b" <sip:a,1@x>;q=1',
    '<sip:b@x>',
    '<sip:c@x>;expires=5',
  ]);
  expect(parseNameAddrList(' , ').ok).toBe(false);
  expect(parseNameAddrList('<sip:a@x>, <bad>').ok).toBe(false);
});

test('header parameters are set and removed on a copy', () => {
  const before = value('<sip:a@b>;tag=x');
  expect(serializeNameAddr(withParam(before, 'Tag', 'y'))).toBe('<sip:a@b>;tag=y');
  expect(serializeNameAddr(withoutParam(before, 'TAG'))).toBe('<sip:a@b>');
  expect(before.params.get('tag')).toBe('x');
  expect(() => withParam(before, 'tag', 'a\r\nb')).toThrow();
});

test('design.md 9: CR, LF and NUL in a display name are never printed', () => {
  expect(serializeNameAddr(nameAddr(makeSipUri({ host: 'h' }), 'a\r\nb\0c'))).toBe('"a  b c" <sip:h>');
});

describe('RFC 3261 7.3.1: splitList', () => {
  test.each([
    ['', []],
    ['a', ['a']],
    [' a , b,c ', ['a', 'b', 'c']],
    ['"a,b", <c,d>, e;x="f,\\",g"', ['"a,b"', '<c,d>', 'e;x="f,\\",g"']],
    ['a,,b,', ['a', 'b']],
    ['"a, b', ['"a, b']],
    ['<a, b', ['<a', 'b']],
  ])('%j', (text, expected) => {
    expect(splitList(text)).toEqual(expected);
  });
});

describe('RFC 3261 20.42: Via', () => {
  test('every part, IPv6 without brackets, parameters apart', () => {
    const text = 'SIP/2.0/TLS [2001:DB8::9:1]:5061;branch=z9hG4bKx;received=[2001:db8::2];rport=7;ttl=16;alias';
    const via = parseVia(text);
    expect(via).toEqual({
      ok: true,
      value: {
        transport: 'tls',
        host: '2001:db8::9:1',
        port: 5061,
        branch: 'z9hG4bKx',
        received: '2001:db8::2',
        rport: 7,
        params: new Map([
          ['ttl', '16'],
          ['alias', undefined],
        ]),
      },
    });
    expect(via.ok && serializeVia(via.value)).toBe(
      'SIP/2.0/TLS [2001:db8::9:1]:5061;branch=z9hG4bKx;received=2001:db8::2;rport=7;ttl=16;alias',
    );
  });

  test('RFC 3581: rport without a value', () => {
    const via = parseVia('SIP/2.0/UDP h;rport;branch=x');
    expect(via).toMatchObject({ ok: true, value: { rport: null } });
    expect(via.ok && serializeVia(via.value)).toBe('SIP/2.0/UDP h;branch=x;rport');
  });

  test('blanks around every separator', () => {
    expect(parseVia(' SIP / 2.0 / UDP  first.example.com : 4000 ; ttl = 16 ; branch = z9 ')).toMatchObject({
      ok: true,
      value: { transport: 'udp', host: 'first.example.com', port: 4000, branch: 'z9' },
    });
  });

  test('several values in one line', () => {
    const list = parseViaList('SIP/2.0/UDP a;branch="x,y", SIP/2.0/TCP b:5070');
    expect(list.ok && list.value.map(({ host, branch }) => [host, branch])).toEqual([
      ['a', 'x,y'],
      ['b', undefined],
    ]);
  });

  test.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/ a',
    'SIP/3.0/UDP a',
    'HTTP/2.0/UDP a',
    'SIP/2.0/UDP a:x',
    'SIP/2.0/UDP a:99999',
    'SIP/2.0/UDP a;;branch=x',
    'SIP/2.0/UDP a;branch=x y',
    'SIP/2.0/UDP a;rport=x',
    'SIP/2.0/UDP a;received=x y',
    'SIP/2.0/UDP a;received="x;y"',
    'SIP/2.0/UDP a,',
    'SIP/2.0/UDP 2001:db8::1',
  ])('%s is refused', (text) => {
    expect(parseViaList(text).ok).toBe(false);
  });
});
