// The local CA: what lies in the directory after start, and that a user's certificate is never touched (design.md 3).

import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { type CertificateOptions, ensureCertificates } from '../../../src/certs/authority.ts';
import { certificateNames } from '../../../src/certs/names.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DAY_MS = 86_400_000;
const ALL_FILES = ['ca.key', 'ca.pem', 'server-ec.key', 'server-ec.pem', 'server.key', 'server.pem'];
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

const optionsFor = (directory: string, more: Partial<CertificateOptions> = {}): CertificateOptions => ({
  directory,
  names: certificateNames('sip.localhost'),
  addresses: ['192.0.2.10', 'FD00:0::0:2', 'fe80::1%eth0'],
  clock: new VirtualClock(Date.now()),
  log: silentLog,
  random: cryptoRandom,
  hostName: 'Gateway-One',
  ...more,
});

const read = (directory: string, name: string) => readFileSync(join(directory, name), 'utf8');
const certificateOf = (directory: string, name: string) => new X509Certificate(read(directory, name));

describe('first start', () => {
  let directory: string;
  beforeAll(async () => {
    directory = join(mkdtempSync(join(tmpdir(), 'certs-')), 'made');
    expect(await ensureCertificates(optionsFor(directory))).toMatchObject({
      ok: true,
      value: { isUserProvided: false },
    });
  });
  afterAll(() => rmSync(join(directory, '..'), { recursive: true }));

  test('makes CA, RSA pair and EC pair, keys readable by the owner only', () => {
    expect(readdirSync(directory).sort()).toEqual(ALL_FILES);
    for (const name of ALL_FILES.filter((file) => file.endsWith('.key')))
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  test.each(['server', 'server-ec'])('RFC 5280: %s is a server certificate that the CA signed', (name) => {
    const authority = certificateOf(directory, 'ca.pem');
    const certificate = certificateOf(directory, `${name}.pem`);
    expect(authority.ca).toBe(true);
    expect(authority.verify(authority.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkIssued(authority)).toBe(true);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(read(directory, `${name}.key`)))).toBe(true);
    expect(certificate.keyUsage).toContain('1.3.6.1.5.5.7.3.1');
    expect(certificate.publicKey.asymmetricKeyType).toBe(name === 'server' ? 'rsa' : 'ec');
  });

  test.each(['server', 'server-ec'])('%s lives 825 days, the CA 10 years', (name) => {
    const daysLeft = (certificate: X509Certificate) => (certificate.validToDate.getTime() - Date.now()) / DAY_MS;
    expect(Math.round(daysLeft(certificateOf(directory, `${name}.pem`)))).toBe(825);
    expect(Math.round(daysLeft(certificateOf(directory, 'ca.pem')))).toBe(3_652);
  });

  test.each([
    ['sip.localhost', true],
    ['demo.sip.localhost', true],
    ['demo.sip.frankfurt.localhost', true],
    ['demo.frankfurt.sip.localhost', false],
    ['demo.sip.us1.localhost', true],
    ['gateway-one', true],
    ['localhost', true],
    ['a.b.sip.localhost', false],
    ['elsewhere.example', false],
  ])('RFC 5280 4.2.1.6: the name %s is covered: %s [sip 0 tls-certificate]', (name, isCovered) => {
    for (const file of ['server.pem', 'server-ec.pem'])
      expect(certificateOf(directory, file).checkHost(name) !== undefined).toBe(isCovered);
  });

  test.each(['192.0.2.10', 'fd00::2', 'fe80::1', '127.0.0.1', '::1'])('the address %s is covered', (address) => {
    for (const file of ['server.pem', 'server-ec.pem'])
      expect(certificateOf(directory, file).checkIP(address)).toBeDefined();
  });

  test.skipIf(!hasOpenssl)('openssl verifies both chains strictly and prints the names', () => {
    for (const file of ['server.pem', 'server-ec.pem']) {
      const arguments_ = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', join(directory, 'ca.pem')];
      const verified = spawnSync('openssl', [...arguments_, join(directory, file)], { encoding: 'utf8' });
      expect(verified.stdout + verified.stderr).toBe(`${join(directory, file)}: OK\n`);
      const shown = spawnSync('openssl', ['x509', '-in', join(directory, file), '-noout', '-ext', 'subjectAltName'], {
        encoding: 'utf8',
      });
      expect(shown.stdout).toContain('DNS:*.sip.frankfurt.localhost');
      expect(shown.stdout).toContain('IP Address:192.0.2.10');
    }
  });

  test('a second start writes nothing', async () => {
    expect(await ensureCertificates(optionsFor(directory))).toMatchObject({ ok: true, value: { written: [] } });
  });
});

describe('later starts', () => {
  let directory: string;
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'certs-'));
    await ensureCertificates(optionsFor(directory));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test('a needed name that is missing renews the leafs, with the same CA and keys', async () => {
    const before = new Map(ALL_FILES.map((name) => [name, read(directory, name)]));
    const report = await ensureCertificates(optionsFor(directory, { names: ['new.example'] }));
    expect(report).toMatchObject({ ok: true, value: { written: ['server.pem', 'server-ec.pem'] } });
    for (const name of ['ca.pem', 'ca.key', 'server.key', 'server-ec.key'])
      expect(read(directory, name)).toBe(before.get(name));
    for (const name of ['server.pem', 'server-ec.pem']) {
      expect(certificateOf(directory, name).checkHost('new.example')).toBe('new.example');
      expect(certificateOf(directory, name).checkIssued(certificateOf(directory, 'ca.pem'))).toBe(true);
    }
  });

  test('an address that is missing renews the leafs', async () => {
    await ensureCertificates(optionsFor(directory, { addresses: ['198.51.100.1'] }));
    expect(certificateOf(directory, 'server.pem').checkIP('198.51.100.1')).toBeDefined();
  });

  test.each([
    [794, 0],
    [796, 2],
  ])('after %d days %d leafs are renewed (30 days before the end)', async (days, count) => {
    const clock = new VirtualClock(Date.now() + days * DAY_MS);
    const report = await ensureCertificates(optionsFor(directory, { clock }));
    expect(report.ok && report.value.written).toHaveLength(count);
  });

  test('a lost server key is made anew with its certificate', async () => {
    rmSync(join(directory, 'server-ec.key'));
    const report = await ensureCertificates(optionsFor(directory));
    expect(report).toMatchObject({ ok: true, value: { written: ['server-ec.pem', 'server-ec.key'] } });
  });

  test("a certificate of another CA is the user's: not even an expired one is touched", async () => {
    const foreign = mkdtempSync(join(tmpdir(), 'foreign-'));
    await ensureCertificates(optionsFor(foreign));
    for (const name of ['server.pem', 'server.key']) writeFileSync(join(directory, name), read(foreign, name));
    rmSync(foreign, { recursive: true });
    const before = ALL_FILES.map((name) => read(directory, name));
    const clock = new VirtualClock(Date.now() + 2_000 * DAY_MS);
    const report = await ensureCertificates(optionsFor(directory, { clock, names: ['new.example'] }));
    expect(report).toEqual({ ok: true, value: { written: [], isUserProvided: true } });
    expect(ALL_FILES.map((name) => read(directory, name))).toEqual(before);
  });

  test("a key that waits for its certificate is the user's", async () => {
    rmSync(join(directory, 'server.pem'));
    writeFileSync(join(directory, 'server.key'), 'key of the user');
    expect(await ensureCertificates(optionsFor(directory))).toMatchObject({
      ok: true,
      value: { isUserProvided: true },
    });
    expect(read(directory, 'server.key')).toBe('key of the user');
  });

  test.each(['ca.key', 'ca.pem'])('a CA without its %s is reported with the fix, never overwritten', async (name) => {
    for (const file of ['server.pem', 'server.key', 'server-ec.pem', 'server-ec.key']) rmSync(join(directory, file));
    rmSync(join(directory, name));
    const left = readdirSync(directory);
    const report = await ensureCertificates(optionsFor(directory));
    expect(report.ok ? '' : report.error).toMatch(/remove every \.pem and \.key file/);
    expect(readdirSync(directory)).toEqual(left);
  });

  test('a CA key of another CA is reported', async () => {
    const foreign = mkdtempSync(join(tmpdir(), 'foreign-'));
    await ensureCertificates(optionsFor(foreign));
    writeFileSync(join(directory, 'ca.key'), read(foreign, 'ca.key'));
    rmSync(foreign, { recursive: true });
    const report = await ensureCertificates(optionsFor(directory, { names: ['new.example'] }));
    expect(report.ok ? '' : report.error).toMatch(/ca\.key does not belong to ca\.pem/);
  });

  test('a directory that cannot be made is reported with the fix', async () => {
    writeFileSync(join(directory, 'file'), '');
    const report = await ensureCertificates(optionsFor(join(directory, 'file', 'certs')));
    expect(report.ok ? '' : report.error).toMatch(/HOOKSWITCH_CERT_DIR/);
  });
});

test('names that cannot stand in a certificate are left out', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'certs-'));
  const options = optionsFor(directory, {
    names: ['good.example', 'bad name', 'ümlaut.example', 'a.*.example'],
    hostName: 'x,y',
  });
  expect((await ensureCertificates(options)).ok).toBe(true);
  const { subjectAltName } = certificateOf(directory, 'server.pem');
  expect(subjectAltName).toMatch(/^DNS:good\.example, DNS:localhost, IP/);
  rmSync(directory, { recursive: true });
});
