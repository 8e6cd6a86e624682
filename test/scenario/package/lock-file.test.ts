// package-lock.json: `npm ci` must accept it on any machine and with any registry (a mirror, a proxy).

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [group: string]: unknown;
}

const read = (name: string) => JSON.parse(readFileSync(resolve(import.meta.dirname, '../../..', name), 'utf8'));
const manifest: Entry = read('package.json');
const lock: { readonly packages: Readonly<Record<string, Entry>> } = read('package-lock.json');
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

test('names no registry host: each package is found by name, version and hash', () => {
  expect(packages.filter(([, entry]) => entry.resolved !== undefined).map(([path]) => path)).toEqual([]);
  expect(packages.filter(([, entry]) => !entry.version || !entry.integrity).map(([path]) => path)).toEqual([]);
});

test.each(['dependencies', 'devDependencies', 'optionalDependencies', 'engines', 'bin'])(
  'says the same %s as package.json',
  (group) => {
    expect(lock.packages['']?.[group]).toEqual(manifest[group]);
  },
);

// npm ci refuses a lock file that lacks a binary of another platform.
test('holds the optional packages of every platform', () => {
  const missing = packages.flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !lock.packages[`${path}/node_modules/${name}`] && !lock.packages[`node_modules/${name}`],
    ),
  );
  expect(missing).toEqual([]);
});

test('the override of sip holds: it shares the ws that is named in package.json', () => {
  const sip = (manifest.overrides as { readonly sip: { readonly ws: string } }).sip;
  expect(lock.packages['node_modules/sip/node_modules/ws']).toBeUndefined();
  expect(lock.packages['node_modules/ws']?.version).toBe(sip.ws);
});

test('no package runs a script at install: npm ci --ignore-scripts gives the same', () => {
  expect(packages.filter(([, entry]) => entry.hasInstallScript).map(([path]) => path)).toEqual([]);
});
