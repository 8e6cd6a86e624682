// WAVE files as the recorder writes them (44 bytes of header, 16-bit linear at 8,000 Hz): cutting silence off, repairing the header of a
// writer that died, and one channel made of two while it is read.

import { open } from 'node:fs/promises';
import { SEALED_HEADER_BYTES, sealPiece } from '../media/sealed-file.ts';
import { WAV_HEADER_BYTES, wavHeader } from '../media/wav-writer.ts';
import { openStoredFile, type StoredFile, StoredWriter } from './stored-file.ts';

const SAMPLE_BYTES = 2;
/** Bytes of one channel in a millisecond. */
const BYTES_PER_MS = 16;

export const durationOf = (contentSize: number, channels: 1 | 2): number =>
  Math.max(0, contentSize - WAV_HEADER_BYTES) / (BYTES_PER_MS * channels);

/** Keeps `firstMs` to `lastMs` of the file. Resolves with the new length in milliseconds; rejects with the fault of the disk. */
export async function cutWav(
  path: string,
  key: Uint8Array | undefined,
  channels: 1 | 2,
  { firstMs, lastMs }: { readonly firstMs: number; readonly lastMs: number },
  encrypts: boolean,
): Promise<number> {
  const source = await openStoredFile(path, key);
  if (!source) throw new Error('the file is gone');
  const frame = SAMPLE_BYTES * channels;
  const at = (ms: number) => WAV_HEADER_BYTES + Math.floor((ms * BYTES_PER_MS * channels) / frame) * frame;
  const start = at(Math.max(0, firstMs));
  const end = Math.min(source.sizeBytes, at(lastMs));
  const layout = { headBytes: WAV_HEADER_BYTES, pieceBytes: 1_000 * BYTES_PER_MS * channels };
  try {
    if (start === WAV_HEADER_BYTES && end === source.sizeBytes) return durationOf(source.sizeBytes, channels);
    const writer = await StoredWriter.create(path, encrypts ? key : undefined, layout);
    try {
      for await (const bytes of source.read(start, end)) await writer.append(bytes);
      await writer.commit(wavHeader(channels, Math.max(0, end - start)));
    } catch (cause) {
      await writer.discard();
      throw cause;
    }
    return Math.max(0, end - start) / (BYTES_PER_MS * channels);
  } finally {
    await source.close();
  }
}

/**
 * Makes the header say what the file holds, after a process that wrote it died: at most its last piece is lost. Resolves with the length
 * in milliseconds, undefined when there is no file or nothing in it.
 */
export async function repairWav(
  path: string,
  key: Uint8Array | undefined,
  channels: 1 | 2,
): Promise<number | undefined> {
  const file = await openStoredFile(path, key);
  if (!file) return undefined;
  await file.close();
  const frame = SAMPLE_BYTES * channels;
  const dataBytes = Math.floor((file.sizeBytes - WAV_HEADER_BYTES) / frame) * frame;
  if (dataBytes <= 0) return undefined;
  const header = wavHeader(channels, dataBytes);
  const handle = await open(path, 'r+');
  try {
    const isSealed = file.layout !== undefined;
    const bytes = isSealed && key ? sealPiece(key, 0, header) : header;
    await handle.write(bytes, 0, bytes.length, isSealed ? SEALED_HEADER_BYTES : 0);
  } finally {
    await handle.close();
  }
  return dataBytes / (BYTES_PER_MS * channels);
}

/** What the header says; undefined where there is none that says 1 or 2. */
export async function channelsIn(path: string, key: Uint8Array): Promise<1 | 2 | undefined> {
  const file = await openStoredFile(path, key);
  if (!file) return undefined;
  try {
    const parts: Buffer[] = [];
    for await (const part of file.read(0, WAV_HEADER_BYTES)) parts.push(part);
    const header = Buffer.concat(parts);
    const channels = header.length === WAV_HEADER_BYTES ? header.readUInt16LE(22) : undefined;
    return channels === 1 || channels === 2 ? channels : undefined;
  } finally {
    await file.close();
  }
}

/** A recording of two channels as one: the mean of both. Ranges are those of the smaller file. */
export function monoOf(source: StoredFile): StoredFile {
  const frames = Math.floor(Math.max(0, source.sizeBytes - WAV_HEADER_BYTES) / (2 * SAMPLE_BYTES));
  const sizeBytes = WAV_HEADER_BYTES + frames * SAMPLE_BYTES;
  const header = Buffer.from(wavHeader(1, frames * SAMPLE_BYTES));
  return {
    sizeBytes,
    layout: source.layout,
    async *read(start, end) {
      const last = Math.min(end, sizeBytes);
      if (start < WAV_HEADER_BYTES && start < last) yield header.subarray(start, Math.min(last, WAV_HEADER_BYTES));
      // A range may begin or end inside a sample: whole frames are read, and what was not asked for is cut off.
      const from = Math.max(start, WAV_HEADER_BYTES) - WAV_HEADER_BYTES;
      const to = last - WAV_HEADER_BYTES;
      if (to <= from) return;
      const firstFrame = Math.floor(from / SAMPLE_BYTES);
      const endFrame = Math.ceil(to / SAMPLE_BYTES);
      let at = firstFrame * SAMPLE_BYTES;
      for await (const bytes of mixed(source, firstFrame, endFrame)) {
        yield bytes.subarray(Math.max(0, from - at), Math.min(bytes.length, to - at));
        at += bytes.length;
      }
    },
    close: () => source.close(),
  };
}

async function* mixed(source: StoredFile, firstFrame: number, endFrame: number): AsyncIterable<Buffer> {
  const frame = 2 * SAMPLE_BYTES;
  let rest: Buffer = Buffer.alloc(0);
  for await (const bytes of source.read(WAV_HEADER_BYTES + firstFrame * frame, WAV_HEADER_BYTES + endFrame * frame)) {
    const all = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
    const count = Math.floor(all.length / frame);
    const mono = Buffer.alloc(count * SAMPLE_BYTES);
    for (let index = 0; index < count; index++) {
      const sum = all.readInt16LE(index * frame) + all.readInt16LE(index * frame + SAMPLE_BYTES);
      mono.writeInt16LE(sum >> 1, index * SAMPLE_BYTES);
    }
    rest = all.subarray(count * frame);
    if (count > 0) yield mono;
  }
}
