// The files of the certificate directory: small, read whole, replaced in one step.

import { generateKeyPair, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';

const generate = promisify(generateKeyPair);

export interface MadeKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** PKCS #8 PEM. */
  readonly privateKeyText: string;
}

/** RSA 2048: the longest key that every desk phone takes. EC: P-256. Made in the thread pool. */
export async function makeKey(kind: 'rsa' | 'ec'): Promise<MadeKey> {
  const { publicKey, privateKey } =
    kind === 'rsa'
      ? await generate('rsa', { modulusLength: 2048 })
      : await generate('ec', { namedCurve: 'prime256v1' });
  return { publicKey, privateKey, privateKeyText: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

export function openDirectory(directory: string): Result<void, string> {
  try {
    mkdirSync(directory, { recursive: true });
    return ok(undefined);
  } catch (fault) {
    return err(
      `${directory}: cannot be made (${String(fault)}): choose another HOOKSWITCH_CERT_DIR or make its parent writable`,
    );
  }
}

/** The text of a file; undefined when it is absent, unreadable or far too large. */
export function readText(path: string): string | undefined {
  try {
    return statSync(path).size > limits.certificateFileBytes ? undefined : readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export function parseCertificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}

/** The CA in use, the one that will follow it, the one before it: peers may know any of them. */
export const AUTHORITY_FILES = ['ca.pem', 'ca-next.pem', 'ca-old.pem'] as const;

/** Those that are there and can be read, in this order. */
export const ownAuthorities = (directory: string): X509Certificate[] =>
  AUTHORITY_FILES.flatMap((name) => parseCertificate(readText(join(directory, name)) ?? '') ?? []);

/** Writes beside the target and renames, so that a reader sees the old file or the new one, never half of it. */
export function writeWhole(directory: string, name: string, text: string, mode: number): void {
  const temporary = join(directory, `.${name}.new`);
  rmSync(temporary, { force: true });
  writeFileSync(temporary, text, { mode, flag: 'wx', flush: true });
  renameSync(temporary, join(directory, name));
}

/** Changes whenever the file does, also when it is a symbolic link that is pointed elsewhere. */
export function fileSignature(path: string): string {
  try {
    const stat = statSync(path, { bigint: true });
    return `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
  } catch {
    return 'absent';
  }
}
