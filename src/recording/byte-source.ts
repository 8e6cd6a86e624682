// Bytes that can be read from any place on: a file here, or an object elsewhere of which only the parts that are asked for are fetched.

import { type FileHandle, open } from 'node:fs/promises';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { ObjectBroken, type ObjectFault, type ObjectStore } from './object-store.ts';

export interface ByteSource {
  readonly sizeBytes: number;
  /** From `start` to `end` (exclusive), both inside; the last chunk may be missing where the source ends early. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** Undefined when there is no such file. Rejects when it cannot be read. */
export async function fileSource(path: string): Promise<ByteSource | undefined> {
  const handle = await openIfPresent(path);
  if (!handle) return undefined;
  try {
    const { size } = await handle.stat();
    return { sizeBytes: size, read: (start, end) => chunksOf(handle, start, end), close: () => handle.close() };
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fault;
  }
}

async function* chunksOf(handle: FileHandle, start: number, end: number): AsyncIterable<Buffer> {
  for (let at = start; at < end; ) {
    const bytes = Buffer.alloc(Math.min(limits.recordingReadBytes, end - at));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, at);
    if (bytesRead === 0) return;
    yield bytes.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/**
 * The object `name`, of which the first `firstBytes` are fetched at once: their answer says how long it is. Each `read` beyond them is one
 * request for just that range.
 */
export async function objectSource(
  store: ObjectStore,
  name: string,
  firstBytes: number,
): Promise<Result<ByteSource, ObjectFault>> {
  const opened = await store.read(name, 0, firstBytes);
  if (!opened.ok) return opened;
  const { sizeBytes, content } = opened.value;
  try {
    const first = await wholeOf(content);
    return ok({ sizeBytes, read: (start, end) => partOf(store, name, first, start, end), close: async () => {} });
  } catch (fault) {
    return err({ code: 'unavailable', detail: (fault as Error).message });
  }
}

async function wholeOf(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

async function* partOf(
  store: ObjectStore,
  name: string,
  first: Buffer,
  start: number,
  end: number,
): AsyncIterable<Buffer> {
  if (end <= first.length) {
    if (start < end) yield first.subarray(start, end);
    return;
  }
  const opened = await store.read(name, start, end);
  if (!opened.ok) throw new ObjectBroken(opened.error.detail);
  yield* opened.value.content;
}

/** Takes pieces of chosen lengths off a sequence of chunks of any lengths. */
export class Pieces {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Undefined when the sequence ends before `length` bytes. */
  async take(length: number): Promise<Buffer | undefined> {
    while (this.#heldBytes < length) {
      const next = await this.#chunks.next();
      if (next.done) return undefined;
      this.#held.push(next.value);
      this.#heldBytes += next.value.length;
    }
    const [only] = this.#held;
    const all = this.#held.length === 1 && only ? only : Buffer.concat(this.#held);
    this.#held = length < all.length ? [all.subarray(length)] : [];
    this.#heldBytes = all.length - length;
    return all.subarray(0, length);
  }

  /** Frees what the chunks come from. */
  async end(): Promise<void> {
    await this.#chunks.return?.();
  }
}
