// The name servers, asked through c-ares (node:dns Resolver): UDP sockets of its own, never the thread pool, so a dead name
// does not hold up another. A changed resolv.conf gives a fresh resolver. Errors become values here.

import { Resolver as SystemResolver } from 'node:dns';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { err, ok } from '../base/result.ts';
import type { DnsAnswer, DnsFailure, DnsQueries, NaptrRecord, SrvRecord } from './records.ts';
import { WatchedFile } from './watched-file.ts';

/** c-ares doubles the wait in the second round; the first must leave room for it within `limits.dnsQueryMs`. */
const TRIES = 2;

interface SystemConfiguration {
  readonly resolver: SystemResolver;
  readonly searchDomains: readonly string[];
}

/** Names that a short name is tried with (resolv.conf(5) `search`), and the questions themselves. */
export interface SystemQueries extends DnsQueries {
  searchDomains(): readonly string[];
}

/** Asks the servers of `path`, or `servers` (`address` or `address:port`) where given. */
export function createSystemQueries(
  clock: Clock,
  path = '/etc/resolv.conf',
  servers?: readonly string[],
): SystemQueries {
  const file = new WatchedFile<SystemConfiguration>(path, clock, (text) => ({
    resolver: newResolver(servers),
    searchDomains: parseSearchDomains(text),
  }));
  const ask = <Raw, T>(
    question: (resolver: SystemResolver, done: (error: Error | null, records: readonly Raw[]) => void) => void,
    convert: (raw: Raw) => T,
  ): Promise<DnsAnswer<T>> =>
    new Promise((resolve) => {
      try {
        question(file.current().resolver, (error, records) =>
          resolve(error ? err(failureOf(error)) : ok((records ?? []).map(convert))),
        );
      } catch (error) {
        // c-ares refuses some names by a throw: such a name does not exist.
        resolve(err({ code: 'notFound', detail: error instanceof Error ? error.message : String(error) }));
      }
    });
  const withTtl = (raw: { address: string; ttl: number }) => ({ address: raw.address, ttlSeconds: raw.ttl });
  return {
    searchDomains: () => file.current().searchDomains,
    a: (name) => ask((resolver, done) => resolver.resolve4(name, { ttl: true }, done), withTtl),
    aaaa: (name) => ask((resolver, done) => resolver.resolve6(name, { ttl: true }, done), withTtl),
    srv: (name) =>
      ask<SrvRecord, SrvRecord>(
        (resolver, done) => resolver.resolveSrv(name, done),
        (raw) => raw,
      ),
    naptr: (name) =>
      ask<NaptrRecord, NaptrRecord>(
        (resolver, done) => resolver.resolveNaptr(name, done),
        (raw) => raw,
      ),
  };
}

function newResolver(servers: readonly string[] | undefined): SystemResolver {
  const resolver = new SystemResolver({ timeout: limits.dnsTryMs, tries: TRIES });
  if (servers) resolver.setServers(servers);
  return resolver;
}

/** resolv.conf(5): the last `search` or `domain` line counts. */
export function parseSearchDomains(text: string): readonly string[] {
  let domains: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'search' || keyword === 'domain') domains = values.map((value) => value.toLowerCase());
  }
  return domains.filter((domain) => domain !== '.').slice(0, 6);
}

const DOES_NOT_EXIST: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'ENONAME']);

function failureOf(error: Error): DnsFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  return DOES_NOT_EXIST.has(code)
    ? { code: 'notFound', detail: `no such record (${code})` }
    : { code: 'failed', detail: `name servers gave no answer (${code})` };
}
