import { describe, expect, test } from 'vitest';
import { byeHeaders, elsewhereHeaders, isdnCauseOf } from '../../../src/call/relay-headers.ts';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';

function response(...headers: string[]) {
  const lines = [
    'SIP/2.0 503 Service Unavailable',
    'Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1',
    'From: <sip:a@b.example>;tag=1',
    'To: <sip:c@d.example>;tag=2',
    'Call-ID: 1',
    'CSeq: 1 INVITE',
    ...headers,
    'Content-Length: 0',
  ];
  const parsed = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

describe('RFC 3326 Reason', () => {
  test.each([
    [['Reason: Q.850;cause=17;text="User busy"'], 17],
    [['Reason: q.850 ;cause=19'], 19],
    [['Reason: SIP;cause=486, Q.850;cause=18'], 18],
    [['Reason: SIP;cause=486', 'Reason: Q.850;cause=21'], 21],
    [['Reason: SIP;cause=486'], undefined],
    [['Reason: Q.850;cause=many'], undefined],
    [[], undefined],
  ])('the Q.850 cause of %j is %s', (headers, cause) => {
    expect(isdnCauseOf(response(...headers))).toBe(cause);
  });

  test('what we say: normal clearing on BYE, answered elsewhere on the CANCEL of a phone that lost', () => {
    expect(byeHeaders('CA1')[0]?.value).toBe('Q.850;cause=16;text="Normal call clearing"');
    expect(elsewhereHeaders).toEqual([{ name: 'Reason', value: 'SIP;cause=200;text="Call completed elsewhere"' }]);
  });
});
