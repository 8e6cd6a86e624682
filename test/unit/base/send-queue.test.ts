// Packets that leave together at the end of a turn.

import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import type { DatagramSocket } from '../../../src/base/datagram.ts';
import { type QueuedSocket, SENDS_IN_A_ROW, SendQueue } from '../../../src/base/send-queue.ts';

function world() {
  const turns: (() => void)[] = [];
  const sent: string[] = [];
  let failures = 0;
  const socket = (name: string, fault: string | null = null): QueuedSocket => ({
    socket: {
      send: (packet: Uint8Array, port: number, address: string) => {
        sent.push(`${name} ${Buffer.from(packet)} ${address}:${port}`);
        return fault;
      },
    } as DatagramSocket,
    failed: () => {
      failures += 1;
    },
  });
  const queue = new SendQueue((flush) => turns.push(flush));
  return { turns, sent, socket, queue, failures: () => failures };
}

test('packets wait for the end of the turn and leave in order, each by its socket', () => {
  const { turns, sent, socket, queue } = world();
  const [a, b] = [socket('a'), socket('b')];
  queue.add(a, Buffer.from('1'), '127.0.0.1', 1_000);
  queue.add(b, Buffer.from('2'), '127.0.0.2', 65_535);
  queue.add(a, Buffer.from('3'), '127.0.0.1', 1_000);
  assert.deepEqual(sent, []);
  assert.equal(turns.length, 1);
  turns.shift()!();
  assert.deepEqual(sent, ['a 1 127.0.0.1:1000', 'b 2 127.0.0.2:65535', 'a 3 127.0.0.1:1000']);
  queue.add(a, Buffer.from('4'), '127.0.0.1', 1_000);
  assert.equal(turns.length, 1);
});

test('a full queue leaves at once, and the end of the turn finds nothing', () => {
  const { turns, sent, socket, queue } = world();
  const a = socket('a');
  for (let index = 0; index < SENDS_IN_A_ROW; index++) queue.add(a, Buffer.from('x'), '127.0.0.1', 9);
  assert.equal(sent.length, SENDS_IN_A_ROW);
  turns.shift()!();
  assert.equal(sent.length, SENDS_IN_A_ROW);
});

test('a packet that the kernel refuses is told to its socket, the others leave', () => {
  const { sent, socket, queue, failures } = world();
  queue.add(socket('broken', 'EPERM'), Buffer.from('1'), '127.0.0.1', 9);
  queue.add(socket('a'), Buffer.from('2'), '127.0.0.1', 9);
  queue.flush();
  assert.equal(sent.length, 2);
  assert.equal(failures(), 1);
  queue.flush();
  assert.equal(sent.length, 2);
});
