// The local certificate authority: makes, on first start, a CA and a server pair of each kind (RSA and EC), and renews the
// pairs when they end or lack a name. A certificate that this CA did not issue belongs to the user and is never touched.
// Called once at start (and daily, for the end date) by the gateway; reload.ts reads what lies there afterwards.
//
//   directory/  ca.pem ca.key            10 years, offered for download so that phones can import it
//               server.pem server.key       RSA  ┐ 825 days, signed by ca.key
//               server-ec.pem server-ec.key P-256 ┘
//               ca-next.*, ca-old.*         before and after a change of the CA: succession.ts

import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';
import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import { makeKey, openDirectory, ownAuthorities, parseCertificate, readText, writeWhole } from './files.ts';
import { canonicalAddress, isCertificateName } from './names.ts';
import { succeed } from './succession.ts';
import { type DistinguishedName, issueCertificate } from './x509.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_652;
/** The longest life that Apple's and other strict clients accept. */
const LEAF_DAYS = 825;
const RENEW_BEFORE_DAYS = 30;
/** Phones with a clock that is a little late must not refuse a new certificate. */
const BACKDATE_MS = DAY_MS;

export interface CertificateOptions {
  readonly directory: string;
  /** Host names and wildcards, see `certificateNames`. `localhost` and the host's name are added. */
  readonly names: readonly string[];
  /** Addresses of this machine and its public address. Loopback is added. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly random: RandomSource;
  /** By default the system's. */
  readonly hostName?: string;
}

export interface CertificateReport {
  /** Files written by this call. */
  readonly written: readonly string[];
  /** True when the server certificate comes from the user: our CA has no part in it. */
  readonly isUserProvided: boolean;
}

interface Authority {
  readonly certificate: X509Certificate;
  readonly name: DistinguishedName;
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
}

interface Pair {
  readonly kind: 'rsa' | 'ec';
  readonly certificateFile: string;
  readonly keyFile: string;
}

const PAIRS: readonly Pair[] = [
  { kind: 'rsa', certificateFile: 'server.pem', keyFile: 'server.key' },
  { kind: 'ec', certificateFile: 'server-ec.pem', keyFile: 'server-ec.key' },
];

/**
 * Brings the certificate directory into order. The error is one sentence that names the file and the fix.
 * Safe to call again at any time: it only writes what is missing or ends soon.
 */
export async function ensureCertificates(options: CertificateOptions): Promise<Result<CertificateReport, string>> {
  const { directory, log } = options;
  const opened = openDirectory(directory);
  if (!opened.ok) return opened;
  const authorities = ownAuthorities(directory);
  if (PAIRS.some((pair) => isUserProvided(directory, pair, authorities))) {
    log.info({ directory }, 'server certificate comes from the user and is left alone');
    return ok({ written: [], isUserProvided: true });
  }
  const wanted = wantedNames(options);
  const written: string[] = [];
  try {
    await succeed(options, (name) => makeAuthority(options, written, name), written);
  } catch (fault) {
    return err(`${directory}: certificates cannot be written (${String(fault)}): make the directory writable`);
  }
  const due = PAIRS.filter((pair) => renewalReason(options, pair, wanted) !== undefined);
  if (due.length === 0) return ok({ written, isUserProvided: false });
  try {
    const authority = await openAuthority(options, written);
    if (!authority.ok) return authority;
    for (const pair of due) {
      log.info(
        { file: pair.certificateFile, reason: renewalReason(options, pair, wanted) },
        'making server certificate',
      );
      written.push(...(await issuePair(options, pair, authority.value, wanted)));
    }
    return ok({ written, isUserProvided: false });
  } catch (fault) {
    return err(`${directory}: certificates cannot be written (${String(fault)}): make the directory writable`);
  }
}

/** A certificate that no CA of ours signed, or a key without a certificate (half of a user's pair). */
function isUserProvided(directory: string, pair: Pair, authorities: readonly X509Certificate[]): boolean {
  const text = readText(join(directory, pair.certificateFile));
  if (text === undefined) return readText(join(directory, pair.keyFile)) !== undefined;
  const certificate = parseCertificate(text);
  return !certificate || !authorities.some((authority) => certificate.verify(authority.publicKey));
}

