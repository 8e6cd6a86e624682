// The outbox: what a slow server costs, and when it is given up.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Outbox } from '../../../src/streams/outbox.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const AUDIO = 'a'.repeat(300);

function bench() {
  const clock = new VirtualClock();
  const written: string[] = [];
  const pending: (() => void)[] = [];
  const stalls: string[] = [];
  let dropped = 0;
  const outbox = new Outbox({
    clock,
    write: (text, done) => {
      written.push(text);
      pending.push(done);
    },
    onStalled: (reason) => stalls.push(reason),
    onDropped: (frames) => {
      dropped += frames;
    },
  });
  const takeAll = () => {
    for (let done = pending.shift(); done; done = pending.shift()) done();
  };
  return { clock, written, pending, stalls, outbox, takeAll, dropped: () => dropped };
}

describe('outbox', () => {
  test('a server that reads gets everything at once and in order', () => {
    const { outbox, written, takeAll } = bench();
    for (let count = 0; count < 1_000; count++) {
      outbox.push(String(count), true);
      takeAll();
    }
    expect(written).toEqual(Array.from({ length: 1_000 }, (_, index) => String(index)));
    expect(outbox.waiting).toBe(0);
  });

  test('a slow one: the oldest audio is dropped and counted, the rest keeps its order, other messages are kept', () => {
    const { outbox, written, takeAll, dropped } = bench();
    const inFlight = Math.ceil(limits.streamInFlightBytes / AUDIO.length);
    for (let count = 0; count < inFlight; count++) outbox.push(AUDIO, true);
    outbox.push('mark', false);
    for (let count = 0; count < limits.streamFramesQueued + 7; count++) outbox.push(`${count}`, true);
    expect(outbox.waiting).toBe(limits.streamFramesQueued + 1);
    expect(dropped()).toBe(7);
    takeAll();
    expect(written[inFlight]).toBe('mark');
    expect(written.slice(inFlight + 1, inFlight + 3)).toEqual(['7', '8']);
    expect(written.at(-1)).toBe(`${limits.streamFramesQueued + 6}`);
  });

  test('one that takes nothing is given up after a while, once', () => {
    const { outbox, clock, stalls, pending } = bench();
    outbox.push('x', true);
    clock.advance(limits.streamStallMs - 1);
    expect(stalls).toEqual([]);
    pending.shift()!();
    outbox.push('y', true);
    clock.advance(limits.streamStallMs - 1);
    expect(stalls).toEqual([]);
    clock.advance(1);
    clock.advance(limits.streamStallMs);
    expect(stalls).toHaveLength(1);
    outbox.push('z', true);
    expect(outbox.waiting).toBe(0);
  });

  test('messages that are no audio are bounded too', () => {
    const { outbox, stalls } = bench();
    outbox.push('x'.repeat(limits.streamInFlightBytes), false);
    for (let count = 0; count <= limits.streamControlsQueued; count++) outbox.push('mark', false);
    expect(stalls).toHaveLength(1);
  });

  test('closed, it leaves no timer', () => {
    const { outbox, clock, stalls } = bench();
    outbox.push('x', true);
    outbox.close();
    clock.advance(limits.streamStallMs * 2);
    expect(stalls).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
