import { expect, test } from 'vitest';
import { endAbandonedCalls } from '../../../src/store/abandoned-calls.ts';
import { aCall, anAccount } from '../../support/store-records.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

test('calls that a killed process left alive are ended at their last change; ended ones stay as they are', async () => {
  const { store, discard } = await openTempStore();
  const account = anAccount();
  await store.accounts.insert(account);
  const live = { endTime: null, durationSeconds: null, dateUpdated: 61_000 };
  const talking = aCall(account.sid, { ...live, status: 'in-progress', answerTime: 50_500 });
  const ringing = aCall(account.sid, { ...live, status: 'ringing', answerTime: null });
  const queued = aCall(account.sid, { ...live, status: 'queued', startTime: null, answerTime: null });
  const done = aCall(account.sid, { status: 'busy' });
  for (const call of [talking, ringing, queued, done]) store.calls.put(call);
  const clock = new VirtualClock();
  expect(await endAbandonedCalls(store, clock)).toBe(3);
  expect(await endAbandonedCalls(store, clock)).toBe(0);
  const ended = { endTime: 61_000, dateUpdated: clock.wall() };
  expect(await store.calls.get(talking.sid)).toEqual({
    ...talking,
    ...ended,
    status: 'completed',
    durationSeconds: 10,
  });
  expect(await store.calls.get(ringing.sid)).toEqual({ ...ringing, ...ended, status: 'failed', durationSeconds: 0 });
  expect(await store.calls.get(queued.sid)).toMatchObject({ status: 'failed' });
  expect(await store.calls.get(done.sid)).toEqual(done);
  await discard();
});
