// Writes that wait, the latest of each sid, bounded in number and in bytes: a database that is away for long must not fill the memory.

import { limits } from '../base/limits.ts';
import type { Operation } from './operations.ts';

/** What a record of no great texts takes, roughly. */
const BASE_BYTES = 1_024;

interface Waiting {
  readonly operation: Operation;
  readonly bytes: number;
}

export class PendingRecords {
  readonly #operations = new Map<string, Waiting>();
  #bytes = 0;

  get size(): number {
    return this.#operations.size;
  }

  /** Behind all others, in place of an earlier write of the sid. Returns how many of the oldest had to go. */
  set(sid: string, operation: Operation): number {
    this.delete(sid);
    const bytes = bytesOf(operation);
    this.#operations.set(sid, { operation, bytes });
    this.#bytes += bytes;
    return this.#bound();
  }

  delete(sid: string): void {
    const waiting = this.#operations.get(sid);
    if (!waiting) return;
    this.#operations.delete(sid);
    this.#bytes -= waiting.bytes;
  }

  /** The oldest, at most `count`. They stay where they are until they are done. */
  first(count: number): readonly (readonly [sid: string, operation: Operation])[] {
    const found: [string, Operation][] = [];
    for (const [sid, { operation }] of this.#operations) {
      if (found.length === count) break;
      found.push([sid, operation]);
    }
    return found;
  }

  /** Written, or never to be written. A newer write of the sid that came meanwhile stays. */
  done(sid: string, operation: Operation): void {
    if (this.#operations.get(sid)?.operation === operation) this.delete(sid);
  }

  #bound(): number {
    let dropped = 0;
    while (this.size > limits.storeQueuedRecords || this.#bytes > limits.storeQueuedBytes) {
      const [oldest] = this.#operations.keys();
      if (oldest === undefined) break;
      this.delete(oldest);
      dropped++;
    }
    return dropped;
  }
}

/** Texts of a record are what can be long: bodies of webhooks, transcriptions. */
function bytesOf(operation: Operation): number {
  if (!('record' in operation)) return BASE_BYTES;
  let bytes = BASE_BYTES;
  const record = operation.record as Readonly<Record<string, unknown>>;
  for (const name in record) {
    const value = record[name];
    if (typeof value === 'string') bytes += 2 * value.length;
  }
  return bytes;
}
