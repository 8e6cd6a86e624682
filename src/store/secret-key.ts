// The secret key: from HOOKSWITCH_SECRET_KEY, or DATA_DIR/secret.key made on the first start and readable by its owner alone.

import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { cryptoRandom, type RandomSource } from '../base/ids.ts';
import { err, ok, type Result } from '../base/result.ts';
import { SECRET_KEY_BYTES } from './secrets.ts';

const OWNER_ONLY = 0o600;

/** 64 hex digits or 44 characters of Base64: 32 bytes. */
export function parseSecretKey(text: string): Result<Buffer, string> {
  const trimmed = text.trim();
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return ok(Buffer.from(trimmed, 'hex'));
  if (/^[A-Za-z0-9+/]{43}=$/.test(trimmed)) return ok(Buffer.from(trimmed, 'base64'));
  return err('the secret key must be 64 hex digits or 32 bytes in Base64; `openssl rand -hex 32` makes one');
}

/**
 * Reads DATA_DIR/secret.key, or makes it once (0600). The error says what to do: a key that cannot be read must not be replaced, since
 * everything sealed under it would be lost.
 */
export function secretKeyFile(dataDir: string, random: RandomSource = cryptoRandom): Result<Buffer, string> {
  const file = join(dataDir, 'secret.key');
  try {
    const present = readIfPresent(file);
    if (present !== undefined) return checked(file, present);
    mkdirSync(dataDir, { recursive: true });
    createOnce(file, random);
    return checked(file, readFileSync(file, 'utf8'));
  } catch (fault) {
    return err(`${file}: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
}

function checked(file: string, text: string): Result<Buffer, string> {
  // POSIX only: on Windows the mode says nothing about who may read.
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
    return err(`${file} can be read by others: chmod 600 it`);
  const key = parseSecretKey(text);
  return key.ok ? key : err(`${file}: ${key.error}`);
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return undefined;
    throw fault;
  }
}

// Written whole under another name, then linked: a crash leaves no half key, and of two processes that start at once one wins.
function createOnce(file: string, random: RandomSource): void {
  const draft = `${file}.${random(6).toString('hex')}`;
  const handle = openSync(draft, 'wx', OWNER_ONLY);
  try {
    writeSync(handle, `${random(SECRET_KEY_BYTES).toString('hex')}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  try {
    linkSync(draft, file);
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'EEXIST')) throw fault;
  } finally {
    unlinkSync(draft);
  }
}
