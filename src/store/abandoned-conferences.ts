// Conferences that a process left behind when it was killed: nobody is in them any more. Run once at start, as abandoned-calls.ts.

import type { Clock } from '../base/clock.ts';
import type { Conference } from '../base/voice-records.ts';
import type { Store } from './store.ts';
import { allPages, sidOf } from './walk.ts';

const LIVE: readonly Conference['status'][] = ['init', 'in-progress'];

/** Completes the records of conferences that no process holds. Returns how many there were. Rejects with the store's fault. */
export async function endAbandonedConferences(
  store: Pick<Store, 'conferences'>,
  clock: Pick<Clock, 'wall'>,
  isOurs: (sid: string) => boolean = () => true,
): Promise<number> {
  let ended = 0;
  for (const status of LIVE) {
    // Read to the end first: a record that is put leaves the filter, and the walk with it.
    for (const conference of await allPages((page) => store.conferences.list({ status }, page), sidOf)) {
      if (!isOurs(conference.sid)) continue;
      store.conferences.put({
        ...conference,
        status: 'completed',
        reasonConferenceEnded: 'last-participant-left',
        dateUpdated: clock.wall(),
      });
      ended++;
    }
  }
  return ended;
}
