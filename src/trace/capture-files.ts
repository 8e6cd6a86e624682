// Captures of ended calls on disk: one file per family in one folder, readable by the owner only. Bounded in age and in bytes: a sweep
// removes what is too old, then the oldest until the rest fits.

import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { isSid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';

export interface CaptureFilesOptions {
  readonly directory: string;
  /** Asked at each sweep, so that a changed setting takes effect. */
  readonly retention: () => { readonly days: number; readonly bytes: number };
  readonly clock: Clock;
  readonly log: Log;
}

const DAY_MS = 24 * 3_600_000;
const SUFFIX = '.pcap';

export class CaptureFiles {
  readonly #options: CaptureFilesOptions;
  #timer: Timer | undefined;
  /** Written since the last sweep. */
  #unswept = 0;
  #sweeping: Promise<number> | undefined;

  constructor(options: CaptureFilesOptions) {
    this.#options = options;
  }

  /** Makes the folder, sweeps now and each hour. Rejects when the folder cannot be made. */
  async start(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    await this.sweep();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Keeps the capture of a family. Rejects on a full disk; a half-written file is never seen. */
  async write(rootSid: string, capture: Buffer): Promise<void> {
    const file = this.#fileOf(rootSid);
    if (file === undefined) return;
    await writeFile(`${file}.part`, capture, { mode: 0o600 });
    await rename(`${file}.part`, file);
    this.#unswept += capture.length;
    if (this.#unswept > this.#options.retention().bytes / 10) await this.sweep();
  }

  async read(rootSid: string): Promise<Buffer | undefined> {
    const file = this.#fileOf(rootSid);
    if (file === undefined) return undefined;
    return readFile(file).catch(() => undefined);
  }

  /** Removes what is too old or too much; resolves with how many files went. */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<number> {
    const { directory, retention, clock, log } = this.#options;
    this.#unswept = 0;
    const { days, bytes } = retention();
    const oldest = clock.wall() - days * DAY_MS;
    const files = await this.#list();
    let kept = 0;
    let removed = 0;
    // Newest first: what no longer fits, and all that is older, goes.
    for (const file of files.sort((a, b) => b.writtenAt - a.writtenAt)) {
      kept += file.bytes;
      if (file.writtenAt >= oldest && kept <= bytes) continue;
      await rm(join(directory, file.name), { force: true });
      removed++;
    }
    if (removed > 0) log.info({ removed }, 'old captures removed');
    return removed;
  }

  async #list() {
    const { directory } = this.#options;
    const names = await readdir(directory).catch(() => []);
    const files = names.filter((name) => name.endsWith(SUFFIX) || name.endsWith(`${SUFFIX}.part`));
    const found = await Promise.all(
      files.map(async (name) => {
        const info = await stat(join(directory, name)).catch(() => undefined);
        return info && { name, bytes: info.size, writtenAt: info.mtimeMs };
      }),
    );
    return found.filter((file) => file !== undefined);
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(limits.captureSweepMs, () => {
      void this.sweep().catch((fault: Error) =>
        this.#options.log.warn({ reason: fault.message }, 'captures could not be swept'),
      );
      this.#schedule();
    });
  }

  #fileOf(rootSid: string): string | undefined {
    return isSid(rootSid, 'CA') ? join(this.#options.directory, rootSid + SUFFIX) : undefined;
  }
}
