import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bareAddress } from '../../../src/store/bare-address.ts';
import { parseSecretKey, secretKeyFile } from '../../../src/store/secret-key.ts';
import { digestHa1, openSecret, sealSecret } from '../../../src/store/secrets.ts';

const key = Buffer.alloc(32, 3);

describe('sealed secrets (AES-256-GCM)', () => {
  test('open gives what was sealed; two seals of one text differ', () => {
    const one = sealSecret(key, 'tökén', 'accounts.auth_token:AC1');
    expect(openSecret(key, one, 'accounts.auth_token:AC1')).toBe('tökén');
    expect(sealSecret(key, 'tökén', 'accounts.auth_token:AC1')).not.toBe(one);
    expect(openSecret(key, sealSecret(key, '', 'p'), 'p')).toBe('');
  });

  const sealed = sealSecret(key, 'token', 'place');
  const flipped = `v1.${Buffer.from(Buffer.from(sealed.slice(3), 'base64').map((byte, at) => (at === 30 ? byte ^ 1 : byte))).toString('base64')}`;
  test.each([
    ['another key', Buffer.alloc(32, 4), sealed, 'place'],
    ['another place', key, sealed, 'elsewhere'],
    ['a changed bit', key, flipped, 'place'],
    ['cut short', key, sealed.slice(0, 20), 'place'],
    ['another form', key, 'v2.AAAA', 'place'],
  ])('does not open: %s', (_, withKey, text, place) => {
    expect(() => openSecret(withKey, text, place)).toThrow();
  });
});

test('HA1: RFC 2617 3.5 example with MD5, RFC 7616 3.9.1 with SHA-256; one per realm', () => {
  expect(digestHa1('Mufasa', 'Circle Of Life', ['testrealm@host.com'])[0]?.md5).toBe(
    '939e7578ed9e3c518a452acee763bce9',
  );
  expect(digestHa1('Mufasa', 'Circle of Life', ['http-auth@example.org'])[0]).toEqual({
    realm: 'http-auth@example.org',
    md5: '3d78807defe7de2157e2b0b6573a855f',
    sha256: '7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232',
  });
  expect(digestHa1('a', 'b', ['x', 'y', 'x']).map((ha1) => ha1.realm)).toEqual(['x', 'y']);
});

describe('secret key', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'key-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('is made once, 0600, and read again', () => {
    const data = join(dir, 'data');
    const first = secretKeyFile(data);
    const second = secretKeyFile(data);
    expect(first).toEqual(second);
    expect(first.ok && first.value.length).toBe(32);
    expect(statSync(join(data, 'secret.key')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(data, 'secret.key'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  test('a file that others can read, or that holds no key, is refused and not replaced', () => {
    const file = join(dir, 'secret.key');
    writeFileSync(file, 'garbage', { mode: 0o600 });
    expect(secretKeyFile(dir)).toMatchObject({ ok: false, error: expect.stringContaining('64 hex digits') });
    expect(readFileSync(file, 'utf8')).toBe('garbage');
    writeFileSync(file, 'a'.repeat(64));
    chmodSync(file, 0o644);
    expect(secretKeyFile(dir)).toMatchObject({ ok: false, error: expect.stringContaining('chmod 600') });
  });

  test.each([
    ['hex', 'ab'.repeat(32), true],
    ['Base64', Buffer.alloc(32, 5).toString('base64'), true],
    ['with a line end', `${'ab'.repeat(32)}\n`, true],
    ['too short', 'ab'.repeat(16), false],
    ['empty', '', false],
    ['a password', 'correct horse battery staple', false],
  ])('from the environment: %s', (_, text, isGood) => expect(parseSecretKey(text).ok).toBe(isGood));
});

test.each([
  ['sip:bob@example.com;transport=tcp?X-A=1&X-B=a@b', 'sip:bob@example.com'],
  ['sip:bob;x=1@example.com:5070;lr', 'sip:bob;x=1@example.com:5070'],
  ['sip:example.com;transport=tls', 'sip:example.com'],
  ['SIPS:bob@[2001:db8::1]?a=b', 'SIPS:bob@[2001:db8::1]'],
  ['<sip:bob@example.com>;tag=1', 'sip:bob@example.com'],
  ['+4930123', '+4930123'],
  ['client:a;b', 'client:a;b'],
  ['', ''],
])('addresses are searched without parameters and headers (rest-api.md 9.4): %s [rest 9.4 exact]', (address, bare) =>
  expect(bareAddress(address)).toBe(bare),
);
