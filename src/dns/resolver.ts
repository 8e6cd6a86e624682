// Names → addresses and services, for SIP targets and webhooks alike (design.md 5.3): one cache, the hosts file honoured, no
// thread pool. Order of sources: address literal, localhost, hosts file, cache, name servers.
// It knows records, not SIP: RFC 3263 is sip/transport/targets.ts, which sees this through a port of its own.

import type { LookupAddress, LookupOptions } from 'node:dns';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { err, ok } from '../base/result.ts';
import { AnswerCache, type TimedAnswer, withDeadline } from './answer-cache.ts';
import { canonicalHost, isQueryableName, literalAddress, localhostAddresses, parseHosts } from './hosts.ts';
import { createSystemQueries } from './queries.ts';
import type { AddressRecord, AddressWithTtl, DnsAnswer, DnsQueries, NaptrRecord, SrvRecord } from './records.ts';
import { WatchedFile } from './watched-file.ts';

export type { AddressRecord, DnsAnswer, DnsFailure, NaptrRecord, SrvRecord } from './records.ts';

export type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

export interface Resolver {
  /** Addresses of a host name or literal, IPv4 before IPv6. Never empty when ok. */
  addresses(name: string, family?: 4 | 6): Promise<DnsAnswer<AddressRecord>>;
  /** SRV records of `_service._proto.name`, unsorted. Never empty when ok. */
  srv(name: string): Promise<DnsAnswer<SrvRecord>>;
  /** NAPTR records, unsorted. Never empty when ok. */
  naptr(name: string): Promise<DnsAnswer<NaptrRecord>>;
  /** The same answers in the shape of node's `dns.lookup`, for sockets and HTTP clients (`lookup` option). */
  lookup(hostname: string, options: LookupOptions, callback: LookupCallback): void;
  counts(): { readonly cached: number; readonly inFlight: number };
}

export interface ResolverOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** The name servers; by default those of the system. */
  readonly queries?: DnsQueries & { searchDomains?(): readonly string[] };
  /** By default the system's. */
  readonly hostsFile?: string;
}

const SYSTEM_HOSTS = process.platform === 'win32' ? 'C:\\Windows\\System32\\drivers\\etc\\hosts' : '/etc/hosts';

