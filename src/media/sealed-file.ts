// Recordings encrypted at rest: AES-256-GCM in pieces of a fixed size (a second of sound, as the writer writes it), so that any part can
// be read alone and a process that dies loses the last piece only. Used by the writer in the media worker and by whoever reads, trims or
// renders the file.
//
//   "HSSEAL1\n" │ head bytes │ piece bytes │ piece 0 (head)         │ piece 1                    │ … │ piece n (may be shorter)
//        8      │  u32 LE    │   u32 LE    │ nonce 12 │ head │ tag 16 │ nonce │ piece bytes │ tag │
//
// The head (44 bytes of a WAVE file; none in an MP3) is a piece of its own, since it is written again when the length is known. A nonce is
// random and never used twice (NIST SP 800-38D 8.2.2); the number of the piece is additional data, so that pieces cannot change places.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { WavSink } from './wav-writer.ts';

const MAGIC = Buffer.from('HSSEAL1\n', 'latin1');
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What each piece costs beyond its content. */
export const PIECE_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;
const PIECE_MAX_BYTES = 1 << 20;
export const SEALED_HEADER_BYTES = MAGIC.length + 8;

/** Where the pieces of a file are. */
export interface SealedLayout {
  readonly headBytes: number;
  readonly pieceBytes: number;
}

export function sealedHeader({ headBytes, pieceBytes }: SealedLayout): Buffer {
  const bytes = Buffer.alloc(SEALED_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(headBytes, MAGIC.length);
  bytes.writeUInt32LE(pieceBytes, MAGIC.length + 4);
  return bytes;
}

/** Undefined when the bytes are not the header of a sealed file. */
export function parseSealedHeader(bytes: Buffer): SealedLayout | undefined {
  if (bytes.length < SEALED_HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const headBytes = bytes.readUInt32LE(MAGIC.length);
  const pieceBytes = bytes.readUInt32LE(MAGIC.length + 4);
  return headBytes > PIECE_MAX_BYTES || pieceBytes < 1 || pieceBytes > PIECE_MAX_BYTES
    ? undefined
    : { headBytes, pieceBytes };
}

/** Position in the file of piece `index`. */
export function pieceOffset({ headBytes, pieceBytes }: SealedLayout, index: number): number {
  if (index === 0) return SEALED_HEADER_BYTES;
  const head = headBytes === 0 ? 0 : headBytes + PIECE_OVERHEAD_BYTES;
  return SEALED_HEADER_BYTES + head + (index - 1) * (pieceBytes + PIECE_OVERHEAD_BYTES);
}

/** Bytes of content in a file of `fileBytes`; a last piece that was cut short by a crash does not count. */
export function contentBytes(layout: SealedLayout, fileBytes: number): number {
  const { headBytes, pieceBytes } = layout;
  const body = fileBytes - pieceOffset(layout, 1);
  if (body < 0) return 0;
  const stride = pieceBytes + PIECE_OVERHEAD_BYTES;
  const rest = body % stride;
  return headBytes + Math.floor(body / stride) * pieceBytes + Math.max(0, rest - PIECE_OVERHEAD_BYTES);
}

const numberOf = (index: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(index);
  return bytes;
};

export function sealPiece(key: Uint8Array, index: number, content: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(numberOf(index));
  return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined when the key is another one or the piece was changed. */
export function openPiece(key: Uint8Array, index: number, piece: Uint8Array): Buffer | undefined {
  if (piece.length < PIECE_OVERHEAD_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, piece.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(numberOf(index))
    .setAuthTag(piece.subarray(piece.length - TAG_BYTES));
  try {
    const content = decipher.update(piece.subarray(NONCE_BYTES, piece.length - TAG_BYTES));
    return Buffer.concat([content, decipher.final()]);
  } catch {
    return undefined;
  }
}

/** Encrypts on the way into another sink: the head comes first, in one append and alone; each append behind it is one piece. */
export class SealedSink implements WavSink {
  readonly #sink: WavSink;
  readonly #key: Uint8Array;
  readonly #layout: SealedLayout;
  #next = 0;

  constructor(sink: WavSink, key: Uint8Array, layout: SealedLayout) {
    this.#sink = sink;
    this.#key = key;
    this.#layout = layout;
  }

  append(bytes: Uint8Array): void {
    if (bytes.length > (this.#next === 0 ? this.#layout.headBytes : this.#layout.pieceBytes))
      throw new RangeError('a piece of a sealed file is too long');
    if (this.#next === 0) this.#sink.append(sealedHeader(this.#layout));
    this.#sink.append(sealPiece(this.#key, this.#next, bytes));
    this.#next += 1;
  }

  patch(bytes: Uint8Array, position: number): void {
    if (position !== 0 || bytes.length !== this.#layout.headBytes)
      throw new RangeError('only the head of a sealed file is patched');
    this.#sink.patch(sealPiece(this.#key, 0, bytes), SEALED_HEADER_BYTES);
  }

  close(): void {
    this.#sink.close();
  }
}
