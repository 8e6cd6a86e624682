import { describe, expect, test } from 'vitest';
import { redact } from '../../../src/trace/redact.ts';

const SECRET = 'f00dbabe';

describe('design.md 9: what never reaches a ladder or a log', () => {
  for (const [what, text] of [
    ['Authorization', `REGISTER sip:a SIP/2.0\r\nAuthorization: Digest response="${SECRET}"\r\nTo: x`],
    ['Proxy-Authorization in any case', `proxy-AUTHORIZATION : Digest response="${SECRET}"`],
    [
      'Proxy-Authorization, folded',
      `Proxy-Authorization: Digest username="a",\r\n response="${SECRET}",\r\n\tnonce="${SECRET}"\r\nTo: x`,
    ],
    ['Authorization folded with bare line feeds', `Authorization: Digest\n response="${SECRET}"\nTo: x`],
    ['the key of a=crypto', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${SECRET}|2^20|1:4`],
    [
      'the keys of several a=crypto lines',
      `a=crypto:1 X inline:AA==\r\na=crypto:2 Y inline:${SECRET};inline:${SECRET}`,
    ],
    ['a password in a SIP URI', `INVITE sip:alice:${SECRET}@gw;x=1 SIP/2.0`],
    ['a password in a sips URI in brackets', `To: "A" <sips:alice:${SECRET}@gw>;tag=1`],
    ['a password behind a user with parameters', `sip:alice;phone-context=x:${SECRET}@gw`],
    ['a password with @ in a SIP URI', `sip:alice:a@${SECRET}@gw`],
    ['user and password of an http URL', `GET http://${SECRET}:${SECRET}@app/voice`],
    ['a password with @ in an https URL', `https://u:a@${SECRET}@app/voice`],
    ['the digit of an INFO body', `Signal=${SECRET}\r\nDuration=160`],
    ['the digit of an INFO body with spaces', `Content-Length: 9\r\n\r\n  signal = ${SECRET}\r\n`],
  ] as const) {
    test(what, () => {
      const clean = redact(text);
      expect(clean).not.toContain(SECRET);
      expect(clean).toContain('[hidden]');
    });
  }

  test('what stands beside a secret stays', () => {
    expect(redact('Via: v\r\nAuthorization: Digest x\r\nTo: <sip:bob@gw>')).toBe(
      'Via: v\r\nAuthorization: [hidden]\r\nTo: <sip:bob@gw>',
    );
    expect(redact('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\na=sendrecv')).toBe(
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[hidden]\r\na=sendrecv',
    );
  });

  for (const text of [
    'INVITE sip:bob@gw.example:5060;transport=tcp SIP/2.0',
    'Contact: <sip:10.0.0.1:5060>',
    'WWW-Authenticate: Digest realm="r", nonce="n"',
    'POST https://app.example:8443/voice?x=1',
  ]) {
    test(`nothing is hidden in ${text}`, () => expect(redact(text)).toBe(text));
  }
});
