// RFC 4566: what a description may look like, what is a fault and on which line, and the limits against hostile ones.

import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { parseSdp } from '../../../src/sdp/parse.ts';
import { all, minimal } from './offers.ts';

const parsed = (text: string) => {
  const result = parseSdp(text);
  if (!result.ok) throw new Error(`line ${result.error.line}: ${result.error.detail}`);
  return result.value;
};

describe('RFC 4566 5', () => {
  test('sections keep order, kind, protocol, formats; attributes keep case and order', () => {
    const { media, attributes, timing } = parsed(
      'v=0\r\nt=1 2\r\na=tool:x y\r\nm=audio 49170 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\nm=Video 0 RTP/AVP 31\r\n',
    );
    expect(timing).toBe('1 2');
    expect(attributes).toEqual([{ name: 'tool', value: 'x y' }]);
    expect(media).toMatchObject([
      {
        kind: 'audio',
        port: 49_170,
        protocol: 'RTP/AVP',
        formats: ['0', '8'],
        attributes: [
          { name: 'rtpmap', value: '0 PCMU/8000' },
          { name: 'sendrecv', value: '' },
        ],
      },
      { kind: 'video', port: 0, attributes: [] },
    ]);
  });

  test('unknown types are skipped, blank lines and surplus blanks tolerated', () => {
    const { media } = parsed('v=0\n\nx=?\nb=AS:64\nk=clear:x\nm=audio\t49170/2   RTP/AVP  0 \n\n');
    expect(media).toMatchObject([{ port: 49_170, formats: ['0'] }]);
  });

  test.each<readonly [string, string, number]>([
    ['another version', 'v=1\r\n', 1],
    ['no v= first', 'o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n', 1],
    ['a line without =', 'v=0\r\nhello\r\n', 2],
    ['a NUL', 'v=0\r\ns=a\0b\r\n', 2],
    ['a broken m=', 'v=0\r\ns=-\r\nm=audio RTP/AVP 0\r\n', 3],
    ['a negative port', 'v=0\r\nm=audio -1 RTP/AVP 0\r\n', 2],
    ['a port above 65535', 'v=0\r\nm=audio 65536 RTP/AVP 0\r\n', 2],
    ['no format', 'v=0\r\nm=audio 5004 RTP/AVP\r\n', 2],
    ['a format that is no token', 'v=0\r\nm=audio 5004 RTP/AVP 0 "8"\r\n', 2],
    ['a protocol that is no token', 'v=0\r\nm=audio 5004 RTP/<b> 0\r\n', 2],
    ['a broken c=', 'v=0\r\nc=192.0.2.1\r\n', 2],
    ['c= of another network', 'v=0\r\nc=ATM NSAP 47.0091\r\n', 2],
  ])('fault with its line: %s', (_, text, line) => {
    expect(parseSdp(text)).toMatchObject({ ok: false, error: { line } });
  });

  test.each<readonly [string, unknown]>([
    ['IN IP4 192.0.2.1', { kind: 'address', address: '192.0.2.1' }],
    ['in ip4 192.0.2.1', { kind: 'address', address: '192.0.2.1' }],
    ['IN IP6 2001:DB8::0:1', { kind: 'address', address: '2001:db8::1' }],
    ['IN IP4 2001:db8::1', { kind: 'address', address: '2001:db8::1' }],
    ['IN IP4 0.0.0.0', { kind: 'unspecified' }],
    ['IN IP6 ::', { kind: 'unspecified' }],
    ['IN IP4 224.2.36.42/127/3', { kind: 'unusable', text: '224.2.36.42' }],
    ['IN IP6 ff15::101/3', { kind: 'unusable', text: 'ff15::101' }],
    ['IN IP6 fe80::1%eth0', { kind: 'unusable', text: 'fe80::1%eth0' }],
    ['IN IP4 127.1', { kind: 'unusable', text: '127.1' }],
    ['IN IP4 0x7f000001', { kind: 'unusable', text: '0x7f000001' }],
    ['IN IP4 phone.example.com', { kind: 'unusable', text: 'phone.example.com' }],
  ])('c=%s', (value, connection) => {
    expect(parsed(`v=0\r\nc=${value}\r\n`).connection).toEqual(connection);
  });

  test('the first of several c= lines counts, per section', () => {
    const { connection, media } = parsed(
      'v=0\r\nc=IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.2\r\nm=audio 5004 RTP/AVP 0\r\nc=IN IP4 192.0.2.3\r\n',
    );
    expect(connection).toEqual({ kind: 'address', address: '192.0.2.1' });
    expect(media[0]?.connection).toEqual({ kind: 'address', address: '192.0.2.3' });
  });
});

describe('limits', () => {
  test.each<readonly [string, string]>([
    ['too long', `v=0\r\ns=${'x'.repeat(limits.sipBodyBytes)}\r\n`],
    ['too many lines', `v=0\r\n${'a=x\r\n'.repeat(limits.sdpLines)}`],
    ['too many sections', `v=0\r\n${'m=audio 1 RTP/AVP 0\r\n'.repeat(limits.sdpMediaSections + 1)}`],
    ['too many formats', minimal(`m=audio 1 RTP/AVP${' 0'.repeat(limits.sdpFormatsPerMedia + 1)}`)],
  ])('%s is a fault', (_, text) => {
    expect(parseSdp(text).ok).toBe(false);
  });

  test('lines made to be slow for a backtracking grammar', () => {
    const long = limits.sipBodyBytes - 100;
    for (const line of [
      `m=audio 1 RTP/AVP${' '.repeat(long)}`,
      `m=audio 1 RTP/AVP${' 0'.repeat(long / 2)} "`,
      `m=${'a'.repeat(long)}`,
      `c=IN IP4 ${'1.'.repeat(long / 2)}`,
      `c=IN IP6 ${':'.repeat(long)}`,
      `a=${':'.repeat(long)}`,
    ]) {
      const result = parseSdp(`v=0\r\n${line}\r\n`);
      expect(typeof result.ok).toBe('boolean');
    }
  });
});

describe('against another grammar (npm sdp-transform)', () => {
  interface Other {
    readonly media: readonly {
      readonly type: string;
      readonly port: number;
      readonly protocol: string;
      readonly payloads: number | string;
    }[];
  }
  const other = createRequire(import.meta.url)('sdp-transform') as { parse(text: string): Other };
  test.each(Object.entries(all))('%s: the same sections', (_, text) => {
    expect(
      parsed(text).media.map(({ kind, port, protocol, formats }) => [kind, port, protocol, formats.join(' ')]),
    ).toEqual(
      other.parse(text).media.map(({ type, port, protocol, payloads }) => [type, port, protocol, `${payloads}`]),
    );
  });
});
