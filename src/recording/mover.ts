// Moves the media of recordings from the data directory to the store of objects, and deletes it there. The folder itself is the list of
// what is to be done, so that nothing is lost when the process dies:
//
//   RE….wav, RE….mp3, RE….mono.mp3   complete, not moved yet: sent, then deleted here
//   RE….gone                         deleted by somebody: deleted in the store too, then this mark
//   RE….part, RE….source             work of a process that is gone: deleted at start
//
// While the store does not take them, they stay, and it is asked again in growing intervals.

import { existsSync } from 'node:fs';
import { mkdir, opendir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { ObjectFault, ObjectStore } from './object-store.ts';

export interface MoverOptions {
  readonly dataDir: string;
  readonly store: ObjectStore;
  /** Makes the header of a WAV right that another process left, before it moves. */
  readonly repair: (name: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

type Work = 'move' | 'delete';

const FOLDER = 'recordings';
const ENDINGS = ['.wav', '.mp3', '.mono.mp3'] as const;
const GONE = '.gone';
const ENTRY = /^(RE[0-9a-f]{32})(?:\.wav|\.mp3|\.mono\.mp3|\.gone)$/;
const LEFTOVER = /^RE[0-9a-f]{32}\.[a-z0-9.]*(?:part|source)$/;

const baseOf = (name: string): string => name.replace(/\.wav$/, '');

export class Mover {
  readonly #options: MoverOptions;
  /** Being written: not to be touched. All sets hold names without ending. */
  readonly #held = new Set<string>();
  readonly #waiting = new Set<string>();
  /** Of those that wait: what was found in the folder, and not written by this process. */
  readonly #found = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  /** Changed while it was moved. */
  readonly #again = new Set<string>();
  /** Cannot be read here: left alone until the next start. */
  readonly #broken = new Set<string>();
  readonly #stopping = new AbortController();
  /** What the store does not do at present, and has been complained of. */
  readonly #refused = new Set<Work>();
  #isStarted = false;
  /** More lies in the folder than is known to wait. */
  #hasMore = false;
  #walking: Promise<void> | undefined;
  #failures = 0;
  #pause: Timer | undefined;

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  /** Recordings that are moved, or known to wait for it; the search for them counts as one. */
  get count(): number {
    return this.#waiting.size + this.#running.size + (this.#walking ? 1 : 0);
  }

  /** `name` (of the WAV) is going to be written. */
  hold(name: string): void {
    this.#held.add(baseOf(name));
  }

  /** It is complete: it moves. */
  release(name: string): void {
    this.#held.delete(baseOf(name));
    this.bring(name);
  }

  /** Something of this recording is to be moved, or deleted. */
  bring(name: string): void {
    const base = baseOf(name);
    if (this.#running.has(base)) this.#again.add(base);
    else if (this.#waiting.size >= limits.recordingMovesQueued) this.#hasMore = true;
    else this.#waiting.add(base);
    this.#pump();
  }

  /** Deleted, here and in the store; it counts at once, also after a restart. Rejects with the fault of the disk. */
  async forget(name: string): Promise<void> {
    const base = baseOf(name);
    // What was never complete is nowhere else.
    if (!this.#held.delete(base)) await this.#mark(this.#path(base + GONE));
    this.#found.delete(base);
    for (const ending of ENDINGS) await rm(this.#path(base + ending), { force: true });
    if (this.isForgotten(name)) this.bring(name);
  }

  // The folder of its month may not be here: another machine made it.
  async #mark(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, '', { mode: 0o600 });
  }

  isForgotten(name: string): boolean {
    return existsSync(this.#path(baseOf(name) + GONE));
  }

  /** Begins to move, with what an earlier process left. Whether the store can be used stands in the log; nothing waits for it. */
  async start(): Promise<void> {
    await this.#removeLeftovers();
    this.#isStarted = true;
    this.#hasMore = true;
    const { store, log } = this.#options;
    const probed = await store.probe(this.#stopping.signal);
    if (this.#stopping.signal.aborted) return;
    if (probed.ok) log.info({ store: store.place }, 'recordings move to the store when they are complete');
    else this.#onFault('move', probed.error);
    this.#pump();
  }

  /** What is under way is broken off: the next start begins it anew. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#pause?.cancel();
    await this.#walking;
    await Promise.all(this.#running.values());
  }

  #path(name: string): string {
    return join(this.#options.dataDir, name);
  }

  // ------------------------------------------------------------------ what is to be done

  #pump(): void {
    if (!this.#isStarted || this.#pause !== undefined || this.#stopping.signal.aborted) return;
    for (const base of this.#waiting) {
      if (this.#running.size >= limits.recordingMoves) return;
      this.#waiting.delete(base);
      if (!this.#held.has(base)) this.#running.set(base, this.#run(base));
    }
    if (this.#waiting.size === 0 && this.#running.size === 0 && this.#hasMore) this.#walk();
  }

  #walk(): void {
    this.#walking ??= this.#look()
      .catch((fault: unknown) => this.#options.log.error({ err: fault }, 'the folder of recordings cannot be read'))
      .then(() => {
        this.#walking = undefined;
        this.#pump();
      });
  }

  async #look(): Promise<void> {
    this.#hasMore = false;
    for await (const [folder, entry] of this.#entries()) {
      const sid = ENTRY.exec(entry)?.[1];
      const base = `${folder}/${sid}`;
      if (sid === undefined || [this.#held, this.#broken, this.#running].some((known) => known.has(base))) continue;
      if (this.#waiting.has(base)) continue;
      if (this.#waiting.size < limits.recordingMovesQueued) {
        this.#waiting.add(base);
        this.#found.add(base);
      } else this.#hasMore = true;
      if (this.#hasMore || this.#stopping.signal.aborted) return;
    }
  }

  /** Each file below the folders of the months: its folder, and its name in there. */
  async *#entries(): AsyncIterable<readonly [string, string]> {
    for (const year of await foldersOf(this.#path(FOLDER), /^\d{4}$/)) {
      for (const month of await foldersOf(this.#path(`${FOLDER}/${year}`), /^\d{2}$/)) {
        const folder = `${FOLDER}/${year}/${month}`;
        for await (const entry of await opendir(this.#path(folder))) if (entry.isFile()) yield [folder, entry.name];
      }
    }
  }

  async #removeLeftovers(): Promise<void> {
    try {
      for await (const [folder, entry] of this.#entries())
        if (LEFTOVER.test(entry)) await rm(this.#path(`${folder}/${entry}`), { force: true });
    } catch (fault) {
      this.#options.log.error({ err: fault }, 'the folder of recordings cannot be read');
    }
  }

  // ------------------------------------------------------------------ doing it

  async #run(base: string): Promise<void> {
    const work: Work = this.isForgotten(base) ? 'delete' : 'move';
    const done = await (work === 'delete' ? this.#delete(base) : this.#move(base)).catch(
      (fault: Error): Result<void, ObjectFault> => err({ code: 'local', detail: fault.message }),
    );
    this.#running.delete(base);
    if (this.#stopping.signal.aborted) return;
    const isChanged = this.#again.delete(base);
    if (!done.ok && done.error.code === 'local' && !isChanged) this.#leave(base, done.error);
    else if (!done.ok || isChanged) this.bring(base);
    if (done.ok) this.#onSuccess(work);
    else if (done.error.code !== 'local') this.#onFault(work, done.error);
    this.#pump();
  }

  async #move(base: string): Promise<Result<void, ObjectFault>> {
    const { store, repair } = this.#options;
    for (const ending of ENDINGS) {
      const name = base + ending;
      if (!existsSync(this.#path(name))) continue;
      if (ending === '.wav' && this.#found.delete(base)) await repair(name);
      // An MP3 that was made while its recording was deleted goes too.
      if (ending !== '.wav') {
        const whole = await store.sizeOf(`${base}.wav`);
        if (!whole.ok) return whole;
        if (whole.value === null) {
          await rm(this.#path(name), { force: true });
          continue;
        }
      }
      const sent = await store.put(name, this.#path(name), this.#stopping.signal);
      if (!sent.ok) return sent;
      await rm(this.#path(name), { force: true });
    }
    return ok(undefined);
  }

  async #delete(base: string): Promise<Result<void, ObjectFault>> {
    for (const ending of ENDINGS) {
      const removed = await this.#options.store.remove(base + ending, this.#stopping.signal);
      if (!removed.ok) return removed;
      await rm(this.#path(base + ending), { force: true });
    }
    await rm(this.#path(base + GONE), { force: true });
    return ok(undefined);
  }

  #leave(base: string, { detail }: ObjectFault): void {
    if (this.#broken.size < limits.recordingMovesQueued) this.#broken.add(base);
    // A folder full of them would be walked through for ever.
    else this.#hasMore = false;
    this.#options.log.error({ recording: base, detail }, 'a recording cannot be moved to the store: it stays here');
  }

  #onSuccess(work: Work): void {
    this.#failures = 0;
    if (!this.#refused.delete(work)) return;
    const text = work === 'move' ? 'the store takes recordings again' : 'recordings are deleted in the store again';
    this.#options.log.info({ store: this.#options.store.place }, text);
  }

  #onFault(work: Work, { detail }: ObjectFault): void {
    const { log, clock } = this.#options;
    if (!this.#refused.has(work)) {
      this.#refused.add(work);
      const text =
        work === 'move' ? 'recordings stay in the data directory' : 'recordings cannot be deleted in the store';
      log.warn({ detail }, `${text}; tried again until the store takes it`);
    }
    if (this.#pause) return;
    const waitMs = Math.min(limits.recordingMoveRetryMs * 2 ** this.#failures, limits.recordingMoveRetryMaxMs);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#pause = clock.after(waitMs, () => {
      this.#pause = undefined;
      this.#pump();
    });
  }
}

async function foldersOf(path: string, form: RegExp): Promise<string[]> {
  try {
    return (await readdir(path)).filter((name) => form.test(name)).sort();
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fault;
  }
}
