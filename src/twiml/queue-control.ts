// What a verb may do with queues: the part of CallControl that Enqueue and Dial with a Queue noun use.

import type { Call } from '../call/call.ts';
import type { DialOutcome } from '../call/dial-options.ts';
import { type DequeueOptions, type DequeueServices, dequeue, type QueueNoun } from '../queue/dequeue.ts';
import { type EnqueueOptions, type EnqueueOutcome, enqueue } from '../queue/enqueue.ts';

export type { DequeueOptions, QueueNoun } from '../queue/dequeue.ts';
export type { EnqueueOptions, EnqueueOutcome, QueueResult } from '../queue/enqueue.ts';

export interface QueueControl {
  /** Puts the call, which is answered, into a queue and waits until it goes on. When `signal` is aborted it leaves. */
  enqueue(options: EnqueueOptions, signal: AbortSignal): Promise<EnqueueOutcome>;
  /** Joins the call with the first of a queue, and waits for the end of that. */
  dequeue(noun: QueueNoun, options: DequeueOptions, signal: AbortSignal): Promise<DialOutcome>;
}

export const queueControl = (call: Call, services: DequeueServices): QueueControl => ({
  enqueue: (options, signal) => enqueue(call, options, services, signal),
  dequeue: (noun, options, signal) => dequeue(call, noun, options, services, signal),
});
