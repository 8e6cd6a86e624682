// RFC 2617, RFC 7616, RFC 3261 22: digest values against the published vectors, and both header forms.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type Credentials,
  digestAlgorithm,
  digestBodyHash,
  digestResponse,
  ha1,
  parseChallenge,
  parseCredentials,
  serializeChallenge,
  serializeCredentials,
} from '../../../../src/sip/grammar/digest.ts';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

describe('published vectors', () => {
  test('RFC 2617 3.5: MD5 with qop=auth', () => {
    const key = ha1({
      algorithm: 'MD5',
      username: 'Mufasa',
      realm: 'testrealm@host.com',
      password: 'Circle Of Life',
    });
    expect(key).toBe('939e7578ed9e3c518a452acee763bce9');
    expect(
      digestResponse({
        algorithm: 'MD5',
        ha1: key,
        method: 'GET',
        uri: '/dir/index.html',
        nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
        nc: '00000001',
        cnonce: '0a4f113b',
        qop: 'auth',
      }),
    ).toBe('6629fae49393a05397450978507c4ef1');
  });

  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('RFC 7616 3.9.1: %s', (algorithm, expected) => {
    const user = { username: 'Mufasa', realm: 'http-auth@example.org', password: 'Circle of Life' };
    expect(
      digestResponse({
        algorithm,
        ha1: ha1({ algorithm, ...user }),
        method: 'GET',
        uri: '/dir/index.html',
        nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
        nc: '00000001',
        cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
        qop: 'auth',
      }),
    ).toBe(expected);
  });

  test('RFC 7616 3.9.2 with erratum 4897: SHA-512-256 and a UTF-8 user name', () => {
    const algorithm = 'SHA-512-256';
    const user = { username: 'Jäsøn Doe', realm: 'api@example.org', password: 'Secret, or not?' };
    expect(
      digestResponse({
        algorithm,
        ha1: ha1({ algorithm, ...user }),
        method: 'GET',
        uri: '/doe.json',
        nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
        nc: '00000001',
        cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
        qop: 'auth',
      }),
    ).toBe('3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5');
  });
});

describe('RFC 7616 3.4: the other forms, composed by hand', () => {
  const key = md5('bob:biloxi.com:zanzibar');
  const base = { ha1: key, method: 'INVITE', uri: 'sip:bob@biloxi.com', nonce: 'n', cnonce: 'c', nc: '00000002' };

  test('without qop (RFC 2069)', () => {
    expect(digestResponse({ ...base, algorithm: 'MD5' })).toBe(md5(`${key}:n:${md5('INVITE:sip:bob@biloxi.com')}`));
  });

  test('MD5-sess', () => {
    const expected = md5(`${md5(`${key}:n:c`)}:n:00000002:c:auth:${md5('INVITE:sip:bob@biloxi.com')}`);
    expect(digestResponse({ ...base, algorithm: 'MD5-sess', qop: 'auth' })).toBe(expected);
  });

  test('auth-int hashes the body', () => {
    const bodyHash = digestBodyHash('MD5', Buffer.from('v=0\r\n'));
    expect(bodyHash).toBe(md5('v=0\r\n'));
    const ha2 = md5(`INVITE:sip:bob@biloxi.com:${bodyHash}`);
    const response = digestResponse({ ...base, algorithm: 'MD5', qop: 'auth-int', bodyHash });
    expect(response).toBe(md5(`${key}:n:00000002:c:auth-int:${ha2}`));
  });
});

test('RFC 7616 3.3: algorithm names are compared without case, absent means MD5', () => {
  expect(['md5', 'sha-256', 'MD5-SESS', undefined, 'SHA-1'].map(digestAlgorithm)).toEqual([
    'MD5',
    'SHA-256',
    'MD5-sess',
    'MD5',
    undefined,
  ]);
});

describe('RFC 3261 20.44: challenge', () => {
  test('sip-interface 1.2: the form that clients of the vendor know', () => {
    const text = serializeChallenge({ realm: 'sip.hookswitch.local', qop: ['auth'], nonce: 'n_-1', opaque: 'ab' });
    expect(text).toBe('Digest realm="sip.hookswitch.local",qop="auth",nonce="n_-1",opaque="ab"');
  });

  test('every parameter, unknown ones kept as written', () => {
    const text =
      'digest  realm="a \\"b\\"" , domain="sip:x", nonce="n", opaque="", stale=TRUE, algorithm=SHA-256, ' +
      'qop="auth, auth-int",, charset=UTF-8, x="y z"';
    const challenge = parseChallenge(text);
    expect(challenge).toEqual({
      ok: true,
      value: {
        realm: 'a "b"',
        domain: 'sip:x',
        nonce: 'n',
        opaque: '',
        stale: true,
        algorithm: 'SHA-256',
        qop: ['auth', 'auth-int'],
        params: new Map([
          ['charset', 'UTF-8'],
          ['x', '"y z"'],
        ]),
      },
    });
    expect(challenge.ok && parseChallenge(serializeChallenge(challenge.value))).toEqual(challenge);
  });

  test.each(['', 'Basic realm="x"', 'Digest realm="x"', 'Digest realm="x" nonce="y"', 'Digest realm="x, nonce="y"'])(
    '%s is refused',
    (text) => {
      expect(parseChallenge(text).ok).toBe(false);
    },
  );
});

describe('RFC 3261 20.7: credentials', () => {
  const credentials: Credentials = {
    username: 'bob "b"',
    realm: 'biloxi.com',
    nonce: 'n',
    uri: 'sip:bob@biloxi.com',
    response: '89eb0059246c02b2f6ee02c7961d5ea3',
    algorithm: 'MD5',
    cnonce: 'c',
    opaque: 'o',
    qop: 'auth',
    nc: '00000001',
    params: new Map(),
  };

  test('quoted and unquoted as the grammar has it', () => {
    const text = serializeCredentials(credentials);
    expect(text).toBe(
      'Digest username="bob \\"b\\"", realm="biloxi.com", nonce="n", uri="sip:bob@biloxi.com", ' +
        'response="89eb0059246c02b2f6ee02c7961d5ea3", algorithm=MD5, cnonce="c", opaque="o", qop=auth, nc=00000001',
    );
    expect(parseCredentials(text)).toEqual({ ok: true, value: credentials });
  });

  test('quoted qop, nc and algorithm are read too', () => {
    const text =
      'Digest username=bob,realm="r",nonce="n",uri="u",response="x",qop="AUTH",nc="0000000a",cnonce="c",algorithm="MD5"';
    expect(parseCredentials(text)).toMatchObject({
      ok: true,
      value: { username: 'bob', qop: 'auth', nc: '0000000a', algorithm: 'MD5' },
    });
  });

  const minimal = 'Digest username="u",realm="r",nonce="n",uri="x",response="y"';
  test.each([
    'NoOneKnowsThisScheme opaque-data=here',
    'Digest username="u",realm="r",nonce="n",uri="x"',
    `${minimal},username="v"`,
    `${minimal},qop=auth`,
    `${minimal},qop=auth,cnonce="c",nc=1`,
    `${minimal},opaque`,
    `${minimal},opaque=`,
    `${minimal},opaque="`,
  ])('%s is refused', (text) => {
    expect(parseCredentials(minimal).ok).toBe(true);
    expect(parseCredentials(text).ok).toBe(false);
  });
});
