// Queues over records in memory.

import type { Clock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Queue } from '../../src/base/voice-records.ts';
import { Queues } from '../../src/queue/queues.ts';
import { MemoryRepository } from './memory-repository.ts';
import { seededRandom } from './network.ts';

export const queueRecords = (): MemoryRepository<Queue> =>
  new MemoryRepository((a, b) => a.accountSid === b.accountSid && a.friendlyName === b.friendlyName);

export const queuesInMemory = (clock: Clock, store = queueRecords()): Queues =>
  new Queues({ store, clock, random: seededRandom(7).bytes, log: silentLog });
