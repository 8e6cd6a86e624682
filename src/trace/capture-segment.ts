// The form of a segment: captures of many calls in one file, one behind the other, so that a call costs no file of its own. Pure.
//
//   │ "HKC1" │ CallSid of the root (34) │ wall time (8) │ length (4) │ CRC-32 (4) │ pcap … │ the next one …
//
// A segment that was completed has an index beside it, one line per capture: `CallSid place length`. The later of two lines holds.

import { crc32 } from 'node:zlib';

const MAGIC = 'HKC1';
const SID_CHARS = 34;
const WALL_AT = MAGIC.length + SID_CHARS;
const LENGTH_AT = WALL_AT + 8;
const CHECK_AT = LENGTH_AT + 4;
export const CAPTURE_HEADER_BYTES = CHECK_AT + 4;

/** Where a capture lies in its segment: of its header, and how long it is without it. */
export interface CapturePlace {
  readonly at: number;
  readonly length: number;
}

export interface StoredCapture {
  readonly rootSid: string;
  readonly wallMs: number;
  readonly capture: Buffer;
}

/** Header and capture. `rootSid` is a CallSid. */
export function captureParts({ rootSid, wallMs, capture }: StoredCapture): readonly [Buffer, Buffer] {
  const header = Buffer.allocUnsafe(CAPTURE_HEADER_BYTES);
  header.write(MAGIC + rootSid, 0, 'latin1');
  header.writeDoubleLE(wallMs, WALL_AT);
  header.writeUInt32LE(capture.length, LENGTH_AT);
  header.writeUInt32LE(crc32(capture), CHECK_AT);
  return [header, capture];
}

/** What lies at this place; undefined when it is none, is cut short or was damaged. */
export function captureAt(bytes: Buffer, at: number): StoredCapture | undefined {
  const start = at + CAPTURE_HEADER_BYTES;
  if (start > bytes.length || bytes.toString('latin1', at, at + MAGIC.length) !== MAGIC) return undefined;
  const end = start + bytes.readUInt32LE(at + LENGTH_AT);
  if (end > bytes.length) return undefined;
  const capture = bytes.subarray(start, end);
  if (crc32(capture) !== bytes.readUInt32LE(at + CHECK_AT)) return undefined;
  const rootSid = bytes.toString('latin1', at + MAGIC.length, at + WALL_AT);
  return { rootSid, wallMs: bytes.readDoubleLE(at + WALL_AT), capture };
}

/** Walks a segment up to its end, or to where a crash cut it. */
export function indexSegment(bytes: Buffer): Map<string, CapturePlace> {
  const places = new Map<string, CapturePlace>();
  for (let at = 0; ; ) {
    const found = captureAt(bytes, at);
    if (!found) return places;
    places.set(found.rootSid, { at, length: found.capture.length });
    at += CAPTURE_HEADER_BYTES + found.capture.length;
  }
}

export const printIndex = (places: ReadonlyMap<string, CapturePlace>): string =>
  [...places].map(([sid, { at, length }]) => `${sid} ${at} ${length}\n`).join('');

/** Undefined: not in this segment. */
export function findInIndex(index: string, rootSid: string): CapturePlace | undefined {
  const from = index.lastIndexOf(`${rootSid} `);
  if (from < 0) return undefined;
  const [, at, length] = index.slice(from, index.indexOf('\n', from)).split(' ').map(Number);
  return Number.isSafeInteger(at) && Number.isSafeInteger(length) ? { at: at!, length: length! } : undefined;
}
