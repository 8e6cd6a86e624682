// Declared objects: hookswitch.yaml (and the demo) says which domains, credential lists and IP access control lists there are; this
// brings the store there, again and again with the same result (design.md 4). Only objects marked `declared` are ever changed or
// removed: what was made over REST is left alone, and a declared object whose name REST has taken is reported and skipped.
//
//   declared ─▶ plan per table (by name): make / change / leave / remove ─▶ store        lists first, then domains, then mappings

import type { Clock } from '../base/clock.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type {
  ByocTrunk,
  Credential,
  CredentialList,
  Domain,
  DomainMapping,
  IpAccessControlList,
  IpAddress,
  MappingKind,
} from '../base/records.ts';
import {
  type DeclaredCredentialList,
  type DeclaredDomain,
  type DeclaredIpAccessControlList,
  type DeclaredObjects,
  settingsOf,
  splitCidr,
} from './declared.ts';
import { bringApplications, bringNumbers, bringSources, bringTrunks } from './provision-trunks.ts';
import { Reconciler } from './reconcile.ts';
import { digestHa1 } from './secrets.ts';
import { mappingKey, type Store } from './store.ts';
import { allPages, sidOf } from './walk.ts';

export type {
  DeclaredCredentialList,
  DeclaredDomain,
  DeclaredIpAccessControlList,
  DeclaredObjects,
} from './declared.ts';

export interface ProvisionContext {
  readonly accountSid: string;
  readonly realm: string;
  readonly clock: Pick<Clock, 'wall'>;
  readonly random: RandomSource;
  readonly log: Log;
}

/** Objects counted: domains, lists, credentials, addresses, mappings. */
export interface ProvisionCounts {
  readonly created: number;
  readonly updated: number;
  readonly removed: number;
  readonly unchanged: number;
}

/**
 * Makes the store hold what is declared for one account. Idempotent. Rejects with the store's fault when it cannot be written; what was
 * applied until then stays, and the next run completes it.
 */
export async function applyDeclared(
  store: Store,
  declared: DeclaredObjects,
  context: ProvisionContext,
): Promise<ProvisionCounts> {
  const run = new Run(store, context);
  const present = await readPresent(store, context.accountSid);
  const credentialLists = await run.lists(
    store.credentialLists,
    present.credentialLists,
    declared.credentialLists,
    'CL',
  );
  const acls = await run.lists(
    store.ipAccessControlLists,
    present.ipAccessControlLists,
    declared.ipAccessControlLists,
    'AL',
  );
  const realms = [...new Set([context.realm, ...present.domains.map((domain) => domain.realm)])];
  for (const list of declared.credentialLists) {
    const owner = credentialLists.get(list.name);
    if (owner?.declared) await run.users(owner, list, realms);
  }
  for (const list of declared.ipAccessControlLists) {
    const owner = acls.get(list.name);
    if (owner?.declared) await run.addresses(owner, list);
  }
  const reconciler = new Reconciler(context);
  const { trunks = [], applications = [], numbers = [] } = declared;
  const { accountSid } = context;
  const byName = await bringTrunks(store, accountSid, trunks, present.domains, reconciler);
  run.trunks = byName;
  const domains = await run.domains(present.domains, declared.domains);
  await bringSources(store, accountSid, declared.domains, domains, reconciler);
  const named = await bringApplications(store, accountSid, applications, reconciler);
  await bringNumbers(store, accountSid, numbers, named, reconciler);
  await run.mappings(domains, declared.domains, credentialLists, acls);
  await run.removeDomains(present.domains, declared.domains);
  await run.removeLists(store.credentialLists, present.credentialLists, declared.credentialLists);
  await run.removeLists(store.ipAccessControlLists, present.ipAccessControlLists, declared.ipAccessControlLists);
  return sumOf(run.counts, reconciler.counts);
}

const sumOf = (a: ProvisionCounts, b: ProvisionCounts): ProvisionCounts => ({
  created: a.created + b.created,
  updated: a.updated + b.updated,
  removed: a.removed + b.removed,
  unchanged: a.unchanged + b.unchanged,
});

type NamedList = CredentialList | IpAccessControlList;

interface Present {
  readonly domains: readonly Domain[];
  readonly credentialLists: readonly CredentialList[];
  readonly ipAccessControlLists: readonly IpAccessControlList[];
}

async function readPresent(store: Store, accountSid: string): Promise<Present> {
  return {
    domains: await allPages((page) => store.domains.list({ accountSid }, page), sidOf),
    credentialLists: await allPages((page) => store.credentialLists.list({ accountSid }, page), sidOf),
    ipAccessControlLists: await allPages((page) => store.ipAccessControlLists.list({ accountSid }, page), sidOf),
  };
}

/** One application of the declaration: counts, and the steps in the order in which applyDeclared takes them. */
class Run {
  readonly #store: Store;
  readonly #context: ProvisionContext;
  readonly #counts = { created: 0, updated: 0, removed: 0, unchanged: 0 };
  /** Declared trunks by name. */
  trunks: ReadonlyMap<string, ByocTrunk> = new Map();

