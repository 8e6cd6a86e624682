// The scripts that a command is given: files, and all *.call files of folders. All mistakes of all of them are told at once.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { parseScript } from '../dialogue/parse.ts';
import type { Script } from '../dialogue/script.ts';

export interface NamedScript {
  readonly name: string;
  readonly script: Script;
}

export const SCRIPT_SUFFIX = '.call';
const SCRIPTS_MAX = 10_000;

/** Reads and checks them. The error is one text with all mistakes: `menu.call:3:9: …`. */
export function readScripts(paths: readonly string[]): Result<readonly NamedScript[], string> {
  const mistakes: string[] = [];
  const scripts: NamedScript[] = [];
  for (const name of paths.flatMap((path) => filesOf(path, mistakes)).slice(0, SCRIPTS_MAX)) {
    const text = read(name, mistakes);
    if (text === undefined) continue;
    const script = parseScript(text);
    if (script.ok) scripts.push({ name, script: script.value });
    else mistakes.push(...script.error.map(({ line, column, message }) => `${name}:${line}:${column}: ${message}`));
  }
  if (mistakes.length === 0 && scripts.length === 0)
    mistakes.push(`There is no script: no *${SCRIPT_SUFFIX} file in ${paths.join(', ')}.`);
  return mistakes.length > 0 ? err(mistakes.join('\n')) : ok(scripts);
}

function filesOf(path: string, mistakes: string[]): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) {
    mistakes.push(`${path}: there is no such file or folder`);
    return [];
  }
  if (!found.isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(SCRIPT_SUFFIX))
    .sort()
    .map((name) => join(path, name));
}

function read(name: string, mistakes: string[]): string | undefined {
  try {
    if (statSync(name).size <= limits.scriptLines * limits.scriptLineChars) return readFileSync(name, 'utf8');
    mistakes.push(`${name}: too large for a script`);
  } catch (fault) {
    mistakes.push(`${name}: ${(fault as NodeJS.ErrnoException).code ?? 'cannot be read'}`);
  }
  return undefined;
}
