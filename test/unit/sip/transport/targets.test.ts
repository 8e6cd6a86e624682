// RFC 3263: from URI to places to send to, against a table of names.

import { describe, expect, test } from 'vitest';
import type { RandomSource } from '../../../../src/base/ids.ts';
import { limits } from '../../../../src/base/limits.ts';
import { err, ok } from '../../../../src/base/result.ts';
import { isSipUri, parseUri, type SipUri } from '../../../../src/sip/grammar/uri.ts';
import {
  type NamingRecord,
  orderServices,
  resolveTargets,
  type ServiceRecord,
  type TargetResolver,
} from '../../../../src/sip/transport/targets.ts';

/** mulberry32: small, repeatable, good enough for shares. */
function seeded(seed: number): RandomSource {
  let state = seed;
  return (sizeBytes) => {
    const bytes = Buffer.alloc(sizeBytes);
    for (let at = 0; at < sizeBytes; at++) {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
      bytes[at] = (mixed ^ (mixed >>> 14)) >>> 24;
    }
    return bytes;
  };
}

class Zone implements TargetResolver {
  readonly asked: string[] = [];
  readonly hosts: Record<string, string[]>;
  readonly services: Record<string, ServiceRecord[]>;
  readonly naming: Record<string, NamingRecord[]>;

  constructor(
    hosts: Record<string, string[]> = {},
    services: Record<string, ServiceRecord[]> = {},
    naming: Record<string, NamingRecord[]> = {},
  ) {
    this.hosts = hosts;
    this.services = services;
    this.naming = naming;
  }

  async addresses(name: string) {
    return this.#answer(
      'A',
      name,
      this.hosts[name]?.map((address) => ({ address })),
    );
  }
  async srv(name: string) {
    return this.#answer('SRV', name, this.services[name]);
  }
  async naptr(name: string) {
    return this.#answer('NAPTR', name, this.naming[name]);
  }

  #answer<T>(kind: string, name: string, found: T[] | undefined) {
    this.asked.push(`${kind} ${name}`);
    return found ? ok(found) : err({ code: 'notFound', detail: `${name}: no such name` });
  }
}

function uri(text: string): SipUri {
  const parsed = parseUri(text);
  if (!parsed.ok || !isSipUri(parsed.value)) throw new TypeError(`test URI ${text}`);
  return parsed.value;
}

const service = (name: string, port: number, priority = 0, weight = 0): ServiceRecord => ({
  name,
  port,
  priority,
  weight,
});
const naming = (name: string, order: number, preference: number, flags = 's'): Omit<NamingRecord, 'replacement'> => ({
  order,
  preference,
  flags,
  service: name,
});

async function targets(text: string, zone: Zone): Promise<string[] | string> {
  const resolved = await resolveTargets({ uri: uri(text), resolver: zone, random: seeded(1) });
  if (!resolved.ok) return `${resolved.error.code}: ${resolved.error.detail}`;
  return resolved.value.map(({ transport, address, port }) => `${transport} ${address} ${port}`);
}

const full = () =>
  new Zone(
    { 'example.org': ['192.0.2.1', '2001:db8::1'], 'a.example.org': ['192.0.2.10'], 'b.example.org': ['192.0.2.11'] },
    {
      '_sip._udp.example.org': [service('a.example.org', 5070)],
      '_sip._tcp.example.org': [service('b.example.org', 5071)],
      '_sips._tcp.example.org': [service('a.example.org', 5072)],
    },
  );

