// The text of the nftables table, its elements, and what is read back: without a kernel.

import { describe, expect, test } from 'vitest';
import { readCounts } from '../../../../src/media/kernel/counts.ts';
import { changeText, type Flow, isExpressible, keysOf } from '../../../../src/media/kernel/flow.ts';
import { tableText } from '../../../../src/media/kernel/rules.ts';

const flow: Flow = {
  id: 3,
  ...{ sourceAddress: '192.0.2.10', sourcePort: 4000, arrivalAddress: '192.0.2.1', arrivalPort: 20000 },
  ...{ ssrc: 0x11223344, payloadType: 0, ssrcOrder: 'both' },
  ...{ departureAddress: '198.51.100.1', departurePort: 20002, targetAddress: '198.51.100.2', targetPort: 6000 },
};
const flow6: Flow = {
  ...flow,
  ...{ id: 4, payloadType: 8, sourceAddress: '2001:db8:1::2', arrivalAddress: '2001:db8:1::1' },
  ...{ departureAddress: '2001:db8:2::1', targetAddress: '2001:db8:2::2' },
};
const TABLE = 'hookswitch_media_20000';
const options = {
  ...{ table: TABLE, mediaPorts: { first: 20000, last: 20099 }, flows: 50 },
  ...{ mediaDscp: null, signallingDscp: null, sipPorts: [5060] },
};

describe('table', () => {
  test('replaces one of its name in the same transaction, and names no other', () => {
    const lines = tableText(options).split('\n');
    expect(lines.slice(0, 3)).toEqual([`table inet ${TABLE}`, `delete table inet ${TABLE}`, `table inet ${TABLE} {`]);
    expect(
      tableText(options)
        .match(/\btable inet \S+/g)!
        .every((one) => one === `table inet ${TABLE}`),
    ).toBe(true);
  });

  test('without relays it has no maps and looks at nothing that arrives', () => {
    const text = tableText({ ...options, flows: 0, mediaDscp: 46 });
    expect(text).not.toMatch(/\bmap\b|prerouting/);
    expect(text).toContain('udp sport 20000-20099 ip dscp set 46');
    expect(text).toContain('udp sport 20000-20099 ip6 dscp set 46');
  });

  test('needs no connection tracking: it would be switched on for the whole machine', () => {
    expect(tableText({ ...options, mediaDscp: 46, signallingDscp: 24 })).not.toMatch(/\bct\b|\bnat\b/);
  });

  test('SIP is marked by our ports, and on connections to those of SIP', () => {
    const text = tableText({ ...options, signallingDscp: 24, sipPorts: [5080] });
    expect(text).toContain('tcp sport { 5080 } ip dscp set 24');
    expect(text).toContain('udp sport { 5080 } ip6 dscp set 24');
    expect(text).toContain('tcp dport { 5080, 5060, 5061 } ip dscp set 24');
  });
});

