// What a call for a suspended account leaves behind (twiml.md 14, 10003).

import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { NotificationRecord } from '../../src/base/records.ts';
import { createInactiveNotices } from '../../src/inactive-accounts.ts';
import type { Store } from '../../src/store/store.ts';
import { seededRandom } from '../support/network.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

test('10003 as an error of the account, once a minute for each account [rest 2 suspended-calls]', () => {
  const clock = new VirtualClock();
  const kept: NotificationRecord[] = [];
  const notifications = { put: (record: NotificationRecord) => void kept.push(record) } as Store['notifications'];
  const tell = createInactiveNotices({ notifications }, { clock, random: seededRandom(1).bytes });
  for (const account of ['AC1', 'AC1', 'AC2', 'AC1']) tell(account);
  expect(kept.map(({ accountSid, errorCode, level }) => [accountSid, errorCode, level])).toEqual([
    ['AC1', 10003, 'error'],
    ['AC2', 10003, 'error'],
  ]);
  clock.advance(limits.inactiveNoticeMs);
  tell('AC1');
  expect(kept).toHaveLength(3);
});
