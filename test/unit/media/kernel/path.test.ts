// The kernel as a fast path: which bridges it asks for, what it makes of the counters in shared memory, how slots come and go.

import { MessageChannel } from 'node:worker_threads';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import type { FastDirection, FastPair } from '../../../../src/media/fast-path.ts';
import { KernelPath } from '../../../../src/media/kernel/path.ts';
import { type KernelMessage, Slots, slotMemory, slotState } from '../../../../src/media/kernel/slots.ts';
import { until } from '../../../support/until.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const socket = { send: () => true, sendSoon: () => true, connect: () => {}, disconnect: () => {}, close: () => {} };
const side = (localAddress: string, localPort: number, remoteAddress: string, remotePort: number) => ({
  ...{ socket, localAddress, localPort, remoteAddress, remotePort },
});
const inner = side('192.0.2.1', 20000, '192.0.2.10', 4000);
const outer = side('198.51.100.1', 20002, '198.51.100.2', 6000);

function direction(
  from: FastDirection['from'],
  to: FastDirection['to'],
  more: Partial<FastDirection> = {},
): FastDirection {
  return {
    ...{ from, to, ssrc: 7, outgoingSsrc: 7, highestSequence: 1, baseSequence: 1, jitterUnits: 0 },
    ...{ audio: { in: 0, out: 0 }, telephoneEvent: { in: 101, out: 101 }, translation: null },
    ...{ sequenceOffset: 0, timestampOffset: 0, receiveCrypto: null, sendCrypto: null },
    contexts: { receiver: null, sender: null },
    ...more,
  };
}
const pair = (more: Partial<FastDirection> = {}, a = inner, b = outer): FastPair => ({
  directions: [direction(a, b, more), direction(b, a, more)],
  isUnchanged: true,
});

let clock: VirtualClock;
let slots: Slots;
let path: KernelPath;
let asked: KernelMessage[];
let channel: MessageChannel;

beforeEach(() => {
  clock = new VirtualClock();
  channel = new MessageChannel();
  asked = [];
  channel.port2.on('message', (messages: readonly KernelMessage[]) => asked.push(...messages));
  const memory = slotMemory(2);
  slots = new Slots(memory);
  path = new KernelPath({ memory, port: channel.port1 }, clock);
  onTestFinished(() => channel.port2.close());
});

const messages = (count: number) =>
  until(
    () => asked.length >= count && asked,
    5_000,
    () => JSON.stringify(asked),
  );
/** The driver has read the counters. */
function read(slot: number, ...packets: [number, number]): void {
  for (const index of [0, 1] as const) slots.setCounts(slot, index, packets[index], packets[index] * 160);
  slots.countRead(slot);
}

test('a plain bridge is asked for with both of its flows', async () => {
  expect(path.take(pair())).not.toBeNull();
  const [first] = await messages(1);
  expect(first).toMatchObject({ type: 'add', slot: 0 });
  expect((first as KernelMessage & { type: 'add' }).flows[0]).toEqual({
    ...{ sourceAddress: '192.0.2.10', sourcePort: 4000, arrivalAddress: '192.0.2.1', arrivalPort: 20000 },
    ...{ departureAddress: '198.51.100.1', departurePort: 20002, targetAddress: '198.51.100.2', targetPort: 6000 },
    ...{ ssrc: 7, payloadType: 0 },
  });
});

test.each<[string, FastPair]>([
  ['a header that changes', { ...pair(), isUnchanged: false }],
  ['a dynamic payload type', pair({ audio: { in: 96, out: 96 } })],
  ['a peer on loopback', pair({}, side('127.0.0.1', 20000, '127.0.0.1', 4000))],
  ['a peer on loopback of IPv6', pair({}, side('::1', 20000, '::1', 4000), side('::1', 20002, '::1', 4002))],
  ['two families', pair({}, side('2001:db8::1', 20000, '2001:db8::2', 4000))],
])('not asked for: %s', (_what, wrong) => {
  expect(path.take(wrong)).toBeNull();
});

test('counters are those of the last reading; time without one is no silence, one that has not moved is', async () => {
  const relay = path.take(pair())!;
  clock.advance(5_000);
  expect(relay.poll()!.map(({ silentMs, received }) => [silentMs, received])).toEqual([
    [0, 0],
    [0, 0],
  ]);
  read(0, 0, 0);
  expect(relay.poll()!.map(({ silentMs }) => silentMs)).toEqual([0, 0]);
  clock.advance(1_000);
  read(0, 50, 0);
  expect(relay.poll()).toMatchObject([
    { received: 50, receivedBytes: 8_000, sent: 50, sentBytes: 8_000, silentMs: 0, numbers: null },
    { received: 0, silentMs: 1_000 },
  ]);
  clock.advance(1_500);
  expect(relay.poll()!.map(({ silentMs }) => silentMs)).toEqual([0, 1_000]);
});

test('a relay fails when the driver says so, when nobody reads its counters any more, and when the driver is gone', async () => {
  const [first, second] = [path.take(pair())!, path.take(pair())!];
  slots.setState(0, slotState.failed);
  expect(first.poll()).toBeNull();
  expect(second.poll()).not.toBeNull();
  clock.advance(limits.kernelStaleMs + 1);
  expect(second.poll()).toBeNull();
  first.end();
  await messages(3);
  slots.setState(0, slotState.free);
  expect(path.take(pair())).toBeNull();
  clock.advance(limits.kernelRestMs);
  const third = path.take(pair())!;
  expect(third.poll()).not.toBeNull();
  channel.port2.close();
  await until(
    () => third.poll() === null,
    5_000,
    () => 'the path does not see that the driver is gone',
  );
  expect(path.take(pair())).toBeNull();
});

test('a slot is used again when the kernel has let go of it', async () => {
  const relays = [path.take(pair())!, path.take(pair())!];
  expect(path.take(pair())).toBeNull();
  relays[1]!.end();
  expect(await messages(3)).toContainEqual({ type: 'remove', slot: 1 });
  expect(path.take(pair())).toBeNull();
  slots.setState(1, slotState.free);
  expect(path.take(pair())).not.toBeNull();
  expect(slots.state(1)).toBe(slotState.waiting);
});
