// What every store must do, whatever database is behind it: run by test/unit/store/sqlite.test.ts, later by another database.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { CallRecord } from '../../src/base/records.ts';
import { type DirectoryChange, mappingKey, type Page, type PageRequest, type Store } from '../../src/store/store.ts';
import { limitsSuite } from './store-limits-suite.ts';
import {
  aBinding,
  aCall,
  aCredential,
  aCredentialList,
  aDomain,
  aMapping,
  aNotification,
  anAccount,
  anAcl,
  anIpAddress,
} from './store-records.ts';
import { voiceRecordsSuite } from './store-voice-suite.ts';

/** Opens a store on a fresh database; `reopen` opens the same one again after a close. */
export interface StoreUnderTest {
  open(): Promise<Store>;
  discard(): Promise<void>;
}

const first = (size: number): PageRequest => ({ size, cursor: null, page: 0 });

export function storeSuite(name: string, make: () => StoreUnderTest): void {
  describe(name, () => {
    let place: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      place = make();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.discard();
    });
    const reopen = async () => {
      await store.close();
      store = await place.open();
    };

    test('every kind of record comes back as it was written, after a restart too', async () => {
      const account = anAccount();
      const domain = aDomain(account.sid);
      const list = aCredentialList(account.sid, { declared: true });
      const acl = anAcl(account.sid);
      const credential = aCredential(list);
      const address = anIpAddress(acl);
      const mapping = aMapping(domain, 'callsCredentialList', list.sid);
      const call = aCall(account.sid, { parentCallSid: 'CA1', errorCode: 32009, callerName: '"Zoë" <x>' });
      const notification = aNotification(account.sid, { callSid: call.sid });
      await store.accounts.insert(account);
      await store.domains.insert(domain);
      await store.credentialLists.insert(list);
      await store.ipAccessControlLists.insert(acl);
      await store.credentials.insert(credential);
      await store.ipAddresses.insert(address);
      await store.mappings.insert(mapping);
      store.calls.put(call);
      store.notifications.put(notification);
      await reopen();
      expect(await store.accounts.get(account.sid)).toEqual(account);
      expect(await store.domains.get(domain.sid)).toEqual(domain);
      expect(await store.credentialLists.get(list.sid)).toEqual(list);
      expect(await store.ipAccessControlLists.get(acl.sid)).toEqual(acl);
      expect(await store.credentials.get(credential.sid)).toEqual(credential);
      expect(await store.ipAddresses.get(address.sid)).toEqual(address);
      expect(await store.mappings.get(domain.sid, 'callsCredentialList', list.sid)).toEqual(mapping);
      expect(await store.calls.get(call.sid)).toEqual(call);
      expect((await store.notifications.list({ callSid: call.sid }, first(5))).records).toEqual([notification]);
    });

    test('update replaces, remove removes once, both say whether there was one', async () => {
      const account = anAccount();
      await store.accounts.insert(account);
      expect(await store.accounts.update({ ...account, friendlyName: 'New', status: 'suspended' })).toBe(true);
      expect(await store.accounts.get(account.sid)).toMatchObject({ friendlyName: 'New', status: 'suspended' });
      expect(await store.accounts.update(anAccount())).toBe(false);
      expect(await store.accounts.remove(account.sid)).toBe(true);
      expect(await store.accounts.remove(account.sid)).toBe(false);
      expect(await store.accounts.get(account.sid)).toBeUndefined();
    });

    test('a name that must be unique is refused as duplicate and leaves the group beside it alone', async () => {
      const account = anAccount();
      await store.accounts.insert(account);
      const list = aCredentialList(account.sid);
      const results = await Promise.allSettled([
        store.credentialLists.insert(list),
        store.credentialLists.insert(aCredentialList(account.sid)),
        store.credentials.insert(aCredential(list)),
        store.credentials.insert(aCredential(list)),
        store.domains.insert(aDomain(account.sid)),
        store.domains.insert(aDomain(account.sid)),
      ]);
      expect(results.map((result) => (result.status === 'rejected' ? result.reason.code : 'ok'))).toEqual([
        'ok',
        'duplicate',
        'ok',
        'duplicate',
        'ok',
        'duplicate',
      ]);
      expect(await store.credentials.count({ credentialListSid: list.sid })).toBe(1);
    });

    test('a member of a list that is gone is refused as missing', async () => {
      const account = anAccount();
      await store.accounts.insert(account);
      await expect(store.credentials.insert(aCredential(aCredentialList(account.sid)))).rejects.toMatchObject({
        code: 'missing',
      });
    });

    test('removing a list removes its members, removing a domain its mappings', async () => {
      const account = anAccount();
      const domain = aDomain(account.sid);
      const list = aCredentialList(account.sid);
      await store.accounts.insert(account);
      await store.domains.insert(domain);
      await store.credentialLists.insert(list);
      await store.credentials.insert(aCredential(list));
      await store.mappings.insert(aMapping(domain, 'registrationsCredentialList', list.sid));
      await store.credentialLists.remove(list.sid);
      expect(await store.credentials.count({})).toBe(0);
      await store.domains.remove(domain.sid);
      expect((await store.mappings.list({}, first(5))).records).toEqual([]);
    });

    test('one list may be mapped to calls and to registrations; the same mapping twice is a duplicate', async () => {
      const account = anAccount();
      const domain = aDomain(account.sid);
      await store.accounts.insert(account);
      await store.domains.insert(domain);
      const calls = aMapping(domain, 'callsCredentialList', 'CL1');
      await store.mappings.insert(calls);
      await store.mappings.insert(aMapping(domain, 'registrationsCredentialList', 'CL1'));
      await expect(store.mappings.insert(calls)).rejects.toMatchObject({ code: 'duplicate' });
      expect(await store.mappings.remove(domain.sid, 'callsCredentialList', 'CL1')).toBe(true);
      const left = await store.mappings.list({ domainSid: domain.sid }, first(5));
      expect(left.records.map((mapping) => mapping.kind)).toEqual(['registrationsCredentialList']);
    });

    describe('pages (rest-api.md 7.1)', () => {
      const walk = async (size: number, between: (page: Page<CallRecord>) => Promise<void>): Promise<string[]> => {
        const sids: string[] = [];
        let cursor: string | null = null;
        for (let page = 0; ; page++) {
          const found: Page<CallRecord> = await store.calls.list({ accountSid: 'AC1' }, { size, cursor, page });
          sids.push(...found.records.map((record) => record.sid));
          if (!found.hasMore) return sids;
          cursor = found.records.at(-1)!.sid;
          await between(found);
        }
      };

      test('newest first; a walk sees each record once while others arrive and change', async () => {
        const calls = Array.from({ length: 7 }, () => aCall('AC1'));
        for (const call of calls) store.calls.put(call);
        const seen = await walk(3, async () => {
          store.calls.put(aCall('AC1'));
          store.calls.put({ ...calls[0]!, status: 'failed' });
        });
        expect(seen).toEqual(calls.map((call) => call.sid).reverse());
      });

      test('a walk that removes what it reads sees each record once', async () => {
        const calls = Array.from({ length: 7 }, () => aCall('AC1'));
        for (const call of calls) store.calls.put(call);
        const seen = await walk(2, async (page) => {
          for (const record of page.records) await store.calls.remove(record.sid);
        });
        expect(seen).toEqual(calls.map((call) => call.sid).reverse());
      });

      test('the page before a cursor is the one that a walk forward came from', async () => {
        const calls = Array.from({ length: 5 }, () => aCall('AC1'));
        for (const call of calls) store.calls.put(call);
        const list = (page: Partial<PageRequest>) =>
          store.calls.list({ accountSid: 'AC1' }, { size: 2, cursor: null, page: 0, ...page });
        const one = await list({});
        const two = await list({ cursor: one.records[1]!.sid });
        const three = await list({ cursor: two.records[1]!.sid });
        expect(three.hasMore).toBe(false);
        const back = await list({ cursor: three.records[0]!.sid, direction: 'previous' });
        expect(back.records).toEqual(two.records);
        expect(back.hasMore).toBe(true);
        const start = await list({ cursor: back.records[0]!.sid, direction: 'previous' });
        expect(start.records).toEqual(one.records);
        expect(start.hasMore).toBe(false);
      });

      test('without cursor a page is found by offset; an unknown cursor has nothing behind it', async () => {
        const calls = Array.from({ length: 5 }, () => aCall('AC1'));
        for (const call of calls) store.calls.put(call);
        const second = await store.calls.list({ accountSid: 'AC1' }, { size: 2, cursor: null, page: 1 });
        expect(second.records.map((record) => record.sid)).toEqual([calls[2]!.sid, calls[1]!.sid]);
        const nothing = await store.calls.list({ accountSid: 'AC1' }, { size: 2, cursor: 'CAunknown', page: 1 });
        expect(nothing).toEqual({ records: [], hasMore: false });
      });

      test('mappings walk by their key', async () => {
        const account = anAccount();
        const domain = aDomain(account.sid);
        await store.accounts.insert(account);
        await store.domains.insert(domain);
        const mappings = ['CL1', 'CL2', 'CL3'].map((sid) => aMapping(domain, 'callsCredentialList', sid));
        for (const mapping of mappings) await store.mappings.insert(mapping);
        const one = await store.mappings.list({ domainSid: domain.sid }, first(2));
        const two = await store.mappings.list(
          { domainSid: domain.sid },
          { ...first(2), cursor: mappingKey(one.records[1]!) },
        );
        expect([...one.records, ...two.records]).toEqual([...mappings].reverse());
      });
    });

    describe('calls', () => {
      test('a read sees what was put before it, the latest of each sid', async () => {
        const call = aCall('AC1', { status: 'ringing' });
        store.calls.put(call);
        store.calls.put({ ...call, status: 'in-progress' });
        expect((await store.calls.get(call.sid))?.status).toBe('in-progress');
        store.calls.put({ ...call, status: 'completed' });
        expect((await store.calls.list({ accountSid: 'AC1' }, first(5))).records).toEqual([
          { ...call, status: 'completed' },
        ]);
      });

      const at = (seconds: number) => Date.UTC(2026, 0, 2) + seconds * 1_000;
      const rows = [
        ['account', { accountSid: 'AC2' }, ['other']],
        ['status', { status: 'busy' }, ['busy']],
        ['parent', { parentCallSid: 'CA9' }, ['child']],
        ['to, without parameters and headers', { to: 'sip:bob@x;transport=tcp?X-A=1' }, ['busy']],
        ['to, a number', { to: '+4930123' }, ['child']],
        ['from', { from: 'client:carol' }, ['child']],
        ['start from, inclusive', { startTimeFrom: at(20) }, ['child']],
        ['start to, inclusive', { startTimeTo: at(10) }, ['busy']],
        ['start between', { startTimeFrom: at(11), startTimeTo: at(19) }, []],
        ['end from', { endTimeFrom: at(40) }, ['child']],
        ['end to: a call that did not end has none', { endTimeTo: at(40) }, ['child']],
        ['several at once', { status: 'completed', from: 'client:carol', startTimeTo: at(20) }, ['child']],
      ] as const;
      test.each(rows)('filter: %s (rest-api.md 7.3, 9.4)', async (_, filter, expected) => {
        const names = new Map<string, string>();
        const put = (label: string, over: Partial<CallRecord>) => {
          const call = aCall('AC1', { endTime: null, ...over });
          names.set(call.sid, label);
          store.calls.put(call);
        };
        put('busy', { status: 'busy', to: 'sip:bob@x?X-B=2', startTime: at(10) });
        put('child', {
          parentCallSid: 'CA9',
          to: '+4930123',
          from: 'client:carol',
          startTime: at(20),
          endTime: at(40),
        });
        put('other', { accountSid: 'AC2' });
        const found = await store.calls.list({ accountSid: 'AC1', ...filter }, first(10));
        expect(found.records.map((record) => names.get(record.sid))).toEqual(expected);
      });
    });

    test('notifications: by level and by date, both ends inclusive', async () => {
      const old = aNotification('AC1', { date: 1_000, level: 'warning' });
      const young = aNotification('AC1', { date: 2_000 });
      store.notifications.put(old);
      store.notifications.put(young);
      const list = async (where: Partial<typeof old>, range?: { from?: number; to?: number }) =>
        (await store.notifications.list(where, first(5), range)).records;
      expect(await list({ level: 'warning' })).toEqual([old]);
      expect(await list({ accountSid: 'AC1' }, { from: 2_000 })).toEqual([young]);
      expect(await list({ accountSid: 'AC1' }, { to: 1_000 })).toEqual([old]);
      expect(await list({ accountSid: 'AC2' })).toEqual([]);
    });

    describe('bindings', () => {
      test('a save replaces all bindings of its AOR and no others', async () => {
        const laptop = aBinding({ contact: 'sip:alice@192.0.2.11', instanceId: '<urn:uuid:1>', path: [] });
        const bob = aBinding({ aor: 'bob@office.sip.localhost' });
        await store.bindings.save({ aor: laptop.aor, bindings: [aBinding(), laptop] });
        await store.bindings.save({ aor: bob.aor, bindings: [bob] });
        await store.bindings.save({ aor: laptop.aor, bindings: [laptop] });
        await reopen();
        expect(await store.bindings.all()).toEqual(expect.arrayContaining([laptop, bob]));
        await store.bindings.save({ aor: laptop.aor, bindings: [] });
        expect(await store.bindings.all()).toEqual([bob]);
      });

      test('saves of one window share a commit; the last one of an AOR wins and all resolve', async () => {
        const saves = Array.from({ length: 200 }, (_, index) => {
          const binding = aBinding({ aor: `user${index % 100}@x`, cseq: index });
          return store.bindings.save({ aor: binding.aor, bindings: [binding] });
        });
        await Promise.all(saves);
        const all = await store.bindings.all();
        expect(all).toHaveLength(100);
        expect(Math.min(...all.map((binding) => binding.cseq))).toBe(100);
      });
    });

    test('directory changes are reported after the write, and not for calls', async () => {
      const seen: DirectoryChange[] = [];
      const unsubscribe = store.onDirectoryChange((change) => seen.push(change));
      const account = anAccount();
      const list = aCredentialList(account.sid);
      const credential = aCredential(list);
      await store.accounts.insert(account);
      await store.credentialLists.insert(list);
      await store.credentials.insert(credential);
      await store.credentials.remove(credential.sid);
      store.calls.put(aCall(account.sid));
      await store.calls.list({ accountSid: account.sid }, first(1));
      unsubscribe();
      await store.credentialLists.remove(list.sid);
      expect(seen).toEqual([
        { table: 'accounts', action: 'inserted', sid: account.sid, parentSid: null },
        { table: 'credentialLists', action: 'inserted', sid: list.sid, parentSid: null },
        { table: 'credentials', action: 'inserted', sid: credential.sid, parentSid: list.sid },
        { table: 'credentials', action: 'removed', sid: credential.sid, parentSid: list.sid },
      ]);
    });

    test('many records: more than one batch is written, none is lost', async () => {
      const total = limits.storeBatchRecords + 500;
      for (let index = 0; index < total; index++) store.calls.put(aCall('AC1'));
      let count = 0;
      let cursor: string | null = null;
      do {
        const page: Page<CallRecord> = await store.calls.list({ accountSid: 'AC1' }, { size: 1_000, cursor, page: 0 });
        count += page.records.length;
        cursor = page.hasMore ? page.records.at(-1)!.sid : null;
      } while (cursor !== null);
      expect(count).toBe(total);
    });

    voiceRecordsSuite(() => store, reopen);

    limitsSuite(() => store);

    test('a closed store rejects, it does not hang', async () => {
      await store.close();
      await expect(store.accounts.get('AC1')).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.bindings.save({ aor: 'a@x', bindings: [] })).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
}
