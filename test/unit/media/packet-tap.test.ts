// The tap of an endpoint: batches, hidden digits, its bound.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { type CaptureOptions, PacketTap, type TappedBatch } from '../../../src/media/packet-tap.ts';
import { writeHeader } from '../../../src/media/rtp.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function world(options: CaptureOptions = { decrypted: false, digits: false }) {
  const clock = new VirtualClock(1_000_000);
  const batches: TappedBatch[] = [];
  const tap = new PacketTap(options, clock, (batch) => batches.push(batch));
  return { clock, tap, batches };
}

/** An RTP packet with this payload. */
function packet(payload: readonly number[], csrcs = 0): Buffer {
  const bytes = Buffer.alloc(12 + csrcs * 4 + payload.length);
  writeHeader(bytes, 0, false, 0, 1, 160, 7);
  bytes[0]! |= csrcs;
  bytes.set(payload, 12 + csrcs * 4);
  return bytes;
}
const payloads = (batch: TappedBatch) =>
  batch.packets.map(({ at, length }) => [...batch.data.subarray(at, at + length)].slice(12));

describe('[sip 9 capture-rtp] what a tap takes', () => {
  test('copies, with time, direction and peer; the buffer may be rewritten behind it', () => {
    const { tap, batches, clock } = world();
    const one = packet([1, 2, 3]);
    tap.take('in', one, 0, one.length, false, '192.0.2.1', 4000);
    one.fill(0);
    clock.advance(20);
    const two = packet([4]);
    tap.take('out', Buffer.concat([Buffer.alloc(5), two]), 5, 5 + two.length, false, '192.0.2.2', 4002);
    tap.flush();
    expect(payloads(batches[0]!)).toEqual([[1, 2, 3], [4]]);
    expect(batches[0]!.packets.map(({ wallMs, direction, remotePort }) => [wallMs, direction, remotePort])).toEqual([
      [1_000_000, 'in', 4000],
      [1_000_020, 'out', 4002],
    ]);
  });

  test.each([
    ['plain', 0],
    ['behind a CSRC list', 2],
  ])('a digit is an unknown event, %s', (_, csrcs) => {
    const { tap, batches } = world();
    const event = packet([7, 10, 0, 160], csrcs);
    tap.take('in', event, 0, event.length, true, '192.0.2.1', 4000);
    tap.flush();
    expect(payloads(batches[0]!)[0]!.slice(csrcs * 4)).toEqual([255, 10, 0, 160]);
    // Who hears the call hears the digit.
    expect(event[12 + csrcs * 4]).toBe(7);
  });

  test('a digit stays where that is wanted', () => {
    const { tap, batches } = world({ decrypted: false, digits: true });
    const event = packet([7, 10, 0, 160]);
    tap.take('in', event, 0, event.length, true, '192.0.2.1', 4000);
    tap.flush();
    expect(payloads(batches[0]!)[0]![0]).toBe(7);
  });

  test('nothing is sent when nothing came; the last batch says that it is', () => {
    const { tap, batches } = world();
    tap.flush();
    expect(batches).toEqual([]);
    tap.flush(true);
    expect(batches).toMatchObject([{ packets: [], dropped: 0, isLast: true }]);
  });

  test('[sip 9 capture-rtp-bounds] an endpoint gives so much and no more: the rest is counted', () => {
    const { tap, batches } = world();
    const large = packet(Array.from({ length: 1_400 }, () => 1));
    const fitting = Math.floor(limits.captureRtpBytesPerEndpoint / large.length);
    for (let count = 0; count < fitting + 25; count++) tap.take('in', large, 0, large.length, false, '192.0.2.1', 4000);
    tap.flush(true);
    expect(batches.reduce((sum, { packets }) => sum + packets.length, 0)).toBe(fitting);
    expect(batches.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(25);
    for (const { data } of batches) expect(data.length).toBeLessThanOrEqual(16_384);
  });
});
