// A file of the recordings as its content: plain, or encrypted in pieces (media/sealed-file.ts). Reads any range without reading the rest;
// StoredWriter makes such a file, which gets its name when it is complete.

import { type FileHandle, open, rename, rm } from 'node:fs/promises';
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
import { type ByteSource, fileSource, Pieces } from './byte-source.ts';

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

const ENDS_EARLY = 'the file ends early';

/** Undefined when there is no such file. Rejects when it cannot be read, or is sealed and there is no key. */
export async function openStoredFile(path: string, key: Uint8Array | undefined): Promise<StoredFile | undefined> {
  const source = await fileSource(path);
  return source && storedFile(source, key);
}

/** The content of `source`, which is closed with it, or at once where this rejects: it is damaged, or sealed and there is no key. */
export async function storedFile(source: ByteSource, key: Uint8Array | undefined): Promise<StoredFile> {
  try {
    const start = await exactly(source, 0, Math.min(SEALED_HEADER_BYTES, source.sizeBytes));
    const layout = parseSealedHeader(start);
    if (!layout) return plainFile(source);
    if (!key) throw new DamagedFile('the file is encrypted');
    return sealedFile(source, await wholeBytes(source, layout, key), layout, key);
  } catch (cause) {
    await source.close();
    throw cause;
  }
}

function plainFile(source: ByteSource): StoredFile {
  const { sizeBytes } = source;
  return {
    sizeBytes,
    layout: undefined,
    async *read(start, end) {
      let left = Math.min(end, sizeBytes) - start;
      if (left <= 0) return;
      for await (const bytes of source.read(start, start + left)) {
        left -= bytes.length;
        yield bytes;
      }
      if (left > 0) throw new DamagedFile(ENDS_EARLY);
    },
    close: () => source.close(),
  };
}

function sealedFile(source: ByteSource, sizeBytes: number, layout: SealedLayout, key: Uint8Array): StoredFile {
  return {
    sizeBytes,
    layout,
    async *read(start, end) {
      const last = Math.min(end, sizeBytes);
      if (start >= last) return;
      const from = pieceAt(layout, start, sizeBytes);
      const to = pieceAt(layout, last - 1, sizeBytes);
      const until = pieceOffset(layout, to.index) + to.length + PIECE_OVERHEAD_BYTES;
      const pieces = new Pieces(source.read(pieceOffset(layout, from.index), until));
      try {
        for (let at = start; at < last; ) {
          const { index, first, length } = pieceAt(layout, at, sizeBytes);
          const sealed = await pieces.take(length + PIECE_OVERHEAD_BYTES);
          if (!sealed) throw new DamagedFile(ENDS_EARLY);
          const content = openPiece(key, index, sealed);
          if (!content) throw new DamagedFile(`piece ${index} does not open`);
          yield content.subarray(at - first, Math.min(last - first, length));
          at = first + length;
        }
      } finally {
        await pieces.end();
      }
    },
    close: () => source.close(),
  };
}

/** The content without a last piece that was not written to its end: its writer died, or the disk was full. */
async function wholeBytes(source: ByteSource, layout: SealedLayout, key: Uint8Array): Promise<number> {
  const bytes = contentBytes(layout, source.sizeBytes);
  if (bytes <= layout.headBytes) return bytes;
  const { index, first, length } = pieceAt(layout, bytes - 1, bytes);
  if (length === layout.pieceBytes) return bytes;
  const at = pieceOffset(layout, index);
  const last = await exactly(source, at, Math.min(at + length + PIECE_OVERHEAD_BYTES, source.sizeBytes));
  return openPiece(key, index, last) ? bytes : first;
}

/** The piece that holds the content byte `at`. */
function pieceAt({ headBytes, pieceBytes }: SealedLayout, at: number, sizeBytes: number) {
  if (at < headBytes) return { index: 0, first: 0, length: headBytes };
  const number = Math.floor((at - headBytes) / pieceBytes);
  const first = headBytes + number * pieceBytes;
  return { index: number + 1, first, length: Math.min(pieceBytes, sizeBytes - first) };
}

/** All bytes from `start` to `end`. A file that became shorter meanwhile is damaged. */
async function exactly(source: ByteSource, start: number, end: number): Promise<Buffer> {
  const pieces = new Pieces(source.read(start, end));
  try {
    const bytes = await pieces.take(end - start);
    if (!bytes) throw new DamagedFile(ENDS_EARLY);
    return bytes;
  } finally {
    await pieces.end();
  }
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
