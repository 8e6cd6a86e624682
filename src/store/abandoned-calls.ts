// Calls that a process left behind when it was killed: their records say that they are alive, and nobody will end them. Run once at
// start, before the first call is taken; beside other gateways only those that this one had.

import type { Clock } from '../base/clock.ts';
import type { CallRecord, CallStatus } from '../base/records.ts';
import type { Store } from './store.ts';
import { allPages, sidOf } from './walk.ts';

const LIVE: readonly CallStatus[] = ['queued', 'ringing', 'in-progress'];

/**
 * Ends the records of calls that no process holds: an answered one is `completed`, any other `failed`. When it really ended is not
 * known: the last change of the record counts. `isOurs`: which of them. Returns how many there were. Rejects with the store's fault.
 */
export async function endAbandonedCalls(
  store: Store,
  clock: Pick<Clock, 'wall'>,
  isOurs: (sid: string) => boolean = () => true,
): Promise<number> {
  let ended = 0;
  for (const account of await allPages((page) => store.accounts.list({}, page), sidOf)) {
    for (const status of LIVE) {
      const filter = { accountSid: account.sid, status };
      // Read to the end first: a record that is put leaves the filter, and the walk with it.
      for (const call of await allPages((page) => store.calls.list(filter, page), sidOf)) {
        if (!isOurs(call.sid)) continue;
        store.calls.put(endedRecord(call, clock.wall()));
        ended++;
      }
    }
  }
  return ended;
}

function endedRecord(call: CallRecord, now: number): CallRecord {
  const endTime = call.dateUpdated;
  const durationSeconds = call.answerTime === null ? 0 : Math.max(0, Math.floor((endTime - call.answerTime) / 1_000));
  const status = call.answerTime === null ? 'failed' : 'completed';
  return { ...call, status, endTime, durationSeconds, dateUpdated: now };
}
