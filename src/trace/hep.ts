// One SIP message as a HEP version 3 datagram (Homer Encapsulation Protocol), for capture servers. Pure.
//
//   │ "HEP3" │ total length(2) │ chunk │ chunk │ …
//   chunk: │ vendor(2) = 0 │ type(2) │ length(2), these 6 included │ value │

import ipaddr from 'ipaddr.js';
import type { CapturedPayload } from './pcap.ts';

export interface HepSender {
  readonly captureId: number;
  readonly password: string | null;
}

const CHUNK_HEADER_BYTES = 6;
const chunk = {
  family: 1,
  protocol: 2,
  source4: 3,
  destination4: 4,
  source6: 5,
  destination6: 6,
  sourcePort: 7,
  destinationPort: 8,
  seconds: 9,
  microseconds: 10,
  payloadType: 11,
  captureId: 12,
  password: 14,
  payload: 15,
  correlationId: 17,
} as const;
const AF_INET = 2;
const AF_INET6 = 10;
const protocols = { udp: 17, tcp: 6 } as const;
const SIP = 1;
/** What is left of a UDP datagram beside the other chunks. */
const PAYLOAD_MAX_BYTES = 65_000;

/** `correlationId`: the Call-ID. Undefined when the message does not fit into a datagram, or its addresses are none. */
export function encodeHep(one: CapturedPayload, correlationId: string, sender: HepSender): Buffer | undefined {
  const { source, destination, payload, wallMs, protocol } = one;
  const [from, to] = [addressOf(source.address), addressOf(destination.address)];
  if (!from || !to || from.length !== to.length || payload.length > PAYLOAD_MAX_BYTES) return undefined;
  const isV4 = from.length === 4;
  const microseconds = Math.round(wallMs * 1_000);
  const chunks = [
    uint8(chunk.family, isV4 ? AF_INET : AF_INET6),
    uint8(chunk.protocol, protocols[protocol]),
    bytes(isV4 ? chunk.source4 : chunk.source6, from),
    bytes(isV4 ? chunk.destination4 : chunk.destination6, to),
    uint16(chunk.sourcePort, source.port),
    uint16(chunk.destinationPort, destination.port),
    uint32(chunk.seconds, Math.floor(microseconds / 1_000_000)),
    uint32(chunk.microseconds, microseconds % 1_000_000),
    uint8(chunk.payloadType, SIP),
    uint32(chunk.captureId, sender.captureId),
    ...(sender.password === null ? [] : [bytes(chunk.password, Buffer.from(sender.password))]),
    bytes(chunk.correlationId, Buffer.from(correlationId.slice(0, 255))),
    bytes(chunk.payload, payload),
  ];
  const head = Buffer.from('HEP3\0\0', 'latin1');
  const datagram = Buffer.concat([head, ...chunks]);
  datagram.writeUInt16BE(datagram.length, 4);
  return datagram;
}

function addressOf(text: string): Uint8Array | undefined {
  const plain = text.split('%')[0]!;
  return ipaddr.isValid(plain) ? Uint8Array.from(ipaddr.process(plain).toByteArray()) : undefined;
}

function bytes(type: number, value: Uint8Array): Buffer {
  const header = Buffer.alloc(CHUNK_HEADER_BYTES);
  header.writeUInt16BE(type, 2);
  header.writeUInt16BE(CHUNK_HEADER_BYTES + value.length, 4);
  return Buffer.concat([header, value]);
}

const uint8 = (type: number, value: number): Buffer => bytes(type, Uint8Array.of(value));
const uint16 = (type: number, value: number): Buffer => bytes(type, Uint8Array.of(value >>> 8, value & 0xff));
function uint32(type: number, value: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(value >>> 0);
  return bytes(type, number);
}
