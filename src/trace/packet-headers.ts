// IP, UDP and TCP headers made up around a payload whose addresses are known (RFC 791, 8200, 768, 9293). Pure. Used by pcap.ts: the
// gateway sees payloads only, a packet analyser wants packets.
//
//   │ IPv4 header (20) or IPv6 header (40) │ UDP header (8) or TCP header (20) │ payload │

import ipaddr from 'ipaddr.js';

export interface Place {
  /** IPv4 or IPv6 as text; a zone is left out. */
  readonly address: string;
  readonly port: number;
}

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
const TCP_BYTES = 20;
const UDP = 17;
const TCP = 6;
const HOP_LIMIT = 64;
/** PSH and ACK. */
const TCP_FLAGS = 0x18;
/** Payload of one packet: what the 16-bit lengths leave, rounded down. */
export const PAYLOAD_MAX_BYTES = 65_000;

/** An address of another kind than its peer's is written in the longer form (RFC 4291 2.5.5.2). */
function addressBytes(source: string, destination: string): readonly [Uint8Array, Uint8Array] {
  const [from, to] = [parseAddress(source), parseAddress(destination)];
  if (from.length === to.length) return [from, to];
  return [mapped(from), mapped(to)];
}

/** A family's messages have few addresses, each many times. */
const parsed = new Map<string, Uint8Array>();
const PARSED_MAX = 1_024;

function parseAddress(text: string): Uint8Array {
  const known = parsed.get(text);
  if (known) return known;
  const plain = text.split('%')[0]!;
  const bytes = ipaddr.isValid(plain) ? Uint8Array.from(ipaddr.process(plain).toByteArray()) : new Uint8Array(4);
  if (parsed.size >= PARSED_MAX) parsed.clear();
  parsed.set(text, bytes);
  return bytes;
}

const mapped = (address: Uint8Array): Uint8Array =>
  address.length === 16 ? address : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...address);

/** RFC 1071: ones' complement sum of 16-bit words; what is added to it next starts at an even place. */
function sum(bytes: Uint8Array, start = 0): number {
  let total = start;
  for (let at = 0; at + 1 < bytes.length; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  if (bytes.length % 2 === 1) total += bytes[bytes.length - 1]! << 8;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

const complement = (total: number): number => ~total & 0xffff;

/** One UDP datagram as an IP packet. `payload` is at most PAYLOAD_MAX_BYTES. */
export function udpPacket(source: Place, destination: Place, payload: Uint8Array): Buffer {
  const [from, to] = addressBytes(source.address, destination.address);
  const header = Buffer.alloc(UDP_BYTES);
  header.writeUInt16BE(source.port, 0);
  header.writeUInt16BE(destination.port, 2);
  header.writeUInt16BE(UDP_BYTES + payload.length, 4);
  const checksum = complement(transportSum(from, to, UDP, header, payload));
  // RFC 768: 0 means that there is none.
  header.writeUInt16BE(checksum === 0 ? 0xffff : checksum, 6);
  return ipPacket(from, to, UDP, header, payload);
}

/** One TCP segment with data as an IP packet; numbers are taken mod 2^32. */
export function tcpPacket(
  source: Place,
  destination: Place,
  numbers: { readonly sequence: number; readonly acknowledged: number },
  payload: Uint8Array,
): Buffer {
  const [from, to] = addressBytes(source.address, destination.address);
  const header = Buffer.alloc(TCP_BYTES);
  header.writeUInt16BE(source.port, 0);
  header.writeUInt16BE(destination.port, 2);
  header.writeUInt32BE(numbers.sequence >>> 0, 4);
  header.writeUInt32BE(numbers.acknowledged >>> 0, 8);
  header[12] = (TCP_BYTES / 4) << 4;
  header[13] = TCP_FLAGS;
  header.writeUInt16BE(0xffff, 14);
  header.writeUInt16BE(complement(transportSum(from, to, TCP, header, payload)), 16);
  return ipPacket(from, to, TCP, header, payload);
}

/** Over the pseudo header (RFC 768, RFC 8200 8.1: the same numbers for both), the header and the data. */
function transportSum(
  from: Uint8Array,
  to: Uint8Array,
  protocol: number,
  header: Uint8Array,
  payload: Uint8Array,
): number {
  const pseudo = sum(to, sum(from)) + protocol + header.length + payload.length;
  return sum(payload, sum(header, pseudo));
}

function ipPacket(from: Uint8Array, to: Uint8Array, protocol: number, header: Uint8Array, payload: Uint8Array): Buffer {
  const ip = from.length === 4 ? ipv4Header(from, to, protocol, header.length + payload.length) : undefined;
  return Buffer.concat([ip ?? ipv6Header(from, to, protocol, header.length + payload.length), header, payload]);
}

function ipv4Header(from: Uint8Array, to: Uint8Array, protocol: number, length: number): Buffer {
  const header = Buffer.alloc(IPV4_BYTES);
  header[0] = 0x45;
  header.writeUInt16BE(IPV4_BYTES + length, 2);
  // RFC 6864 4.1: a packet that is not fragmented needs no identification.
  header.writeUInt16BE(0x4000, 6);
  header[8] = HOP_LIMIT;
  header[9] = protocol;
  header.set(from, 12);
  header.set(to, 16);
  header.writeUInt16BE(complement(sum(header)), 10);
  return header;
}

function ipv6Header(from: Uint8Array, to: Uint8Array, protocol: number, length: number): Buffer {
  const header = Buffer.alloc(IPV6_BYTES);
  header[0] = 0x60;
  header.writeUInt16BE(length, 4);
  header[6] = protocol;
  header[7] = HOP_LIMIT;
  header.set(from, 8);
  header.set(to, 24);
  return header;
}
