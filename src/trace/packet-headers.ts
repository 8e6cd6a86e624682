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

/** Both addresses in bytes, of one kind, and both ports. */
export interface Ends {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly fromPort: number;
  readonly toPort: number;
}

export function endsOf(source: Place, destination: Place): Ends {
  const [from, to] = addressBytes(source.address, destination.address);
  return { from, to, fromPort: source.port, toPort: destination.port };
}

const ipBytes = ({ from }: Ends): number => (from.length === 4 ? IPV4_BYTES : IPV6_BYTES);

/** Length of the packet with all its headers. */
export const packetBytes = (ends: Ends, protocol: 'udp' | 'tcp', payloadBytes: number): number =>
  ipBytes(ends) + (protocol === 'udp' ? UDP_BYTES : TCP_BYTES) + payloadBytes;

/** RFC 1071: ones' complement sum of 16-bit words; what is added to it next starts at an even place. */
function sum(bytes: Uint8Array, first: number, end: number, start: number): number {
  let total = start;
  let at = first;
  for (; at + 1 < end; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  if (at < end) total += bytes[at]! << 8;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

const complement = (total: number): number => ~total & 0xffff;

/** What a packet carries: bytes, or a text that has one character for each. */
export type Payload = Uint8Array | string;

function writePayload(out: Buffer, payload: Payload, at: number): void {
  if (typeof payload === 'string') out.write(payload, at, 'latin1');
  else out.set(payload, at);
}

/** Writes one UDP datagram as an IP packet into zeroes. `payload` is at most PAYLOAD_MAX_BYTES. */
export function writeUdpPacket(out: Buffer, at: number, ends: Ends, payload: Payload): void {
  const header = at + ipBytes(ends);
  const end = header + UDP_BYTES + payload.length;
  writeIpHeader(out, at, ends, UDP, end - header);
  out.writeUInt16BE(ends.fromPort, header);
  out.writeUInt16BE(ends.toPort, header + 2);
  out.writeUInt16BE(end - header, header + 4);
  writePayload(out, payload, header + UDP_BYTES);
  const checksum = complement(transportSum(out, header, end, ends, UDP));
  // RFC 768: 0 means that there is none.
  out.writeUInt16BE(checksum === 0 ? 0xffff : checksum, header + 6);
}

/** Writes one TCP segment with data as an IP packet into zeroes; numbers are taken mod 2^32. */
export function writeTcpPacket(
  out: Buffer,
  at: number,
  ends: Ends,
  numbers: { readonly sequence: number; readonly acknowledged: number },
  payload: Payload,
): void {
  const header = at + ipBytes(ends);
  const end = header + TCP_BYTES + payload.length;
  writeIpHeader(out, at, ends, TCP, end - header);
  out.writeUInt16BE(ends.fromPort, header);
  out.writeUInt16BE(ends.toPort, header + 2);
  out.writeUInt32BE(numbers.sequence >>> 0, header + 4);
  out.writeUInt32BE(numbers.acknowledged >>> 0, header + 8);
  out[header + 12] = (TCP_BYTES / 4) << 4;
  out[header + 13] = TCP_FLAGS;
  out.writeUInt16BE(0xffff, header + 14);
  writePayload(out, payload, header + TCP_BYTES);
  out.writeUInt16BE(complement(transportSum(out, header, end, ends, TCP)), header + 16);
}

/** Over the pseudo header (RFC 768, RFC 8200 8.1: the same numbers for both), the header and the data. */
function transportSum(out: Buffer, header: number, end: number, { from, to }: Ends, protocol: number): number {
  const pseudo = sum(to, 0, to.length, sum(from, 0, from.length, 0)) + protocol + (end - header);
  return sum(out, header, end, pseudo);
}

function writeIpHeader(out: Buffer, at: number, ends: Ends, protocol: number, length: number): void {
  if (ends.from.length === 4) writeIpv4Header(out, at, ends, protocol, length);
  else writeIpv6Header(out, at, ends, protocol, length);
}

function writeIpv4Header(out: Buffer, at: number, { from, to }: Ends, protocol: number, length: number): void {
  out[at] = 0x45;
  out.writeUInt16BE(IPV4_BYTES + length, at + 2);
  // RFC 6864 4.1: a packet that is not fragmented needs no identification.
  out.writeUInt16BE(0x4000, at + 6);
  out[at + 8] = HOP_LIMIT;
  out[at + 9] = protocol;
  out.set(from, at + 12);
  out.set(to, at + 16);
  out.writeUInt16BE(complement(sum(out, at, at + IPV4_BYTES, 0)), at + 10);
}

function writeIpv6Header(out: Buffer, at: number, { from, to }: Ends, protocol: number, length: number): void {
  out[at] = 0x60;
  out.writeUInt16BE(length, at + 4);
  out[at + 6] = protocol;
  out[at + 7] = HOP_LIMIT;
  out.set(from, at + 8);
  out.set(to, at + 24);
}
