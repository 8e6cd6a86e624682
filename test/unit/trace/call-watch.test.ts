import { expect, test } from 'vitest';
import type { CallEvent } from '../../../src/base/events.ts';
import { limits } from '../../../src/base/limits.ts';
import { CallWatches } from '../../../src/trace/call-watch.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const CALL = 'CA1';
const created = (callSid: string, sipCallId: string | null, parentCallSid: string | null = null): CallEvent => ({
  type: 'created',
  callSid,
  atMs: 0,
  wall: 0,
  accountSid: 'AC1',
  direction: 'inbound',
  from: 'a',
  to: 'b',
  parentCallSid,
  domainSid: null,
  sipCallId,
});
const verb = (callSid: string): CallEvent => ({
  type: 'verbStarted',
  callSid,
  atMs: 5,
  wall: 5,
  verb: 'Say',
  detail: '',
});

function setup() {
  const clock = new VirtualClock();
  return { clock, watches: new CallWatches(clock) };
}

test('only a call that was announced is kept, and those it dials', async () => {
  const { watches } = setup();
  expect(watches.watch('x@y')).toBe(true);
  watches.onEvent(created(CALL, 'x@y'));
  watches.onEvent(created('CA2', 'other'));
  watches.onEvent(created('CA3', null, CALL));
  for (const sid of [CALL, 'CA2', 'CA3']) {
    watches.onEvent(verb(sid));
    watches.onHeard(sid, 'say', `words of ${sid}`);
  }
  const page = await watches.poll('x@y', 0);
  expect(page?.callSid).toBe(CALL);
  expect(page?.events.map((event) => event.callSid)).toEqual([CALL, 'CA3', CALL, CALL, 'CA3', 'CA3']);
  expect(JSON.stringify(page)).not.toContain('words of CA2');
  expect(await watches.poll('other', 0)).toBeUndefined();
});

test('digits are crossed out', async () => {
  const { watches } = setup();
  watches.watch('x@y');
  watches.onEvent(created(CALL, 'x@y'));
  watches.onEvent({ type: 'digit', callSid: CALL, atMs: 1, wall: 1, digit: '7', durationMs: 100 });
  expect((await watches.poll('x@y', 1))?.events).toMatchObject([{ type: 'digit', digit: '' }]);
});

test('a poll waits for what comes, and for its time at most', async () => {
  const { clock, watches } = setup();
  watches.watch('x@y');
  const first = watches.poll('x@y', 0);
  watches.onEvent(created(CALL, 'x@y'));
  watches.onEvent(verb(CALL));
  await clock.advanceAsync(20);
  expect((await first)?.events).toHaveLength(2);
  const second = watches.poll('x@y', 2);
  await clock.advanceAsync(limits.watchPollMs);
  expect(await second).toMatchObject({ events: [], next: 2 });
  expect(clock.pendingTimers).toBe(0);
  expect(watches.counts()).toEqual({ watched: 1, polls: 0 });
});

test('so many calls, so many events; a watch that nobody asks for goes', async () => {
  const { clock, watches } = setup();
  for (let index = 0; index < limits.watchedCalls; index++) expect(watches.watch(`call-${index}`)).toBe(true);
  expect(watches.watch('one more')).toBe(false);
  watches.onEvent(created(CALL, 'call-0'));
  for (let index = 0; index < limits.watchedEvents; index++) watches.onEvent(verb(CALL));
  expect(await watches.poll('call-0', 0)).toMatchObject({ next: limits.watchedEvents, dropped: 1 });
  clock.advance(limits.watchIdleMs + 1);
  expect(watches.watch('one more')).toBe(true);
  expect(watches.counts().watched).toBe(1);
});

test('stop ends waiting polls, unwatch forgets', async () => {
  const { watches } = setup();
  watches.watch('x@y');
  const waiting = watches.poll('x@y', 0);
  watches.stop();
  await waiting;
  expect(watches.counts()).toEqual({ watched: 0, polls: 0 });
  expect(watches.watch('again')).toBe(false);
});
