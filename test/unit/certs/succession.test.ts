// A change of the certificate authority over the years (succession.ts), and the daily look (keeper.ts).

import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { ensureCertificates } from '../../../src/certs/authority.ts';
import { keepCertificates } from '../../../src/certs/keeper.ts';
import { loadMaterial } from '../../../src/certs/reload.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DAY_MS = 86_400_000;
const start = Date.now();

function folder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'certs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const optionsOn = (directory: string, day: number) => ({
  directory,
  names: ['sip.localhost'],
  addresses: [],
  clock: new VirtualClock(start + day * DAY_MS),
  log: silentLog,
  random: cryptoRandom,
  hostName: 'gateway',
});

const certificate = (directory: string, name: string) => new X509Certificate(readFileSync(join(directory, name)));
const subjects = (pem: string): string[] =>
  pem
    .split(/(?=-----BEGIN)/)
    .filter((part) => part.includes('BEGIN'))
    .map((part) => new X509Certificate(part).subject.split('CN=')[1]!);

test('[sip 0 ca-change] the successor is published 180 days before the end, signs from 60 days before, beside the old root', async () => {
  const directory = folder();
  await ensureCertificates(optionsOn(directory, 0));
  const old = subjects(readFileSync(join(directory, 'ca.pem'), 'utf8'))[0]!;
  const published = () => {
    const material = loadMaterial(directory, start, silentLog);
    return material.ok ? subjects(material.value.ca!) : [];
  };

  await ensureCertificates(optionsOn(directory, 3_470));
  expect(published()).toEqual([old]);

  expect(await ensureCertificates(optionsOn(directory, 3_480))).toMatchObject({ ok: true });
  expect(published()).toEqual([old, expect.not.stringMatching(old)]);
  expect(certificate(directory, 'server.pem').verify(certificate(directory, 'ca.pem').publicKey)).toBe(true);
  const [, next] = published();

  expect(await ensureCertificates(optionsOn(directory, 3_600))).toMatchObject({
    ok: true,
    value: { isUserProvided: false, written: expect.arrayContaining(['ca.pem', 'server.pem', 'server-ec.pem']) },
  });
  expect(published()).toEqual([next, old]);
  for (const name of ['server.pem', 'server-ec.pem'])
    expect(certificate(directory, name).verify(certificate(directory, 'ca.pem').publicKey)).toBe(true);
  expect(readdirSync(directory).sort()).toEqual(
    ['ca-old.pem', 'ca.key', 'ca.pem', 'server-ec.key', 'server-ec.pem', 'server.key', 'server.pem'].sort(),
  );

  // The day after there is nothing to do.
  expect(await ensureCertificates(optionsOn(directory, 3_601))).toMatchObject({ ok: true, value: { written: [] } });
});

test('[sip 0 ca-change] an operator who brings a CA of his own keeps the old root as ca-old.pem', async () => {
  const [directory, other] = [folder(), folder()];
  await ensureCertificates(optionsOn(directory, 0));
  await ensureCertificates(optionsOn(other, 0));
  renameSync(join(directory, 'ca.pem'), join(directory, 'ca-old.pem'));
  for (const name of ['ca.pem', 'ca.key']) renameSync(join(other, name), join(directory, name));
  expect(await ensureCertificates(optionsOn(directory, 1))).toMatchObject({
    ok: true,
    value: { isUserProvided: false, written: ['server.pem', 'server-ec.pem'] },
  });
  const material = loadMaterial(directory, start, silentLog);
  expect(material.ok && subjects(material.value.ca!)).toHaveLength(2);
});

test('[sip 0 cert-names] further names are in the certificate', async () => {
  const directory = folder();
  await ensureCertificates({ ...optionsOn(directory, 0), names: ['sip.localhost', 'phones.example.net'] });
  expect(certificate(directory, 'server.pem').checkHost('phones.example.net')).toBe('phones.example.net');
});

test('[sip 0 cert-renewal] once a day the certificates are looked at; one that ends soon is renewed', async () => {
  const directory = folder();
  const clock = new VirtualClock(start);
  const options = () => ({ ...optionsOn(directory, 0), clock });
  await ensureCertificates(options());
  const before = certificate(directory, 'server.pem').serialNumber;
  const forget = keepCertificates(options);
  clock.advance(800 * DAY_MS - limits.certificateKeepMs);
  for (let day = 0; day < 2; day++) await clock.advanceAsync(limits.certificateKeepMs);
  // The work is real: keys and files, not timers.
  await expect.poll(() => certificate(directory, 'server.pem').serialNumber).not.toBe(before);
  await expect.poll(() => clock.pendingTimers).toBe(1);
  forget();
  expect(clock.pendingTimers).toBe(0);
});