describe('RFC 3263 4.1 and 4.2: transport and port [sip 2.1 transport]', () => {
  test.each([
    ['sip:bob@192.0.2.7', ['udp 192.0.2.7 5060']],
    ['sip:bob@192.0.2.7:5099', ['udp 192.0.2.7 5099']],
    ['sip:bob@192.0.2.7;transport=tcp', ['tcp 192.0.2.7 5060']],
    ['sip:bob@192.0.2.7;transport=TLS', ['tls 192.0.2.7 5061']],
    ['sip:bob@[2001:DB8:0::7]', ['udp 2001:db8::7 5060']],
    ['sips:bob@192.0.2.7', ['tls 192.0.2.7 5061']],
    ['sips:bob@192.0.2.7;transport=tcp', ['tls 192.0.2.7 5061']],
    ['sips:bob@192.0.2.7:5099', ['tls 192.0.2.7 5099']],
    ['sip:bob@elsewhere.example;maddr=192.0.2.8;transport=tcp', ['tcp 192.0.2.8 5060']],
    ['sip:bob@elsewhere.example;maddr=[2001:db8::8]', ['udp 2001:db8::8 5060']],
  ])('%s needs no name server', async (text, expected) => {
    const zone = full();
    expect(await targets(text, zone)).toEqual(expected);
    expect(zone.asked).toEqual([]);
  });

  test.each([
    ['sip:bob@example.org:5062', ['udp 192.0.2.1 5062', 'udp 2001:db8::1 5062'], ['A example.org']],
    ['sip:bob@example.org:5062;transport=tls', ['tls 192.0.2.1 5062', 'tls 2001:db8::1 5062'], ['A example.org']],
    ['sips:bob@example.org:5062', ['tls 192.0.2.1 5062', 'tls 2001:db8::1 5062'], ['A example.org']],
    ['sip:bob@example.org;transport=tcp', ['tcp 192.0.2.11 5071'], ['SRV _sip._tcp.example.org', 'A b.example.org']],
    ['sip:bob@example.org;transport=tls', ['tls 192.0.2.10 5072'], ['SRV _sips._tcp.example.org', 'A a.example.org']],
    [
      'sips:bob@example.org',
      ['tls 192.0.2.10 5072'],
      ['NAPTR example.org', 'SRV _sips._tcp.example.org', 'A a.example.org'],
    ],
    [
      'sip:bob@example.org',
      ['udp 192.0.2.10 5070', 'tcp 192.0.2.11 5071', 'tls 192.0.2.10 5072'],
      [
        'NAPTR example.org',
        'SRV _sip._udp.example.org',
        'SRV _sip._tcp.example.org',
        'SRV _sips._tcp.example.org',
        'A a.example.org',
        'A b.example.org',
        'A a.example.org',
      ],
    ],
  ])('%s', async (text, expected, asked) => {
    const zone = full();
    expect(await targets(text, zone)).toEqual(expected);
    expect(zone.asked).toEqual(asked);
  });

  test.each([
    ['sip:bob@example.org', 'udp 192.0.2.1 5060'],
    ['sip:bob@example.org;transport=tcp', 'tcp 192.0.2.1 5060'],
    ['sip:bob@example.org;transport=tls', 'tls 192.0.2.1 5061'],
    ['sips:bob@example.org', 'tls 192.0.2.1 5061'],
  ])('%s without SRV records goes to the host with the default port', async (text, expected) => {
    expect(await targets(text, new Zone({ 'example.org': ['192.0.2.1'] }))).toEqual([expected]);
  });
});

describe('RFC 3263 4.1: NAPTR [sip 2.4 dns]', () => {
  const zone = (...records: NamingRecord[]) => new Zone(full().hosts, full().services, { 'example.org': records });
  const udp = { ...naming('SIP+D2U', 50, 50), replacement: '_sip._udp.example.org' };
  const tcp = { ...naming('SIP+D2T', 50, 10), replacement: '_sip._tcp.example.org' };
  const tls = { ...naming('SIPS+D2T', 10, 90), replacement: '_sips._tcp.example.org' };

  test('order, then preference', async () => {
    expect(await targets('sip:bob@example.org', zone(udp, tcp, tls))).toEqual([
      'tls 192.0.2.10 5072',
      'tcp 192.0.2.11 5071',
      'udp 192.0.2.10 5070',
    ]);
  });

  test('services in any case; unknown services and flags are passed over', async () => {
    const odd = [
      { ...naming('SIP+D2S', 1, 1), replacement: '_sip._sctp.example.org' },
      { ...naming('SIP+D2U', 1, 1, 'u'), replacement: '' },
      { ...naming('sip+d2t', 2, 1, 'S'), replacement: '_sip._tcp.example.org' },
    ];
    expect(await targets('sip:bob@example.org', zone(...odd))).toEqual(['tcp 192.0.2.11 5071']);
  });

  test('a sips URI takes SIPS services only', async () => {
    expect(await targets('sips:bob@example.org', zone(udp, tcp, tls))).toEqual(['tls 192.0.2.10 5072']);
  });

  test('is not asked when the URI names a transport', async () => {
    const subject = zone(tls);
    expect(await targets('sip:bob@example.org;transport=udp', subject)).toEqual(['udp 192.0.2.10 5070']);
    expect(subject.asked).not.toContain('NAPTR example.org');
  });
});

