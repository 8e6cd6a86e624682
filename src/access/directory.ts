// The directory port: what the call path looks up, synchronously and from memory (design.md 7). store/directory.ts keeps it,
// loaded at start and renewed by change events; access/ and call routing only read.

import type { Account, Domain, StoredHa1 } from '../base/records.ts';

export interface AclEntry {
  readonly ipAddress: string;
  readonly cidrPrefixLength: number;
}

export interface DomainAccess {
  readonly domain: Domain;
  readonly account: Account;
  /** Null = no IP access control list mapped; an empty array = mapped, but the lists are empty (nobody passes). */
  readonly callAcl: readonly AclEntry[] | null;
  /** Null = no credential list mapped to calls. */
  readonly callCredentials: CredentialLookup | null;
  /** Null = no credential list mapped to registrations. */
  readonly registrationCredentials: CredentialLookup | null;
}

/** HA1s of a user name over all mapped lists (a name may stand in several), exact case. */
export type CredentialLookup = (username: string) => readonly StoredHa1[];

export interface Directory {
  /** By full lower-case name; edge and region labels are taken off by access/domains.ts before. */
  domainByName(name: string): DomainAccess | undefined;
  domainBySid(sid: string): DomainAccess | undefined;
  accountBySid(sid: string): Account | undefined;
  domainNames(): readonly string[];
  /** The domain that a source address is mapped to, whatever its requests say (sip-interface.md 7). */
  domainForSource(sourceAddress: string): DomainAccess | undefined;
}
