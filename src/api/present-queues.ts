// Queues and their members → JSON (rest-api.md 5, 12): sizes and times are numbers, not texts.

import type { QueueFigures, QueueMember } from '../base/queues-api.ts';
import type { Queue } from '../base/voice-records.ts';
import { rfc2822 } from './dates.ts';
import { accountPath } from './present.ts';

const queuePath = (accountSid: string, sid: string): string => `${accountPath(accountSid)}/Queues/${sid}`;

export function presentQueue(queue: Queue, { currentSize, averageWaitSeconds }: QueueFigures) {
  const path = queuePath(queue.accountSid, queue.sid);
  return {
    sid: queue.sid,
    account_sid: queue.accountSid,
    friendly_name: queue.friendlyName,
    current_size: currentSize,
    average_wait_time: averageWaitSeconds,
    max_size: queue.maxSize,
    date_created: rfc2822(queue.dateCreated),
    date_updated: rfc2822(queue.dateUpdated),
    uri: `${path}.json`,
  };
}

export const presentQueueMember = (member: QueueMember) => ({
  queue_sid: member.queueSid,
  call_sid: member.callSid,
  date_enqueued: rfc2822(member.dateEnqueued),
  position: member.position,
  wait_time: member.waitSeconds,
  uri: `${queuePath(member.accountSid, member.queueSid)}/Members/${member.callSid}.json`,
});
