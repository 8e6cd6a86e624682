// Where the media of recordings goes when it is complete: a store of objects by name, as a port. s3.ts is the one there is.

import type { Result } from '../base/result.ts';

export interface ObjectFault {
  /**
   * missing: no such object. refused: the store answers, but not as it is configured (credentials, bucket, region). unavailable: it does not
   * answer, or not now. local: the file that was to be sent cannot be read.
   */
  readonly code: 'missing' | 'refused' | 'unavailable' | 'local';
  /** A sentence for the operator. */
  readonly detail: string;
}

export interface ObjectPart {
  /** Of the whole object. */
  readonly sizeBytes: number;
  /** Exactly what was asked for. Throws ObjectBroken where the store does not give it to its end; to end it early frees the connection. */
  readonly content: AsyncIterable<Buffer>;
}

/** The store broke off while an object was read. */
export class ObjectBroken extends Error {
  override readonly name = 'ObjectBroken';
}

/** Nothing here throws or rejects but `content`; every call ends, at the latest when the store has been silent for long. */
export interface ObjectStore {
  /** For messages. */
  readonly place: string;
  /** The object is there completely afterwards, or as it was before. */
  put(name: string, file: string, signal: AbortSignal): Promise<Result<void, ObjectFault>>;
  /** Bytes from `start` to `end` (exclusive), cut at the end of the object; `start` must lie inside it. */
  read(name: string, start: number, end: number): Promise<Result<ObjectPart, ObjectFault>>;
  /** Null when there is none. */
  sizeOf(name: string): Promise<Result<number | null, ObjectFault>>;
  /** Idempotent. */
  remove(name: string, signal: AbortSignal): Promise<Result<void, ObjectFault>>;
  /** Writes, reads and removes a small object. */
  probe(signal: AbortSignal): Promise<Result<void, ObjectFault>>;
  close(): void;
}
