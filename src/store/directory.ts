// The directory: domains, accounts, address lists and HA1s in memory, for the call path, which may not wait for a database
// (design.md 7). Each part is loaded at start and renewed when the store says that it changed; a reader sees the old directory or the
// new one, never a mixture.
//
//   change ─▶ dirty part ─▶ (20 ms) ─▶ read what is dirty ─▶ build ─▶ swap

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type {
  Account,
  ByocTrunk,
  Credential,
  Domain,
  DomainMapping,
  IpAddress,
  PhoneNumber,
  PolicyTarget,
  StoredHa1,
} from '../base/records.ts';
import type { Application } from '../base/voice-records.ts';
import {
  callerIdKey,
  indexTrunks,
  loadTrunkParts,
  noTrunkParts,
  type TrunkIndex,
  type TrunkParts,
} from './directory-trunks.ts';
import type { DirectoryChange, DirectoryTable, Store } from './store.ts';
import { mappingKey } from './store.ts';
import { allPages, sidOf } from './walk.ts';

// The same shapes as the port in access/directory.ts, which this folder may not import.
export interface AclEntry {
  readonly ipAddress: string;
  readonly cidrPrefixLength: number;
}

export type CredentialLookup = (username: string) => readonly StoredHa1[];

export interface DomainAccess {
  readonly domain: Domain;
  readonly account: Account;
  readonly callAcl: readonly AclEntry[] | null;
  readonly callCredentials: CredentialLookup | null;
  readonly registrationCredentials: CredentialLookup | null;
}

export interface StoreDirectory {
  domainByName(name: string): DomainAccess | undefined;
  domainBySid(sid: string): DomainAccess | undefined;
  accountBySid(sid: string): Account | undefined;
  domainNames(): readonly string[];
  /** The domain that a source address is mapped to (sip-interface.md 7), whatever a request from it says. */
  domainForSource(sourceAddress: string): DomainAccess | undefined;
  byocTrunk(sid: string): ByocTrunk | undefined;
  byocTrunks(): readonly ByocTrunk[];
  /** All targets of a policy, switched off ones too. */
  policyTargets(connectionPolicySid: string): readonly PolicyTarget[];
  /** By E.164 number. */
  phoneNumber(number: string): PhoneNumber | undefined;
  phoneNumberBySid(sid: string): PhoneNumber | undefined;
  /** The number that the account has had for longest. */
  numberOfAccount(accountSid: string): PhoneNumber | undefined;
  application(sid: string): Application | undefined;
  /** Whether the account proved that the E.164 number is its own. */
  hasCallerId(accountSid: string, number: string): boolean;
  /** Domains whose calls belong to the trunk, the oldest first. */
  domainsOfTrunk(trunkSid: string): readonly Domain[];
  /** Resolves when every change that was reported before this call can be read. Rejects when the store cannot be read. */
  refresh(): Promise<void>;
  stop(): void;
}

type Users = ReadonlyMap<string, readonly StoredHa1[]>;

/** What was read, by part; replaced part by part, then indexed into a Snapshot. */
interface Parts {
  accounts: readonly Account[];
  domains: readonly Domain[];
  mappings: readonly DomainMapping[];
  users: Map<string, Users>;
  addresses: Map<string, readonly AclEntry[]>;
  trunks: TrunkParts;
}

interface Snapshot {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly byName: ReadonlyMap<string, DomainAccess>;
  readonly bySid: ReadonlyMap<string, DomainAccess>;
  readonly names: readonly string[];
  readonly trunks: TrunkIndex;
}

