// Secrets are crossed out at their length (design.md 9): Content-Length holds, and nothing that was planted is left.

import { describe, expect, test } from 'vitest';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';
import { maskMessage } from '../../../src/trace/mask.ts';

const message = (startLine: string, headers: readonly string[], body = ''): Buffer =>
  Buffer.from(
    [
      startLine,
      'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx',
      'From: <sip:a@example.com>;tag=1',
      'To: <sip:b@example.com>',
      'Call-ID: c',
      'CSeq: 1 INVITE',
      ...headers,
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
const invite = (headers: readonly string[], body?: string) =>
  message('INVITE sip:b@example.com SIP/2.0', headers, body);

/** Every secret holds this word. */
const SECRET = 'pLaNtEd';

describe('[sip 9 capture-redaction] what is crossed out', () => {
  test.each([
    ['Authorization', invite([`Authorization: Digest username="u", response="${SECRET}"`])],
    ['Proxy-Authorization, folded', invite([`Proxy-Authorization: Digest username="u",\r\n response="${SECRET}"`])],
    ['a header name in lower case', invite([`proxy-authorization:Digest response="${SECRET}"`])],
    ['Authentication-Info', invite([`Authentication-Info: rspauth="${SECRET}"`])],
    ['a password in a SIP URI', invite([`Contact: <sip:u:${SECRET}@192.0.2.1>`])],
    ['a password behind another address', invite([`Contact: <sip:a@192.0.2.1>,<sip:u:${SECRET}@192.0.2.1>`])],
    ['a password behind a control character', invite([`Contact: <sip:u:\x01${SECRET}\x02@192.0.2.1>`])],
    ['a password in an HTTP URL', invite([`Call-Info: <https://u:${SECRET}@example.com/x>`])],
    [
      'SRTP keys (RFC 4568), several of them',
      invite(['Content-Type: application/sdp'], sdp(`inline:${SECRET}|2^20|1:4;inline:${SECRET}`)),
    ],
    [
      'the key line of a session (RFC 4566 5.12)',
      invite(['Content-Type: application/sdp'], `v=0\r\nk=clear:${SECRET}\r\n`),
    ],
    ['ICE passwords (RFC 8839)', invite(['Content-Type: application/sdp'], `v=0\r\na=ice-pwd:${SECRET}\r\n`)],
    [
      'KPML digits (RFC 4730)',
      invite(['Content-Type: application/kpml-response+xml'], `<kpml-response digits="${SECRET}"/>`),
    ],
  ])('%s', (_, bytes) => {
    const masked = maskMessage(bytes);
    expect(masked.toString('latin1')).not.toContain(SECRET);
    expect(masked).toHaveLength(bytes.length);
    expect(parseMessage(masked).ok).toBe(true);
  });

  test.each([
    ['application/dtmf-relay', 'Signal=7\r\nDuration=160\r\n', 'Signal=x\r\nDuration=160\r\n'],
    ['application/dtmf', '7', 'x'],
    ['application/vnd.nortelnetworks.digits', 'd=7391\r\n', 'xxxxxx\r\n'],
  ])('digits of an INFO with %s', (type, body, expected) => {
    const masked = maskMessage(message('INFO sip:b@example.com SIP/2.0', [`Content-Type: ${type}`], body));
    expect(masked.toString('latin1').split('\r\n\r\n')[1]).toBe(expected);
  });
});

test('[sip 9 capture-redaction] what is no secret stays as it crossed the wire', () => {
  const bytes = invite(
    [
      'Contact: <sip:u@192.0.2.1:5060>',
      'WWW-Authenticate: Digest realm="r", nonce="n"',
      'Content-Type: application/sdp',
    ],
    'v=0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n',
  );
  expect(maskMessage(bytes)).toEqual(bytes);
});

test('[sip 9 capture-redaction] a message made to be slow is masked in a moment', () => {
  const bytes = invite([`X-A: ${'sip:a:'.repeat(5_000)}`, `X-B: ${'https://'.repeat(4_000)}`]);
  const started = process.hrtime.bigint();
  maskMessage(bytes);
  expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(2_000);
});

function sdp(keyParams: string): string {
  return `v=0\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 ${keyParams}\r\n`;
}
