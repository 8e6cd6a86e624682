// A file that is written in the background, piece after piece in order, so that a slow disk delays no packet. What cannot be written is
// a value: the first failure is remembered, and nothing is written behind it, so that what was patched before stays true.

import { type FileHandle, open } from 'node:fs/promises';
import { limits } from '../base/limits.ts';
import type { WavSink } from './wav-writer.ts';

interface Piece {
  readonly bytes: Uint8Array;
  /** Null: at the end. */
  readonly position: number | null;
}

export class QueuedFile implements WavSink {
  readonly #queue: Piece[] = [];
  #queuedBytes = 0;
  #end = 0;
  #patches = 0;
  #failure: string | null = null;
  #isClosing = false;
  #handle: FileHandle | null = null;
  #isDraining = false;
  /** Resolves when all that was given to it is done; with `close`, when the file is closed. Never rejects. */
  #drained: Promise<void>;

  /** Begins a file that only its owner can read, in place of one that is there. */
  constructor(path: string) {
    this.#drained = this.#open(path);
  }

  /** The first error; text of the operating system. */
  get failure(): string | null {
    return this.#failure;
  }

  /** How many patches are on the disk. */
  get patches(): number {
    return this.#patches;
  }

  /** Resolves after `close`, when the file is closed. */
  get closed(): Promise<void> {
    return this.#drained;
  }

  append(bytes: Uint8Array): void {
    this.#add(bytes, null);
  }

  patch(bytes: Uint8Array, position: number): void {
    this.#add(bytes, position);
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (!this.#isDraining) this.#drained = this.#drain();
  }

  #add(bytes: Uint8Array, position: number | null): void {
    if (this.#isClosing || this.#failure !== null) return;
    if (this.#queuedBytes + bytes.length > limits.recordingQueuedBytes) {
      this.#failure = 'the disk is too slow';
      return;
    }
    // The caller uses its buffer again.
    this.#queue.push({ bytes: Uint8Array.from(bytes), position });
    this.#queuedBytes += bytes.length;
    if (!this.#isDraining) this.#drained = this.#drain();
  }

  async #open(path: string): Promise<void> {
    this.#isDraining = true;
    try {
      this.#handle = await open(path, 'w', 0o600);
    } catch (fault) {
      this.#fail(fault);
    }
    await this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    for (let piece = this.#queue.shift(); piece; piece = this.#queue.shift()) {
      this.#queuedBytes -= piece.bytes.length;
      if (this.#failure === null) await this.#write(piece);
    }
    this.#isDraining = false;
    if (this.#isClosing) await this.#close();
  }

  async #write({ bytes, position }: Piece): Promise<void> {
    const start = position ?? this.#end;
    try {
      for (let written = 0; written < bytes.length; ) {
        const done = await this.#handle!.write(bytes, written, bytes.length - written, start + written);
        written += done.bytesWritten;
      }
    } catch (fault) {
      return this.#fail(fault);
    }
    if (position === null) this.#end += bytes.length;
    else this.#patches += 1;
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    try {
      await handle?.close();
    } catch (fault) {
      this.#fail(fault);
    }
  }

  #fail(fault: unknown): void {
    this.#failure ??= fault instanceof Error ? fault.message : String(fault);
  }
}
