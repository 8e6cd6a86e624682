// RFC 3261 19.1 URIs: reading, printing, escapes, hosts, and the comparison rules with all their examples.

import { describe, expect, test } from 'vitest';
import {
  makeSipUri,
  parseUri,
  type SipUri,
  serializeUri,
  type Uri,
  uriEquals,
  withoutUriHeaders,
  withoutUriParam,
  withUriParam,
} from '../../../../src/sip/grammar/uri.ts';

const uri = (text: string): Uri => {
  const result = parseUri(text);
  if (!result.ok) throw new TypeError(`${text}: ${result.error.detail}`);
  return result.value;
};
const params = (entries: Record<string, string | undefined>) => new Map(Object.entries(entries));

describe('RFC 3261 19.1.1, 19.1.3: parts of a URI', () => {
  const rows: readonly (readonly [string, Partial<SipUri>])[] = [
    ['sip:alice@atlanta.com', { user: 'alice', host: 'atlanta.com', port: undefined }],
    [
      'sip:alice:secretword@atlanta.com;transport=tcp',
      { user: 'alice', password: 'secretword', params: params({ transport: 'tcp' }) },
    ],
    [
      'sips:alice@atlanta.com?subject=project%20x&priority=urgent',
      {
        scheme: 'sips',
        headers: [
          ['subject', 'project x'],
          ['priority', 'urgent'],
        ],
      },
    ],
    [
      'sip:+1-212-555-1212:1234@gateway.com;user=phone',
      { user: '+1-212-555-1212', password: '1234', params: params({ user: 'phone' }) },
    ],
    ['sips:1212@gateway.com', { scheme: 'sips', user: '1212' }],
    ['sip:alice@192.0.2.4', { host: '192.0.2.4' }],
    [
      'sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com',
      { user: undefined, params: params({ method: 'REGISTER' }), headers: [['to', 'alice@atlanta.com']] },
    ],
    ['sip:alice;day=tuesday@atlanta.com', { user: 'alice;day=tuesday', params: params({}) }],
    [
      'SIP:Alice@AtLanTa.CoM:5070;LR',
      { user: 'Alice', host: 'atlanta.com', port: 5070, params: params({ lr: undefined }) },
    ],
    ['sip:[2001:DB8::1]:5062', { host: '2001:db8::1', port: 5062 }],
    ['sip:a@[::ffff:192.0.2.1]', { host: '::ffff:192.0.2.1' }],
    ['sip:%2A21%23@pbx', { user: '*21#' }],
    ['sip:*21#@pbx', { user: '*21#' }],
    ['sip:j%C3%BCrgen@example.com', { user: 'jürgen' }],
    ['sip:jürgen@example.com', { user: 'jürgen' }],
    ['sip:a@b;x=%3B%3D', { params: params({ x: ';=' }) }],
    ['sip:a@b;;lr;', { params: params({ lr: undefined }) }],
    ['sip:a@b;lr;lr=on', { params: params({ lr: undefined }) }],
    ['sip:example.com.', { host: 'example.com.' }],
    ['sip:my_service', { host: 'my_service' }],
    ['sip:a@b?Replaces=x%40y%3Bto-tag%3D1', { headers: [['Replaces', 'x@y;to-tag=1']] }],
    ['sip:a@b?body=', { headers: [['body', '']] }],
  ];
  test.each(rows)('%s', (text, expected) => {
    expect(uri(text)).toMatchObject(expected);
    expect(uri(serializeUri(uri(text)))).toEqual(uri(text));
  });
});

describe('RFC 3261 25.1: what is no URI', () => {
  const rows: readonly (readonly [string, number])[] = [
    ['', 0],
    ['alice@atlanta.com', 0],
    ['1sip:alice', 0],
    ['sip:', 4],
    ['sip:@atlanta.com', 4],
    ['sip::pw@atlanta.com', 4],
    ['sip:alice@', 10],
    ['sip:al ice@atlanta.com', 6],
    ['sip:al%2@atlanta.com', 6],
    ['sip:al%zz@atlanta.com', 6],
    ['sip:a@b@c', 7],
    ['sip:a@b:65536', 6],
    ['sip:a@b:', 6],
    ['sip:a@b:5060x', 12],
    ['sip:a@1.2.3.256', 6],
    ['sip:a@1.2.3', 6],
    ['sip:a@a..b', 6],
    ['sip:a@2001:db8::1', 6],
    ['sip:a@[2001:db8::1', 6],
    ['sip:a@[12345::1]', 6],
    ['sip:a@[1:2:3:4:5:6:7]', 6],
    ['sip:a@[1::2::3]', 6],
    ['sip:a@[1.2.3.4::1]', 6],
    ['sip:a@b;=x', 8],
    ['sip:a@b;x=%q', 10],
    ['sip:a@b?', 8],
    ['sip:a@b?x', 8],
    ['sip:a@b ', 7],
    ['tel:', 4],
    ['tel:+1 212', 6],
    ['http://a"b', 8],
  ];
  test.each(rows)('%s is refused at %i', (text, offset) => {
    expect(parseUri(text)).toMatchObject({ ok: false, error: { offset } });
  });
});