describe('elements', () => {
  test('all maps of a flow in one text, the SSRC in both orders of its octets', () => {
    expect(changeText(TABLE, [], [flow])).toBe(
      [
        `add element inet ${TABLE} address4 { 3 : 198.51.100.2 }`,
        `add element inet ${TABLE} port4 { 3 : 6000 }`,
        `add element inet ${TABLE} own_address4 { 20002 . 198.51.100.2 . 6000 : 198.51.100.1 }`,
        `add element inet ${TABLE} own_port4 { 192.0.2.10 . 4000 . 198.51.100.2 . 6000 : 20002 }`,
        `add element inet ${TABLE} flow0_4 { 192.0.2.10 . 4000 . 192.0.2.1 . 20000 . 287454020 : 3, ` +
          '192.0.2.10 . 4000 . 192.0.2.1 . 20000 . 1144201745 : 3 }',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['plain', 287454020],
    ['turned', 1144201745],
  ] as const)('where the order is known, once: %s', (ssrcOrder, ssrc) => {
    const text = changeText(TABLE, [], [{ ...flow, ssrcOrder }]);
    expect(text).toContain(`flow0_4 { 192.0.2.10 . 4000 . 192.0.2.1 . 20000 . ${ssrc} : 3 }`);
  });

  test('an SSRC that reads the same both ways is entered once', () => {
    expect(changeText(TABLE, [], [{ ...flow, ssrc: 0x11222211 }]).match(/ : 3\b/g)).toHaveLength(1);
  });

  test('what leaves goes by its keys, before what comes', () => {
    const text = changeText(TABLE, [flow], [flow6]);
    expect(text.indexOf('delete element')).toBeLessThan(text.indexOf('add element'));
    expect(text).toContain(`delete element inet ${TABLE} address4 { 3 }\n`);
    expect(text).toContain(`add element inet ${TABLE} flow8_6 { 2001:db8:1::2 . 4000 . 2001:db8:1::1 . 20000 . `);
    expect(changeText(TABLE, [], [])).toBe('');
  });

  test.each<[string, Partial<Flow>]>([
    ['a name in place of an address', { targetAddress: 'example.com' }],
    ['text of nft in place of an address', { sourceAddress: '192.0.2.1 } ; flush ruleset' }],
    ['an interface in an address', { ...flow6, sourceAddress: 'fe80::1%eth0' }],
    ['two families', { targetAddress: '2001:db8::1' }],
    ['no port', { sourcePort: 0 }],
    ['half a port', { sourcePort: 4000.5 }],
    ['a payload type that is not static', { payloadType: 96 }],
    ['no number', { id: 0 }],
    ['an SSRC of more than 32 bits', { ssrc: 2 ** 32 }],
  ])('never written down: %s', (_what, wrong) => {
    expect(isExpressible({ ...flow, ...wrong })).toBe(false);
  });

  test('plain flows of both families may be', () => {
    expect([flow, flow6].map(isExpressible)).toEqual([true, true]);
  });
});

describe('counters', () => {
  const map = (name: string, elem: unknown[]) => ({ map: { family: 'inet', name, table: TABLE, elem } });
  const element = (concat: unknown[], packets: number, bytes: number, value: unknown) => [
    { elem: { val: { concat }, counter: { packets, bytes } } },
    value,
  ];
  const listing = JSON.stringify({
    nftables: [
      { metainfo: { json_schema_version: 1 } },
      map('flow0_4', [
        element(['192.0.2.10', 4000, '192.0.2.1', 20000, 1], 0, 0, 3),
        element(['192.0.2.10', 4000, '192.0.2.1', 20000, 2], 10, 2_000, 3),
      ]),
      map('flow8_6', [element(['2001:db8:1::2', 4000, '2001:db8:1::1', 20000, 2], 5, 1_100, 4)]),
      map('own_port4', [element(['192.0.2.10', 4000, '198.51.100.2', 6000], 9, 1_800, 20002)]),
      map('address4', [[3, '198.51.100.2']]),
      { chain: { family: 'inet', table: TABLE, name: 'leaving' } },
    ],
  });

  test('both orders of an SSRC together, octets of payload without headers, what left beside what came', () => {
    const counts = readCounts([listing], [flow, flow6])!;
    expect(counts.get(3)).toEqual({ arrived: 10, arrivedBytes: 1_600, departed: 9, ssrcOrder: 'turned' });
    expect(counts.get(4)).toEqual({ arrived: 5, arrivedBytes: 800, departed: 0, ssrcOrder: 'turned' });
  });

  test('flows that nobody asks for are left out', () => {
    expect([...readCounts([listing], [flow6])!.keys()]).toEqual([4]);
  });

  test.each(['', 'no JSON', '{}', '{"nftables":[{"map":{"name":"flow0_4","elem":[[]]}}]}', 'null'])(
    'anything else is no listing: %s',
    (text) => {
      expect(readCounts([text], [flow])).toBeUndefined();
    },
  );

  test('keys of one flow are three, all different', () => {
    expect(new Set(keysOf(flow)).size).toBe(3);
  });
});
