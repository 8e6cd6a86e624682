// The flags that a gateway sets: V8 passes over a name that it does not know, so a newer one must not have dropped it unseen.

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { engineFlags } from '../../../src/cli/engine-flags.ts';

test('V8 knows each flag by name', () => {
  const { stdout } = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8', maxBuffer: 2 ** 24 });
  const known = new Set(stdout.match(/^ {2}--[\w-]+/gm)?.map((name) => name.trim()));
  expect(known.size).toBeGreaterThan(100);
  const names = engineFlags(1).map((flag) => flag.replace(/^--no-/, '--').replace(/=.*$/, ''));
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});

test('helpers of the garbage collector stay where there is a core for them', () => {
  expect(engineFlags(1)).toContain('--no-parallel-scavenge');
  expect(engineFlags(2)).not.toContain('--no-parallel-scavenge');
});
