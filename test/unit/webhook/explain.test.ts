import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import { explainSignature, printExplanation, type SignedRequest } from '../../../src/webhook/explain.ts';
import { signRequest } from '../../../src/webhook/signature.ts';

const TOKEN = '12345';
const params = new Map([
  ['To', 'sip:100@gw.example.test'],
  ['CallSid', 'CA1'],
  ['From', '+15550001'],
  ['Digits', ''],
]);
const request: SignedRequest = { url: 'https://app.example.test/voice?x=a%20b', method: 'POST', params };

describe('what was signed [twiml 2.6 explain]', () => {
  test('the URL without credentials, then the fields by name; the library accepts that signature', () => {
    const told = explainSignature({ ...request, url: 'https://u:p@app.example.test/voice?x=a%20b' }, TOKEN);
    expect(told.url).toBe('https://app.example.test/voice?x=a%20b');
    expect(told.fields.map(([name]) => name)).toEqual(['CallSid', 'Digits', 'From', 'To']);
    expect(twilio.validateRequest(TOKEN, told.signature, told.url, Object.fromEntries(params))).toBe(true);
    expect(told.mistakes).toBeUndefined();
  });

  test('GET: all parameters are in the URL', () => {
    const told = explainSignature({ ...request, method: 'GET' }, TOKEN);
    expect(told.fields).toEqual([]);
    expect(told.url).toContain('CallSid=CA1');
    expect(twilio.validateRequest(TOKEN, told.signature, told.url, {})).toBe(true);
  });
});

describe('which mistake gives what the application computed [twiml 2.6 explain]', () => {
  const rows: [url: string, form: readonly (readonly [string, string])[], mistakes: string[]][] = [
    ['https://app.example.test/voice?x=a%20b', [...params], []],
    ['http://app.example.test/voice?x=a%20b', [...params], ['http instead of https: the proxy ends TLS']],
    [
      'http://app.example.test:3000/voice?x=a%20b',
      [...params],
      ['http instead of https: the proxy ends TLS', 'port 3000 is added'],
    ],
    ['https://app.example.test/voice/?x=a%20b', [...params], ['a slash is added to the path']],
    ['https://app.example.test/voice', [...params], ['the query is left out']],
    ['https://app.example.test/voice?x=a b', [...params], ['the query is decoded']],
    ['https://app.example.test/voice?x=a+b', [...params], ['the query is encoded anew']],
    [
      'https://app.example.test/voice?x=a%20b',
      [],
      ['the form fields are missing: the body was not parsed, or not handed to the check'],
    ],
    [
      'https://app.example.test/voice?x=a%20b',
      [...params].filter(([name]) => name !== 'Digits'),
      ['fields without a value are left out'],
    ],
    [
      'https://app.example.test/voice?x=a%20b',
      [...params].map(([name, value]) => [name, value.replace('+', ' ')]),
      ['a + in a value became a space'],
    ],
  ];
  test.each(rows)('%s [rest 21 explain]', (url, form, mistakes) => {
    const told = explainSignature(request, TOKEN, signRequest(TOKEN, url, form));
    expect(told.mistakes).toEqual(mistakes);
    expect(told.applicationUrl).toBe(url);
  });

  test.each<[string, string, string[], string?]>([
    [
      'http://localhost:3000/hooks/a b/voice?x=1%2B1',
      'a proxy that hands on neither Host nor scheme, and decodes',
      [
        'host localhost in place of the one in the URL: the proxy does not hand on Host',
        'http instead of https: the proxy ends TLS',
        'port 3000 is added',
        'the path is decoded',
      ],
    ],
    [
      'https://inner.example.test/hooks/a%20b/voice?x=1%2B1',
      'a name that is given',
      ['host inner.example.test in place of the one in the URL: the proxy does not hand on Host'],
      'inner.example.test',
    ],
    ['https://app.example.test/hooks/a b/voice?x=1+1', 'decoded as a whole', ['path and query are decoded']],
    ['https://app.example.test//hooks/a%20b/voice?x=1%2B1', 'two slashes', ['there is a slash more before the path']],
    [
      'https://app.example.test/a%20b/voice?x=1%2B1',
      'a prefix that is cut',
      ['/hooks is missing before the path: the proxy cuts it off'],
    ],
    [
      'https://app.example.test/voice?x=1%2B1',
      'a longer one',
      ['/hooks/a%20b is missing before the path: the proxy cuts it off'],
    ],
  ])('%s: %s [rest 21 explain]', (url, _what, mistakes, host) => {
    const own: SignedRequest = { ...request, url: 'https://app.example.test/hooks/a%20b/voice?x=1%2B1' };
    const told = explainSignature(own, TOKEN, signRequest(TOKEN, url, params), host);
    expect(told).toMatchObject({ mistakes, applicationUrl: url });
  });

  test('a port of ours that the application left out, and a missing slash', () => {
    const own: SignedRequest = { url: 'http://app.example.test:8088/voice/', method: 'POST', params };
    const computed = signRequest(TOKEN, 'http://app.example.test/voice', params);
    expect(explainSignature(own, TOKEN, computed).mistakes).toEqual([
      'the port is left out',
      'the slash at the end of the path is missing',
    ]);
  });

  test('another token: nothing fits, and the text says what to look at', () => {
    const computed = signRequest('other', request.url, params);
    const told = explainSignature(request, TOKEN, computed);
    expect(told.mistakes).toBeUndefined();
    expect(printExplanation(told, computed)).toContain('is the auth token of the application that of the account?');
  });
});
