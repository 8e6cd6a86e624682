// Part of the composition root: calls that came for an account that is suspended or closed leave a notification (twiml.md 14, 10003), one
// a minute at most, since a PBX tries again and again.

import type { Clock } from './base/clock.ts';
import { newSid, type RandomSource } from './base/ids.ts';
import { limits } from './base/limits.ts';
import type { Store } from './store/store.ts';

export function createInactiveNotices(
  store: Pick<Store, 'notifications'>,
  { clock, random }: { readonly clock: Clock; readonly random: RandomSource },
): (accountSid: string) => void {
  /** By account: the last one, in milliseconds of the clock. In order of time. */
  const told = new Map<string, number>();
  return (accountSid) => {
    const now = clock.now();
    for (const [sid, at] of told) {
      if (now - at < limits.inactiveNoticeMs) break;
      told.delete(sid);
    }
    if (told.has(accountSid)) return;
    told.set(accountSid, now);
    store.notifications.put({
      sid: newSid('NO', random),
      accountSid,
      callSid: null,
      level: 'error',
      errorCode: 10003,
      message: 'an incoming call was refused: the account is not active',
      requestUrl: null,
      date: clock.wall(),
    });
  };
}
