// The batches that the media thread leaves for JavaScript: records one behind the other, in the order of this machine.
//
//   │ token(4) │ length(2) │ kind(1) │ family(1) │ port(2) │ -(2) │ address(16) │ packet, padded to 4 octets │

import { endianness } from 'node:os';

export const recordKind = { packet: 0, copy: 1, error: 2 } as const;
const HEAD_BYTES = 28;

const isLittle = endianness() === 'LE';
const read16 = (batch: Buffer, at: number): number => (isLittle ? batch.readUInt16LE(at) : batch.readUInt16BE(at));

const readLength = (batch: Buffer, at: number): number => read16(batch, at + 4);

export const readToken = (batch: Buffer, at: number): number =>
  isLittle ? batch.readUInt32LE(at) : batch.readUInt32BE(at);

/** Where the next record begins. */
export const recordEnd = (batch: Buffer, at: number): number => at + HEAD_BYTES + ((readLength(batch, at) + 3) & ~3);

export const readKind = (batch: Buffer, at: number): number => batch[at + 6]!;
export const readPort = (batch: Buffer, at: number): number => read16(batch, at + 8);

/** The packet itself, not a copy: batches are not used again. */
export const readPacket = (batch: Buffer, at: number): Buffer =>
  batch.subarray(at + HEAD_BYTES, at + HEAD_BYTES + readLength(batch, at));

/** Writes family and address into 17 octets. True when they were others. */
export function writeSource(batch: Buffer, at: number, into: Buffer): boolean {
  let isOther = into[0] !== batch[at + 7];
  into[0] = batch[at + 7]!;
  for (let index = 0; index < 16; index++) {
    const octet = batch[at + 12 + index]!;
    if (into[1 + index] === octet) continue;
    into[1 + index] = octet;
    isOther = true;
  }
  return isOther;
}

/** In the normal form of its family (RFC 5952 for IPv6), without a zone. */
export function readAddress(batch: Buffer, at: number): string {
  const start = at + 12;
  if (batch[at + 7] === 4) return `${batch[start]}.${batch[start + 1]}.${batch[start + 2]}.${batch[start + 3]}`;
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((offset) => batch.readUInt16BE(start + offset).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
