// received and rport of the top Via: RFC 3261 18.2.1, RFC 3581 4.

import { describe, expect, test } from 'vitest';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../../../src/sip/grammar/serialize.ts';
import { withSource } from '../../../../src/sip/transport/via-source.ts';

function options(via: string) {
  const text = [
    'OPTIONS sip:gw SIP/2.0',
    `Via: ${via}`,
    'From: <sip:a@b>;tag=1',
    'To: <sip:gw>',
    'Call-ID: x',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ];
  const parsed = parseMessage(Buffer.from(`${text.join('\r\n')}\r\n\r\n`));
  if (!parsed.ok || parsed.value.kind !== 'request') throw new TypeError('test message');
  return parsed.value;
}

describe('RFC 3261 18.2.1 and RFC 3581 4', () => {
  test.each([
    ['SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa', '192.0.2.9', undefined, undefined],
    ['SIP/2.0/UDP 192.0.2.8:5060;branch=z9hG4bKa', '192.0.2.9', '192.0.2.9', undefined],
    ['SIP/2.0/UDP pbx.example;branch=z9hG4bKa', '192.0.2.9', '192.0.2.9', undefined],
    ['SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa;rport', '192.0.2.9', '192.0.2.9', 41000],
    ['SIP/2.0/UDP pbx.example;rport;branch=z9hG4bKa', '192.0.2.9', '192.0.2.9', 41000],
    ['SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa;rport=7', '192.0.2.9', '192.0.2.9', 41000],
    ['SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa;received=203.0.113.1', '192.0.2.9', undefined, undefined],
    ['SIP/2.0/UDP pbx.example;branch=z9hG4bKa;received=203.0.113.1', '192.0.2.9', '192.0.2.9', undefined],
    ['SIP/2.0/TCP [2001:DB8:0::1];branch=z9hG4bKa', '2001:db8::1', undefined, undefined],
    ['SIP/2.0/TCP [2001:db8::2];branch=z9hG4bKa;rport', '2001:db8::1', '2001:db8::1', 41000],
  ])('%s from %s: received %s, rport %s', (via, source, received, rport) => {
    const request = withSource(options(via), source, 41000);
    expect([request.via.received, request.via.rport]).toEqual([received, rport]);
    const reparsed = parseMessage(serializeMessage(request));
    expect(reparsed.ok && reparsed.value.via).toEqual(request.via);
  });

  test('only the topmost value of a line with several is changed', () => {
    const request = withSource(
      options('SIP/2.0/UDP a.example;branch=z9hG4bK1;rport, SIP/2.0/UDP b.example;rport'),
      '192.0.2.9',
      9,
    );
    expect(request.headers.get('via')).toBe(
      'SIP/2.0/UDP a.example;branch=z9hG4bK1;received=192.0.2.9;rport=9, SIP/2.0/UDP b.example;rport',
    );
  });

  test('a request that needs nothing is handed on as it is', () => {
    const request = options('SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa');
    expect(withSource(request, '192.0.2.9', 5060)).toBe(request);
  });
});
