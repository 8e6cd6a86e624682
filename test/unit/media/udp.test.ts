// What a socket of the media makes of a fast path that fails.

import { expect, test } from 'vitest';
import { SendQueue } from '../../../src/base/send-queue.ts';
import { UdpMediaSocket } from '../../../src/media/udp.ts';

test('a fault in a fast path is told of, and ends neither the thread nor the socket', () => {
  const heard: unknown[] = [];
  const socket = new UdpMediaSocket(new SendQueue((flush) => flush()), {
    packet: () => heard.push('packet'),
    faulted: (fault) => heard.push(fault),
    error: () => heard.push('error'),
  });
  const fault = new Error('of ours');
  socket.relay = {
    pass: () => {
      throw fault;
    },
  };
  socket.packet(Buffer.alloc(12), '127.0.0.1', 5_000);
  socket.relay = { pass: () => false };
  socket.packet(Buffer.alloc(12), '127.0.0.1', 5_000);
  expect(heard).toEqual([fault, 'packet']);
});
