// Writes a classic pcap file (the format of libpcap 2.4, link type 101: raw IP), which every packet analyser opens. Pure.
//
//   │ magic a1b2c3d4 │ 2 │ 4 │ 0 │ 0 │ snap length │ 101 │     file header, 24 bytes
//   │ seconds │ microseconds │ length │ length │ packet … │     one record per packet

import { PAYLOAD_MAX_BYTES, type Place, tcpPacket, udpPacket } from './packet-headers.ts';

/** A payload that crossed the wire, and between whom. */
export interface CapturedPayload {
  /** Wall milliseconds, fractions allowed. */
  readonly wallMs: number;
  readonly protocol: 'udp' | 'tcp';
  readonly source: Place;
  readonly destination: Place;
  readonly payload: Uint8Array;
}

const MAGIC = 0xa1b2c3d4;
const SNAP_BYTES = 262_144;
const LINK_TYPE_RAW = 101;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** The file with these payloads, in the order given; without any it is a header alone. */
export function writePcap(payloads: Iterable<CapturedPayload>): Buffer {
  const parts: Buffer[] = [fileHeader()];
  const streams = new TcpStreams();
  for (const one of payloads)
    for (const packet of packetsOf(one, streams)) parts.push(recordHeader(one.wallMs, packet.length), packet);
  return Buffer.concat(parts);
}

function* packetsOf(one: CapturedPayload, streams: TcpStreams): Iterable<Buffer> {
  if (one.protocol === 'udp') {
    yield udpPacket(one.source, one.destination, one.payload.subarray(0, PAYLOAD_MAX_BYTES));
    return;
  }
  for (let at = 0; at < one.payload.length; at += PAYLOAD_MAX_BYTES)
    yield streams.segment(one.source, one.destination, one.payload.subarray(at, at + PAYLOAD_MAX_BYTES));
}

/** Numbers the bytes of each direction of each connection from 1, so that an analyser puts messages together again. */
class TcpStreams {
  readonly #next = new Map<string, number>();

  segment(source: Place, destination: Place, payload: Uint8Array): Buffer {
    const there = nameOf(source, destination);
    const sequence = this.#next.get(there) ?? 1;
    const acknowledged = this.#next.get(nameOf(destination, source)) ?? 1;
    this.#next.set(there, (sequence + payload.length) >>> 0);
    return tcpPacket(source, destination, { sequence, acknowledged }, payload);
  }
}

const nameOf = (from: Place, to: Place): string => `${from.address} ${from.port} ${to.address} ${to.port}`;

function fileHeader(): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAP_BYTES, 16);
  header.writeUInt32LE(LINK_TYPE_RAW, 20);
  return header;
}

function recordHeader(wallMs: number, length: number): Buffer {
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  const microseconds = Math.round(wallMs * 1_000);
  header.writeUInt32LE(Math.floor(microseconds / 1_000_000), 0);
  header.writeUInt32LE(microseconds % 1_000_000, 4);
  header.writeUInt32LE(length, 8);
  header.writeUInt32LE(length, 12);
  return header;
}