/** Makes a resolver. It owns no timers and no sockets that keep the process alive: there is nothing to stop. */
export function createResolver(options: ResolverOptions): Resolver {
  const { clock, log } = options;
  const queries: DnsQueries & { searchDomains?(): readonly string[] } = options.queries ?? createSystemQueries(clock);
  const hosts = new WatchedFile(options.hostsFile ?? SYSTEM_HOSTS, clock, parseHosts);
  const cache = new AnswerCache(clock);

  const askFamily = (name: string, family: 4 | 6): Promise<DnsAnswer<AddressRecord>> =>
    cache.get(`${family} ${name}`, async (): Promise<TimedAnswer<AddressRecord>> => {
      let last: DnsAnswer<AddressWithTtl> = notFound(name);
      for (const candidate of searchList(name, queries.searchDomains?.() ?? [])) {
        last = await (family === 4 ? queries.a(candidate) : queries.aaaa(candidate));
        if (last.ok && last.value.length > 0) return timedAddresses(last.value, family);
        if (!last.ok && last.error.code === 'failed') break;
      }
      if (!last.ok && last.error.code === 'failed') log.warn({ name, detail: last.error.detail }, 'name lookup failed');
      return { answer: last.ok ? notFound(name) : last, lifetimeMs: 0 };
    });

  const askService = <T>(
    kind: string,
    name: string,
    ask: (name: string) => Promise<DnsAnswer<T>>,
  ): Promise<DnsAnswer<T>> => {
    const key = canonicalHost(name);
    if (!isQueryableName(key) || localhostAddresses(key)) return Promise.resolve(notFound(name));
    return cache.get(`${kind} ${key}`, async () => {
      const answer = await ask(key);
      const isEmpty = answer.ok && answer.value.length === 0;
      return { answer: isEmpty ? notFound(name) : answer, lifetimeMs: limits.dnsServiceLifetimeMs };
    });
  };

  const addresses = async (name: string, family?: 4 | 6): Promise<DnsAnswer<AddressRecord>> => {
    const literal = literalAddress(name);
    const key = canonicalHost(name);
    const known = literal ? [literal] : (localhostAddresses(key) ?? hosts.current().get(key));
    if (known) {
      const wanted = known.filter((record) => family === undefined || record.family === family);
      if (wanted.length > 0) return ok(sortedByFamily(wanted));
      // A hosts entry of the other family only: the name is known, so no server is asked for it.
      return notFound(name);
    }
    if (!isQueryableName(key)) return notFound(name);
    if (family !== undefined) return askFamily(key, family);
    return bothFamilies(clock, askFamily(key, 4), askFamily(key, 6));
  };

  return {
    addresses,
    srv: (name) => askService('srv', name, queries.srv),
    naptr: (name) => askService('naptr', name, queries.naptr),
    lookup(hostname, lookupOptions, callback) {
      const { family, all, order } = lookupOptions;
      const wanted = family === 4 || family === 'IPv4' ? 4 : family === 6 || family === 'IPv6' ? 6 : undefined;
      void addresses(hostname, wanted).then((answer) => {
        if (!answer.ok) return callback(lookupError(hostname, answer.error.code), all ? [] : '', 0);
        const records = order === 'ipv6first' ? [...answer.value].reverse() : answer.value;
        const first = records[0]!;
        if (all)
          callback(
            null,
            records.map((record) => ({ ...record })),
          );
        else callback(null, first.address, first.family);
      });
    },
    counts: () => ({ cached: cache.size, inFlight: cache.inFlight }),
  };
}

function notFound<T>(name: string): DnsAnswer<T> {
  return err({ code: 'notFound', detail: `${name}: no such name or record` });
}

function timedAddresses(records: readonly AddressWithTtl[], family: 4 | 6): TimedAnswer<AddressRecord> {
  const ttlSeconds = Math.min(...records.map((record) => record.ttlSeconds));
  return { answer: ok(records.map(({ address }) => ({ address, family }))), lifetimeMs: ttlSeconds * 1_000 };
}

const sortedByFamily = (records: readonly AddressRecord[]): AddressRecord[] =>
  [...records].sort((left, right) => left.family - right.family);

/**
 * resolv.conf(5) `search`: a single label is tried in the search domains first, a dotted name as it is first. This makes the
 * short names of container networks work, which getaddrinfo would find.
 */
function searchList(name: string, domains: readonly string[]): string[] {
  const extended = domains.map((domain) => `${name}.${domain}`);
  return name.includes('.') ? [name, ...extended] : [...extended, name];
}

/** RFC 8305 3: once the A records are there, the AAAA records are given 50 ms more. IPv4 stands first in the result. */
async function bothFamilies(
  clock: Clock,
  ipv4: Promise<DnsAnswer<AddressRecord>>,
  ipv6: Promise<DnsAnswer<AddressRecord>>,
): Promise<DnsAnswer<AddressRecord>> {
  const first = await ipv4;
  if (!first.ok) {
    const second = await ipv6;
    return second.ok || first.error.code === 'notFound' ? second : first;
  }
  const second = await withDeadline(clock, ipv6, limits.dnsSecondFamilyMs, () => ok([]));
  return second.ok ? ok([...first.value, ...second.value]) : first;
}

function lookupError(hostname: string, code: 'notFound' | 'failed'): NodeJS.ErrnoException {
  const name = code === 'notFound' ? 'ENOTFOUND' : 'EAI_AGAIN';
  return Object.assign(new Error(`lookup ${name} ${hostname}`), { code: name, syscall: 'lookup', hostname });
}
