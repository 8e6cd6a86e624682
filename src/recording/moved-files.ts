// The media of recordings in a store of objects: written in the data directory, moved when it is complete (mover.ts), read where it is.
// What is asked for of a moved recording is fetched from the store, that part only; an MP3 of it is made here of a copy, and moves too.

import { createWriteStream } from 'node:fs';
import { link, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Gate } from '../base/gate.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { SEALED_HEADER_BYTES } from '../media/sealed-file.ts';
import { objectSource } from './byte-source.ts';
import {
  type FolderFiles,
  gone,
  type MediaFailure,
  mp3Of,
  type NewMedia,
  type RecordingFiles,
  type Stored,
} from './files.ts';
import type { Mover } from './mover.ts';
import type { ObjectFault, ObjectStore } from './object-store.ts';
import { openStoredFile, type StoredFile, storedFile } from './stored-file.ts';
import { durationOf, monoOf } from './wav-content.ts';

const never = new AbortController().signal;

interface Place {
  /** Of the WAV, in the store. */
  readonly name: string;
  readonly path: string;
  readonly key: Uint8Array;
}

export class MovedFiles implements RecordingFiles {
  readonly #folder: FolderFiles;
  readonly #store: ObjectStore;
  readonly #mover: Mover;
  readonly #fetches = new Gate(limits.recordingFetches, limits.recordingRenderQueue);
  /** MP3s that are made, by their path. */
  readonly #rendering = new Map<string, Promise<Result<void, MediaFailure>>>();

  constructor(folder: FolderFiles, store: ObjectStore, mover: Mover) {
    this.#folder = folder;
    this.#store = store;
    this.#mover = mover;
  }

  create(sid: string, wallMs: number): NewMedia {
    const media = this.#folder.create(sid, wallMs);
    this.#mover.hold(media.name);
    return media;
  }

  settled(recording: Stored): void {
    const place = this.#placeOf(recording);
    if (place) this.#mover.release(place.name);
  }

  cut(recording: Stored, part: { readonly firstMs: number; readonly lastMs: number }): Promise<number> {
    return this.#folder.cut(recording, part);
  }

  // A process may die between the end of the move and the end of the record.
  async repair(recording: Stored): Promise<number | undefined> {
    const durationMs = await this.#folder.repair(recording);
    const place = this.#placeOf(recording);
    if (durationMs !== undefined || !place) return durationMs;
    const moved = await this.#open(place.name, place.path, place);
    if (!moved.ok) {
      if (moved.error.code === 'missing') return undefined;
      throw new Error(moved.error.detail);
    }
    await moved.value.close();
    return durationOf(moved.value.sizeBytes, recording.channels) || undefined;
  }

  async sizeOf(recording: Stored): Promise<number | null> {
    const local = await this.#folder.sizeOf(recording);
    const place = this.#placeOf(recording);
    if (local !== null || !place || this.#mover.isForgotten(place.name)) return local;
    const moved = await this.#store.sizeOf(place.name);
    return moved.ok ? moved.value : null;
  }

  async open(recording: Stored, format: 'wav' | 'mp3', channels: 1 | 2): Promise<Result<StoredFile, MediaFailure>> {
    const place = this.#placeOf(recording);
    if (!place) return gone;
    const isMono = channels < recording.channels;
    if (format === 'wav') {
      const file = await this.#open(place.name, place.path, place);
      return file.ok && isMono ? ok(monoOf(file.value)) : file;
    }
    const known = await this.#open(mp3Of(place.name, isMono), mp3Of(place.path, isMono), place);
    if (known.ok || known.error.code !== 'missing') return known;
    const rendered = await this.#render(recording, place, channels);
    return rendered.ok ? this.#open(mp3Of(place.name, isMono), mp3Of(place.path, isMono), place) : rendered;
  }

  async remove(recording: Stored): Promise<void> {
    const place = this.#placeOf(recording);
    if (!place) return;
    await this.#mover.forget(place.name);
    await this.#folder.remove(recording);
  }

  #placeOf(recording: Stored): Place | undefined {
    const path = this.#folder.pathOf(recording);
    if (path === undefined || recording.media === null) return undefined;
    return { name: recording.media, path, key: this.#folder.keyOf(recording.sid) };
  }

  /** Here or in the store. The move deletes here last, so that it is found in one of both. */
  async #open(name: string, path: string, { name: wav, key }: Place): Promise<Result<StoredFile, MediaFailure>> {
    const local = await openStoredFile(path, key);
    if (local) return ok(local);
    if (this.#mover.isForgotten(wav)) return gone;
    const source = await objectSource(this.#store, name, SEALED_HEADER_BYTES);
    return source.ok ? ok(await storedFile(source.value, key)) : failure(source.error);
  }

  // ------------------------------------------------------------------ MP3s

  #render(recording: Stored, place: Place, asChannels: 1 | 2): Promise<Result<void, MediaFailure>> {
    const target = mp3Of(place.path, asChannels < recording.channels);
    const running = this.#rendering.get(target);
    if (running) return running;
    const work = this.#inTurn(recording, place, target, asChannels).finally(() => this.#rendering.delete(target));
    this.#rendering.set(target, work);
    return work;
  }

  async #inTurn(
    recording: Stored,
    place: Place,
    target: string,
    asChannels: 1 | 2,
  ): Promise<Result<void, MediaFailure>> {
    if ((await this.#fetches.enter(never)) !== 'entered')
      return err({ code: 'busy', detail: 'too many recordings are being fetched' });
    // A name of its own: the move may delete the recording here at any time.
    const source = target.replace(/mp3$/, 'source');
    try {
      const copied = await this.#copy(place, source);
      if (!copied.ok) return copied;
      const rendered = await this.#folder.render(recording, { source, target, asChannels });
      if (!rendered.ok) return rendered;
      if (await this.#isGone(recording, place)) await rm(target, { force: true });
      else this.#mover.bring(place.name);
      return rendered;
    } finally {
      await rm(source, { force: true });
      this.#fetches.leave();
    }
  }

  /** Removed while its MP3 was made. A store that does not answer says nothing of it. */
  async #isGone(recording: Stored, { name }: Place): Promise<boolean> {
    if (this.#mover.isForgotten(name)) return true;
    if ((await this.#folder.sizeOf(recording)) !== null) return false;
    const moved = await this.#store.sizeOf(name);
    return moved.ok && moved.value === null;
  }

  async #copy({ name, path }: Place, target: string): Promise<Result<void, MediaFailure>> {
    await rm(target, { force: true });
    try {
      await link(path, target);
      return ok(undefined);
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;
    }
    const opened = await this.#store.read(name, 0, Number.MAX_SAFE_INTEGER);
    if (!opened.ok) return failure(opened.error);
    await pipeline(opened.value.content, createWriteStream(target, { mode: 0o600 }));
    return ok(undefined);
  }
}

const failure = ({ code, detail }: ObjectFault): Result<never, MediaFailure> =>
  code === 'missing' ? gone : err({ code: 'failed', detail });
