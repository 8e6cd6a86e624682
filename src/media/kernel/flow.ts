// One direction of a bridge as elements of the kernel's maps (rules.ts). Pure.

import { isIPv4, isIPv6 } from 'node:net';

/** Static payload types of PCMU and PCMA (RFC 3551 6); a bridge of others is not relayed here. */
export const RELAYED_PAYLOAD_TYPES = [0, 8] as const;
export type Family = 4 | 6;

/** One direction of a bridge, as the kernel sees it. Addresses are of one family. */
export interface Flow {
  /** Not 0, in no other flow. */
  readonly id: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** Ours, where it arrives. */
  readonly arrivalAddress: string;
  readonly arrivalPort: number;
  readonly ssrc: number;
  readonly payloadType: number;
  /** Ours, where it leaves. */
  readonly departureAddress: string;
  readonly departurePort: number;
  readonly targetAddress: string;
  readonly targetPort: number;
  readonly ssrcOrder: SsrcOrder;
}

/**
 * How the octets of an SSRC stand in the mark of a packet: nft 1.0 leaves them in the order of the network, others turn them. While it is
 * not known, both are entered, and one of them is met.
 */
export type SsrcOrder = 'both' | 'plain' | 'turned';

export const familyOf = (flow: Flow): Family => (isIPv6(flow.sourceAddress) ? 6 : 4);

/** Whether a flow can be written down: nothing but plain addresses of one family and numbers ever gets into the text. */
export function isExpressible(flow: Flow): boolean {
  const addresses = [flow.sourceAddress, flow.arrivalAddress, flow.departureAddress, flow.targetAddress];
  const ports = [flow.sourcePort, flow.arrivalPort, flow.departurePort, flow.targetPort];
  const isPlain = addresses.every(isIPv4) || addresses.every((one) => isIPv6(one) && !one.includes('%'));
  return (
    isPlain &&
    ports.every((port) => Number.isInteger(port) && port > 0 && port <= 0xffff) &&
    Number.isInteger(flow.ssrc) &&
    flow.ssrc >= 0 &&
    flow.ssrc <= 0xffffffff &&
    Number.isInteger(flow.id) &&
    flow.id > 0 &&
    RELAYED_PAYLOAD_TYPES.some((type) => type === flow.payloadType)
  );
}

export function turnedSsrc(ssrc: number): number {
  const octets = new DataView(new ArrayBuffer(4));
  octets.setUint32(0, ssrc, true);
  return octets.getUint32(0);
}

function ssrcKeys({ ssrc, ssrcOrder }: Flow): number[] {
  const turned = turnedSsrc(ssrc);
  if (ssrcOrder === 'both') return turned === ssrc ? [ssrc] : [ssrc, turned];
  return [ssrcOrder === 'plain' ? ssrc : turned];
}

const sourceKey = (flow: Flow): string => `${flow.sourceAddress} . ${flow.sourcePort}`;
const targetKey = (flow: Flow): string => `${flow.targetAddress} . ${flow.targetPort}`;

/** What no two flows may have in common; the words are keys of the maps. */
export const keysOf = (flow: Flow): readonly string[] => [
  `${sourceKey(flow)} . ${targetKey(flow)}`,
  `${flow.departurePort} . ${targetKey(flow)}`,
  `${sourceKey(flow)} . ${flow.arrivalAddress} . ${flow.arrivalPort}`,
];

/** Elements of each map: key and value. */
function elementsOf(flow: Flow): readonly (readonly [map: string, key: string, value: string | number])[] {
  const family = familyOf(flow);
  const [ends, own, arrival] = keysOf(flow);
  const { id, payloadType } = flow;
  return [
    [`address${family}`, `${id}`, flow.targetAddress],
    [`port${family}`, `${id}`, flow.targetPort],
    [`own_address${family}`, own!, flow.departureAddress],
    [`own_port${family}`, ends!, flow.departurePort],
    ...ssrcKeys(flow).map((ssrc) => [`flow${payloadType}_${family}`, `${arrival} . ${ssrc}`, id] as const),
  ];
}

/** The maps that count this flow: packets that came, packets that left. */
export const countedMaps = (flow: Flow): { readonly arrived: string; readonly departed: string } => ({
  arrived: `flow${flow.payloadType}_${familyOf(flow)}`,
  departed: `own_port${familyOf(flow)}`,
});

/** One transaction: all of it or nothing. */
export function changeText(table: string, removed: readonly Flow[], added: readonly Flow[]): string {
  const lines = (verb: string, flows: readonly Flow[], isWhole: boolean) => {
    const maps = new Map<string, string[]>();
    for (const [map, key, value] of flows.flatMap(elementsOf)) {
      const elements = maps.get(map) ?? [];
      if (elements.length === 0) maps.set(map, elements);
      elements.push(isWhole ? `${key} : ${value}` : key);
    }
    return [...maps].map(([map, elements]) => `${verb} element inet ${table} ${map} { ${elements.join(', ')} }\n`);
  };
  return [...lines('delete', removed, false), ...lines('add', added, true)].join('');
}
