// The addon of the native media thread for tests: compiled once for each version of its source, where there is a compiler.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon } from '../../src/media/native/build.ts';

const ROOT = join(import.meta.dirname, '../..');
const SOURCE = join(ROOT, 'src/media/native');

/** Its file, or why there is none. A source that does not compile is a fault of ours: it throws. */
export function nativeAddon(): { readonly file: string } | { readonly missing: string } {
  const hash = createHash('sha256').update(process.version).update(process.arch);
  for (const name of readdirSync(SOURCE).sort()) hash.update(readFileSync(join(SOURCE, name)));
  const file = join(ROOT, `node_modules/.cache/hookswitch/media-${hash.digest('hex').slice(0, 16)}.node`);
  if (existsSync(file)) return { file };
  const built = buildAddon(file);
  if (built.ok) return { file };
  if (built.error.includes('failed')) throw new Error(built.error);
  return { missing: built.error };
}
