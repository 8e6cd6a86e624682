import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import { signedUrl, signRequest, withBodyHash } from '../../../src/webhook/signature.ts';

const TOKEN = '12345';
const URL_ = 'https://gw.example.test/voice?x=1';
const FORM = {
  CallSid: 'CA00000000000000000000000000000001',
  From: 'sip:alice@pbx.example.test',
  To: 'sip:100@gw.example.test',
  Digits: '12#',
};

// twiml.md 2.6 and rest-api.md 21: the published vectors.
const vectors: [name: string, url: string, form: Record<string, string> | undefined, signature: string][] = [
  ['form POST', URL_, FORM, '/fJkhNmzLrfUpZmdnbT1rFOdEAc='],
  ['GET', `${URL_}&CallSid=CA1&Digits=5`, undefined, 'PqdB4cIL5NMSvg0ZgTvzwSt9Ubc='],
  ['JSON body', withBodyHash(URL_, '{"a":1}'), undefined, '8Gedc1vhrF2SFf8fF8T7spaFlhM='],
  ['rest-api.md 21', 'https://example.com/myapp', { CallSid: 'CA1', Digits: '1234' }, 'acgWgB/zL01xWJWGR4I9xO4lWtM='],
];

describe('twiml.md 2.6 signature', () => {
  // holds: [twiml 2.6 post] [twiml 2.6 get] [twiml 2.6 json]
  test.each(vectors)(
    'vector: %s [rest 21 check-value] [rest 21 token] [rest 21 get] [rest 21 json]',
    (_name, url, form, signature) => {
      expect(signRequest(TOKEN, url, form && Object.entries(form))).toBe(signature);
    },
  );

  test('the body hash is part of the URL [twiml 2.6 json] [rest 21 json]', () => {
    expect(withBodyHash(URL_, '{"a":1}')).toBe(
      `${URL_}&bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862`,
    );
    expect(withBodyHash('https://h.test/a', '')).toMatch(/^https:\/\/h\.test\/a\?bodySHA256=e3b0c442/);
  });

  test.each([
    ['default port', 'https://h.test/a'],
    ['other port', 'https://h.test:8443/a?b=c%20d'],
    ['plain http', 'http://127.0.0.1:3000/voice'],
  ])("the vendor's checker accepts a form POST: %s [twiml 2.6 port] [rest 21 form] [rest 21 port]", (_name, url) => {
    const form = { ...FORM, 'SipHeader_X-Foo': 'ä ö+ü', Empty: '' };
    const signature = signRequest(TOKEN, signedUrl(new URL(url), false), Object.entries(form));
    expect(twilio.validateRequest(TOKEN, signature, url, form)).toBe(true);
    expect(twilio.validateRequest(TOKEN, signature, url, { ...form, Digits: '13#' })).toBe(false);
  });

  test("the vendor's checker accepts GET [twiml 2.6 get] [rest 21 get]", () => {
    const url = 'https://h.test/a?own=1&CallSid=CA1&From=sip%3Aalice%40h';
    expect(twilio.validateRequest(TOKEN, signRequest(TOKEN, url), url, {})).toBe(true);
  });

  test("the vendor's checker accepts repeated fields: distinct values, sorted [twiml 2.6 repeated] [rest 21 form]", () => {
    const pairs = [
      ['A', 'z'],
      ['A', 'b'],
      ['A', 'z'],
      ['B', '1'],
    ] as const;
    const signature = signRequest(TOKEN, URL_, pairs);
    expect(twilio.validateRequest(TOKEN, signature, URL_, { A: ['z', 'b', 'z'], B: '1' })).toBe(true);
  });

  test('names are sorted by code unit, not by locale [twiml 2.6 post] [rest 21 form]', () => {
    expect(
      signRequest(TOKEN, URL_, [
        ['a', '1'],
        ['B', '2'],
      ]),
    ).toBe(signRequest(TOKEN, `${URL_}B2a1`));
  });
});

// twiml.md 2.6: what is signed.
const urls: [configured: string, withCredentials: boolean, signed: string][] = [
  ['https://h.test:443/a?b=1', false, 'https://h.test/a?b=1'],
  ['http://h.test:80/a', false, 'http://h.test/a'],
  ['https://h.test:8443/a', false, 'https://h.test:8443/a'],
  ['https://h.test/a#ct=100', false, 'https://h.test/a'],
  ['https://u:p@h.test/a', false, 'https://h.test/a'],
  ['https://u:p@h.test/a', true, 'https://u:p@h.test/a'],
];

// holds: [twiml 2.3 fragment] [twiml 2.6 port] [twiml 2.6 credentials]
// holds: [twiml 16 point-26]
test.each(urls)(
  'signed URL of %s, credentials %s [rest 21 url] [rest 21 user-info]',
  (configured, withCredentials, signed) => {
    expect(signedUrl(new URL(configured), withCredentials)).toBe(signed);
  },
);