/** Loads the directory. Rejects with the store's fault when it cannot be read. */
export async function createDirectory(
  store: Store,
  context: { readonly clock: Clock; readonly log: Log },
): Promise<StoreDirectory> {
  const log = context.log.child({ folder: 'store' });
  const parts: Parts = {
    accounts: [],
    domains: [],
    mappings: [],
    users: new Map(),
    addresses: new Map(),
    trunks: noTrunkParts,
  };
  // Null = nothing was read yet: everything is to be read.
  let dirty: DirectoryChange[] | null = null;
  let timer: Timer | undefined;
  let stopped = false;
  let snapshot: Snapshot = index(parts);
  let renewing: Promise<void> = Promise.resolve();

  const renew = async (): Promise<void> => {
    const changes = dirty;
    if (changes?.length === 0) return;
    dirty = [];
    try {
      await load(store, parts, changes);
      snapshot = index(parts);
    } catch (fault) {
      dirty = changes && dirty && [...changes, ...dirty];
      if (!stopped) later(limits.storeRetryMs);
      throw fault;
    }
  };
  // One renewal after the other: two at once could put an older reading over a newer one.
  const refresh = (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    renewing = renewing.then(renew, renew);
    return renewing;
  };
  const later = (delayMs: number): void => {
    timer ??= context.clock.after(delayMs, () => {
      refresh().catch((fault: unknown) => {
        log.error({ reason: fault instanceof Error ? fault.message : fault }, 'directory could not be renewed');
      });
    });
  };
  const unsubscribe = store.onDirectoryChange((change) => {
    if (change.action === 'unknown') dirty = null;
    dirty?.push(change);
    later(limits.directoryDebounceMs);
  });
  try {
    await refresh();
  } catch (fault) {
    stopped = true;
    unsubscribe();
    timer?.cancel();
    throw fault;
  }
  return {
    domainByName: (name) => snapshot.byName.get(name),
    domainBySid: (sid) => snapshot.bySid.get(sid),
    accountBySid: (sid) => snapshot.accounts.get(sid),
    domainNames: () => snapshot.names,
    domainForSource(sourceAddress) {
      const sid = snapshot.trunks.domainSidForSource(sourceAddress);
      return sid === undefined ? undefined : snapshot.bySid.get(sid);
    },
    byocTrunk: (sid) => snapshot.trunks.trunks.get(sid),
    byocTrunks: () => [...snapshot.trunks.trunks.values()],
    policyTargets: (sid) => snapshot.trunks.targets.get(sid) ?? [],
    phoneNumber: (number) => snapshot.trunks.numbers.get(number),
    phoneNumberBySid: (sid) => [...snapshot.trunks.numbers.values()].find((number) => number.sid === sid),
    numberOfAccount: (sid) => [...snapshot.trunks.numbers.values()].findLast((number) => number.accountSid === sid),
    application: (sid) => snapshot.trunks.applications.get(sid),
    hasCallerId: (accountSid, number) => snapshot.trunks.callerIds.has(callerIdKey(accountSid, number)),
    domainsOfTrunk: (sid) =>
      [...snapshot.bySid.values()]
        .map((access) => access.domain)
        .filter((domain) => domain.byocTrunkSid === sid)
        .reverse(),
    refresh,
    stop() {
      stopped = true;
      unsubscribe();
      timer?.cancel();
      timer = undefined;
    },
  };
}

/** Reads the parts that changed (all when `changes` is null); of credentials and addresses only the lists that changed. */
async function load(store: Store, parts: Parts, changes: readonly DirectoryChange[] | null): Promise<void> {
  const changed = (...names: DirectoryTable[]) =>
    changes === null || changes.some((change) => names.includes(change.table));
  if (changed('accounts')) parts.accounts = await allPages((page) => store.accounts.list({}, page), sidOf);
  if (changed('domains')) parts.domains = await allPages((page) => store.domains.list({}, page), sidOf);
  parts.trunks = await loadTrunkParts(store, parts.trunks, changes);
  // A removed domain takes its mappings along.
  if (changed('mappings', 'domains'))
    parts.mappings = await allPages((page) => store.mappings.list({}, page), mappingKey);
  const users = async (where: { readonly credentialListSid?: string }) =>
    grouped(
      await allPages<Credential>((page) => store.credentials.list(where, page), sidOf),
      (credential) => credential.credentialListSid,
      usersOf,
    );
  const addresses = async (where: { readonly ipAccessControlListSid?: string }) =>
    grouped(
      await allPages<IpAddress>((page) => store.ipAddresses.list(where, page), sidOf),
      (address) => address.ipAccessControlListSid,
      entriesOf,
    );
  if (changes === null) {
    parts.users = await users({});
    parts.addresses = await addresses({});
    return;
  }
  await reload(parts.users, changes, ['credentials', 'credentialLists'], (sid) => users({ credentialListSid: sid }));
  await reload(parts.addresses, changes, ['ipAddresses', 'ipAccessControlLists'], (sid) =>
    addresses({ ipAccessControlListSid: sid }),
  );
}