interface Wanted {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

function wantedNames(options: CertificateOptions): Wanted {
  const names = [...options.names, options.hostName ?? hostname(), 'localhost'].map((name) => name.toLowerCase());
  const addresses = [...options.addresses, '127.0.0.1', '::1'].flatMap((address) => canonicalAddress(address) ?? []);
  return { names: [...new Set(names.filter(isCertificateName))], addresses: [...new Set(addresses)] };
}

/** Why a pair must be made anew; undefined when it is good. */
function renewalReason(options: CertificateOptions, pair: Pair, wanted: Wanted): string | undefined {
  const text = readText(join(options.directory, pair.certificateFile));
  const certificate = text === undefined ? undefined : parseCertificate(text);
  if (!certificate) return 'there is none';
  const key = readKey(join(options.directory, pair.keyFile));
  if (!key || !certificate.checkPrivateKey(key)) return 'its key is missing';
  if (certificate.validToDate.getTime() < options.clock.wall() + RENEW_BEFORE_DAYS * DAY_MS) return 'it ends soon';
  const authority = parseCertificate(readText(join(options.directory, 'ca.pem')) ?? '');
  if (authority && !certificate.verify(authority.publicKey)) return 'the certificate authority was replaced';
  const held = heldNames(certificate);
  const missing = [...wanted.names, ...wanted.addresses].find((name) => !held.has(name));
  return missing === undefined ? undefined : `it does not name ${missing}`;
}

/** The subjectAltName entries in one spelling. */
function heldNames(certificate: X509Certificate): ReadonlySet<string> {
  const entries = certificate.subjectAltName?.split(', ') ?? [];
  return new Set(
    entries.map((entry) => {
      const value = entry.slice(entry.indexOf(':') + 1);
      return entry.startsWith('IP') ? (canonicalAddress(value) ?? value) : value.toLowerCase();
    }),
  );
}

async function openAuthority(options: CertificateOptions, written: string[]): Promise<Result<Authority, string>> {
  const { directory } = options;
  const text = readText(join(directory, 'ca.pem'));
  const key = readKey(join(directory, 'ca.key'));
  if (text === undefined && readText(join(directory, 'ca.key')) === undefined)
    return ok(await makeAuthority(options, written, 'ca'));
  const fix = `put back the pair ca.pem and ca.key, or remove every .pem and .key file in ${directory} so that new ones are made`;
  const certificate = text === undefined ? undefined : parseCertificate(text);
  if (!certificate || !key) return err(`${directory}: ca.pem or ca.key is missing or unreadable: ${fix}`);
  if (!certificate.checkPrivateKey(key)) return err(`${directory}: ca.key does not belong to ca.pem: ${fix}`);
  if (key.asymmetricKeyType !== 'rsa') return err(`${directory}: ca.key is not an RSA key: ${fix}`);
  // RFC 5280 6.1.3: the issuer field must equal the CA's subject byte for byte, so it is read back with its string types.
  const name = forge.pki.certificateFromPem(text!).subject.attributes;
  return ok({ certificate, key, name, publicKey: certificate.publicKey });
}

async function makeAuthority(
  options: CertificateOptions,
  written: string[],
  file: 'ca' | 'ca-next',
): Promise<Authority> {
  const { directory, clock, random, log } = options;
  const pair = await makeKey('rsa');
  // Every installation has a CA of its own; the label tells them apart in a phone's list.
  const name: DistinguishedName = [
    { shortName: 'O', value: 'Hookswitch' },
    { shortName: 'CN', value: `Hookswitch local CA ${random(4).toString('hex')}` },
  ];
  const now = clock.wall();
  const text = issueCertificate({
    subject: name,
    issuer: name,
    publicKey: pair.publicKey,
    issuerKey: pair.privateKey,
    issuerPublicKey: pair.publicKey,
    serial: random(16),
    notBefore: now - BACKDATE_MS,
    notAfter: now + AUTHORITY_DAYS * DAY_MS,
    use: { kind: 'authority' },
  });
  writeWhole(directory, `${file}.key`, pair.privateKeyText, 0o600);
  writeWhole(directory, `${file}.pem`, text, 0o644);
  written.push(`${file}.key`, `${file}.pem`);
  log.info(
    { file: join(directory, `${file}.pem`) },
    'made a certificate authority: import ca.pem where TLS is verified',
  );
  return { certificate: new X509Certificate(text), key: pair.privateKey, name, publicKey: pair.publicKey };
}

async function issuePair(
  options: CertificateOptions,
  pair: Pair,
  authority: Authority,
  wanted: Wanted,
): Promise<string[]> {
  const { directory, clock, random } = options;
  const now = clock.wall();
  // The old key is kept: then a renewal replaces one file, and certificate and key fit at every moment.
  const oldKey = readKey(join(directory, pair.keyFile));
  const made = oldKey ? undefined : await makeKey(pair.kind);
  const publicKey = oldKey ? createPublicKey(oldKey) : made!.publicKey;
  const text = issueCertificate({
    subject: [
      { shortName: 'O', value: 'Hookswitch' },
      { shortName: 'CN', value: wanted.names[0]!.slice(0, 64) },
    ],
    issuer: authority.name,
    publicKey,
    issuerKey: authority.key,
    issuerPublicKey: authority.publicKey,
    serial: random(16),
    notBefore: now - BACKDATE_MS,
    notAfter: Math.min(now + LEAF_DAYS * DAY_MS, authority.certificate.validToDate.getTime()),
    use: { kind: 'server', ...wanted },
  });
  // Certificate first: a key alone would look like half of a user's pair if this process died between the two.
  writeWhole(directory, pair.certificateFile, text, 0o644);
  if (!made) return [pair.certificateFile];
  writeWhole(directory, pair.keyFile, made.privateKeyText, 0o600);
  return [pair.certificateFile, pair.keyFile];
}

function readKey(path: string): KeyObject | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}
