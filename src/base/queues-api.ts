// What REST may do with queues: the port between api/, which asks, and queue/, which does it. It stands here because api/ imports base/
// only. Records are read from the store; they are made, changed and removed here, where the live queues are (rest-api.md 12).

import type { HttpMethod } from './records.ts';
import type { Result } from './result.ts';
import type { Queue } from './voice-records.ts';

export interface QueueFigures {
  readonly currentSize: number;
  /** Of those who wait now. */
  readonly averageWaitSeconds: number;
}

/** A call that waits. */
export interface QueueMember {
  readonly queueSid: string;
  readonly accountSid: string;
  readonly callSid: string;
  /** From 1. */
  readonly position: number;
  readonly waitSeconds: number;
  /** Wall milliseconds. */
  readonly dateEnqueued: number;
}

export interface QueueChange {
  readonly friendlyName?: string;
  readonly maxSize?: number;
}

export interface QueuesApi {
  figures(queueSid: string): QueueFigures;
  /** `duplicate`: the account has a queue of that name; `full`: it has as many as it may. */
  create(accountSid: string, friendlyName: string, maxSize: number): Promise<Result<Queue, 'duplicate' | 'full'>>;
  /** Who waits already stays, also beyond a smaller size. */
  update(queue: Queue, change: QueueChange): Promise<Result<Queue, 'duplicate' | 'missing'>>;
  /** `busy`: callers wait in it. */
  remove(queue: Queue): Promise<Result<void, 'busy' | 'missing'>>;
  /** In order. */
  members(queueSid: string): readonly QueueMember[];
  /** `who`: a CallSid or `Front`. */
  member(queueSid: string, who: string): QueueMember | undefined;
  /** Takes the call out of the queue and runs the document on it. The member as it was; undefined: there is none. */
  dequeue(queueSid: string, who: string, url: string, method: HttpMethod): QueueMember | undefined;
}
