// The Range header (RFC 9110 14.2): one range of bytes. Several ranges, and what is not well-formed, are ignored: all of it is sent.

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** Undefined: no (usable) range. `outside`: 416. */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'outside' | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  if (match[1] === '') {
    // The last so many bytes.
    const count = Math.min(Number(match[2]), sizeBytes);
    return count === 0 ? 'outside' : { start: sizeBytes - count, end: sizeBytes };
  }
  const start = Number(match[1]);
  const last = match[2] === '' ? sizeBytes - 1 : Number(match[2]);
  if (last < start) return match[2] === '' ? 'outside' : undefined;
  return start >= sizeBytes ? 'outside' : { start, end: Math.min(last, sizeBytes - 1) + 1 };
}
