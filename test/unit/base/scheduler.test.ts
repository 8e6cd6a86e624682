// The timer wheel over the virtual clock: never early, at most one tick late, nothing left behind.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { createScheduler } from '../../../src/base/scheduler.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const RESOLUTION_MS = 10;

/** Faults, such as failed assertions in timer functions, come out of clock.advance unless the test takes them. */
function world(onFault: (fault: unknown) => void = rethrow) {
  const clock = new VirtualClock();
  return { clock, scheduler: createScheduler({ clock, onFault }) };
}

function rethrow(fault: unknown): never {
  throw fault;
}

/** A small repeatable generator, numbers below 2^32. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}

describe('scheduler', () => {
  for (const delayMs of [0, 1, 9, 10, 11, 500, 32_000, 40_959, 40_960, 40_961, 81_930, 600_000]) {
    test(`${delayMs} ms fire once, not early, at most ${RESOLUTION_MS} ms late`, () => {
      const { clock, scheduler } = world();
      clock.advance(3_333);
      const start = clock.now();
      const firedAt: number[] = [];
      scheduler.after(delayMs, () => firedAt.push(clock.now() - start));
      clock.advance(delayMs + 100_000);
      assert.equal(firedAt.length, 1);
      assert.ok(firedAt[0]! >= delayMs && firedAt[0]! <= delayMs + RESOLUTION_MS, `fired at ${firedAt[0]}`);
      assert.equal(scheduler.size, 0);
      assert.equal(clock.pendingTimers, 0);
    });
  }

  test('timers fire in order of ticks, within a tick in order of creation', () => {
    const { clock, scheduler } = world();
    const order: string[] = [];
    scheduler.after(30, () => order.push('c'));
    scheduler.after(10, () => order.push('a'));
    scheduler.after(30, () => order.push('d'));
    scheduler.after(20, () => order.push('b'));
    clock.advance(100);
    assert.deepEqual(order, ['a', 'b', 'c', 'd']);
  });

  test('cancel unlinks at once; with the last timer the clock timer goes too', () => {
    const { clock, scheduler } = world();
    const timers = Array.from({ length: 1_000 }, (_, index) => scheduler.after(index * 7, () => assert.fail('fired')));
    assert.equal(clock.pendingTimers, 1);
    for (const timer of timers) timer.cancel();
    for (const timer of timers) timer.cancel();
    assert.equal(scheduler.size, 0);
    assert.equal(clock.pendingTimers, 0);
    clock.advance(60_000);
  });

  test('a timer function may cancel another of the same tick, and add one of 0 ms', () => {
    const { clock, scheduler } = world();
    const order: string[] = [];
    scheduler.after(10, () => {
      order.push('first');
      second.cancel();
      scheduler.after(0, () => order.push('added'));
    });
    const second = scheduler.after(10, () => order.push('second'));
    scheduler.after(10, () => order.push('third'));
    clock.advance(50);
    assert.deepEqual(order, ['first', 'third', 'added']);
  });

  test('a timer of a later round does not fire in an earlier one', () => {
    const { clock, scheduler } = world();
    const order: string[] = [];
    scheduler.after(40_960 + 50, () => order.push('later'));
    scheduler.after(50, () => order.push('soon'));
    clock.advance(100);
    assert.deepEqual(order, ['soon']);
    clock.advance(41_000);
    assert.deepEqual(order, ['soon', 'later']);
  });

  test('a throwing timer function is reported and the others run', () => {
    const faults: unknown[] = [];
    const { clock, scheduler } = world((thrown) => faults.push(thrown));
    const fault = new TypeError('broken');
    let hasRun = false;
    scheduler.after(10, () => {
      throw fault;
    });
    scheduler.after(10, () => {
      hasRun = true;
    });
    clock.advance(20);
    assert.deepEqual(faults, [fault]);
    assert.ok(hasRun);
  });

  test('idle time costs no wake-ups: one clock timer per occupied tick', () => {
    const { clock, scheduler } = world();
    let wakeUps = 0;
    const counted = createScheduler({
      clock: {
        now: () => clock.now(),
        wall: () => clock.wall(),
        after: (delayMs, fire) =>
          clock.after(delayMs, () => {
            wakeUps++;
            fire();
          }),
      },
      onFault: rethrow,
    });
    counted.after(32_000, () => {});
    clock.advance(33_000);
    assert.equal(wakeUps, 1);
    assert.equal(scheduler.size, 0);
  });

  test('stop cancels everything', () => {
    const { clock, scheduler } = world();
    for (let index = 0; index < 100; index++) scheduler.after(index * 1_000, () => assert.fail('fired'));
    scheduler.stop();
    assert.equal(scheduler.size, 0);
    assert.equal(clock.pendingTimers, 0);
    clock.advance(200_000);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    test(`random adds, cancels and jumps of the clock, seed ${seed}: each survivor fires once, in time`, () => {
      const { clock, scheduler } = world();
      const next = numbers(seed);
      const waiting = new Map<number, { cancel: () => void; dueMs: number }>();
      for (let id = 0; id < 5_000; id++) {
        const dueMs = clock.now() + (next() % 90_000);
        const timer = scheduler.after(dueMs - clock.now(), () => {
          assert.ok(waiting.delete(id), `timer ${id} fired twice or after its cancel`);
          assert.ok(clock.now() >= dueMs && clock.now() <= dueMs + RESOLUTION_MS, `timer ${id} at ${clock.now()}`);
        });
        waiting.set(id, { cancel: () => timer.cancel(), dueMs });
        if (next() % 3 === 0) {
          const victim = next() % (id + 1);
          waiting.get(victim)?.cancel();
          waiting.delete(victim);
        }
        if (next() % 50 === 0) clock.advance(next() % 5_000);
        assert.equal(scheduler.size, waiting.size);
      }
      clock.advance(100_000);
      assert.equal(waiting.size, 0);
      assert.equal(clock.pendingTimers, 0);
    });
  }
});
