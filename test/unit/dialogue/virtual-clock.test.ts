import { expect, test } from 'vitest';
import { sleep } from '../../../src/base/clock.ts';
import { VirtualClock } from '../../../src/dialogue/virtual-clock.ts';

const WALL = Date.UTC(2026, 0, 1);

test('an hour passes as soon as nothing else can happen', async () => {
  const clock = new VirtualClock(WALL);
  await clock.run(sleep(clock, 3_600_000));
  expect(clock.now()).toBe(3_600_000);
  expect(clock.wall()).toBe(WALL + 3_600_000);
});

test('timers fire in order of time, then of creation; a cancelled one does not', async () => {
  const clock = new VirtualClock(WALL);
  const fired: string[] = [];
  clock.after(20, () => fired.push('late'));
  clock.after(10, () => fired.push('first'));
  clock.after(10, () => fired.push('second'));
  clock.after(5, () => fired.push('cancelled')).cancel();
  await clock.run(sleep(clock, 30));
  expect(fired).toEqual(['first', 'second', 'late']);
  expect(clock.pendingTimers).toBe(0);
});

test('time stands still while something is under way', async () => {
  const clock = new VirtualClock(WALL);
  const io = Promise.withResolvers<string>();
  let firedAt: number | undefined;
  clock.after(10, () => {
    firedAt = clock.now();
  });
  const work = clock.during(io.promise).then(async (answer) => {
    expect(firedAt).toBeUndefined();
    expect(clock.now()).toBe(0);
    await sleep(clock, 50);
    return answer;
  });
  setImmediate(() => setImmediate(() => io.resolve('answer')));
  expect(await clock.run(work)).toBe('answer');
  expect(firedAt).toBe(10);
});

test('I/O that fails lets time go on', async () => {
  const clock = new VirtualClock(WALL);
  const work = clock.during(Promise.reject(new Error('refused'))).catch(() => sleep(clock, 5));
  await clock.run(work);
  expect(clock.now()).toBe(5);
});

test('what can never happen is an error, not a wait without end', async () => {
  const clock = new VirtualClock(WALL);
  await expect(clock.run(new Promise(() => {}))).rejects.toThrow('cannot happen');
});

test('a fault of the work is passed on', async () => {
  const clock = new VirtualClock(WALL);
  await expect(clock.run(sleep(clock, 5).then(() => Promise.reject(new Error('broken'))))).rejects.toThrow('broken');
});