describe('failures', () => {
  test.each([
    ['sip:bob@missing.example', 'notFound: missing.example: no such name'],
    ['sip:bob@missing.example:5060', 'notFound: missing.example: no such name'],
    ['sips:bob@example.org;transport=udp', 'malformed: sips cannot go over UDP'],
    ['sip:bob@example.org;transport=sctp', 'malformed: transport sctp cannot be dialled'],
    ['sip:bob@example.org;transport=ws', 'malformed: transport ws cannot be dialled'],
  ])('%s', async (text, expected) => {
    expect(await targets(text, new Zone({ 'example.org': ['192.0.2.1'] }))).toBe(expected);
  });

  test('RFC 2782: the target "." says that the service is not there, also where the host has addresses', async () => {
    const zone = new Zone({ 'example.org': ['192.0.2.1'] }, { '_sip._tcp.example.org': [service('.', 0)] });
    expect(await targets('sip:bob@example.org;transport=tcp', zone)).toBe(
      'notFound: example.org: the service is not offered',
    );
  });

  test('a dead host behind an SRV record does not hide the others', async () => {
    const zone = new Zone(
      { 'b.example.org': ['192.0.2.11'] },
      { '_sip._udp.example.org': [service('dead.example.org', 5060, 1), service('b.example.org', 5060, 2)] },
    );
    expect(await targets('sip:bob@example.org;transport=udp', zone)).toEqual(['udp 192.0.2.11 5060']);
  });

  test('at most 20 destinations, each once', async () => {
    const many = Array.from({ length: 60 }, (_, index) => `192.0.2.${index}`);
    const zone = new Zone({ 'example.org': [...many, ...many] });
    const found = await targets('sip:bob@example.org:5060', zone);
    expect(found).toHaveLength(limits.sipDestinations);
    expect(new Set(found).size).toBe(limits.sipDestinations);
  });
});

test('the name to verify is the host of the URI, not the SRV target (RFC 5922 7.1)', async () => {
  const resolved = await resolveTargets({ uri: uri('sips:bob@example.org'), resolver: full(), random: seeded(1) });
  expect(resolved).toMatchObject({ ok: true, value: [{ serverName: 'example.org', address: '192.0.2.10' }] });
});

describe('RFC 2782: order of SRV records [sip 2.4 dns]', () => {
  test('lower priority first, whatever the weight', () => {
    const records = [service('c', 1, 30, 65535), service('a', 1, 10, 0), service('b', 1, 20, 1)];
    for (let seed = 0; seed < 50; seed++)
      expect(orderServices(records, seeded(seed)).map((record) => record.name)).toEqual(['a', 'b', 'c']);
  });

  test('the share of first places follows the weights', () => {
    const records = [service('a', 1, 0, 10), service('b', 1, 0, 30), service('c', 1, 0, 60)];
    const random = seeded(20_260_101);
    const first = { a: 0, b: 0, c: 0 };
    const draws = 20_000;
    for (let draw = 0; draw < draws; draw++) first[orderServices(records, random)[0]!.name as 'a' | 'b' | 'c']++;
    expect(first.a / draws).toBeCloseTo(0.1, 1);
    expect(first.b / draws).toBeCloseTo(0.3, 1);
    expect(first.c / draws).toBeCloseTo(0.6, 1);
    expect(Math.abs(first.c / draws - 0.6)).toBeLessThan(0.02);
  });

  test('weight 0 is hardly ever chosen before others, but stays in the list', () => {
    const records = [service('heavy', 1, 0, 1_000), service('zero', 1, 0, 0)];
    const random = seeded(7);
    let zeroFirst = 0;
    for (let draw = 0; draw < 5_000; draw++) {
      const ordered = orderServices(records, random);
      expect(ordered).toHaveLength(2);
      if (ordered[0]!.name === 'zero') zeroFirst++;
    }
    expect(zeroFirst).toBeLessThan(30);
  });

  test.each([0, 1])('records that all have weight %d share the first place', (weight) => {
    const records = Array.from({ length: 4 }, (_, index) => service(`h${index}`, 1, 0, weight));
    const random = seeded(11);
    const first = new Map<string, number>();
    for (let draw = 0; draw < 8_000; draw++) {
      const ordered = orderServices(records, random).map((record) => record.name);
      expect([...ordered].sort()).toEqual(['h0', 'h1', 'h2', 'h3']);
      first.set(ordered[0]!, (first.get(ordered[0]!) ?? 0) + 1);
    }
    for (const record of records) expect(Math.abs(first.get(record.name)! / 8_000 - 0.25)).toBeLessThan(0.03);
  });
});
