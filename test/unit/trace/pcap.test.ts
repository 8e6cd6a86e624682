// The pcap writer: the bytes of a file, and what a dissector that we did not write makes of them.

import { describe, expect, test } from 'vitest';
import { type CapturedPayload, writePcap } from '../../../src/trace/pcap.ts';
import { testUnless } from '../../support/skip.ts';
import { malformed, packets, tsharkMissing } from '../../support/tshark.ts';

const judged = testUnless(tsharkMissing());

const options = (callId: string) =>
  Buffer.from(
    `OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n` +
      `To: <sip:b@example.com>\r\nCall-ID: ${callId}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
  );
const payload = (change: Partial<CapturedPayload> = {}): CapturedPayload => ({
  wallMs: 1_700_000_000_123.5,
  protocol: 'udp',
  source: { address: '192.0.2.1', port: 5060 },
  destination: { address: '198.51.100.7', port: 5070 },
  payload: options('one'),
  ...change,
});

describe('the file', () => {
  test('without packets it is a header alone', () => {
    expect(writePcap([]).toString('hex')).toBe('d4c3b2a1020004000000000000000000000004006500000000'.slice(0, 48));
  });

  test('a record tells the time in microseconds and the length twice', () => {
    const file = writePcap([payload()]);
    const length = 28 + payload().payload.length;
    expect([file.readUInt32LE(24), file.readUInt32LE(28)]).toEqual([1_700_000_000, 123_500]);
    expect([file.readUInt32LE(32), file.readUInt32LE(36)]).toEqual([length, length]);
    expect(file).toHaveLength(24 + 16 + length);
  });
});

describe('[sip 9 capture-pcap] a dissector', () => {
  const v6 = {
    source: { address: '2001:db8::1%eth0', port: 5060 },
    destination: { address: '2001:db8::2', port: 5060 },
  };

  judged.each([
    ['UDP over IPv4', payload()],
    ['UDP over IPv6, with a zone', payload(v6)],
    ['TCP over IPv4', payload({ protocol: 'tcp' })],
    ['TCP over IPv6', payload({ protocol: 'tcp', ...v6 })],
    ['a payload of odd length', payload({ payload: Buffer.concat([options('odd'), Buffer.from('\r\n\r')]) })],
    ['an IPv4 address as IPv6 writes it', payload({ source: { address: '::ffff:192.0.2.1', port: 5060 } })],
  ])('reads %s, checksums included', (_, one) => {
    const file = writePcap([one]);
    expect(malformed(file)).toBe('');
    expect(packets(file, ['sip.Method', 'frame.time_epoch'])).toEqual([['OPTIONS', '1700000000.123500000']]);
  });

  judged('puts a message of two TCP segments and the answer together', () => {
    const long = Buffer.concat([
      options('long').subarray(0, -22),
      Buffer.from(`Content-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`),
    ]);
    const back = { source: payload().destination, destination: payload().source };
    const file = writePcap([
      payload({ protocol: 'tcp', payload: long }),
      payload({ protocol: 'tcp', payload: options('back'), ...back }),
      payload({ protocol: 'tcp', payload: options('second') }),
    ]);
    expect(malformed(file)).toBe('');
    expect(packets(file, ['sip.Call-ID'], 'sip').flat()).toEqual(['long', 'back', 'second']);
    expect(packets(file, ['frame.number'], 'tcp.analysis.flags')).toEqual([]);
  });
});
