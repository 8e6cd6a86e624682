// RTP headers read and written by offset in the received buffer (RFC 3550 5.1). No objects are made per packet: the relay asks
// for the payload's place and rewrites fields where they stand. Nothing here trusts the packet.
//
//    0                   1                   2                   3
//   ┌───┬─┬─┬───────┬─┬─────────────┬───────────────────────────────┐
//  0│V=2│P│X│  CC   │M│     PT      │       sequence number         │
//   ├───┴─┴─┴───────┴─┴─────────────┴───────────────────────────────┤
//  4│                           timestamp                           │
//   ├───────────────────────────────────────────────────────────────┤
//  8│                             SSRC                              │
//   ├───────────────────────────────────────────────────────────────┤
// 12│ CSRC × CC, then if X: profile(16) length(16) words × length   │
//   └───────────────────────────────────────────────────────────────┘  payload, then if P: padding, its last octet is its size

export const RTP_HEADER_BYTES = 12;

export const isVersion2 = (packet: Uint8Array): boolean => packet[0]! >> 6 === 2;
export const readMarker = (packet: Uint8Array): boolean => (packet[1]! & 0x80) !== 0;
export const readPayloadType = (packet: Uint8Array): number => packet[1]! & 0x7f;
export const readSequence = (packet: Uint8Array): number => (packet[2]! << 8) | packet[3]!;
export const readUint32 = (bytes: Uint8Array, offset: number): number =>
  ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
export const readTimestamp = (packet: Uint8Array): number => readUint32(packet, 4);
export const readSsrc = (packet: Uint8Array): number => readUint32(packet, 8);

export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >> 8;
  bytes[offset + 1] = value;
}

export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Writes the fixed header without CSRC, extension or padding at `offset`. Values wrap to their width. */
export function writeHeader(
  packet: Uint8Array,
  offset: number,
  marker: boolean,
  payloadType: number,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  packet[offset] = 0x80;
  packet[offset + 1] = (marker ? 0x80 : 0) | payloadType;
  writeUint16(packet, offset + 2, sequence);
  writeUint32(packet, offset + 4, timestamp);
  writeUint32(packet, offset + 8, ssrc);
}

/** Offset of the payload (RFC 3550 5.1, 5.3.1), or -1 when the packet is no RTP version 2 or its header is cut off. */
export function payloadStart(packet: Uint8Array, end: number): number {
  if (end < RTP_HEADER_BYTES || !isVersion2(packet)) return -1;
  let start = RTP_HEADER_BYTES + (packet[0]! & 0x0f) * 4;
  if ((packet[0]! & 0x10) !== 0) {
    if (start + 4 > end) return -1;
    start += 4 + ((packet[start + 2]! << 8) | packet[start + 3]!) * 4;
  }
  return start <= end ? start : -1;
}

/** Offset behind the payload: `end` without padding, or -1 when the padding is longer than the payload or of size 0. */
export function payloadEnd(packet: Uint8Array, start: number, end: number): number {
  if ((packet[0]! & 0x20) === 0) return end;
  const padding = end > start ? packet[end - 1]! : 0;
  return padding > 0 && padding <= end - start ? end - padding : -1;
}

/** RFC 5761 4: with one port for both, RTCP is told by its packet types 192-223 in the second octet. */
export const isRtcp = (packet: Uint8Array): boolean => packet[1]! >= 192 && packet[1]! <= 223;

/** Whether a datagram is long enough and of the right version to be RTP, or RTCP with rtcp-mux. */
export const mayBeRtp = (packet: Uint8Array): boolean =>
  (packet.length >= RTP_HEADER_BYTES || (packet.length >= 8 && isRtcp(packet))) && isVersion2(packet);

/** Signed distance from one 16-bit sequence number to another: -32,768 to 32,767. */
export const sequenceDistance = (from: number, to: number): number => ((to - from) << 16) >> 16;
