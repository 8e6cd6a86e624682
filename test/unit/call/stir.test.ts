// What carriers write about who calls, in each of its places.

import { describe, expect, test } from 'vitest';
import { stirParams } from '../../../src/call/stir.ts';
import type { Request } from '../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJhdHRlc3QiOiJBIn0.c2lnbmF0dXJl_-';

function invite(from: string, ...headers: string[]): Request {
  const lines = [
    'INVITE sip:+4930100@gateway SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1',
    `From: ${from};tag=1`,
    'To: <sip:+4930100@gateway>',
    'Call-ID: abc@carrier',
    'CSeq: 1 INVITE',
    'Max-Forwards: 70',
    ...headers,
    'Content-Length: 0',
  ];
  const parsed = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('not a request');
  return parsed.value;
}

const PLAIN = '<sip:+4989777@carrier>';
const paramsOf = (from: string, ...headers: string[]) => Object.fromEntries(stirParams(invite(from, ...headers)));
const PASSED = 'TN-Validation-Passed';

describe('StirVerstat', () => {
  test.each([
    ['the number of From', '<sip:+4989777;verstat=TN-Validation-Passed@carrier;user=phone>', []],
    ['a tel URI in From', '<tel:+4989777;verstat=TN-Validation-Passed;cpc=ordinary>', []],
    ['the URI of From', '<sip:+4989777@carrier;verstat=TN-Validation-Passed>', []],
    ['the header From', '<sip:+4989777@carrier>;verstat=TN-Validation-Passed', []],
    ['P-Asserted-Identity', PLAIN, ['P-Asserted-Identity: "A" <sip:+4989777;verstat=TN-Validation-Passed@carrier>']],
    [
      'the second identity',
      PLAIN,
      ['P-Asserted-Identity: <sip:a@carrier>, <tel:+4989777;verstat=TN-Validation-Passed>'],
    ],
    ['a header of the vendor', PLAIN, ['X-Twilio-VerStat: TN-Validation-Passed']],
    ['a header of another carrier', PLAIN, ['x-verstat: TN-Validation-Passed']],
  ])('from %s [sip 9 shaken-inbound]', (_place, from, headers) => {
    expect(paramsOf(from, ...headers)).toEqual({ StirVerstat: PASSED });
  });

  test.each([
    'TN-Validation-Passed-A',
    'TN-Validation-Failed-C',
    'No-TN-Validation',
    'TN-Validation-Passed-A-Diverted',
  ])('the word of the carrier as it is: %s [sip 9 shaken-inbound]', (word) => {
    expect(paramsOf(PLAIN, `X-Twilio-VerStat: ${word}`)).toEqual({ StirVerstat: word });
  });

  test('the header goes before the asserted identity, and that before From [sip 9 shaken-inbound]', () => {
    const from = '<tel:+4989777;verstat=From>';
    const asserted = 'P-Asserted-Identity: <tel:+4989777;verstat=Asserted>';
    expect(paramsOf(from, asserted)).toEqual({ StirVerstat: 'Asserted' });
    expect(paramsOf(from, asserted, 'X-Carrier-VerStat: Header')).toEqual({ StirVerstat: 'Header' });
  });

  test.each([
    ['no word', PLAIN, []],
    ['an empty one', '<tel:+4989777;verstat=>', []],
    ['markup', PLAIN, ['X-VerStat: <Response/>']],
    ['a word without end', PLAIN, [`X-VerStat: ${'A'.repeat(65)}`]],
    ['an identity that cannot be read', PLAIN, ['P-Asserted-Identity: <<<']],
    ['another header', PLAIN, ['X-VerStat-Url: A', 'XVerStat: A', 'VerStat: A']],
  ])('%s is none [sip 9 shaken-nothing-made-up]', (_what, from, headers) => {
    expect(paramsOf(from, ...headers)).toEqual({});
  });
});

describe('StirPassportToken', () => {
  test.each([
    ['alone', `Identity: ${TOKEN};info=<https://cert.example/a.pem>;alg=ES256;ppt="shaken"`],
    ['its compact name', `y: ${TOKEN};info=<https://cert.example/a.pem>;ppt=shaken`],
    ['without parameters', `Identity: ${TOKEN}`],
    ['before that of a forwarder', `Identity: a.b.c;ppt=div, ${TOKEN};info=<https://x/a,b>;ppt=shaken`],
  ])('%s [sip 9 shaken-inbound]', (_what, header) => {
    expect(paramsOf(PLAIN, header)).toEqual({ StirPassportToken: TOKEN });
  });

  test.each([
    ['the compact form', 'Identity: ..c2lnbmF0dXJl;info=<https://x/a>;ppt=shaken'],
    ['two parts', 'Identity: a.b;ppt=shaken'],
    ['the form before RFC 8224', 'Identity: "c2ln+/=="'],
    ['nothing', 'Identity: ;ppt=shaken'],
  ])('%s is none [sip 9 shaken-nothing-made-up]', (_what, header) => {
    expect(paramsOf(PLAIN, header)).toEqual({});
  });
});
