import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBasic, sameSecret } from '../../../src/api/auth.ts';
import { parseForm } from '../../../src/api/form.ts';
import { pageRequest } from '../../../src/api/page.ts';
import type { Route } from '../../../src/api/request.ts';
import { checkFrom, checkTo } from '../../../src/api/resources/call-address.ts';
import { labelPath, parseDomainName } from '../../../src/api/resources/domain-name.ts';
import { routes } from '../../../src/api/resources/index.ts';
import { createRouter } from '../../../src/api/router.ts';

describe('router', () => {
  const router = createRouter(routes);
  const route = (path: string) => router(`/2010-04-01${path}`);
  // holds: [rest 4 path-values]
  test.each<[string, string | undefined, object?]>([
    ['/Accounts.json', '/Accounts', {}],
    ['/Accounts/AC1/Calls', '/Accounts/{AccountSid}/Calls', { AccountSid: 'AC1' }],
    ['/Accounts/AC1/Calls/CA1.json', '/Accounts/{AccountSid}/Calls/{CallSid}', { AccountSid: 'AC1', CallSid: 'CA1' }],
    [
      '/Accounts/AC1/SIP/Domains/SD1/Auth/Calls/CredentialListMappings/CL%31.json',
      '/Accounts/{AccountSid}/SIP/Domains/{DomainSid}/Auth/Calls/CredentialListMappings/{Sid}',
      { AccountSid: 'AC1', DomainSid: 'SD1', Sid: 'CL1' },
    ],
    ['/Accounts/AC1/Calls/', undefined],
    ['/Accounts//Calls', undefined],
    ['/Accounts/AC1/calls', undefined],
    ['/Accounts/AC1/Calls/%zz', undefined],
    ['/Accounts/AC1/SIP.json', undefined],
    [`/Accounts/AC1/Calls/${'x'.repeat(3_000)}`, undefined],
  ])('%s', (path, pattern, params) => {
    expect(route(path)?.route.path).toBe(pattern);
    if (params) expect(route(path)?.params).toEqual(params);
  });

  test('paths of v1 have no extension and stand beside the other root (rest-api.md 3) [rest 3 one-origin]', () => {
    expect(router('/v1/ByocTrunks/BY1')?.params).toEqual({ Sid: 'BY1' });
    for (const path of ['/v1/ByocTrunks/BY1/', '/2010-04-01/v1/ByocTrunks', '/v2/ByocTrunks', '/v1/Accounts.json'])
      expect(router(path)).toBeUndefined();
  });

  test('no two routes answer one path', () => {
    const example = (one: Route) => one.path.replace(/\{\w+\}/g, 'x');
    for (const one of routes) {
      const full = one.path.startsWith('/v1/') ? example(one) : `/2010-04-01${example(one)}`;
      expect(router(full)?.route).toBe(one);
    }
  });

  test('any path gives a match or nothing', () => {
    fc.assert(fc.property(fc.webPath(), (path) => ['object', 'undefined'].includes(typeof route(path))));
  });
});