/** Reads the lists again of which a member changed, and drops those that were removed. */
async function reload<Value>(
  groups: Map<string, Value>,
  changes: readonly DirectoryChange[],
  [memberTable, listTable]: readonly [DirectoryTable, DirectoryTable],
  read: (sid: string) => Promise<ReadonlyMap<string, Value>>,
): Promise<void> {
  const lists = new Set<string>();
  for (const change of changes) {
    if (change.table === memberTable && change.parentSid !== null) lists.add(change.parentSid);
    if (change.table === listTable && change.action === 'removed') lists.add(change.sid);
  }
  for (const sid of lists) {
    const value = (await read(sid)).get(sid);
    if (value === undefined) groups.delete(sid);
    else groups.set(sid, value);
  }
}

function grouped<T, Value>(
  records: readonly T[],
  groupOf: (record: T) => string,
  toValue: (records: readonly T[]) => Value,
): Map<string, Value> {
  const groups = new Map<string, Value>();
  for (const [sid, members] of Map.groupBy(records, groupOf)) groups.set(sid, toValue(members));
  return groups;
}

const usersOf = (credentials: readonly Credential[]): Users =>
  new Map(credentials.map((credential) => [credential.username, credential.ha1]));

const entriesOf = (addresses: readonly IpAddress[]): readonly AclEntry[] =>
  addresses.map(({ ipAddress, cidrPrefixLength }) => ({ ipAddress, cidrPrefixLength }));

function index(parts: Parts): Snapshot {
  const accounts = new Map(parts.accounts.map((account) => [account.sid, account]));
  const mappings = Map.groupBy(parts.mappings, (mapping) => mapping.domainSid);
  const byName = new Map<string, DomainAccess>();
  const bySid = new Map<string, DomainAccess>();
  for (const domain of parts.domains) {
    const account = accounts.get(domain.accountSid);
    if (!account) continue;
    const access = accessOf(domain, account, mappings.get(domain.sid) ?? [], parts);
    byName.set(domain.domainName, access);
    bySid.set(domain.sid, access);
  }
  return { accounts, byName, bySid, names: [...byName.keys()], trunks: indexTrunks(parts.trunks) };
}

function accessOf(
  domain: Domain,
  account: Account,
  mappings: readonly DomainMapping[],
  parts: Readonly<Parts>,
): DomainAccess {
  const listsOf = (kind: DomainMapping['kind']) =>
    mappings.filter((mapping) => mapping.kind === kind).map((mapping) => mapping.listSid);
  const acls = listsOf('callsIpAccessControlList');
  return {
    domain,
    account,
    callAcl: acls.length > 0 ? acls.flatMap((sid) => parts.addresses.get(sid) ?? []) : null,
    callCredentials: lookupIn(listsOf('callsCredentialList'), parts.users),
    registrationCredentials: lookupIn(listsOf('registrationsCredentialList'), parts.users),
  };
}

const NOBODY: ReturnType<CredentialLookup> = [];

/** Null without a mapping; a mapped list without users finds nobody. The lists are held, not the map: a swap must not show through. */
function lookupIn(lists: readonly string[], users: ReadonlyMap<string, Users>): CredentialLookup | null {
  if (lists.length === 0) return null;
  const mapped = lists.map((sid) => users.get(sid)).filter((list) => list !== undefined);
  const [only] = mapped;
  if (only && mapped.length === 1) return (username) => only.get(username) ?? NOBODY;
  return (username) => mapped.flatMap((list) => list.get(username) ?? []);
}
