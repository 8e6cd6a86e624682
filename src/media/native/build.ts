// Compiles the addon with the C compiler of the machine and the headers that came with this Node. Nothing is downloaded, and nothing
// but `npm run build:native`, the container image and the tests call it.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { err, ok, type Result } from '../../base/result.ts';

const SOURCES = ['addon.c', 'engine.c', 'srtp.c'] as const;
const FLAGS = [
  '-std=c11',
  '-O2',
  '-fPIC',
  '-shared',
  '-pthread',
  '-Wall',
  '-Wextra',
  '-fstack-protector-strong',
] as const;
const BUILD_MS = 120_000;

/** Where the headers of a Node are: beside its program, else where Debian has them. */
function headers(): string | undefined {
  const places = [
    join(dirname(dirname(process.execPath)), 'include', 'node'),
    '/usr/local/include/node',
    '/usr/include/node',
  ];
  return places.find((place) => existsSync(join(place, 'node_api.h')));
}

/** The first compiler that answers. */
function compiler(): string | undefined {
  return ['cc', 'gcc', 'clang'].find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

/** Builds into `file`. An error says what is missing, or what the compiler said. `flags`: more of them, for checks by hand. */
export function buildAddon(file: string, flags: readonly string[] = []): Result<void, string> {
  if (process.platform !== 'linux') return err('the native media thread is for Linux only');
  const cc = compiler();
  if (cc === undefined) return err('no C compiler: install gcc or clang (Debian: apt install gcc libc6-dev)');
  const include = headers();
  if (include === undefined) {
    return err(`no header files of Node beside ${process.execPath}: use a Node of nodejs.org, or install libnode-dev`);
  }
  const folder = dirname(fileURLToPath(import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  // Never over a file that a gateway has loaded.
  const made = `${file}.${process.pid}`;
  const sources = SOURCES.map((name) => join(folder, name));
  const options = { encoding: 'utf8', timeout: BUILD_MS } as const;
  const built = spawnSync(cc, [...FLAGS, ...flags, `-I${include}`, ...sources, '-o', made, '-ldl'], options);
  if (built.status !== 0) {
    rmSync(made, { force: true });
    return err(`${cc} failed:\n${built.stderr || built.error?.message || 'no output'}`);
  }
  renameSync(made, file);
  return ok(undefined);
}
