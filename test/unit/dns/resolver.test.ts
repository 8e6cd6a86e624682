// The resolver against a table of records and a clock moved by hand: lifetimes, negative and stale answers, de-duplication,
// the hosts file (design.md 5.3).

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { AddressWithTtl, DnsAnswer, DnsQueries } from '../../../src/dns/records.ts';
import { createResolver, type LookupCallback } from '../../../src/dns/resolver.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const missing = err({ code: 'notFound', detail: 'no such record' } as const);
const failed = err({ code: 'failed', detail: 'servers down' } as const);

class FakeServers implements DnsQueries {
  readonly asked: string[] = [];
  ipv4: (name: string) => Promise<DnsAnswer<AddressWithTtl>> = async () => missing;
  ipv6: (name: string) => Promise<DnsAnswer<AddressWithTtl>> = async () => missing;
  domains: string[] = [];
  a = (name: string) => this.#note('A', name, this.ipv4);
  aaaa = (name: string) => this.#note('AAAA', name, this.ipv6);
  srv: DnsQueries['srv'] = async (name) => {
    this.asked.push(`SRV ${name}`);
    return ok([{ name: 'a.example', port: 5060, priority: 1, weight: 1 }]);
  };
  naptr: DnsQueries['naptr'] = async (name) => {
    this.asked.push(`NAPTR ${name}`);
    return ok([]);
  };
  searchDomains = () => this.domains;

  #note<T>(kind: string, name: string, answer: (name: string) => T): T {
    this.asked.push(`${kind} ${name}`);
    return answer(name);
  }
}

const address = (text: string, ttlSeconds = 60) => ({ address: text, ttlSeconds });

