// Captures of ended calls on disk: segments that many calls share, in one folder, readable by the owner only. Bounded in age and in
// bytes: a sweep removes what is too old, then the oldest until the rest fits. A segment is begun anew when it is large or an hour old,
// so that a sweep is never far off. What a crash cut short is found out when it is read.
//
//   write(captures of some ms) ─▶ one append ─▶ segment is full or old ─▶ its index is written beside it ─▶ sweep

import { type FileHandle, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { isSid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import {
  CAPTURE_HEADER_BYTES,
  type CapturePlace,
  captureAt,
  captureParts,
  findInIndex,
  indexSegment,
  printIndex,
} from './capture-segment.ts';

export interface CaptureFilesOptions {
  readonly directory: string;
  /** Asked at each sweep, so that a changed setting takes effect. */
  readonly retention: () => { readonly days: number; readonly bytes: number };
  readonly clock: Clock;
  readonly log: Log;
}

export interface FamilyCapture {
  readonly rootSid: string;
  readonly capture: Buffer;
}

/** The one that is being written. */
interface Segment {
  readonly name: string;
  readonly handle: FileHandle;
  readonly begunWall: number;
  readonly places: Map<string, CapturePlace>;
  size: number;
}

const DAY_MS = 24 * 3_600_000;
const SUFFIX = '.captures';
const INDEX_SUFFIX = '.index';
/** Before segments, each family had a file. */
const OURS = /\.(?:captures|pcap|pcap\.part)$/;
/** A segment is at most this part of all. */
const SHARE = 16;

export class CaptureFiles {
  readonly #options: CaptureFilesOptions;
  #timer: Timer | undefined;
  #segment: Segment | undefined;
  #serial = 0;
  /** Written since the last sweep. */
  #unswept = 0;
  #sweeping: Promise<number> | undefined;
  /** What is done with the segment is done one by one. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: CaptureFilesOptions) {
    this.#options = options;
  }

  /** Makes the folder, sweeps now and each hour. Rejects when the folder cannot be made. */
  async start(): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
    await this.sweep();
    this.#schedule();
  }

  /** Completes the segment. Never rejects. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#inTurn(() => this.#complete());
  }

  /** Keeps captures of families, all with one write. Rejects on a full disk; a half-written one is never seen. */
  async write(captures: readonly FamilyCapture[]): Promise<void> {
    const wallMs = this.#options.clock.wall();
    const wanted = captures.filter(({ rootSid }) => isSid(rootSid, 'CA'));
    if (wanted.length === 0) return;
    await this.#inTurn(() => this.#append(wanted, wallMs));
    if (this.#unswept > this.#options.retention().bytes / 10) await this.sweep();
  }

  async #append(captures: readonly FamilyCapture[], wallMs: number): Promise<void> {
    const segment = await this.#current(wallMs);
    const places: [string, CapturePlace][] = [];
    const parts: Buffer[] = [];
    let end = segment.size;
    for (const { rootSid, capture } of captures) {
      places.push([rootSid, { at: end, length: capture.length }]);
      parts.push(...captureParts({ rootSid, wallMs, capture }));
      end += CAPTURE_HEADER_BYTES + capture.length;
    }
    await writeAll(segment.handle, Buffer.concat(parts), segment.size);
    // Only now: what failed half-way is written over by the next.
    this.#unswept += end - segment.size;
    segment.size = end;
    for (const [rootSid, place] of places) segment.places.set(rootSid, place);
  }

  /** The segment to write to, a new one where the last is large or old. */
  async #current(wallMs: number): Promise<Segment> {
    const last = this.#segment;
    const isFull = last && last.size >= Math.min(limits.captureSegmentBytes, this.#options.retention().bytes / SHARE);
    if (last && !isFull && Math.abs(wallMs - last.begunWall) < limits.captureSegmentMs) return last;
    await this.#complete();
    const { name, handle } = await this.#open(wallMs);
    this.#segment = { name, handle, begunWall: wallMs, places: new Map(), size: 0 };
    return this.#segment;
  }

  /** By name they are in order of time. */
  async #open(wallMs: number): Promise<{ name: string; handle: FileHandle }> {
    for (;;) {
      const name = `${String(wallMs).padStart(15, '0')}-${String(++this.#serial).padStart(6, '0')}${SUFFIX}`;
      try {
        return { name, handle: await open(join(this.#options.directory, name), 'wx+', 0o600) };
      } catch (fault) {
        // Another process of ours began one in the same millisecond, or the time went back.
        if ((fault as NodeJS.ErrnoException).code !== 'EEXIST') throw fault;
      }
    }
  }

  async #complete(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    if (!segment) return;
    // Without an index the segment itself is read.
    const index = join(this.#options.directory, segment.name + INDEX_SUFFIX);
    await writeFile(index, printIndex(segment.places), { mode: 0o600 }).catch(() => {});
    await segment.handle.close().catch(() => {});
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Undefined: none is kept, or it is too old. */
  async read(rootSid: string): Promise<Buffer | undefined> {
    if (!isSid(rootSid, 'CA')) return undefined;
    const { clock, retention } = this.#options;
    const found = await this.#inTurn(() => this.#find(rootSid)).catch(() => undefined);
    if (found?.rootSid !== rootSid) return undefined;
    return found.wallMs >= clock.wall() - retention().days * DAY_MS ? found.capture : undefined;
  }

  async #find(rootSid: string) {
    const { directory } = this.#options;
    const here = this.#segment?.places.get(rootSid);
    if (this.#segment && here) return readPlace(this.#segment.handle, here);
    const names = await readdir(directory).catch((): string[] => []);
    const segments = names.filter((name) => name.endsWith(SUFFIX) && name !== this.#segment?.name);
    for (const name of segments.sort().reverse()) {
      const file = join(directory, name);
      const index = await readFile(file + INDEX_SUFFIX, 'latin1').catch(() => reindex(file));
      const place = findInIndex(index, rootSid);
      if (!place) continue;
      const handle = await open(file, 'r');
      return await readPlace(handle, place).finally(() => handle.close());
    }
    return undefined;
  }

  /** Removes what is too old or too much; resolves with how many segments went. */
  sweep(): Promise<number> {
    this.#sweeping ??= this.#inTurn(() => this.#sweep()).finally(() => {
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
    for (const file of files.sort((a, b) => b.writtenAt - a.writtenAt || (a.name < b.name ? 1 : -1))) {
      kept += file.bytes;
      if (file.writtenAt >= oldest && kept <= bytes) continue;
      if (file.name === this.#segment?.name) await this.#complete();
      await rm(join(directory, file.name), { force: true });
      await rm(join(directory, file.name + INDEX_SUFFIX), { force: true });
      removed++;
    }
    if (removed > 0) log.info({ removed }, 'old captures removed');
    return removed;
  }

  async #list() {
    const { directory } = this.#options;
    const names = await readdir(directory).catch(() => []);
    const files = names.filter((name) => OURS.test(name));
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
}

/** A write may take a part only. */
async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    if (bytesWritten === 0) throw new Error('nothing could be written');
    done += bytesWritten;
  }
}

async function readPlace(handle: FileHandle, { at, length }: CapturePlace) {
  const bytes = Buffer.alloc(CAPTURE_HEADER_BYTES + length);
  await handle.read(bytes, 0, bytes.length, at);
  return captureAt(bytes, 0);
}

/** Of a segment that a crash left without its index: written for the next time. */
async function reindex(file: string): Promise<string> {
  const index = printIndex(indexSegment(await readFile(file)));
  await writeFile(file + INDEX_SUFFIX, index, { mode: 0o600 }).catch(() => {});
  return index;
}
