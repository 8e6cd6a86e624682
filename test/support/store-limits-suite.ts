// The part of the store suite about what a database cannot hold, about age, and about being alone: run for each database by
// store-suite.ts.

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { PageRequest, Store } from '../../src/store/store.ts';
import { aBinding, aCall, aNotification } from './store-records.ts';
import { aRecording } from './voice-record-makers.ts';

const first = (size: number): PageRequest => ({ size, cursor: null, page: 0 });

/** `store` gives the one of the running test. */
export function limitsSuite(store: () => Store): void {
  describe('what a database cannot hold, and what is old', () => {
    test('a record that the database will never take is dropped; those beside it are written', async () => {
      const good = [aCall('AC1'), aCall('AC1')];
      const bad = aCall('AC1', { durationSeconds: 1e30 });
      for (const call of [good[0]!, bad, good[1]!]) store().calls.put(call);
      const { records } = await store().calls.list({ accountSid: 'AC1' }, first(5));
      expect(records).toEqual([good[1], good[0]]);
      expect(await store().calls.get(bad.sid)).toBeUndefined();
    });

    test('what a peer writes may hold a zero byte and be longer than an index takes', async () => {
      const long = randomBytes(4_000).toString('latin1');
      const call = aCall('AC1', { to: `sip:\0${long}@x`, callerName: 'a\0b' });
      store().calls.put(call);
      expect((await store().calls.get(call.sid))?.callerName).toBe('a\uFFFDb');
      expect((await store().calls.list({ accountSid: 'AC1', to: call.to }, first(5))).records).toHaveLength(1);
      expect(await store().calls.get('CA\0')).toBeUndefined();
      const binding = aBinding({
        aor: `\0${randomBytes(1_600).toString('hex')}@x`,
        contact: `sip:${long.replaceAll('\0', '')}`,
      });
      await store().bindings.save({ aor: binding.aor, bindings: [binding] });
      const aor = binding.aor.replace('\0', '\uFFFD');
      expect(await store().bindings.all()).toEqual([{ ...binding, aor }]);
      await store().bindings.save({ aor: binding.aor, bindings: [] });
      expect(await store().bindings.all()).toEqual([]);
    });

    test('deletion by age takes the oldest first, a few at a time, and nothing that is young enough', async () => {
      const dates = [5_000, 1_000, 3_000, 2_000, 4_000];
      for (const dateCreated of dates) {
        store().calls.put(aCall('AC1', { dateCreated }));
        store().notifications.put(aNotification('AC1', { date: dateCreated }));
        store().recordings.put(aRecording('AC1', { dateCreated }));
      }
      expect(await store().retention.prune('calls', 4_000, 2)).toBe(2);
      const left = await store().calls.list({ accountSid: 'AC1' }, first(9));
      expect(left.records.map((call) => call.dateCreated)).toEqual([4_000, 3_000, 5_000]);
      expect(await store().retention.prune('calls', 4_000, 2)).toBe(1);
      expect(await store().retention.prune('calls', 4_000, 2)).toBe(0);
      expect(await store().retention.prune('notifications', 1_001, 2)).toBe(1);
      const oldest = await store().retention.oldestRecordings(4_000, 2);
      expect(oldest.map((recording) => recording.dateCreated)).toEqual([1_000, 2_000]);
      const usage = { accountSid: 'AC1', trunkSid: 'BY1', seconds: 1 };
      for (const day of ['2026-01-30', '2026-01-31']) store().trunkUsage.put({ sid: `${day} AC1 BY1`, day, ...usage });
      expect(await store().retention.prune('trunkUsage', Date.UTC(2026, 0, 31, 23), 5)).toBe(1);
      expect(await store().trunkUsage.ofDay('2026-01-31')).toHaveLength(1);
    });

    test('alone on its database, it does what only one may do', async () => {
      let count = 0;
      expect(
        await store().whileAlone(async () => {
          count++;
        }),
      ).toBe(true);
      expect(count).toBe(1);
      expect(store().health()).toEqual({ isUp: true, reason: null });
    });
  });
}
