// A file of the recordings as its content: plain, or encrypted in pieces (media/sealed-file.ts). Reads any range without reading the rest;
// StoredWriter makes such a file, which gets its name when it is complete.

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { limits } from '../base/limits.ts';
import {
  contentBytes,
  openPiece,
  PIECE_OVERHEAD_BYTES,
  parseSealedHeader,
  pieceOffset,
  SEALED_HEADER_BYTES,
  type SealedLayout,
  sealedHeader,
  sealPiece,
} from '../media/sealed-file.ts';

export interface StoredFile {
  readonly sizeBytes: number;
  /** Of the pieces; undefined: the file is not encrypted. */
  readonly layout: SealedLayout | undefined;
  /** Content from `start` to `end` (exclusive), cut at its end. Throws DamagedFile where it was changed or the key is another one. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

export class DamagedFile extends Error {
  override readonly name = 'DamagedFile';
}

/** Undefined when there is no such file. Rejects when it cannot be read, or is sealed and there is no key. */
export async function openStoredFile(path: string, key: Uint8Array | undefined): Promise<StoredFile | undefined> {
  const handle = await openIfPresent(path);
  if (!handle) return undefined;
  try {
    const { size } = await handle.stat();
    const start = Buffer.alloc(SEALED_HEADER_BYTES);
    const { bytesRead } = await handle.read(start, 0, start.length, 0);
    const layout = parseSealedHeader(start.subarray(0, bytesRead));
    if (!layout) return plainFile(handle, size);
    if (!key) throw new DamagedFile('the file is encrypted');
    return sealedFile(handle, await wholeBytes(handle, size, layout, key), layout, key);
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

function plainFile(handle: FileHandle, sizeBytes: number): StoredFile {
  return {
    sizeBytes,
    layout: undefined,
    async *read(start, end) {
      const last = Math.min(end, sizeBytes);
      for (let at = start; at < last; ) {
        const bytes = await readAt(handle, at, Math.min(limits.recordingReadBytes, last - at));
        yield bytes;
        at += bytes.length;
      }
    },
    close: () => handle.close(),
  };
}

function sealedFile(handle: FileHandle, sizeBytes: number, layout: SealedLayout, key: Uint8Array): StoredFile {
  return {
    sizeBytes,
    layout,
    async *read(start, end) {
      const last = Math.min(end, sizeBytes);
      for (let at = start; at < last; ) {
        const { index, first, length } = pieceAt(layout, at, sizeBytes);
        const sealed = await readAt(handle, pieceOffset(layout, index), length + PIECE_OVERHEAD_BYTES);
        const content = openPiece(key, index, sealed);
        if (!content) throw new DamagedFile(`piece ${index} does not open`);
        yield content.subarray(at - first, Math.min(last - first, length));
        at = first + length;
      }
    },
    close: () => handle.close(),
  };
}

/** The content without a last piece that was not written to its end: its writer died, or the disk was full. */
async function wholeBytes(handle: FileHandle, size: number, layout: SealedLayout, key: Uint8Array): Promise<number> {
  const bytes = contentBytes(layout, size);
  if (bytes <= layout.headBytes) return bytes;
  const { index, first, length } = pieceAt(layout, bytes - 1, bytes);
  if (length === layout.pieceBytes) return bytes;
  const last = await readAt(handle, pieceOffset(layout, index), length + PIECE_OVERHEAD_BYTES);
  return openPiece(key, index, last) ? bytes : first;
}

/** The piece that holds the content byte `at`. */
function pieceAt({ headBytes, pieceBytes }: SealedLayout, at: number, sizeBytes: number) {
  if (at < headBytes) return { index: 0, first: 0, length: headBytes };
  const number = Math.floor((at - headBytes) / pieceBytes);
  const first = headBytes + number * pieceBytes;
  return { index: number + 1, first, length: Math.min(pieceBytes, sizeBytes - first) };
}

/** Exactly `length` bytes. A file that became shorter meanwhile is damaged. */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new DamagedFile('the file ends early');
    done += bytesRead;
  }
  return bytes;
}

/** Writes `path` anew under another name; `commit` puts it in its place, `discard` leaves what was there. */
export class StoredWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #layout: SealedLayout;
  readonly #key: Uint8Array | undefined;
  #position: number;
  #index = 1;
  #piece: Buffer[] = [];
  #pieceFilled = 0;
  #contentBytes: number;

  private constructor(path: string, handle: FileHandle, layout: SealedLayout, key: Uint8Array | undefined) {
    this.#path = path;
    this.#handle = handle;
    this.#layout = layout;
    this.#key = key;
    this.#contentBytes = layout.headBytes;
    this.#position = key ? pieceOffset(layout, 1) : layout.headBytes;
  }

  /** Room for a head of `headBytes` is left free for `setHead`. */
  static async create(path: string, key: Uint8Array | undefined, layout: SealedLayout): Promise<StoredWriter> {
    return new StoredWriter(path, await open(partOf(path), 'w', 0o600), layout, key);
  }

  get contentBytes(): number {
    return this.#contentBytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    let rest = Buffer.from(bytes);
    while (rest.length > 0) {
      const taken = rest.subarray(0, this.#layout.pieceBytes - this.#pieceFilled);
      this.#piece.push(taken);
      this.#pieceFilled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#pieceFilled === this.#layout.pieceBytes) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (this.#pieceFilled === 0) return;
    const content = Buffer.concat(this.#piece);
    this.#piece = [];
    this.#pieceFilled = 0;
    this.#contentBytes += content.length;
    const bytes = this.#key ? sealPiece(this.#key, this.#index, content) : content;
    this.#index += 1;
    await this.#write(bytes, this.#position);
    this.#position += bytes.length;
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  /** Finishes the file and puts it in its place. `head`: the bytes that were left free. */
  async commit(head: Uint8Array): Promise<void> {
    await this.#flush();
    if (this.#key) await this.#write(sealedHeader(this.#layout), 0);
    if (head.length > 0) {
      const bytes = this.#key ? sealPiece(this.#key, 0, head) : head;
      await this.#write(bytes, this.#key ? pieceOffset(this.#layout, 0) : 0);
    }
    await this.#handle.close();
    await rename(partOf(this.#path), this.#path);
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(partOf(this.#path), { force: true });
  }
}

/** The name of a file that is not complete. */
export const partOf = (path: string): string => `${path}.part`;
