// The TLS material in use: reads the certificate directory at start, looks every 2 s whether a file has changed, and hands new
// material to the TLS listener, whose connections live on. A broken new file is logged with the fix; the old one stays in use.

import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { Emitter, type Unsubscribe } from '../base/emitter.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import { AUTHORITY_FILES, fileSignature, ownAuthorities, parseCertificate, readText } from './files.ts';

export interface TlsMaterial {
  /** One or two pairs of PEM texts; RSA and EC are offered together. */
  readonly pairs: readonly { readonly cert: string; readonly key: string }[];
  /** Our CA, for download, with its successor or predecessor where there is one; null when there is none. */
  readonly ca: string | null;
}

export interface TlsMaterialSource {
  /** Reads the files for the first time and begins to watch them. The error names the file and the fix. */
  start(): Result<void, string>;
  stop(): void;
  /** Only after a good start. */
  current(): TlsMaterial;
  onChange(listener: (material: TlsMaterial) => void): Unsubscribe;
}

export interface TlsMaterialOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

const PAIRS = ['server', 'server-ec'] as const;
const WATCHED = [...AUTHORITY_FILES, ...PAIRS.flatMap((name) => [`${name}.pem`, `${name}.key`])];
/** Shorter keys are refused by OpenSSL at its default security level. */
const RSA_MINIMUM_BITS = 2048;

export function createTlsMaterialSource(options: TlsMaterialOptions): TlsMaterialSource {
  const { directory, clock, log } = options;
  const emitter = new Emitter<TlsMaterial>((fault) =>
    log.error({ fault: String(fault) }, 'certificate listener failed'),
  );
  let material: TlsMaterial | undefined;
  let loadedSignature = '';
  let brokenSignature = '';
  let reportedSignature = '';
  let timer: Timer | undefined;

  const signature = () => WATCHED.map((name) => fileSignature(join(directory, name))).join(' | ');

  function poll(): void {
    timer = clock.after(limits.certificatePollMs, poll);
    const found = signature();
    if (found === loadedSignature || found === reportedSignature) return;
    const loaded = loadMaterial(directory, clock.wall(), log);
    if (loaded.ok) {
      loadedSignature = found;
      material = loaded.value;
      log.info({ directory }, 'certificates reloaded');
      return emitter.emit(material);
    }
    // Certificate and key are copied one after the other: what is broken now may be whole at the next look.
    if (found === brokenSignature) {
      reportedSignature = found;
      log.error({ directory }, `certificates not reloaded, the old ones stay in use: ${loaded.error}`);
    }
    brokenSignature = found;
  }

  return {
    start() {
      loadedSignature = signature();
      const loaded = loadMaterial(directory, clock.wall(), log);
      if (!loaded.ok) return loaded;
      material = loaded.value;
      timer = clock.after(limits.certificatePollMs, poll);
      return ok(undefined);
    },
    stop: () => timer?.cancel(),
    current() {
      if (!material) throw new TypeError('TLS material is read before a good start()');
      return material;
    },
    onChange: (listener) => emitter.on(listener),
  };
}

/** Reads and checks all files. Where one pair is the user's, a pair of our own CA is left out: peers do not trust it. */
export function loadMaterial(directory: string, wallMs: number, log: Log): Result<TlsMaterial, string> {
  const authorities = ownAuthorities(directory);
  const ca =
    AUTHORITY_FILES.map((name) => readText(join(directory, name)) ?? '')
      .filter((text) => parseCertificate(text) !== undefined)
      .map((text) => `${text.trimEnd()}\n`)
      .join('') || null;
  const pairs: CheckedPair[] = [];
  for (const name of PAIRS) {
    const cert = readText(join(directory, `${name}.pem`));
    const key = readText(join(directory, `${name}.key`));
    if (cert === undefined && key === undefined) continue;
    if (cert === undefined)
      return err(`${name}.pem is missing or unreadable beside ${name}.key: put the certificate there`);
    if (key === undefined)
      return err(`${name}.key is missing or unreadable beside ${name}.pem: put its private key there`);
    const checked = checkPair(name, cert, key, authorities);
    if (!checked.ok) return checked;
    pairs.push(checked.value);
  }
  if (pairs.length === 0)
    return err(`no server.pem in ${directory}: put a certificate there, or start once to have one made`);
  const userPairs = pairs.filter((pair) => !pair.isOwn);
  const used = userPairs.length > 0 ? userPairs : pairs;
  for (const pair of used) {
    if (pair.certificate.validToDate.getTime() < wallMs)
      log.error({ file: `${pair.name}.pem`, ended: pair.certificate.validTo }, 'certificate has ended: replace it');
  }
  return ok({ pairs: used.map(({ cert, key }) => ({ cert, key })), ca });
}

interface CheckedPair {
  readonly name: string;
  readonly cert: string;
  readonly key: string;
  readonly certificate: X509Certificate;
  readonly isOwn: boolean;
}

function checkPair(
  name: string,
  cert: string,
  key: string,
  authorities: readonly X509Certificate[],
): Result<CheckedPair, string> {
  const certificate = parseCertificate(cert);
  if (!certificate)
    return err(`${name}.pem is not a PEM certificate: put the full chain there, the server certificate first`);
  const privateKey = parseWith(() => createPrivateKey(key));
  if (!privateKey) {
    const isEncrypted = key.includes('ENCRYPTED');
    return err(
      isEncrypted
        ? `${name}.key has a passphrase: remove it with "openssl pkey -in ${name}.key -out plain.key"`
        : `${name}.key is not a PEM private key: put the key of ${name}.pem there`,
    );
  }
  if (!certificate.checkPrivateKey(privateKey))
    return err(`${name}.key does not belong to ${name}.pem: put the matching key there`);
  if (isShortRsa(privateKey)) return err(`${name}.key is an RSA key below ${RSA_MINIMUM_BITS} bits: use a longer one`);
  const isOwn = authorities.some((authority) => certificate.verify(authority.publicKey));
  return ok({ name, cert, key, certificate, isOwn });
}

const isShortRsa = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < RSA_MINIMUM_BITS;

function parseWith<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