let directory: string;
let hostsFile: string;
let clock: VirtualClock;
let servers: FakeServers;
const resolver = () => createResolver({ clock, log: silentLog, queries: servers, hostsFile });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dns-'));
  hostsFile = join(directory, 'hosts');
  writeFileSync(hostsFile, '');
  clock = new VirtualClock();
  servers = new FakeServers();
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('cache (design.md 5.3)', () => {
  test('A records live for their TTL, the shortest of the set', async () => {
    servers.ipv4 = async () => ok([address('192.0.2.1', 300), address('192.0.2.2', 30)]);
    const subject = resolver();
    expect(await subject.addresses('pbx.example', 4)).toEqual(
      ok([
        { address: '192.0.2.1', family: 4 },
        { address: '192.0.2.2', family: 4 },
      ]),
    );
    clock.advance(29_999);
    await subject.addresses('PBX.example.', 4);
    expect(servers.asked).toEqual(['A pbx.example']);
    clock.advance(1);
    await subject.addresses('pbx.example', 4);
    expect(servers.asked).toHaveLength(2);
  });

  test('a TTL of 0 still holds for 1 s, a TTL of a week at most 1 h', async () => {
    servers.ipv4 = async (name) => ok([address('192.0.2.1', name === 'zero.example' ? 0 : 604_800)]);
    const subject = resolver();
    await subject.addresses('zero.example', 4);
    await subject.addresses('week.example', 4);
    clock.advance(999);
    await subject.addresses('zero.example', 4);
    expect(servers.asked).toHaveLength(2);
    clock.advance(1);
    await subject.addresses('zero.example', 4);
    expect(servers.asked).toHaveLength(3);
    clock.advance(3_599_000);
    await subject.addresses('week.example', 4);
    expect(servers.asked).toHaveLength(4);
  });

  test('a name that does not exist is not asked for again for 10 s', async () => {
    const subject = resolver();
    expect((await subject.addresses('gone.example', 4)).ok).toBe(false);
    servers.ipv4 = async () => ok([address('192.0.2.1')]);
    clock.advance(9_999);
    expect(await subject.addresses('gone.example', 4)).toMatchObject({ ok: false, error: { code: 'notFound' } });
    expect(servers.asked).toHaveLength(1);
    clock.advance(1);
    expect((await subject.addresses('gone.example', 4)).ok).toBe(true);
  });

  test('SRV records live 60 s; an empty NAPTR answer is negative', async () => {
    const subject = resolver();
    expect((await subject.srv('_sip._udp.example.org')).ok).toBe(true);
    clock.advance(59_999);
    await subject.srv('_sip._udp.example.org');
    expect(servers.asked).toHaveLength(1);
    clock.advance(1);
    await subject.srv('_sip._udp.example.org');
    expect(servers.asked).toHaveLength(2);
    expect(await subject.naptr('example.org')).toMatchObject({ ok: false, error: { code: 'notFound' } });
  });

  test('callers at the same time share one question', async () => {
    const pending = Promise.withResolvers<DnsAnswer<AddressWithTtl>>();
    servers.ipv4 = () => pending.promise;
    const subject = resolver();
    const first = subject.addresses('pbx.example', 4);
    const second = subject.addresses('pbx.example', 4);
    await settle();
    expect(subject.counts().inFlight).toBe(1);
    pending.resolve(ok([address('192.0.2.1')]));
    expect(await first).toEqual(await second);
    expect(servers.asked).toEqual(['A pbx.example']);
    expect(subject.counts()).toEqual({ cached: 1, inFlight: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('a dead name never delays another', async () => {
    servers.ipv4 = (name) =>
      name === 'dead.example' ? new Promise(() => {}) : Promise.resolve(ok([address('192.0.2.1')]));
    const subject = resolver();
    const dead = subject.addresses('dead.example', 4);
    expect((await subject.addresses('live.example', 4)).ok).toBe(true);
    await clock.advanceAsync(limits.dnsQueryMs);
    expect(await dead).toMatchObject({ ok: false, error: { code: 'failed' } });
    expect(clock.pendingTimers).toBe(0);
  });

  test('RFC 8767: a stale answer is served when servers fail', async () => {
    servers.ipv4 = async () => ok([address('192.0.2.1', 10)]);
    const subject = resolver();
    await subject.addresses('pbx.example', 4);
    servers.ipv4 = async () => failed;
    clock.advance(60_000);
    expect(await subject.addresses('pbx.example', 4)).toEqual(ok([{ address: '192.0.2.1', family: 4 }]));
    await subject.addresses('pbx.example', 4);
    expect(servers.asked).toHaveLength(2);
    clock.advance(limits.dnsStaleMs);
    expect((await subject.addresses('pbx.example', 4)).ok).toBe(false);
  });

  test('RFC 8767: a stale answer is served when servers are silent, and a late answer replaces it', async () => {
    servers.ipv4 = async () => ok([address('192.0.2.1', 10)]);
    const subject = resolver();
    await subject.addresses('pbx.example', 4);
    clock.advance(60_000);
    const late = Promise.withResolvers<DnsAnswer<AddressWithTtl>>();
    servers.ipv4 = () => late.promise;
    const waiting = subject.addresses('pbx.example', 4);
    await clock.advanceAsync(limits.dnsStaleWaitMs);
    expect(await waiting).toEqual(ok([{ address: '192.0.2.1', family: 4 }]));
    late.resolve(ok([address('192.0.2.9')]));
    await settle();
    expect(await subject.addresses('pbx.example', 4)).toEqual(ok([{ address: '192.0.2.9', family: 4 }]));
  });

  test('RFC 8767: a name that was removed is not served stale', async () => {
    servers.ipv4 = async () => ok([address('192.0.2.1', 10)]);
    const subject = resolver();
    await subject.addresses('pbx.example', 4);
    clock.advance(60_000);
    servers.ipv4 = async () => missing;
    expect((await subject.addresses('pbx.example', 4)).ok).toBe(false);
  });

  test('the cache is bounded', async () => {
    servers.ipv4 = async () => ok([address('192.0.2.1')]);
    const subject = resolver();
    for (let index = 0; index < limits.dnsCacheEntries + 50; index++) await subject.addresses(`n${index}.example`, 4);
    expect(subject.counts().cached).toBe(limits.dnsCacheEntries);
  });
});

describe('both families', () => {
  test('IPv4 stands before IPv6', async () => {
    servers.ipv6 = async () => ok([address('2001:db8::1')]);
    servers.ipv4 = async () => ok([address('192.0.2.1')]);
    expect(await resolver().addresses('pbx.example')).toEqual(
      ok([
        { address: '192.0.2.1', family: 4 },
        { address: '2001:db8::1', family: 6 },
      ]),
    );
  });

  test('RFC 8305 3: a missing AAAA answer holds up the A answer for 50 ms only', async () => {
    servers.ipv4 = async () => ok([address('192.0.2.1')]);
    servers.ipv6 = () => new Promise(() => {});
    const answer = resolver().addresses('pbx.example');
    await clock.advanceAsync(limits.dnsSecondFamilyMs);
    expect(await answer).toEqual(ok([{ address: '192.0.2.1', family: 4 }]));
  });

  test('a name with IPv6 only is found', async () => {
    servers.ipv6 = async () => ok([address('2001:db8::1')]);
    expect(await resolver().addresses('six.example')).toEqual(ok([{ address: '2001:db8::1', family: 6 }]));
  });

  test('failed servers are told from a missing name', async () => {
    servers.ipv4 = async () => failed;
    expect(await resolver().addresses('pbx.example')).toMatchObject({ ok: false, error: { code: 'failed' } });
  });
});

describe('names that need no server', () => {
  test.each([
    ['192.0.2.7', ['192.0.2.7']],
    ['2001:db8::7', ['2001:db8::7']],
    ['[2001:db8::7]', ['2001:db8::7']],
    ['localhost', ['127.0.0.1', '::1']],
    ['LOCALHOST', ['127.0.0.1', '::1']],
    ['demo.sip.localhost', ['127.0.0.1', '::1']],
    ['demo.sip.localhost.', ['127.0.0.1', '::1']],
  ])('%s (RFC 6761 6.3)', async (name, expected) => {
    const answer = await resolver().addresses(name);
    expect(answer.ok && answer.value.map((record) => record.address)).toEqual(expected);
    expect(servers.asked).toEqual([]);
  });

  test.each([
    '',
    '.',
    'a..b',
    'with space',
    '-dash.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(130)}b`,
    'ä.example',
  ])('RFC 1035 2.3.4: %j is never sent to a server', async (name) => {
    expect(await resolver().addresses(name)).toMatchObject({ ok: false, error: { code: 'notFound' } });
    expect(await resolver().srv(name)).toMatchObject({ ok: false, error: { code: 'notFound' } });
    expect(servers.asked).toEqual([]);
  });

  test('hosts(5): names, aliases, comments and both families', async () => {
    writeFileSync(
      hostsFile,
      '192.0.2.5 pbx PBX.example # the old one\n2001:db8::5\tpbx\n# 192.0.2.6 other\nnonsense pbx\n',
    );
    const subject = resolver();
    expect(await subject.addresses('pbx')).toEqual(
      ok([
        { address: '192.0.2.5', family: 4 },
        { address: '2001:db8::5', family: 6 },
      ]),
    );
    expect(await subject.addresses('pbx.EXAMPLE')).toEqual(ok([{ address: '192.0.2.5', family: 4 }]));
    expect((await subject.addresses('pbx.example', 6)).ok).toBe(false);
    expect(servers.asked).toEqual([]);
  });

  test('hosts(5) is read again when it has changed', async () => {
    writeFileSync(hostsFile, '192.0.2.5 pbx\n');
    const subject = resolver();
    await subject.addresses('pbx');
    writeFileSync(hostsFile, '192.0.2.66 pbx\n');
    clock.advance(limits.dnsFilesRereadMs);
    expect(await subject.addresses('pbx')).toEqual(ok([{ address: '192.0.2.66', family: 4 }]));
    rmSync(hostsFile);
    clock.advance(limits.dnsFilesRereadMs);
    expect((await subject.addresses('pbx')).ok).toBe(false);
  });
});

test('resolv.conf(5) search: a single label is tried in the search domains first, a dotted name last', async () => {
  servers.domains = ['one.test', 'two.test'];
  servers.ipv4 = async (name) => (name === 'web.two.test' ? ok([address('192.0.2.1')]) : missing);
  const subject = resolver();
  expect((await subject.addresses('web', 4)).ok).toBe(true);
  expect(servers.asked).toEqual(['A web.one.test', 'A web.two.test']);
  servers.asked.length = 0;
  await subject.addresses('pbx.example', 4);
  expect(servers.asked).toEqual(['A pbx.example', 'A pbx.example.one.test', 'A pbx.example.two.test']);
});

describe('lookup in the shape of dns.lookup', () => {
  const lookup = (options: object): Promise<Parameters<LookupCallback>> =>
    new Promise((resolve) => resolver().lookup('pbx.example', options, (...given) => resolve(given)));

  beforeEach(() => {
    servers.ipv4 = async () => ok([address('192.0.2.1')]);
    servers.ipv6 = async () => ok([address('2001:db8::1')]);
  });

  test.each([
    [{}, [null, '192.0.2.1', 4]],
    [{ family: 6 }, [null, '2001:db8::1', 6]],
    [{ family: 'IPv4' }, [null, '192.0.2.1', 4]],
    [{ family: 0, order: 'ipv6first' }, [null, '2001:db8::1', 6]],
    [{ all: true, family: 4 }, [null, [{ address: '192.0.2.1', family: 4 }]]],
  ])('%j', async (options, expected) => {
    expect(await lookup(options)).toEqual(expected);
  });

  test('a missing name is ENOTFOUND, dead servers EAI_AGAIN', async () => {
    servers.ipv4 = async () => missing;
    servers.ipv6 = async () => missing;
    expect((await lookup({}))[0]).toMatchObject({ code: 'ENOTFOUND', hostname: 'pbx.example' });
    servers.ipv4 = async () => failed;
    expect((await lookup({ all: true }))[0]).toMatchObject({ code: 'EAI_AGAIN' });
  });
});
