import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockFolder } from '../../../src/store/folder-lock.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'hookswitch-lock-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('a second gateway on the same data folder is refused with the fix, and may start when the first is gone', () => {
  const path = folder();
  const first = lockFolder(path);
  if (!first.ok) throw new Error(first.error);
  const second = lockFolder(path);
  expect(second).toMatchObject({ ok: false, error: expect.stringContaining('HOOKSWITCH_DATA_DIR') });
  first.value.release();
  const third = lockFolder(path);
  expect(third.ok).toBe(true);
  if (third.ok) third.value.release();
});

test('a process that was killed leaves no lock behind', () => {
  const path = folder();
  const module = new URL('../../../src/store/folder-lock.ts', import.meta.url).href;
  const script = `const { lockFolder } = await import(${JSON.stringify(module)}); console.log(lockFolder(${JSON.stringify(path)}).ok); process.kill(process.pid, 'SIGKILL');`;
  const killed = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(killed.stdout).toBe('true\n');
  expect(killed.signal).toBe('SIGKILL');
  const after = lockFolder(path);
  expect(after.ok).toBe(true);
  if (after.ok) after.value.release();
});
