// Watching the certificate directory with a clock moved by hand: good files are taken up, broken ones are reported with the
// fix while the old ones stay (design.md 3).

import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { limits } from '../../../src/base/limits.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import { ensureCertificates } from '../../../src/certs/authority.ts';
import { createTlsMaterialSource, type TlsMaterial, type TlsMaterialSource } from '../../../src/certs/reload.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

let own: string;
let foreign: string;
let directory: string;
let clock: VirtualClock;
let source: TlsMaterialSource;
let changes: TlsMaterial[];
let errors: string[];

const FILES = ['ca.pem', 'ca.key', 'server.pem', 'server.key', 'server-ec.pem', 'server-ec.key'];
const recordingLog: Log = { ...silentLog, error: (_fields, message) => errors.push(message) };
const text = (from: string, name: string) => readFileSync(join(from, name), 'utf8');
/** Copies into place in one step, as a careful tool does. */
const install = (name: string, from: string, sourceName = name) => {
  copyFileSync(join(from, sourceName), join(directory, 'incoming'));
  renameSync(join(directory, 'incoming'), join(directory, name));
};
const poll = () => clock.advance(limits.certificatePollMs);

beforeAll(async () => {
  own = mkdtempSync(join(tmpdir(), 'own-'));
  foreign = mkdtempSync(join(tmpdir(), 'foreign-'));
  for (const where of [own, foreign]) {
    const made = await ensureCertificates({
      directory: where,
      names: ['sip.localhost'],
      addresses: [],
      clock: new VirtualClock(Date.now()),
      log: silentLog,
      random: cryptoRandom,
    });
    expect(made.ok).toBe(true);
  }
});
afterAll(() => {
  rmSync(own, { recursive: true });
  rmSync(foreign, { recursive: true });
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'reload-'));
  for (const name of FILES) copyFileSync(join(own, name), join(directory, name));
  clock = new VirtualClock(Date.now());
  errors = [];
  changes = [];
  source = createTlsMaterialSource({ directory, clock, log: recordingLog });
  source.onChange((material) => changes.push(material));
});
afterEach(() => {
  source.stop();
  expect(clock.pendingTimers).toBe(0);
  rmSync(directory, { recursive: true, force: true });
});

test('both pairs and the CA are read at start', () => {
  expect(source.start().ok).toBe(true);
  expect(source.current()).toEqual({
    pairs: [
      { cert: text(own, 'server.pem'), key: text(own, 'server.key') },
      { cert: text(own, 'server-ec.pem'), key: text(own, 'server-ec.key') },
    ],
    ca: text(own, 'ca.pem'),
  });
});

test('unchanged files give no change', () => {
  source.start();
  clock.advance(60_000);
  expect(changes).toEqual([]);
});

test('a user pair is taken up within 5 s, and pairs of the local CA are left out then', () => {
  source.start();
  install('server.pem', foreign);
  install('server.key', foreign);
  clock.advance(5_000);
  expect(changes).toHaveLength(1);
  expect(source.current().pairs).toEqual([{ cert: text(foreign, 'server.pem'), key: text(foreign, 'server.key') }]);
});

test('certificate and key copied a moment apart: one change, no complaint', () => {
  source.start();
  install('server.pem', foreign);
  poll();
  install('server.key', foreign);
  poll();
  expect(errors).toEqual([]);
  expect(changes).toHaveLength(1);
});

test('a broken file is reported once with the fix; the old one stays until it is mended', () => {
  source.start();
  const before = source.current();
  install('server.pem', foreign);
  clock.advance(60_000);
  expect(errors).toEqual([
    expect.stringContaining('server.key does not belong to server.pem: put the matching key there'),
  ]);
  expect(source.current()).toBe(before);
  install('server.key', foreign);
  poll();
  expect(changes).toHaveLength(1);
});

test('a broken file that is put back as it was gives no change and is reported anew the next time', () => {
  source.start();
  install('server.key', foreign);
  clock.advance(10_000);
  install('server.key', own);
  clock.advance(10_000);
  install('server.key', foreign);
  clock.advance(10_000);
  expect(errors).toHaveLength(2);
});

test('a listener that throws does not stop the watch', () => {
  source.onChange(() => {
    throw new TypeError('listener');
  });
  source.start();
  install('server.pem', foreign);
  install('server.key', foreign);
  poll();
  for (const name of ['server.pem', 'server.key']) install(name, own);
  poll();
  expect(changes).toHaveLength(2);
});

describe('files that do not fit name the file and the fix', () => {
  const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;
  test.each<[string, () => void, RegExp]>([
    ['no files', () => rmSync(directory, { recursive: true }), /no server\.pem in .* put a certificate there/],
    ['no key', () => rmSync(join(directory, 'server.key')), /server\.key is missing .* put its private key there/],
    [
      'no certificate',
      () => rmSync(join(directory, 'server-ec.pem')),
      /server-ec\.pem is missing .* put the certificate there/,
    ],
    [
      'certificate is no PEM',
      () => writeFileSync(join(directory, 'server.pem'), 'junk'),
      /server\.pem is not a PEM certificate/,
    ],
    [
      'key is no PEM',
      () => writeFileSync(join(directory, 'server.key'), 'junk'),
      /server\.key is not a PEM private key/,
    ],
    [
      'too large',
      () => writeFileSync(join(directory, 'server.pem'), Buffer.alloc(limits.certificateFileBytes + 1)),
      /missing or unreadable/,
    ],
    [
      'key with a passphrase',
      () =>
        writeFileSync(
          join(directory, 'server.key'),
          rsa(2048).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }),
        ),
      /server\.key has a passphrase: remove it with "openssl pkey/,
    ],
    ['key of another', () => install('server.key', foreign), /server\.key does not belong to server\.pem/],
  ])('%s', (_what, breakFiles, expected) => {
    breakFiles();
    const started = source.start();
    expect(started.ok ? '' : started.error).toMatch(expected);
  });
});

test('an ended certificate is used and reported: most phones do not look', () => {
  const late = new VirtualClock(Date.now() + 3 * 365 * 86_400_000);
  const subject = createTlsMaterialSource({ directory, clock: late, log: recordingLog });
  expect(subject.start().ok).toBe(true);
  subject.stop();
  expect(errors).toEqual([expect.stringContaining('has ended'), expect.stringContaining('has ended')]);
});