  constructor(store: Store, context: ProvisionContext) {
    this.#store = store;
    this.#context = context;
  }

  get counts(): ProvisionCounts {
    return { ...this.#counts };
  }

  /** Makes lists that are missing. Returns all lists of the account by name. */
  async lists<T extends NamedList>(
    repository: { insert(record: T): Promise<void> },
    present: readonly T[],
    declared: readonly { readonly name: string }[],
    prefix: 'CL' | 'AL',
  ): Promise<ReadonlyMap<string, NamedList>> {
    const byName = new Map<string, NamedList>(present.map((list) => [list.friendlyName, list]));
    for (const { name } of declared) {
      const found = byName.get(name);
      if (found) {
        if (found.declared) this.#counts.unchanged++;
        else this.#taken('list', name);
        continue;
      }
      const list = { ...this.#stamp(prefix), friendlyName: name, declared: true };
      await repository.insert(list as unknown as T);
      byName.set(name, list);
      this.#counts.created++;
    }
    return byName;
  }

  async users(list: NamedList, declared: DeclaredCredentialList, realms: readonly string[]): Promise<void> {
    const credentials = this.#store.credentials;
    const where = { credentialListSid: list.sid };
    const present = await allPages((page) => credentials.list(where, page), sidOf);
    const wanted = new Map(declared.users.map((user) => [user.username, user.password]));
    const writes: Promise<unknown>[] = [];
    for (const credential of present) {
      const password = wanted.get(credential.username);
      wanted.delete(credential.username);
      if (password === undefined) {
        writes.push(this.#removed(credentials.remove(credential.sid)));
        continue;
      }
      const ha1 = digestHa1(credential.username, password, realms);
      // The password itself is not kept: it changed when its HA1 is another one, or when a realm has none yet.
      const isSame = ha1.every((one) =>
        credential.ha1.some((stored) => stored.realm === one.realm && stored.sha256 === one.sha256),
      );
      if (isSame) this.#counts.unchanged++;
      else
        writes.push(this.#updated(credentials.update({ ...credential, ha1, dateUpdated: this.#context.clock.wall() })));
    }
    for (const [username, password] of wanted) {
      const ha1 = digestHa1(username, password, realms);
      const credential: Credential = { ...this.#stamp('CR'), credentialListSid: list.sid, username, ha1 };
      writes.push(this.#created(credentials.insert(credential)));
    }
    // Asked for in one turn, so that they share a commit: a thousand users are one fsync.
    await Promise.all(writes);
  }

  async addresses(list: NamedList, declared: DeclaredIpAccessControlList): Promise<void> {
    const addresses = this.#store.ipAddresses;
    const where = { ipAccessControlListSid: list.sid };
    const present = await allPages((page) => addresses.list(where, page), sidOf);
    const wanted = new Map(declared.addresses.map((text) => [text, splitCidr(text)]));
    const writes: Promise<unknown>[] = [];
    for (const address of present) {
      const name = [...wanted].find(
        ([, cidr]) => cidr.address === address.ipAddress && cidr.prefixLength === address.cidrPrefixLength,
      )?.[0];
      if (name === undefined) writes.push(this.#removed(addresses.remove(address.sid)));
      else {
        wanted.delete(name);
        this.#counts.unchanged++;
      }
    }
    for (const [text, cidr] of wanted) {
      const address: IpAddress = {
        ...this.#stamp('IP'),
        ipAccessControlListSid: list.sid,
        friendlyName: text,
        ipAddress: cidr.address,
        cidrPrefixLength: cidr.prefixLength,
      };
      writes.push(this.#created(addresses.insert(address)));
    }
    await Promise.all(writes);
  }

  /** Returns the declared domains that are ours to change, by name. */
  async domains(present: readonly Domain[], declared: readonly DeclaredDomain[]): Promise<ReadonlyMap<string, Domain>> {
    const byName = new Map(present.map((domain) => [domain.domainName, domain]));
    const ours = new Map<string, Domain>();
    for (const one of declared) {
      const name = one.name.toLowerCase();
      const found = byName.get(name);
      if (found && !found.declared) {
        this.#taken('domain', name);
        continue;
      }
      const domain = found ? await this.#changeDomain(found, one) : await this.#makeDomain(name, one);
      if (domain) ours.set(name, domain);
    }
    return ours;
  }

  async mappings(
    domains: ReadonlyMap<string, Domain>,
    declared: readonly DeclaredDomain[],
    credentialLists: ReadonlyMap<string, NamedList>,
    acls: ReadonlyMap<string, NamedList>,
  ): Promise<void> {
    for (const one of declared) {
      const domain = domains.get(one.name.toLowerCase());
      if (!domain) continue;
      const wanted: DomainMapping[] = [
        ...this.#mappingsTo(domain, 'callsIpAccessControlList', one.ipAccessControlLists, acls),
        ...this.#mappingsTo(domain, 'callsCredentialList', one.credentialLists, credentialLists),
        ...this.#mappingsTo(domain, 'registrationsCredentialList', one.registrationCredentialLists, credentialLists),
      ];
      await this.#bringMappings(domain, wanted);
    }
  }

  async removeDomains(present: readonly Domain[], declared: readonly DeclaredDomain[]): Promise<void> {
    const names = new Set(declared.map((domain) => domain.name.toLowerCase()));
    for (const domain of present)
      if (domain.declared && !names.has(domain.domainName)) await this.#removed(this.#store.domains.remove(domain.sid));
  }

  /** A list that a REST-made domain still uses stays: taking it away would open or close that domain behind its owner's back. */
  async removeLists<T extends NamedList>(
    repository: { remove(sid: string): Promise<boolean> },
    present: readonly T[],
    declared: readonly { readonly name: string }[],
  ): Promise<void> {
    const names = new Set(declared.map((list) => list.name));
    for (const list of present) {
      if (!list.declared || names.has(list.friendlyName)) continue;
      const used = await this.#store.mappings.list({ listSid: list.sid }, { size: 1, cursor: null, page: 0 });
      if (used.records.length === 0) await this.#removed(repository.remove(list.sid));
      else
        this.#context.log.warn(
          { list: list.friendlyName },
          'list is no longer declared, but a domain made over REST uses it',
        );
    }
  }

  async #makeDomain(name: string, declared: DeclaredDomain): Promise<Domain | undefined> {
    const domain: Domain = {
      ...this.#stamp('SD'),
      domainName: name,
      realm: this.#context.realm,
      emergencyCallingEnabled: false,
      emergencyCallerSid: null,
      emergencyAddress: null,
      declared: true,
      ...settingsOf(declared),
      byocTrunkSid: this.#trunkSidOf(declared),
    };
    try {
      await this.#store.domains.insert(domain);
    } catch (fault) {
      // Names are unique over all accounts: another account has it.
      if (!(fault instanceof Error && 'code' in fault && fault.code === 'duplicate')) throw fault;
      this.#taken('domain', name);
      return undefined;
    }
    this.#counts.created++;
    return domain;
  }

  async #changeDomain(present: Domain, declared: DeclaredDomain): Promise<Domain> {
    const wanted: Domain = { ...present, ...settingsOf(declared), byocTrunkSid: this.#trunkSidOf(declared) };
    const fields = Object.keys(wanted) as (keyof Domain)[];
    if (fields.every((field) => wanted[field] === present[field])) {
      this.#counts.unchanged++;
      return present;
    }
    const domain = { ...wanted, dateUpdated: this.#context.clock.wall() };
    await this.#updated(this.#store.domains.update(domain));
    return domain;
  }

  #trunkSidOf({ name, byocTrunk }: DeclaredDomain): string | null {
    const trunk = byocTrunk === undefined ? undefined : this.trunks.get(byocTrunk);
    if (byocTrunk !== undefined && !trunk)
      this.#context.log.error({ domain: name, trunk: byocTrunk }, 'declared domain names a trunk that does not exist');
    return trunk?.sid ?? null;
  }

  #mappingsTo(
    domain: Domain,
    kind: MappingKind,
    names: readonly string[] | undefined,
    lists: ReadonlyMap<string, NamedList>,
  ): DomainMapping[] {
    const mappings: DomainMapping[] = [];
    for (const name of new Set(names)) {
      const list = lists.get(name);
      if (!list) {
        this.#context.log.error(
          { domain: domain.domainName, list: name },
          'declared domain names a list that does not exist',
        );
        continue;
      }
      const { sid: _, ...stamp } = this.#stamp('SD');
      mappings.push({ ...stamp, kind, domainSid: domain.sid, listSid: list.sid });
    }
    return mappings;
  }

  async #bringMappings(domain: Domain, wanted: readonly DomainMapping[]): Promise<void> {
    const mappings = this.#store.mappings;
    const present = await allPages((page) => mappings.list({ domainSid: domain.sid }, page), mappingKey);
    const keys = new Set(wanted.map(mappingKey));
    const presentKeys = new Set(present.map(mappingKey));
    for (const mapping of wanted)
      if (presentKeys.has(mappingKey(mapping))) this.#counts.unchanged++;
      else await this.#created(mappings.insert(mapping));
    for (const mapping of present)
      if (!keys.has(mappingKey(mapping)))
        await this.#removed(mappings.remove(mapping.domainSid, mapping.kind, mapping.listSid));
  }

  #stamp(prefix: 'CL' | 'AL' | 'CR' | 'IP' | 'SD') {
    const now = this.#context.clock.wall();
    return {
      sid: newSid(prefix, this.#context.random),
      accountSid: this.#context.accountSid,
      dateCreated: now,
      dateUpdated: now,
    };
  }

  #taken(what: string, name: string): void {
    this.#context.log.warn({ [what]: name }, `declared ${what} is skipped: one of that name was made over REST`);
  }

  async #created(write: Promise<void>): Promise<void> {
    await write;
    this.#counts.created++;
  }

  async #updated(write: Promise<boolean>): Promise<void> {
    if (await write) this.#counts.updated++;
  }

  async #removed(write: Promise<boolean>): Promise<void> {
    if (await write) this.#counts.removed++;
  }
}