describe('Basic authentication (RFC 7617)', () => {
  const encoded = (value: string) => Buffer.from(value).toString('base64');
  test.each<[string | undefined, object | undefined]>([
    [`Basic ${encoded('AC1:to:ken')}`, { username: 'AC1', password: 'to:ken' }],
    [`basic   ${encoded('a:')}`, { username: 'a', password: '' }],
    [`Basic ${encoded('nocolon')}`, undefined],
    [`Bearer ${encoded('a:b')}`, undefined],
    ['Basic', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => expect(parseBasic(header)).toEqual(expected));

  test('secrets of any length are compared', () => {
    expect(sameSecret('a', 'a')).toBe(true);
    expect(sameSecret('a', 'b')).toBe(false);
    expect(sameSecret('', 'a'.repeat(500))).toBe(false);
  });
});

describe('page request (rest-api.md 7.1) [sip 6 lists]', () => {
  const sid = `CA${'0'.repeat(32)}`;
  // holds: [rest 7.1 page-size] [rest 7.1 clamp] [rest 7.1 bad-paging] [rest 7.1 page-number] [rest 7.1 page-token]
  test.each<[string, object]>([
    ['', { size: 50, page: 0, cursor: null }],
    ['PageSize=5000', { size: 1_000 }],
    ['PageSize=0', { size: 1 }],
    ['PageSize=x&Page=y', { size: 50, page: 0 }],
    ['Page=7', { page: 7, cursor: null }],
    [`Page=1&PageToken=PA${sid}`, { page: 1, cursor: sid, direction: 'next' }],
    [`Page=1&PageToken=PB${sid}`, { page: 1, cursor: sid, direction: 'previous' }],
  ])('%s', (query, expected) => {
    const form = parseForm(query);
    expect(form.ok && pageRequest(form.value)).toMatchObject({ ok: true, value: expected });
  });

  test.each(['x', 'PA', `PC${sid}`, `PA${sid}'--`, 'PA%00'])(
    'token %s is 21481 [rest 6 21481] [rest 7.1 bad-token]',
    (token) => {
      const form = parseForm(`PageToken=${encodeURIComponent(token)}`);
      expect(form.ok && pageRequest(form.value)).toMatchObject({ ok: false, error: { code: 21481 } });
    },
  );
});

describe('domain names (sip-interface.md 0, 1.1) [sip 1.1 name-reserved]', () => {
  const own = `AC${'a'.repeat(32)}`;
  const other = `ac${'b'.repeat(32)}`;
  test.each<[string, string | undefined]>([
    ['office.sip.localhost', 'office.sip.localhost'],
    ['OFFICE.sip.localhost', 'office.sip.localhost'],
    ['office.sip.frankfurt.localhost', 'office.sip.localhost'],
    ['a.b.sip.localhost', 'a.b.sip.localhost'],
    ['office.sip.twilio.com', 'office.sip.twilio.com'],
    ['office.sip.us1.twilio.com', 'office.sip.twilio.com'],
    [`${own}.sip.localhost`, `${own.toLowerCase()}.sip.localhost`],
    [`${other}.sip.localhost`, undefined],
    ['sip.localhost', undefined],
    ['sip.us1.twilio.com', undefined],
    ['officesip.localhost', undefined],
    ['office.example.com', undefined],
    ['-a.sip.localhost', undefined],
    ['a-.sip.localhost', undefined],
    ['a..b.sip.localhost', undefined],
    [`${'a'.repeat(64)}.sip.localhost`, undefined],
    ['a.sip.localhost.', undefined],
    ['ä.sip.localhost', undefined],
  ])('%s → %s', (name, full) => expect(parseDomainName(name, 'sip.localhost', own)?.full).toBe(full));

  test('spellings of one domain have one label path', () => {
    const paths = ['a.b.sip.localhost', 'a.b.sip.twilio.com'].map((name) => labelPath(name, 'sip.localhost'));
    expect(paths).toEqual(['a.b', 'a.b']);
  });
});

describe('call addresses (rest-api.md 9.1) [sip 2.6 to]', () => {
  // holds: [rest 9.1 to] [rest 9.1 to-headers]
  test.each<[string, string | number]>([
    ['+4930123456', 'number'],
    ['14158675309', 'number'],
    ['client:bob', 'client'],
    ['sip:bob@example.com', 'sip'],
    ['sips:bob@example.com:5061', 'sip'],
    ['sip:example.com', 'sip'],
    ['sip:bob@[2001:db8::1]:5070;transport=TLS;secure=true;edge=dublin', 'sip'],
    ['sip:bob@x?User-to-User=1%3Bencoding%3Dhex&x-a=b&X-Empty=', 'sip'],
    ['+0123', 21211],
    ['sip:', 21211],
    ['sip:bob@', 21211],
    ['sip:bob@x y', 21211],
    ['sip:bob@x>;lr', 21211],
    ['sip:bob@x?', 21228],
    ['sip:bob@x?Via=1', 21228],
    ['sip:bob@x?X-A%0d=1', 21228],
    ['sip:bob@x?X-A=%00', 21229],
    ['sip:bob@x?X-A=%zz', 21229],
  ])('To %s → %s', (to, expected) => {
    const result = checkTo(to);
    expect(result.ok ? result.value : result.error.code).toBe(expected);
  });

  test.each<[string, 'number' | 'sip', boolean]>([
    ['+4930123456', 'number', true],
    ['desk', 'number', false],
    ['desk.1_a+b-c', 'sip', true],
    ['client:bob', 'sip', true],
    ['sip:bob@example.com', 'sip', true],
    ['sip:bob@example.com?X-A=1', 'sip', false],
    ['a"b', 'sip', false],
    ['a\r\nb', 'sip', false],
  ])(
    'From %s for a %s: %s [sip 2.2 rest-from-characters] [rest 9.1 from-number] [rest 9.1 from-sip]',
    (from, kind, isGood) => expect(checkFrom(from, kind).ok).toBe(isGood),
  );

  test('any text is a kind or a fault, and no accepted To holds a control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (tail) => {
        const to = `sip:bob@x${tail}`;
        const result = checkTo(to);
        return !result.ok || !/[\x00-\x1f\x7f]/.test(to);
      }),
    );
  });
});
