// What the resolver answers, and the port through which it asks name servers. Values only; no sockets, no time.

import type { Result } from '../base/result.ts';

export interface AddressRecord {
  readonly address: string;
  readonly family: 4 | 6;
}

/** RFC 2782. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** RFC 3403. */
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly regexp: string;
  readonly replacement: string;
}

export interface DnsFailure {
  /** `notFound`: the name or the record does not exist. `failed`: no server gave an answer. */
  readonly code: 'notFound' | 'failed';
  readonly detail: string;
}

export type DnsAnswer<T> = Result<readonly T[], DnsFailure>;

export interface AddressWithTtl {
  readonly address: string;
  readonly ttlSeconds: number;
}

/** Port to the name servers: one question each, no cache. queries.ts implements it; tests hand in tables. */
export interface DnsQueries {
  a(name: string): Promise<DnsAnswer<AddressWithTtl>>;
  aaaa(name: string): Promise<DnsAnswer<AddressWithTtl>>;
  srv(name: string): Promise<DnsAnswer<SrvRecord>>;
  naptr(name: string): Promise<DnsAnswer<NaptrRecord>>;
}
