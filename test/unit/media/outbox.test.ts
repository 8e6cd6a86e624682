// What goes to another thread: one message for each turn, and what nobody waits for goes with the next.

import { expect, test } from 'vitest';
import { Outbox } from '../../../src/media/outbox.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function makeOutbox(): { outbox: Outbox<string>; posted: (readonly string[])[]; clock: VirtualClock } {
  const posted: (readonly string[])[] = [];
  return { outbox: new Outbox((messages) => posted.push(messages)), posted, clock: new VirtualClock() };
}

test('messages of one turn go together, in order', async () => {
  const { outbox, posted } = makeOutbox();
  outbox.add('one');
  outbox.add('two');
  expect(posted).toEqual([]);
  await turn();
  outbox.add('three');
  await turn();
  expect(posted).toEqual([['one', 'two'], ['three']]);
});

test('a patient message waits for the next one, and keeps its place before it', async () => {
  const { outbox, posted, clock } = makeOutbox();
  outbox.addPatient('close', clock);
  await turn();
  expect(posted).toEqual([]);
  outbox.add('open');
  outbox.addPatient('hush', clock);
  await turn();
  expect(posted).toEqual([['close', 'open', 'hush']]);
  await clock.advance(1_000);
  expect(posted).toHaveLength(1);
});

test('without another message a patient one goes after some milliseconds', async () => {
  const { outbox, posted, clock } = makeOutbox();
  outbox.addPatient('close', clock);
  outbox.addPatient('hush', clock);
  await clock.advance(4);
  expect(posted).toEqual([]);
  await clock.advance(2);
  expect(posted).toEqual([['close', 'hush']]);
});

test('what was forgotten never goes', async () => {
  const { outbox, posted, clock } = makeOutbox();
  outbox.add('open');
  outbox.addPatient('close', clock);
  outbox.clear();
  await turn();
  await clock.advance(10);
  expect(posted).toEqual([]);
});
