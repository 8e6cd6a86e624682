// RFC 5118: the twelve IPv6 torture messages. Built here line by line; the body lengths are the true ones, as the RFC's own
// Content-Length of 4.6, 4.8 and 4.9 counts line ends differently and framing is not what these messages test.

import { describe, expect, test } from 'vitest';
import { contacts } from '../../../../src/sip/grammar/fields.ts';
import type { Request } from '../../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../../../src/sip/grammar/serialize.ts';
import { StreamFramer } from '../../../../src/sip/grammar/stream-framer.ts';
import { parseViaList } from '../../../../src/sip/grammar/via.ts';

const build = (lines: readonly string[], body: readonly string[] = []): Buffer => {
  const bodyText = body.map((line) => `${line}\r\n`).join('');
  return Buffer.from(`${[...lines, `Content-Length: ${bodyText.length}`].join('\r\n')}\r\n\r\n${bodyText}`);
};

const register = (uri: string) =>
  build([
    `REGISTER ${uri} SIP/2.0`,
    'To: sip:user@example.com',
    'From: sip:user@example.com;tag=81x2',
    'Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111',
    'Call-ID: SSG9559905523997077@hlau_4100',
    'Max-Forwards: 70',
    'Contact: "Caller" <sip:caller@[2001:db8::1]>',
    'CSeq: 98176 REGISTER',
  ]);

const withReceived = (method: string, received: string) =>
  build([
    `${method} sip:[2001:db8::10] SIP/2.0`,
    'To: sip:user@example.com;tag=bd76ya',
    'From: sip:user@example.com;tag=81x2',
    `Via: SIP/2.0/UDP [2001:db8::9:1];received=${received};branch=z9hG4bKas3-111`,
    'Call-ID: SSG9559905523997077@hlau_4100',
    'Max-Forwards: 70',
    `CSeq: 321 ${method}`,
  ]);

const invite = (host: string, via: readonly string[], contact: string, body: readonly string[]) =>
  build(
    [
      `INVITE sip:user@${host} SIP/2.0`,
      `To: sip:user@${host}`,
      'From: sip:user@example.com;tag=81x2',
      ...via.map((value) => `Via: SIP/2.0/UDP ${value};branch=z9hG4bKas3-111`),
      'Call-ID: SSG9559905523997077@hlau_4100',
      `Contact: "Caller" <sip:caller@${contact}>`,
      'CSeq: 8612 INVITE',
      'Max-Forwards: 70',
      'Content-Type: application/sdp',
    ],
    body,
  );

const abnfBug = (host: string) =>
  build([
    `OPTIONS sip:user@${host} SIP/2.0`,
    `To: sip:user@${host}`,
    'From: sip:user@example.com;tag=810x2',
    'Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111',
    'Call-ID: G9559905523997077@hlau_4100',
    'CSeq: 689 OPTIONS',
    'Max-Forwards: 70',
  ]);

const multipleInHeader = build([
  'BYE sip:user@host.example.net SIP/2.0',
  'Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111',
  'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144',
  'Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200',
  'Call-ID: 997077@lau_4100',
  'Max-Forwards: 70',
  'CSeq: 89187 BYE',
  'To: sip:user@example.net;tag=9817--94',
  'From: sip:user@example.com;tag=81x2',
]);

const sdp6 = (address: string) => [
  'v=0',
  `o=assistant 971731711378798081 0 IN IP6 ${address}`,
  's=Live video feed',
  `c=IN IP6 ${address}`,
  't=3338481189 3370017201',
  'm=audio 6000 RTP/AVP 2',
  'a=rtpmap:2 G726-32/8000',
];
const sdpBoth = ['v=0', 'o=bob 280744730 28977631 IN IP4 host.example.com', 's=', 't=0 0', 'm=audio 22334 RTP/AVP 0'];

