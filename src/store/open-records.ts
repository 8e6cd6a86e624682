// Which unfinished records are this gateway's: several gateways may share a database, and after a crash only this file of the data folder
// tells whose calls, conferences and recordings nobody will end any more. A line for each change, `+CA…` or `-CA…`:
//
//   put(record) ──▶ line ──(100 ms)──▶ DATA_DIR/open-records ──(next start)──▶ left: closed by abandoned.ts
//
// What a kill cuts off between is closed when a gateway starts alone, as before.

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { terminalStatuses } from '../base/records.ts';
import type { Store } from './store.ts';

const FILE = 'open-records';
const LINE = /^([+-])([A-Z]{2}[0-9a-f]{32})$/;
const UNFINISHED: ReadonlySet<string> = new Set(['init', 'in-progress', 'paused', 'stopped', 'processing']);

export interface OpenRecordsServices {
  readonly folder: string;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Log;
}

export class OpenRecords {
  /** SIDs that an earlier run of this gateway left open. */
  readonly left: ReadonlySet<string>;
  readonly #path: string;
  readonly #services: OpenRecordsServices;
  readonly #open: Set<string>;
  #lines: string[] = [];
  #written: number;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, text: string, services: OpenRecordsServices) {
    this.#path = path;
    this.#services = services;
    this.#open = openIn(text);
    this.#written = text.length / 36;
    this.left = new Set(this.#open);
  }

  /** Reads what is there; a file that cannot be read is as none, with a warning. */
  static async open(services: OpenRecordsServices): Promise<OpenRecords> {
    const path = join(services.folder, FILE);
    const text = await readFile(path, 'utf8').catch((fault: NodeJS.ErrnoException) => {
      if (fault.code !== 'ENOENT') services.log.warn({ file: path, reason: fault.message }, 'file cannot be read');
      return '';
    });
    return new OpenRecords(path, text, services);
  }

  /** The store, whose unfinished records are remembered here. Its close writes the rest. */
  watch(store: Store): Store {
    return {
      ...store,
      calls: watched(store.calls, ({ sid, status }) => this.#note(sid, !terminalStatuses.has(status))),
      conferences: watched(store.conferences, ({ sid, status }) => this.#note(sid, UNFINISHED.has(status))),
      recordings: watched(store.recordings, ({ sid, status }) => this.#note(sid, UNFINISHED.has(status))),
      close: async () => {
        await store.close();
        await this.stop();
      },
    };
  }

  /** Those of an earlier run are closed, or were never in the database. */
  forgetLeft(): void {
    for (const sid of this.left) this.#note(sid, false);
  }

  async stop(): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  #note(sid: string, isOpen: boolean): void {
    if (this.#open.has(sid) === isOpen) return;
    if (isOpen) this.#open.add(sid);
    else this.#open.delete(sid);
    this.#lines.push(`${isOpen ? '+' : '-'}${sid}\n`);
    this.#timer ??= this.#services.clock.after(limits.openRecordsDelayMs, () => this.#flush());
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    this.#written += lines.length;
    const isLong = this.#written > limits.openRecordsLines + 2 * this.#open.size;
    const text = isLong ? [...this.#open].map((sid) => `+${sid}\n`).join('') : lines.join('');
    if (isLong) this.#written = this.#open.size;
    // One after the other: the order of the lines is what they mean.
    this.#writing = this.#writing
      .then(() => (isLong ? writeFile : appendFile)(this.#path, text, { mode: 0o600 }))
      .catch((fault: Error) =>
        this.#services.log.warn({ file: this.#path, reason: fault.message }, 'file cannot be written'),
      );
  }
}

function openIn(text: string): Set<string> {
  const open = new Set<string>();
  for (const line of text.split('\n')) {
    const [, mark, sid] = LINE.exec(line) ?? [];
    if (mark === '+') open.add(sid!);
    else if (mark === '-') open.delete(sid!);
  }
  return open;
}

const watched = <R extends { put(record: never): void }>(
  repository: R,
  note: (record: Parameters<R['put']>[0]) => void,
): R => ({
  ...repository,
  put(record: Parameters<R['put']>[0]) {
    note(record);
    repository.put(record);
  },
});
