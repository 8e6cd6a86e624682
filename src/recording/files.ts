// The media of recordings as a store: RecordingFiles is the port, FolderFiles the data directory. A name is a path below it:
//
//   DATA_DIR/recordings/2026/01/RE….wav        RE….mp3, RE….mono.mp3: rendered on request, beside it
//
// Encryption at rest is a setting. The key of a file is derived from the secret key and the sid (RFC 5869), and whether a file is
// encrypted stands in the file, so that the setting can change at any time.

import { hkdfSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSid } from '../base/ids.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Recording } from '../base/voice-records.ts';
import type { Mp3Renderer, RenderFailure } from './mp3.ts';
import { openStoredFile, partOf, type StoredFile } from './stored-file.ts';
import { channelsIn, cutWav, monoOf, repairWav } from './wav-content.ts';

export type MediaFailure = RenderFailure | { readonly code: 'missing'; readonly detail: string };

export interface NewMedia {
  readonly name: string;
  /** For the media engine. */
  readonly file: string;
  readonly key: Uint8Array | undefined;
}

export type Stored = Pick<Recording, 'sid' | 'media' | 'channels'>;

export interface RecordingFiles {
  /** A place for a recording that starts at `wallMs`. Never fails: what is wrong with the disk the writer says. */
  create(sid: string, wallMs: number): NewMedia;
  /** Nothing more will be written to it: it may go where it is to stay. */
  settled(recording: Stored): void;
  /** Keeps a part of it; resolves with the new length in milliseconds. Rejects with the fault of the disk, and leaves the file as it is. */
  cut(recording: Stored, part: { readonly firstMs: number; readonly lastMs: number }): Promise<number>;
  /** After a writer that died. Length in milliseconds; undefined: there is nothing. */
  repair(recording: Stored): Promise<number | undefined>;
  /** Bytes on the disk; null when it is not there. */
  sizeOf(recording: Stored): Promise<number | null>;
  open(recording: Stored, format: 'wav' | 'mp3', channels: 1 | 2): Promise<Result<StoredFile, MediaFailure>>;
  /** With all that was rendered of it. Idempotent. */
  remove(recording: Stored): Promise<void>;
}

export interface FolderOptions {
  readonly dataDir: string;
  readonly secretKey: Buffer;
  readonly encrypts: boolean;
  readonly renderer: Mp3Renderer;
}

const NAME_FORM = /^recordings\/\d{4}\/\d{2}\/(RE[0-9a-f]{32})\.wav$/;

export class FolderFiles implements RecordingFiles {
  readonly #options: FolderOptions;
  readonly #folders = new Set<string>();

  constructor(options: FolderOptions) {
    this.#options = options;
  }

  create(sid: string, wallMs: number): NewMedia {
    const [year, month] = new Date(wallMs).toISOString().split('-');
    const name = `recordings/${year}/${month}/${sid}.wav`;
    const file = join(this.#options.dataDir, name);
    this.#makeFolder(dirname(file));
    return { name, file, key: this.#options.encrypts ? this.keyOf(sid) : undefined };
  }

  // Once a month. A folder that cannot be made is a file that cannot be written, which the writer reports.
  #makeFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      this.#folders.add(folder);
    } catch {
      this.#folders.delete(folder);
    }
  }

  keyOf(sid: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#options.secretKey, sid, 'hookswitch recording', 32));
  }

  settled(): void {}

  /** Undefined when the record names nothing, or nothing of ours. */
  pathOf({ sid, media }: Stored): string | undefined {
    const named = NAME_FORM.exec(media ?? '')?.[1];
    return named === sid && isSid(sid, 'RE') ? join(this.#options.dataDir, media ?? '') : undefined;
  }

  async cut(recording: Stored, part: { readonly firstMs: number; readonly lastMs: number }): Promise<number> {
    const path = this.pathOf(recording);
    if (path === undefined) throw new Error('the recording has no media');
    return cutWav(path, this.keyOf(recording.sid), recording.channels, part, this.#options.encrypts);
  }

  async repair(recording: Stored): Promise<number | undefined> {
    const path = this.pathOf(recording);
    if (path === undefined) return undefined;
    await rm(partOf(path), { force: true });
    return repairWav(path, this.keyOf(recording.sid), recording.channels);
  }

  /** The same for a file of which only the name is known: its header says how many channels it has. */
  async repairNamed(name: string): Promise<void> {
    const sid = NAME_FORM.exec(name)?.[1];
    if (sid === undefined) return;
    const path = join(this.#options.dataDir, name);
    const channels = await channelsIn(path, this.keyOf(sid));
    if (channels !== undefined) await repairWav(path, this.keyOf(sid), channels);
  }

  async sizeOf(recording: Stored): Promise<number | null> {
    const path = this.pathOf(recording);
    if (path === undefined) return null;
    return stat(path).then(
      ({ size }) => size,
      () => null,
    );
  }

  async open(recording: Stored, format: 'wav' | 'mp3', channels: 1 | 2): Promise<Result<StoredFile, MediaFailure>> {
    const path = this.pathOf(recording);
    if (path === undefined) return gone;
    const key = this.keyOf(recording.sid);
    if (format === 'mp3') return this.#openMp3(recording, path, key, channels);
    const file = await openStoredFile(path, key);
    if (!file) return gone;
    return ok(channels < recording.channels ? monoOf(file) : file);
  }

  async #openMp3(
    recording: Stored,
    path: string,
    key: Uint8Array,
    asChannels: 1 | 2,
  ): Promise<Result<StoredFile, MediaFailure>> {
    const target = mp3Of(path, asChannels < recording.channels);
    const known = await openStoredFile(target, key);
    if (known) return ok(known);
    const rendered = await this.render(recording, { source: path, target, asChannels });
    if (!rendered.ok) return rendered;
    // Removed while it was rendered: nothing of it may stay.
    if ((await this.sizeOf(recording)) === null) await rm(target, { force: true });
    const file = await openStoredFile(target, key);
    return file ? ok(file) : gone;
  }

  /** Makes an MP3 of `source`, a file as the recording is stored. Never rejects. */
  render(
    recording: Stored,
    { source, target, asChannels }: { readonly source: string; readonly target: string; readonly asChannels: 1 | 2 },
  ): Promise<Result<void, RenderFailure>> {
    const { renderer, encrypts } = this.#options;
    const key = this.keyOf(recording.sid);
    return renderer.render({ source, target, key, encrypts, channels: recording.channels, asChannels });
  }

  async remove(recording: Stored): Promise<void> {
    const path = this.pathOf(recording);
    if (path === undefined) return;
    for (const one of [path, partOf(path), mp3Of(path, false), mp3Of(path, true)]) await rm(one, { force: true });
  }
}

export const gone = err({ code: 'missing' as const, detail: 'the media is not there' });

/** Of the WAV's path or name. */
export const mp3Of = (path: string, isMono: boolean): string => path.replace(/\.wav$/, isMono ? '.mono.mp3' : '.mp3');
