// Rings between workers: order, limits, wrap, the doorbell.

import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Doorbell, doorbellMemory, PacketRing, ringMemory } from '../../../src/media/ring.ts';
import type { AudioCodec } from '../../../src/sdp/plan.ts';
import { rtpPacket } from '../../support/media.ts';

interface Entry {
  readonly bridge: number;
  readonly packet: string;
  readonly codec: AudioCodec | null;
}

function drain(ring: PacketRing): Entry[] {
  const entries: Entry[] = [];
  while (ring.drain((bridge, packet, codec) => entries.push({ bridge, packet: packet.toString('hex'), codec })));
  return entries;
}

test('design.md 6: what one side pushes, the other reads, with bridge and codec', () => {
  const memory = ringMemory();
  const writer = new PacketRing(memory);
  const reader = new PacketRing(memory);
  const packet = rtpPacket({ payload: Buffer.from('audio') });
  assert.ok(writer.push(4_000_000_000, packet, 12, packet.length, 'PCMA'));
  assert.ok(writer.push(2, packet, 12, packet.length, null));
  assert.deepEqual(drain(reader), [
    { bridge: 4_000_000_000, packet: packet.toString('hex'), codec: 'PCMA' },
    { bridge: 2, packet: packet.toString('hex'), codec: null },
  ]);
  assert.deepEqual(drain(reader), []);
});

test('CSRCs, extension and padding are left behind', () => {
  const ring = new PacketRing(ringMemory());
  const packet = Buffer.concat([rtpPacket({ payload: new Uint8Array(0) }), Buffer.from('0000000761626300', 'hex')]);
  ring.push(1, packet, 16, 19, 'PCMU');
  assert.equal(drain(ring)[0]!.packet, `${packet.subarray(0, 12).toString('hex')}616263`);
});

test('a full ring refuses, and takes again when it was read', () => {
  const ring = new PacketRing(ringMemory());
  const packet = rtpPacket();
  for (let count = 0; count < limits.mediaRingPackets; count++) assert.ok(ring.push(count, packet, 12, 172, 'PCMU'));
  assert.equal(ring.push(0, packet, 12, 172, 'PCMU'), false);
  assert.equal(drain(ring).length, limits.mediaRingPackets);
  assert.ok(ring.push(0, packet, 12, 172, 'PCMU'));
});

test('order holds over many rounds of the ring', () => {
  const ring = new PacketRing(ringMemory());
  const packet = rtpPacket();
  let next = 0;
  for (let round = 0; round < 50; round++) {
    for (let count = 0; count < 100; count++) assert.ok(ring.push(round * 100 + count, packet, 12, 172, 'PCMU'));
    for (const { bridge } of drain(ring)) assert.equal(bridge, next++);
  }
  assert.equal(next, 5_000);
});

test('a packet that fits no slot is refused', () => {
  const ring = new PacketRing(ringMemory());
  const packet = Buffer.alloc(limits.mediaDatagramBytes + 100);
  assert.equal(ring.push(1, packet, 12, packet.length, 'PCMU'), false);
});

test('a worker that was started again leaves out what its predecessor did not read', () => {
  const ring = new PacketRing(ringMemory());
  ring.push(1, rtpPacket(), 12, 172, 'PCMU');
  ring.skipAll();
  assert.deepEqual(drain(ring), []);
});

test('the doorbell wakes its listener, and not once it was stopped', async () => {
  const memory = doorbellMemory();
  let wakes = 0;
  let woken = () => {};
  const listener = new Doorbell(memory).listen(() => {
    wakes += 1;
    woken();
  });
  const atStart = wakes;
  const rung = new Promise<void>((resolve) => {
    woken = resolve;
  });
  new Doorbell(memory).ring();
  await rung;
  assert.ok(wakes > atStart);
  listener.stop();
  const atEnd = wakes;
  new Doorbell(memory).ring();
  await new Promise<void>((resolve) => setImmediate(resolve));
  assert.equal(wakes, atEnd);
});
