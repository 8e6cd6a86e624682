// The part of the store suite about records of the voice application layer: run for each database by store-suite.ts.

import { describe, expect, test } from 'vitest';
import type { Recording } from '../../src/base/voice-records.ts';
import type { DirectoryChange, PageRequest, Store } from '../../src/store/store.ts';
import { anAccount } from './store-records.ts';
import {
  aCallerId,
  aConference,
  aKey,
  anApplication,
  aPendingCallback,
  aQueue,
  aRecording,
  aTranscription,
  aWebhookExchange,
} from './voice-record-makers.ts';

const first = (size: number): PageRequest => ({ size, cursor: null, page: 0 });

/** `store` gives the one of the running test, `reopen` closes it and opens the same database again. */
export function voiceRecordsSuite(store: () => Store, reopen: () => Promise<void>): void {
  describe('records of the voice application layer', () => {
    test('every kind comes back as it was written, after a restart too', async () => {
      const account = anAccount();
      await store().accounts.insert(account);
      const records = {
        applications: anApplication(account.sid),
        keys: aKey(account.sid),
        outgoingCallerIds: aCallerId(account.sid),
        queues: aQueue(account.sid),
      };
      const made = {
        recordings: aRecording(account.sid),
        transcriptions: aTranscription(account.sid),
        conferences: aConference(account.sid),
        webhookExchanges: aWebhookExchange(account.sid),
      };
      await store().applications.insert(records.applications);
      await store().keys.insert(records.keys);
      await store().outgoingCallerIds.insert(records.outgoingCallerIds);
      await store().queues.insert(records.queues);
      store().recordings.put(made.recordings);
      store().transcriptions.put(made.transcriptions);
      store().conferences.put(made.conferences);
      store().webhookExchanges.put(made.webhookExchanges);
      await reopen();
      for (const [name, record] of Object.entries({ ...records, ...made })) {
        const found = await store()[name as keyof typeof records | keyof typeof made].get(record.sid);
        expect(found, name).toEqual(record);
      }
    });

    test('applications, keys and caller ids are told as changes of the directory; queues are not', async () => {
      const account = anAccount();
      await store().accounts.insert(account);
      const seen: DirectoryChange[] = [];
      store().onDirectoryChange((change) => seen.push(change));
      const key = aKey(account.sid);
      await store().keys.insert(key);
      await store().queues.insert(aQueue(account.sid));
      await store().applications.insert(anApplication(account.sid));
      await store().outgoingCallerIds.insert(aCallerId(account.sid));
      await store().keys.remove(key.sid);
      expect(seen.map((change) => `${change.table} ${change.action}`)).toEqual([
        'keys inserted',
        'applications inserted',
        'outgoingCallerIds inserted',
        'keys removed',
      ]);
    });

    test('two queues of one account with one name, and one caller id twice, are duplicates; of two accounts they are not', async () => {
      const [one, two] = [anAccount(), anAccount()];
      await store().accounts.insert(one);
      await store().accounts.insert(two);
      await store().queues.insert(aQueue(one.sid));
      await store().queues.insert(aQueue(two.sid));
      await expect(store().queues.insert(aQueue(one.sid))).rejects.toMatchObject({ code: 'duplicate' });
      await store().outgoingCallerIds.insert(aCallerId(one.sid));
      await store().outgoingCallerIds.insert(aCallerId(two.sid));
      await expect(store().outgoingCallerIds.insert(aCallerId(one.sid))).rejects.toMatchObject({ code: 'duplicate' });
    });

    test('a recording that is put, updated durably and removed: each step sees the one before', async () => {
      const recording = aRecording('AC1', { status: 'in-progress', durationSeconds: null });
      store().recordings.put(recording);
      expect(await store().recordings.update({ ...recording, status: 'processing' })).toBe(true);
      expect((await store().recordings.get(recording.sid))?.status).toBe('processing');
      store().recordings.put({ ...recording, status: 'completed' });
      expect(await store().recordings.count({ status: 'completed' })).toBe(1);
      store().recordings.put({ ...recording, status: 'failed' });
      expect(await store().recordings.remove(recording.sid)).toBe(true);
      expect(await store().recordings.remove(recording.sid)).toBe(false);
      expect(await store().recordings.update(recording)).toBe(false);
      await reopen();
      expect(await store().recordings.get(recording.sid)).toBeUndefined();
      await store().recordings.insert(recording);
      await expect(store().recordings.insert(recording)).rejects.toMatchObject({ code: 'duplicate' });
    });

    const filters = [
      ['account', { accountSid: 'AC2' }, {}, ['other']],
      ['call', { callSid: 'CA9' }, {}, ['late']],
      ['conference', { conferenceSid: 'CF9' }, {}, ['early']],
      ['no conference', { accountSid: 'AC1', conferenceSid: null }, {}, ['late']],
      ['source', { source: 'Conference' }, {}, ['early']],
      ['status', { accountSid: 'AC1', status: 'absent' }, {}, ['late']],
      ['created from, inclusive', { accountSid: 'AC1' }, { from: 2_000 }, ['late']],
      ['created to, inclusive', { accountSid: 'AC1' }, { to: 1_000 }, ['early']],
      ['created between', { accountSid: 'AC1' }, { from: 1_001, to: 1_999 }, []],
    ] as const;
    test.each(filters)('recordings by %s [rest 7.3 recordings]', async (_, where, created, expected) => {
      const labels = new Map<string, string>();
      const put = (label: string, over: Partial<Recording>) => {
        const recording = aRecording('AC1', over);
        labels.set(recording.sid, label);
        store().recordings.put(recording);
      };
      put('early', { conferenceSid: 'CF9', source: 'Conference', dateCreated: 1_000 });
      put('late', { callSid: 'CA9', status: 'absent', dateCreated: 2_000 });
      put('other', { accountSid: 'AC2' });
      const found = await store().recordings.list(where, first(10), created);
      expect(found.records.map((record) => labels.get(record.sid))).toEqual(expected);
    });

    test('conferences by status, name and both dates [rest 7.3 conferences]', async () => {
      const old = aConference('AC1', { friendlyName: 'A', dateCreated: 1_000, dateUpdated: 5_000 });
      const young = aConference('AC1', { status: 'in-progress', dateCreated: 2_000, dateUpdated: 2_000 });
      store().conferences.put(old);
      store().conferences.put(young);
      const list = async (...[where, created, updated]: readonly [object, object?, object?]) =>
        (await store().conferences.list(where, first(5), created, updated)).records;
      expect(await list({ status: 'in-progress' })).toEqual([young]);
      expect(await list({ accountSid: 'AC1', friendlyName: 'A' })).toEqual([old]);
      expect(await list({}, { from: 1_500 })).toEqual([young]);
      expect(await list({}, {}, { from: 5_000 })).toEqual([old]);
      expect(await list({}, { to: 1_000 }, { to: 4_999 })).toEqual([]);
    });

    test('a walk over recordings that removes what it reads sees each once', async () => {
      const recordings = Array.from({ length: 5 }, () => aRecording('AC1'));
      for (const recording of recordings) store().recordings.put(recording);
      const seen: string[] = [];
      let cursor: string | null = null;
      for (;;) {
        const page = await store().recordings.list({ accountSid: 'AC1' }, { size: 2, cursor, page: 0 });
        for (const { sid } of page.records) {
          seen.push(sid);
          await store().recordings.remove(sid);
        }
        cursor = page.records.at(-1)?.sid ?? null;
        if (!page.hasMore) break;
      }
      expect(seen).toEqual(recordings.map((recording) => recording.sid).reverse());
    });

    test('callbacks that were not sent outlive a restart, in the order of each key; those that were are gone', async () => {
      const callback = (orderKey: string, position: number) => aPendingCallback('AC1', { orderKey, position });
      const [two, one, other, done] = [callback('a', 10), callback('a', 9), callback('b', 1), callback('a', 1)];
      for (const one of [two, done, other]) store().pendingCallbacks.put(one);
      store().pendingCallbacks.put(one);
      await store().pendingCallbacks.all();
      store().pendingCallbacks.remove(done.sid);
      store().pendingCallbacks.put({ ...one, attempts: 3 });
      store().pendingCallbacks.remove('WX-never-put');
      await reopen();
      expect(await store().pendingCallbacks.all()).toEqual([{ ...one, attempts: 3 }, two, other]);
    });
  });
}