// Section, name, bytes, host and port of the Request-URI; undefined where the message must get a 400.
const table: readonly (readonly [string, string, Buffer, readonly [string, number?] | undefined])[] = [
  ['4.1', 'ipv6-good', register('sip:[2001:db8::10]'), ['2001:db8::10']],
  ['4.2', 'ipv6-bad', register('sip:2001:db8::10'), undefined],
  ['4.3', 'port-ambiguous', register('sip:[2001:db8::10:5070]'), ['2001:db8::10:5070']],
  ['4.4', 'port-unambiguous', register('sip:[2001:db8::10]:5070'), ['2001:db8::10', 5070]],
  ['4.5', 'via-received-param-with-delim', withReceived('BYE', '[2001:db8::9:255]'), ['2001:db8::10']],
  ['4.5', 'via-received-param-no-delim', withReceived('OPTIONS', '2001:db8::9:255'), ['2001:db8::10']],
  [
    '4.6',
    'ipv6-in-sdp',
    invite('[2001:db8::10]', ['[2001:db8::20]'], '[2001:db8::20]', sdp6('2001:db8::20')),
    ['2001:db8::10'],
  ],
  ['4.7', 'mult-ip-in-header', multipleInHeader, ['host.example.net']],
  [
    '4.8',
    'mult-ip-in-sdp',
    invite('[2001:db8::10]', ['[2001:db8::9:1]'], '[2001:db8::9:1]', sdpBoth),
    ['2001:db8::10'],
  ],
  [
    '4.9',
    'ipv4-mapped-ipv6',
    invite(
      'example.com',
      ['[::ffff:192.0.2.10]:19823', '[::ffff:192.0.2.2]'],
      '[::ffff:192.0.2.2]',
      sdp6('::ffff:192.0.2.2'),
    ),
    ['example.com'],
  ],
  ['4.10', 'ipv6-bug-abnf-3-colons', abnfBug('[2001:db8:::192.0.2.1]'), ['2001:db8::192.0.2.1']],
  ['4.10', 'ipv6-correct-abnf-2-colons', abnfBug('[2001:db8::192.0.2.1]'), ['2001:db8::192.0.2.1']],
];

describe.each(table)('RFC 5118 %s %s', (_section, _name, bytes, expected) => {
  const results = () => {
    const framer = new StreamFramer();
    const items = [...bytes].flatMap((byte) => framer.push(Buffer.of(byte)));
    return [parseMessage(bytes), ...items.map((item) => (item.kind === 'message' ? item.result : undefined))];
  };

  test(expected ? 'is read, and printed as an equal message' : 'gets 400', () => {
    const all = results();
    expect(all).toHaveLength(2);
    for (const result of all) {
      if (!expected) {
        expect(result).toMatchObject({ ok: false, error: { status: 400, isResponse: false } });
        continue;
      }
      expect(result).toMatchObject({ ok: true, value: { uri: { host: expected[0], port: expected[1] } } });
      if (result?.ok) expect(parseMessage(serializeMessage(result.value))).toEqual(result);
    }
  });
});

const request = (bytes: Buffer): Request => {
  const result = parseMessage(bytes);
  if (!result.ok || result.value.kind !== 'request') throw new TypeError('not a request');
  return result.value;
};

test('RFC 5118 4.1: IPv6 in Via and Contact is held without brackets', () => {
  const message = request(register('sip:[2001:db8::10]'));
  expect(message.via).toMatchObject({ host: '2001:db8::9:1', port: undefined });
  const list = contacts(message);
  expect(list.ok && list.value !== '*' && list.value[0]?.uri).toMatchObject({ user: 'caller', host: '2001:db8::1' });
});

test.each(['[2001:db8::9:255]', '2001:db8::9:255'])('RFC 5118 4.5: received=%s', (received) => {
  expect(request(withReceived('BYE', received)).via.received).toBe('2001:db8::9:255');
});

test('RFC 5118 4.7: IPv4 and IPv6 in one Via set', () => {
  const vias = request(multipleInHeader)
    .headers.getAll('via')
    .flatMap((line) => {
      const list = parseViaList(line);
      return list.ok ? list.value : [];
    });
  expect(vias.map(({ host, port, received }) => [host, port, received])).toEqual([
    ['2001:db8::9:1', 6050, undefined],
    ['192.0.2.1', undefined, undefined],
    ['2001:db8::9:255', undefined, '192.0.2.200'],
  ]);
});
