// The text of our nftables table: pure, nft.ts runs it. One table holds what marks packets (DSCP) and what relays them.
//
//   prerouting    20 ms of G.711 to one of our ports:  source . own address and port . SSRC ─▶ id of the flow ─▶ new destination
//   postrouting   what has that destination and that source ─▶ our own address and port as the new source;  DSCP
//
// Nothing here needs connection tracking: NAT rules look at the first packet of a connection only, and a call that is handed over has had
// packets already. The new source is written after the routing decision: before it, an own address would be refused as a martian.
// The mark of a packet is used as a place to keep a number between two rules, for packets without one only, and is 0 again afterwards.

import { type Family, RELAYED_PAYLOAD_TYPES } from './flow.ts';

/** UDP and RTP header, 160 octets of G.711. */
const FRAME_UDP_BYTES = 8 + 12 + 160;

export interface TableOptions {
  readonly table: string;
  readonly mediaPorts: { readonly first: number; readonly last: number };
  /** Elements that each map has room for; 0: packets are not relayed. */
  readonly flows: number;
  /** DSCP values, 0 to 63; null: not marked. */
  readonly mediaDscp: number | null;
  readonly signallingDscp: number | null;
  /** Ports that SIP leaves from. */
  readonly sipPorts: readonly number[];
}

/** The whole table, empty; one of the same name is replaced. */
export function tableText(options: TableOptions): string {
  const { table, flows } = options;
  const relaying = flows > 0 ? [...FAMILIES.flatMap((family) => mapsOf(family, flows)), ...arriving(options)] : [];
  return [
    `table inet ${table}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    ...relaying,
    'chain leaving {',
    'type filter hook postrouting priority -150; policy accept;',
    ...(flows > 0 ? FAMILIES.map(departing) : []),
    ...dscpRules(options),
    '}',
    '}',
    '',
  ].join('\n');
}

export const removalText = (table: string): string => `table inet ${table}\ndelete table inet ${table}\n`;

const FAMILIES: readonly Family[] = [4, 6];
const PROTOCOL = { 4: 'ip', 6: 'ip6' } as const;

function mapsOf(family: Family, flows: number): string[] {
  const address = `ipv${family}_addr`;
  const end = `${address} . inet_service`;
  const map = (name: string, key: string, value: string, size = flows, more = '') =>
    `map ${name}${family} { type ${key} : ${value}; size ${size}; ${more} }`;
  return [
    // Twice: see SsrcOrder.
    ...RELAYED_PAYLOAD_TYPES.map((type) =>
      map(`flow${type}_`, `${end} . ${end} . mark`, 'mark', 2 * flows, 'counter;'),
    ),
    map('address', 'mark', address),
    map('port', 'mark', 'inet_service'),
    map('own_address', `inet_service . ${end}`, address),
    map('own_port', `${end} . ${end}`, 'inet_service', flows, 'counter;'),
  ];
}

function arriving({ mediaPorts: { first, last } }: TableOptions): string[] {
  const lookUp = (type: number, family: Family) => {
    const ip = PROTOCOL[family];
    const key = `${ip} saddr . udp sport . ${ip} daddr . udp dport . meta mark`;
    return `meta mark set ${key} map @flow${type}_${family} goto carry${family}`;
  };
  return [
    ...FAMILIES.flatMap((family) => [
      `chain carry${family} {`,
      `${PROTOCOL[family]} daddr set meta mark map @address${family}`,
      `udp dport set meta mark map @port${family} notrack`,
      'meta mark set 0',
      '}',
    ]),
    ...RELAYED_PAYLOAD_TYPES.flatMap((type) => [
      `chain audio${type} {`,
      // RFC 3550 5.1: SSRC, octets 8 to 11 behind the UDP header.
      'meta mark set @th,128,32',
      ...FAMILIES.map((family) => lookUp(type, family)),
      'meta mark set 0',
      '}',
    ]),
    'chain arriving {',
    'type filter hook prerouting priority -310; policy accept;',
    // RFC 3550 5.1: version 2, no padding, extension, CSRC or marker; the payload type. All else is for user space.
    ...RELAYED_PAYLOAD_TYPES.map(
      (type) =>
        `meta mark 0 udp dport ${first}-${last} udp length ${FRAME_UDP_BYTES} @th,64,16 ${0x8000 | type} goto audio${type}`,
    ),
    '}',
  ];
}

function departing(family: Family): string {
  const ip = PROTOCOL[family];
  const ends = `${ip} saddr . udp sport . ${ip} daddr . udp dport`;
  return (
    `udp length ${FRAME_UDP_BYTES} udp sport set ${ends} map @own_port${family} ` +
    `${ip} saddr set udp sport . ${ip} daddr . udp dport map @own_address${family}`
  );
}

function dscpRules({ mediaPorts, mediaDscp, signallingDscp, sipPorts }: TableOptions): string[] {
  const mark = (match: string, value: number) => [
    `meta nfproto ipv4 ${match} ip dscp set ${value}`,
    `meta nfproto ipv6 ${match} ip6 dscp set ${value}`,
  ];
  const { first, last } = mediaPorts;
  const rules = mediaDscp === null ? [] : mark(`udp sport ${first}-${last}`, mediaDscp);
  if (signallingDscp === null || sipPorts.length === 0) return rules;
  const setOf = (ports: Iterable<number>) => `{ ${[...ports].join(', ')} }`;
  const own = setOf(sipPorts);
  // A connection that we opened to a peer leaves from a port of the system; it goes to one of SIP (RFC 3261 19.1.2).
  const ends = [`udp sport ${own}`, `tcp sport ${own}`, `tcp dport ${setOf(new Set([...sipPorts, 5060, 5061]))}`];
  return [...rules, ...ends.flatMap((end) => mark(end, signallingDscp))];
}
