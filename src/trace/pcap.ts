// Writes a classic pcap file (the format of libpcap 2.4, link type 101: raw IP), which every packet analyser opens. Pure. Of each call
// that ends one is made, so it is written in place, into one buffer.
//
//   │ magic a1b2c3d4 │ 2 │ 4 │ 0 │ 0 │ snap length │ 101 │     file header, 24 bytes
//   │ seconds │ microseconds │ length │ length │ packet … │     one record per packet

import {
  type Ends,
  endsOf,
  PAYLOAD_MAX_BYTES,
  type Payload,
  type Place,
  packetBytes,
  writeTcpPacket,
  writeUdpPacket,
} from './packet-headers.ts';

/** A payload that crossed the wire, and between whom. */
export interface CapturedPayload<P extends Payload = Uint8Array> {
  /** Wall milliseconds, fractions allowed. */
  readonly wallMs: number;
  readonly protocol: 'udp' | 'tcp';
  readonly source: Place;
  readonly destination: Place;
  readonly payload: P;
}

interface Packet {
  readonly of: CapturedPayload<Payload>;
  readonly ends: Ends;
  readonly payload: Payload;
  readonly length: number;
}

const MAGIC = 0xa1b2c3d4;
const SNAP_BYTES = 262_144;
const LINK_TYPE_RAW = 101;
const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** The file with these payloads, in the order given; without any it is a header alone. */
export function writePcap(payloads: Iterable<CapturedPayload<Payload>>): Buffer {
  const packets: Packet[] = [];
  let size = FILE_HEADER_BYTES;
  for (const of of payloads) {
    const ends = endsOf(of.source, of.destination);
    for (const payload of piecesOf(of)) {
      const length = packetBytes(ends, of.protocol, payload.length);
      packets.push({ of, ends, payload, length });
      size += RECORD_HEADER_BYTES + length;
    }
  }
  const file = Buffer.alloc(size);
  writeFileHeader(file);
  const streams = new TcpStreams();
  let at = FILE_HEADER_BYTES;
  for (const { of, ends, payload, length } of packets) {
    writeRecordHeader(file, at, of.wallMs, length);
    at += RECORD_HEADER_BYTES;
    if (of.protocol === 'udp') writeUdpPacket(file, at, ends, payload);
    else writeTcpPacket(file, at, ends, streams.numbers(of, payload.length), payload);
    at += length;
  }
  return file;
}

/** A datagram is one packet, what is too long for it is cut; of a stream as many as it takes. */
function piecesOf({ protocol, payload }: CapturedPayload<Payload>): readonly Payload[] {
  if (payload.length <= PAYLOAD_MAX_BYTES) return protocol === 'tcp' && payload.length === 0 ? [] : [payload];
  if (protocol === 'udp') return [pieceOf(payload, 0)];
  const pieces: Payload[] = [];
  for (let at = 0; at < payload.length; at += PAYLOAD_MAX_BYTES) pieces.push(pieceOf(payload, at));
  return pieces;
}

const pieceOf = (payload: Payload, at: number): Payload =>
  typeof payload === 'string'
    ? payload.slice(at, at + PAYLOAD_MAX_BYTES)
    : payload.subarray(at, at + PAYLOAD_MAX_BYTES);

/** Numbers the bytes of each direction of each connection from 1, so that an analyser puts messages together again. */
class TcpStreams {
  readonly #next = new Map<string, number>();

  numbers(
    { source, destination }: CapturedPayload<Payload>,
    length: number,
  ): { sequence: number; acknowledged: number } {
    const there = nameOf(source, destination);
    const sequence = this.#next.get(there) ?? 1;
    const acknowledged = this.#next.get(nameOf(destination, source)) ?? 1;
    this.#next.set(there, (sequence + length) >>> 0);
    return { sequence, acknowledged };
  }
}

const nameOf = (from: Place, to: Place): string => `${from.address} ${from.port} ${to.address} ${to.port}`;

function writeFileHeader(file: Buffer): void {
  file.writeUInt32LE(MAGIC, 0);
  file.writeUInt16LE(2, 4);
  file.writeUInt16LE(4, 6);
  file.writeUInt32LE(SNAP_BYTES, 16);
  file.writeUInt32LE(LINK_TYPE_RAW, 20);
}

function writeRecordHeader(file: Buffer, at: number, wallMs: number, length: number): void {
  const microseconds = Math.round(wallMs * 1_000);
  file.writeUInt32LE(Math.floor(microseconds / 1_000_000), at);
  file.writeUInt32LE(microseconds % 1_000_000, at + 4);
  file.writeUInt32LE(length, at + 8);
  file.writeUInt32LE(length, at + 12);
}
