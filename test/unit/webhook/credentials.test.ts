// User name and password of a URL: Basic, and the answer to a Digest challenge (RFC 7616 3.9.1 for the vectors).

import { describe, expect, test } from 'vitest';
import { answerChallenge, authorizationOf, challengeFor, readChallenge } from '../../../src/webhook/credentials.ts';

const NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const OPAQUE = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';
const REALM = 'http-auth@example.org';
const challengeText = (algorithm: string) =>
  `Digest realm="${REALM}", qop="auth, auth-int", algorithm=${algorithm}, nonce="${NONCE}", opaque="${OPAQUE}"`;
const request = {
  method: 'GET',
  target: '/dir/index.html',
  clientNonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
};
const mufasa = { username: 'Mufasa', password: 'Circle of Life' };

describe('an answer to Digest', () => {
  test.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('RFC 7616 3.9.1: %s', (algorithm, response) => {
    const challenge = readChallenge(challengeText(algorithm));
    const answer = answerChallenge(challenge!, mufasa, request);
    expect(answer).toContain(`response="${response}"`);
    expect(answer).toContain(`opaque="${OPAQUE}"`);
    expect(answer).toContain('qop=auth, nc=00000001, cnonce=');
  });

  test('RFC 2069: without qop nothing is counted', () => {
    const challenge = readChallenge('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"');
    const answer = answerChallenge(challenge!, { username: 'Mufasa', password: 'CircleOfLife' }, request);
    expect(answer).toContain('response="1949323746fe6a43ef61f9606e7febea"');
    expect(answer).not.toContain('qop');
  });

  test('quotes and backslashes are kept apart', () => {
    const challenge = readChallenge(String.raw`Digest realm="a \"b\" \\c", nonce=n1`);
    expect(challenge).toMatchObject({ realm: 'a "b" \\c', nonce: 'n1', algorithm: 'MD5' });
    expect(answerChallenge(challenge!, { username: 'a"b', password: 'p' }, request)).toContain(
      String.raw`username="a\"b"`,
    );
  });
});

// Header, realm of what is answered.
const challenges: [header: string | undefined, realm: string | undefined][] = [
  [undefined, undefined],
  ['', undefined],
  ['Basic realm="x"', undefined],
  ['Digest', undefined],
  ['Digest realm="x"', undefined],
  ['Digest realm="x", nonce="n", algorithm=MD5-sess', undefined],
  ['Digest realm="x", nonce="n", qop="auth-int"', undefined],
  ['Basic realm="x", Digest realm="y", nonce="n"', 'y'],
  ['Digest realm="m", nonce="n", algorithm=MD5, Digest realm="s", nonce="n", algorithm=SHA-256', 's'],
  ['Digest realm="a, Digest b", nonce="n"', 'a, Digest b'],
  ['digest REALM=x,NONCE=n', 'x'],
];
test.each(challenges)('the challenge of %s', (header, realm) => {
  expect(readChallenge(header)?.realm).toBe(realm);
});

describe('which header a URL gets', () => {
  const url = (user: string) => new URL(`https://${user}app.example.test/a`);
  const plain = { ...request, challenge: undefined };

  test('none without user information, Basic with it, percent-decoded', () => {
    expect(authorizationOf(url(''), plain)).toBeUndefined();
    expect(authorizationOf(url('us%40er:p%3Aw@'), plain)).toBe(`Basic ${Buffer.from('us@er:p:w').toString('base64')}`);
    expect(authorizationOf(url('u%zz:p@'), plain)).toBe(`Basic ${Buffer.from('u%zz:p').toString('base64')}`);
  });

  test('Digest for a 401 that asks for it, where there is something to answer with', () => {
    const headers = { 'www-authenticate': challengeText('MD5') };
    expect(challengeFor(url('u:p@'), { status: 401, headers })?.realm).toBe(REALM);
    expect(challengeFor(url('u:p@'), { status: 403, headers })).toBeUndefined();
    expect(challengeFor(url(''), { status: 401, headers })).toBeUndefined();
    expect(challengeFor(url('u:p@'), { status: 401, headers: {} })).toBeUndefined();
  });
});
