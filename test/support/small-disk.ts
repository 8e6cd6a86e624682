// A real file system that can become full: a tmpfs of a given size. Mounting needs root.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const mount = (folder: string, size: string) =>
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
const unmount = (folder: string) => execFileSync('umount', ['-l', folder]);

/** Why there can be none here. */
export function smallDiskMissing(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-disk-'));
  try {
    mount(folder, '64k');
    unmount(folder);
    return undefined;
  } catch {
    return 'no file system can be mounted here (needs root)';
  } finally {
    rmdirSync(folder);
  }
}

/** Mounts a disk of `size` (as mount writes it) over `folder` until the running test is over. */
export function mountSmallDisk(folder: string, size: string): void {
  mount(folder, size);
  onTestFinished(() => void unmount(folder));
}

/** Fills the disk below `folder` to its last byte. Returns what makes room again. */
export function fillDisk(folder: string): () => void {
  const file = join(folder, 'fill');
  const handle = openSync(file, 'w');
  for (const size of [65_536, 4_096, 1]) {
    const piece = Buffer.alloc(size);
    try {
      while (writeSync(handle, piece) === size);
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'ENOSPC') throw fault;
    }
  }
  closeSync(handle);
  return () => rmSync(file);
}
