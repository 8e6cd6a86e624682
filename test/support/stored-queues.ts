// Live queues over the queue records of a store, for tests of REST: the store is asked when the first request comes.

import { cryptoRandom } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import type { QueuesApi } from '../../src/base/queues-api.ts';
import { Queues } from '../../src/queue/queues.ts';
import type { Store } from '../../src/store/store.ts';
import { QueueBench } from '../unit/queue/kit.ts';

export function storedQueues(store: () => Store): QueuesApi {
  class StoredQueues extends QueueBench {
    protected override makeQueues(): Queues {
      return new Queues({ store: store().queues, clock: this.clock, random: cryptoRandom, log: silentLog });
    }
  }
  let bench: QueueBench | undefined;
  const rest = () => {
    bench ??= new StoredQueues();
    return bench.rest;
  };
  return new Proxy({} as QueuesApi, { get: (_, name) => Reflect.get(rest(), name) });
}
