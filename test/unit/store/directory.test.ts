import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Directory } from '../../../src/access/directory.ts';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createDirectory, type StoreDirectory } from '../../../src/store/directory.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  aCredential,
  aCredentialList,
  aDomain,
  aMapping,
  anAccount,
  anAcl,
  anIpAddress,
} from '../../support/store-records.ts';
import { openTempStore, type TempStore } from '../../support/temp-store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

describe('directory (design.md 7)', () => {
  let temp: TempStore;
  let store: Store;
  let directory: StoreDirectory;
  const clock = new VirtualClock();
  const account = anAccount();
  const domain = aDomain(account.sid);
  const list = aCredentialList(account.sid);
  const acl = anAcl(account.sid);

  beforeEach(async () => {
    temp = await openTempStore();
    store = temp.store;
    await store.accounts.insert(account);
    await store.domains.insert(domain);
    await store.credentialLists.insert(list);
    await store.ipAccessControlLists.insert(acl);
    directory = await createDirectory(store, { clock, log: silentLog });
  });
  afterEach(async () => {
    directory.stop();
    await temp.discard();
  });

  test('implements the port of access/ and has what was there at the start', () => {
    const port: Directory = directory;
    expect(port.domainByName('office.sip.localhost')).toMatchObject({ domain, account });
    expect(port.domainBySid(domain.sid)?.domain).toEqual(domain);
    expect(port.accountBySid(account.sid)).toEqual(account);
    expect(port.domainNames()).toEqual(['office.sip.localhost']);
    expect(port.domainByName('other.sip.localhost')).toBeUndefined();
  });

  test('nothing mapped = null; a mapped empty list = nobody (sip-interface.md 1.2)', async () => {
    expect(directory.domainBySid(domain.sid)).toMatchObject({
      callAcl: null,
      callCredentials: null,
      registrationCredentials: null,
    });
    await store.mappings.insert(aMapping(domain, 'callsIpAccessControlList', acl.sid));
    await store.mappings.insert(aMapping(domain, 'callsCredentialList', list.sid));
    await directory.refresh();
    const access = directory.domainBySid(domain.sid);
    expect(access?.callAcl).toEqual([]);
    expect(access?.callCredentials?.('alice')).toEqual([]);
    expect(access?.registrationCredentials).toBeNull();
  });

  test('a user name may stand in several mapped lists; case counts', async () => {
    const second = aCredentialList(account.sid, { friendlyName: 'Second' });
    await store.credentialLists.insert(second);
    const ha1 = (md5: string) => [{ realm: 'r', md5, sha256: md5 }];
    await store.credentials.insert(aCredential(list, { ha1: ha1('1') }));
    await store.credentials.insert(aCredential(second, { ha1: ha1('2') }));
    for (const sid of [list.sid, second.sid])
      await store.mappings.insert(aMapping(domain, 'registrationsCredentialList', sid));
    await directory.refresh();
    const lookup = directory.domainBySid(domain.sid)?.registrationCredentials;
    expect(
      lookup?.('alice')
        .map((one) => one.md5)
        .sort(),
    ).toEqual(['1', '2']);
    expect(lookup?.('Alice')).toEqual([]);
  });

  test('addresses, changes and removals of members and lists show after refresh; a reader keeps what it holds', async () => {
    const address = anIpAddress(acl);
    const credential = aCredential(list);
    await store.ipAddresses.insert(address);
    await store.credentials.insert(credential);
    await store.mappings.insert(aMapping(domain, 'callsIpAccessControlList', acl.sid));
    await store.mappings.insert(aMapping(domain, 'callsCredentialList', list.sid));
    await directory.refresh();
    const before = directory.domainBySid(domain.sid);
    expect(before?.callAcl).toEqual([{ ipAddress: '192.0.2.7', cidrPrefixLength: 32 }]);
    await store.ipAddresses.update({ ...address, cidrPrefixLength: 24 });
    await store.credentials.remove(credential.sid);
    await directory.refresh();
    const after = directory.domainBySid(domain.sid);
    expect(after?.callAcl).toEqual([{ ipAddress: '192.0.2.7', cidrPrefixLength: 24 }]);
    expect(after?.callCredentials?.('alice')).toEqual([]);
    expect(before?.callCredentials?.('alice')).toHaveLength(1);
    await store.ipAccessControlLists.remove(acl.sid);
    await store.domains.remove(domain.sid);
    await directory.refresh();
    expect(directory.domainNames()).toEqual([]);
  });

  test('changes are taken up by themselves, many within the window by one reading', async () => {
    let reads = 0;
    const counting: Store = {
      ...store,
      credentials: {
        ...store.credentials,
        list: (...parameters) => {
          reads++;
          return store.credentials.list(...parameters);
        },
      },
    };
    const watched = await createDirectory(counting, { clock, log: silentLog });
    await store.mappings.insert(aMapping(domain, 'callsCredentialList', list.sid));
    for (let index = 0; index < 20; index++)
      await store.credentials.insert(aCredential(list, { username: `user${index}` }));
    reads = 0;
    clock.advance(limits.directoryDebounceMs);
    await watched.refresh();
    expect(watched.domainBySid(domain.sid)?.callCredentials?.('user19')).toHaveLength(1);
    expect(reads).toBe(1);
    watched.stop();
  });

  test('a store that cannot be read leaves the old directory, and the change is taken up later', async () => {
    let isBroken = false;
    const flaky: Store = {
      ...store,
      domains: {
        ...store.domains,
        list: (...parameters) => (isBroken ? Promise.reject(new Error('disk')) : store.domains.list(...parameters)),
      },
    };
    const watched = await createDirectory(flaky, { clock, log: silentLog });
    isBroken = true;
    await store.domains.insert(aDomain(account.sid, { domainName: 'new.sip.localhost' }));
    await expect(watched.refresh()).rejects.toThrow('disk');
    expect(watched.domainNames()).toEqual(['office.sip.localhost']);
    isBroken = false;
    clock.advance(limits.storeRetryMs);
    await watched.refresh();
    expect(watched.domainByName('new.sip.localhost')).toBeDefined();
    watched.stop();
  });

  test('stop leaves no timer and no listener', async () => {
    await store.accounts.update({ ...account, friendlyName: 'x' });
    directory.stop();
    expect(clock.pendingTimers).toBe(0);
    await store.accounts.update({ ...account, friendlyName: 'y' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('1,000 users in each of several lists are found by map, not by search', async () => {
    const lists = Array.from({ length: 3 }, (_, index) => aCredentialList(account.sid, { friendlyName: `L${index}` }));
    for (const one of lists) await store.credentialLists.insert(one);
    await Promise.all(
      lists.flatMap((one) =>
        Array.from({ length: 1_000 }, (_, index) =>
          store.credentials.insert(aCredential(one, { username: `u${index}` })),
        ),
      ),
    );
    for (const one of lists) await store.mappings.insert(aMapping(domain, 'registrationsCredentialList', one.sid));
    await directory.refresh();
    const lookup = directory.domainBySid(domain.sid)?.registrationCredentials;
    for (let index = 0; index < 1_000; index++) expect(lookup?.(`u${index}`)).toHaveLength(3);
  });
});
