// Queues over REST (rest-api.md 12): the QueuesApi that the api folder asks for.

import type { QueueMember, QueuesApi } from '../base/queues-api.ts';
import type { HttpMethod } from '../base/records.ts';
import type { Call } from '../call/call.ts';
import type { LiveQueue, Waiting } from './live-queue.ts';
import type { Queues } from './queues.ts';

const FRONT = 'Front';

export interface RestQueuesServices {
  readonly queues: Queues;
  /** Runs a document on the call; replaces the one that waits, which leaves the queue at once. */
  readonly startSession: (call: Call, url: string, method: HttpMethod) => void;
}

export function createRestQueues({ queues, startSession }: RestQueuesServices): QueuesApi {
  const find = (
    queueSid: string,
    who: string,
  ): { readonly waiting: Waiting; readonly member: QueueMember } | undefined => {
    const queue = queues.live(queueSid);
    const waiting = who === FRONT ? queue?.line[0] : queue?.line.find(({ call }) => call.sid === who);
    return queue && waiting && { waiting, member: memberOf(queue, waiting, queue.positionOf(waiting)) };
  };
  return {
    figures(queueSid) {
      const queue = queues.live(queueSid);
      return { currentSize: queue?.size ?? 0, averageWaitSeconds: queue?.averageSeconds ?? 0 };
    },
    create: (accountSid, friendlyName, maxSize) => queues.create(accountSid, friendlyName, maxSize),
    update: (queue, change) => queues.update(queue, change),
    remove: (queue) => queues.remove(queue),
    members(queueSid) {
      const queue = queues.live(queueSid);
      return queue?.line.map((waiting, index) => memberOf(queue, waiting, index + 1)) ?? [];
    },
    member: (queueSid, who) => find(queueSid, who)?.member,
    dequeue(queueSid, who, url, method) {
      const found = find(queueSid, who);
      if (found) startSession(found.waiting.call, url, method);
      return found?.member;
    },
  };
}

const memberOf = (queue: LiveQueue, waiting: Waiting, position: number): QueueMember => ({
  queueSid: queue.record.sid,
  accountSid: queue.record.accountSid,
  callSid: waiting.call.sid,
  position,
  waitSeconds: waiting.waitSeconds,
  dateEnqueued: waiting.enqueuedWall,
});
