import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { Recording } from '../../../src/base/voice-records.ts';
import { type RetentionDays, type RetentionServices, startRetention, sweep } from '../../../src/store/retention.ts';
import type { Store } from '../../../src/store/store.ts';
import { aCall, aNotification } from '../../support/store-records.ts';
import { openTempStore } from '../../support/temp-store.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';
import { aConference, aRecording, aTranscription, aWebhookExchange } from '../../support/voice-record-makers.ts';

const DAY_MS = 24 * 3_600_000;
const never = new AbortController().signal;
const all = { size: 1_000, cursor: null, page: 0 };

async function withStore(
  days: RetentionDays,
  body: (store: Store, services: RetentionServices & { readonly media: string[] }, now: number) => Promise<void>,
) {
  const clock = new VirtualClock();
  const temp = await openTempStore();
  const media: string[] = [];
  const removeMedia = async (recording: Recording) => {
    if (recording.media === 'broken') throw new Error('no permission');
    media.push(recording.sid);
  };
  try {
    const services = { store: temp.store, removeMedia, days: () => days, clock, log: silentLog, media };
    await body(temp.store, services, clock.wall());
  } finally {
    await temp.discard();
  }
}

describe('retention in days (design.md 7)', () => {
  test('each kind by its own setting: older goes, younger stays', async () => {
    await withStore({ calls: 10, recordings: 20, logs: 5 }, async (store, services, now) => {
      for (const age of [4, 6, 9, 11, 19, 21]) {
        const dateCreated = now - age * DAY_MS;
        store.calls.put(aCall('AC1', { dateCreated }));
        store.conferences.put(aConference('AC1', { dateCreated }));
        store.recordings.put(aRecording('AC1', { dateCreated }));
        store.transcriptions.put(aTranscription('AC1', { dateCreated }));
        store.notifications.put(aNotification('AC1', { date: dateCreated }));
        store.webhookExchanges.put(aWebhookExchange('AC1', { dateCreated }));
      }
      expect(await sweep(services, never)).toEqual({
        calls: 3,
        conferences: 3,
        recordings: 1,
        deletedRecordings: 0,
        transcriptions: 1,
        notifications: 5,
        webhookExchanges: 5,
        trunkUsage: 0,
      });
      const left = async (table: 'calls' | 'recordings') => {
        const found = await store[table].list({ accountSid: 'AC1' }, all);
        return found.records.map((record) => (now - record.dateCreated) / DAY_MS);
      };
      expect(await left('calls')).toEqual([9, 6, 4]);
      expect(await left('recordings')).toEqual([19, 11, 9, 6, 4]);
    });
  });

  test('0 keeps for ever; talk time of trunks and what is known of deleted recordings have terms of their own [rest 8 recording-forty-days]', async () => {
    await withStore({ calls: 0, recordings: 0, logs: 0 }, async (store, services, now) => {
      const dateCreated = now - 9_000 * DAY_MS;
      store.calls.put(aCall('AC1', { dateCreated }));
      store.notifications.put(aNotification('AC1', { date: dateCreated }));
      const deleted = (days: number) =>
        aRecording('AC1', { dateCreated, status: 'deleted', media: null, dateDeleted: now - days * DAY_MS });
      const young = deleted(limits.deletedRecordingDays - 1);
      const live = aRecording('AC1', { dateCreated });
      for (const recording of [young, deleted(limits.deletedRecordingDays + 1), live]) store.recordings.put(recording);
      const day = (days: number) => new Date(now - days * DAY_MS).toISOString().slice(0, 10);
      for (const days of [1, 40]) {
        store.trunkUsage.put({
          sid: `${day(days)} AC1 BY1`,
          day: day(days),
          accountSid: 'AC1',
          trunkSid: 'BY1',
          seconds: 9,
        });
      }
      expect(await sweep(services, never)).toMatchObject({
        calls: 0,
        recordings: 0,
        notifications: 0,
        deletedRecordings: 1,
        trunkUsage: 1,
      });
      expect((await store.recordings.list({ accountSid: 'AC1' }, all)).records).toEqual([live, young]);
      expect(await store.trunkUsage.ofDay(day(1))).toHaveLength(1);
    });
  });

  test('media goes before its record; what cannot be removed stays, a recording under way is never touched', async () => {
    await withStore({ calls: 0, recordings: 1, logs: 0 }, async (store, services, now) => {
      const dateCreated = now - 2 * DAY_MS;
      const [gone, broken, live] = [
        aRecording('AC1', { dateCreated }),
        aRecording('AC1', { dateCreated, media: 'broken' }),
        aRecording('AC1', { dateCreated, status: 'in-progress' }),
      ] as const;
      for (const recording of [gone, broken, live]) store.recordings.put(recording);
      expect((await sweep(services, never)).recordings).toBe(1);
      expect(services.media).toEqual([gone.sid]);
      expect((await store.recordings.list({ accountSid: 'AC1' }, all)).records).toEqual([live, broken]);
      expect((await sweep(services, never)).recordings).toBe(0);
    });
  });

  test('many records go in small batches with pauses, and stop ends it between two', async () => {
    await withStore({ calls: 1, recordings: 0, logs: 0 }, async (store, services, now) => {
      const total = 2 * limits.retentionBatch + 1;
      const dateCreated = now - 2 * DAY_MS;
      for (let index = 0; index < total; index++) store.calls.put(aCall('AC1', { dateCreated }));
      await store.calls.get('CA1');
      const sizes: number[] = [];
      const stopped = new AbortController();
      const counted: RetentionServices = {
        ...services,
        store: {
          recordings: store.recordings,
          retention: {
            ...store.retention,
            async prune(table, before, size) {
              const count = await store.retention.prune(table, before, size);
              if (table === 'calls') sizes.push(count);
              if (sizes.length === 2) stopped.abort();
              return count;
            },
          },
        },
      };
      const clock = services.clock as VirtualClock;
      const first = sweep(counted, stopped.signal);
      while (!stopped.signal.aborted) {
        await new Promise((resolve) => setImmediate(resolve));
        if (clock.pendingTimers > 0) await clock.advanceAsync(limits.retentionPauseMs);
      }
      await first;
      expect(sizes).toEqual([limits.retentionBatch, limits.retentionBatch]);
      expect((await store.calls.list({ accountSid: 'AC1' }, all)).records).toHaveLength(1);
    });
  });

  test('sweeps begin a while after the start and come again, a store that is away included; stop leaves no timer', async () => {
    const clock = new VirtualClock();
    let sweeps = 0;
    const retention = startRetention({
      store: {
        recordings: { remove: async () => true },
        retention: {
          prune(table) {
            if (table === 'calls') sweeps++;
            return Promise.reject(new Error('away'));
          },
          oldestRecordings: async () => [],
        },
      },
      removeMedia: async () => {},
      days: () => ({ calls: 1, recordings: 1, logs: 1 }),
      clock,
      log: silentLog,
    });
    await clock.advanceAsync(limits.retentionFirstMs - 1);
    expect(sweeps).toBe(0);
    await clock.advanceAsync(1);
    expect(sweeps).toBe(1);
    await clock.advanceAsync(limits.retentionEveryMs);
    expect(sweeps).toBe(2);
    await retention.stop();
    await settle();
    expect(clock.pendingTimers).toBe(0);
  });
});
