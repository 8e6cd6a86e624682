// RTP headers by offset: every field, and every way in which a packet can lie about its parts.

import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import {
  isRtcp,
  payloadEnd,
  payloadStart,
  readMarker,
  readPayloadType,
  readSequence,
  readSsrc,
  readTimestamp,
  sequenceDistance,
  writeHeader,
} from '../../../src/media/rtp.ts';

const packetOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

test('RFC 3550 5.1: what writeHeader writes, the readers read', () => {
  const packet = Buffer.alloc(20);
  writeHeader(packet, 4, true, 101, 65_535, 0xfedcba98, 0x89abcdef);
  assert.equal(packet.toString('hex'), '0000000080e5fffffedcba9889abcdef00000000');
  const header = packet.subarray(4);
  assert.equal(readMarker(header), true);
  assert.equal(readPayloadType(header), 101);
  assert.equal(readSequence(header), 65_535);
  assert.equal(readTimestamp(header), 0xfedcba98);
  assert.equal(readSsrc(header), 0x89abcdef);
});

test('RFC 3550 5.1: numbers wrap to the width of their field', () => {
  const packet = Buffer.alloc(12);
  writeHeader(packet, 0, false, 0, 65_536 + 7, 2 ** 32 + 5, 9);
  assert.equal(readSequence(packet), 7);
  assert.equal(readTimestamp(packet), 5);
});

const starts: [string, string, number][] = [
  ['fixed header', '80 00 0001 00000000 00000001 aa', 12],
  ['no payload', '80 00 0001 00000000 00000001', 12],
  ['two CSRCs', '82 00 0001 00000000 00000001 00000002 00000003 aa', 20],
  ['CSRCs cut off', '82 00 0001 00000000 00000001 00000002', -1],
  ['extension of one word', '90 00 0001 00000000 00000001 bede0001 11223344 aa', 20],
  ['extension header cut off', '90 00 0001 00000000 00000001 bede', -1],
  ['extension longer than the packet', '90 00 0001 00000000 00000001 bedeffff 11223344', -1],
  ['version 1', '40 00 0001 00000000 00000001 aa', -1],
  ['eleven octets', '80 00 0001 00000000 000000', -1],
];
for (const [name, hex, expected] of starts) {
  test(`RFC 3550 5.1, 5.3.1: payload of a packet with ${name} begins at ${expected}`, () => {
    const packet = packetOf(hex);
    assert.equal(payloadStart(packet, packet.length), expected);
  });
}

const ends: [string, string, number][] = [
  ['none', '80 00 0001 00000000 00000001 aabbcc', 15],
  ['of two octets', 'a0 00 0001 00000000 00000001 aa 0002', 13],
  ['of the whole payload', 'a0 00 0001 00000000 00000001 000003', 12],
  ['of size 0', 'a0 00 0001 00000000 00000001 aa 0000', -1],
  ['longer than the payload', 'a0 00 0001 00000000 00000001 aa 0004', -1],
  ['but no payload', 'a0 00 0001 00000000 00000001', -1],
];
for (const [name, hex, expected] of ends) {
  test(`RFC 3550 5.1: padding ${name}: payload ends at ${expected}`, () => {
    const packet = packetOf(hex);
    assert.equal(payloadEnd(packet, 12, packet.length), expected);
  });
}

test('RFC 5761 4: RTCP is told by packet types 192 to 223', () => {
  assert.deepEqual(
    [191, 192, 200, 223, 224, 0x80 | 101].map((second) => isRtcp(Uint8Array.of(0x80, second))),
    [false, true, true, true, false, false],
  );
});

test('RFC 3550 A.1: distances of sequence numbers go round the wrap', () => {
  assert.equal(sequenceDistance(65_535, 0), 1);
  assert.equal(sequenceDistance(0, 65_535), -1);
  assert.equal(sequenceDistance(10, 32_777), 32_767);
  assert.equal(sequenceDistance(10, 10), 0);
});