describe('other schemes are kept as written', () => {
  test.each([
    'tel:+1-212-555-1212;phone-context=example.com',
    'urn:service:sos',
    'http://example.com/a?b=c#d',
    'Mailto:a@b',
  ])('%s', (text) => {
    expect(uri(text)).toEqual({ scheme: text.slice(0, text.indexOf(':')).toLowerCase(), text });
    expect(serializeUri(uri(text))).toBe(text);
  });
});

describe('RFC 3261 19.1.2: printing escapes what is not allowed in that part', () => {
  test('user, password, parameters and headers', () => {
    const built = makeSipUri({
      user: 'a b@c:d#"<ü>',
      password: 'p@:w',
      host: '[2001:DB8::1]',
      port: 5060,
      params: { lr: undefined, x: 'a;b=c?' },
      headers: [['Refer To', 'a&b=c']],
    });
    const text =
      'sip:a%20b%40c%3Ad%23%22%3C%C3%BC%3E:p%40%3Aw@[2001:db8::1]:5060;lr;x=a%3Bb%3Dc%3F?Refer%20To=a%26b%3Dc';
    expect(serializeUri(built)).toBe(text);
    expect(uri(text)).toEqual(built);
  });

  test('escaped octets that are no UTF-8 come back as the same octets', () => {
    expect(serializeUri(uri('sip:a%FF%c3%28@b'))).toBe('sip:a%FF%C3(@b');
    expect(uri(serializeUri(uri('sip:a%FF%c3%28@b')))).toEqual(uri('sip:a%FF%c3%28@b'));
  });

  test('a NUL and line ends are escaped, never printed', () => {
    expect(serializeUri(makeSipUri({ user: 'a\r\nb\0', host: 'h' }))).toBe('sip:a%0D%0Ab%00@h');
  });
});

describe('RFC 3261 19.1.4: equivalent URIs', () => {
  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['sip:a@[2001:db8::1]', 'sip:a@[2001:0DB8:0:0::0001]'],
    ['tel:+1-212-555', 'TEL:+1212.555'],
  ])('%s = %s', (a, b) => {
    expect(uriEquals(uri(a), uri(b))).toBe(true);
    expect(uriEquals(uri(b), uri(a))).toBe(true);
  });
});

describe('RFC 3261 19.1.4: URIs that are not equivalent', () => {
  test.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a@b', 'sip:a:pw@b'],
    ['sip:a@b', 'sip:a@b;maddr=192.0.2.1'],
    ['sip:a@b;user=phone', 'sip:a@b'],
    ['sip:a@b;ttl=1', 'sip:a@b'],
    ['sip:a@b', 'tel:+1'],
    ['tel:+1', 'tel:+2'],
    ['tel:+1', 'urn:+1'],
  ])('%s ≠ %s', (a, b) => {
    expect(uriEquals(uri(a), uri(b))).toBe(false);
    expect(uriEquals(uri(b), uri(a))).toBe(false);
  });
});

test('RFC 3261 19.1.1: the headers part can be taken off for a Request-URI', () => {
  expect(serializeUri(withoutUriHeaders(uri('sip:a@b;lr?x=y')))).toBe('sip:a@b;lr');
  expect(withoutUriHeaders(uri('tel:+1'))).toEqual(uri('tel:+1'));
});

test('parameters are set and removed without case, other schemes stay', () => {
  expect(serializeUri(withUriParam(uri('sip:a@b'), 'OB', undefined))).toBe('sip:a@b;ob');
  expect(serializeUri(withoutUriParam(uri('sip:a@b;ob;lr'), 'OB'))).toBe('sip:a@b;lr');
  expect(withUriParam(uri('tel:+1'), 'ob', undefined)).toEqual(uri('tel:+1'));
});

test('makeSipUri refuses what could not be written', () => {
  expect(() => makeSipUri({ host: 'a b' })).toThrow();
  expect(() => makeSipUri({ host: 'a', port: 70_000 })).toThrow();
  expect(() => makeSipUri({ host: 'a', params: { 'x;y': '1' } })).toThrow();
});
