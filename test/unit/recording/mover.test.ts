// The move of recordings to their store, on a virtual clock and with a store that does what the test says: what moves, what waits, and what
// is found again after a restart. The folder is a real one.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { createLog } from '../../../src/base/log.ts';
import { Mover } from '../../../src/recording/mover.ts';
import { MemoryObjects } from '../../support/memory-objects.ts';
import { until } from '../../support/until.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DEADLINE_MS = 5_000;
const MONTH = 'recordings/2026/01';
const nameOf = (digit: string): string => `${MONTH}/RE${digit.repeat(32)}.wav`;

let folder: string;
let clock: VirtualClock;
let store: MemoryObjects;
let lines: string[];
let repaired: string[];
let mover: Mover;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-mover-'));
  mkdirSync(join(folder, MONTH), { recursive: true });
  clock = new VirtualClock();
  store = new MemoryObjects();
  lines = [];
  repaired = [];
  mover = anotherMover();
});
afterEach(async () => {
  await mover.stop();
  rmSync(folder, { recursive: true, force: true });
});

function anotherMover(): Mover {
  const log = createLog({ level: 'info', folders: {}, pretty: false }, { write: (line) => void lines.push(line) });
  const repair = async (name: string) => void repaired.push(name);
  return new Mover({ dataDir: folder, store, repair, clock, log });
}

const write = (name: string, text = name) => writeFileSync(join(folder, name), text);
const here = (): string[] => readdirSync(join(folder, MONTH)).sort();
const said = (text: string): number => lines.filter((line) => line.includes(text)).length;
const settled = () =>
  until(
    () => mover.count === 0,
    DEADLINE_MS,
    () => `nothing is moved any more; ${mover.count} are`,
  );
const seen = (count: number, text: string) =>
  until(
    () => said(text) === count,
    DEADLINE_MS,
    () => `${count} times "${text}" in ${lines.join('')}`,
  );

/** A recording that was written and has ended. */
function recorded(name: string): void {
  mover.hold(name);
  write(name);
  mover.release(name);
}

test('a recording moves when it is complete, not before', async () => {
  await mover.start();
  mover.hold(nameOf('a'));
  write(nameOf('a'), 'half');
  mover.bring(nameOf('a'));
  await settled();
  expect(store.names()).toEqual([]);
  write(nameOf('a'), 'whole');
  mover.release(nameOf('a'));
  await settled();
  expect(store.textOf(nameOf('a'))).toBe('whole');
  expect(here()).toEqual([]);
});

test('what an earlier process left: recordings and MP3s move, work that was broken off is deleted, strangers are left alone', async () => {
  const base = `${MONTH}/RE${'b'.repeat(32)}`;
  for (const ending of ['.wav', '.mp3', '.mono.mp3', '.wav.part', '.mono.mp3.part', '.source']) write(base + ending);
  write(`${MONTH}/notes.wav`);
  await mover.start();
  await settled();
  expect(store.names()).toEqual([`${base}.mono.mp3`, `${base}.mp3`, `${base}.wav`]);
  expect(here()).toEqual(['notes.wav']);
  expect(repaired).toEqual([`${base}.wav`]);
  // What this process wrote is right already.
  recorded(nameOf('9'));
  await settled();
  expect(repaired).toHaveLength(1);
});

test('more than may be known to wait: all move in the end', async () => {
  const count = limits.recordingMovesQueued + 50;
  for (let index = 0; index < count; index++)
    write(`${MONTH}/RE${index.toString(16).padStart(32, '0')}.wav`, String(index));
  await mover.start();
  await until(
    () => store.names().length === count,
    20_000,
    () => `all are in the store; ${store.names().length} are`,
  );
  await settled();
  expect(here()).toEqual([]);
});

test('the store is away: one warning, growing waits, and one line when it is back', async () => {
  store.fault = { code: 'unavailable', detail: 'silent' };
  await mover.start();
  recorded(nameOf('c'));
  await seen(1, 'stay in the data directory');
  let waitMs: number = limits.recordingMoveRetryMs;
  for (let round = 0; round < 9; round++) {
    const asked = store.requests;
    clock.advance(waitMs - 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.requests).toBe(asked);
    clock.advance(1);
    await until(
      () => store.requests > asked && clock.pendingTimers > 0,
      DEADLINE_MS,
      () => `asked again after ${waitMs} ms`,
    );
    waitMs = Math.min(waitMs * 2, limits.recordingMoveRetryMaxMs);
  }
  expect(said('stay in the data directory')).toBe(1);
  expect(here()).toHaveLength(1);
  store.fault = undefined;
  clock.advance(limits.recordingMoveRetryMaxMs);
  await settled();
  expect(here()).toEqual([]);
  expect(said('takes recordings again')).toBe(1);
});

test('a deletion that the store refuses keeps no recording from moving', async () => {
  await mover.start();
  recorded(nameOf('d'));
  await settled();
  store.faultOf = (work) => (work === 'remove' ? { code: 'refused', detail: 'not allowed' } : undefined);
  await mover.forget(nameOf('d'));
  expect(mover.isForgotten(nameOf('d'))).toBe(true);
  await seen(1, 'cannot be deleted in the store');
  recorded(nameOf('e'));
  await until(
    () => {
      clock.advance(limits.recordingMoveRetryMaxMs);
      return store.names().includes(nameOf('e'));
    },
    DEADLINE_MS,
    () => 'the other one is moved',
  );
  expect(said('cannot be deleted in the store')).toBe(1);
  store.faultOf = () => undefined;
  await until(
    () => {
      clock.advance(limits.recordingMoveRetryMaxMs);
      return !store.names().includes(nameOf('d'));
    },
    DEADLINE_MS,
    () => 'it is deleted in the end',
  );
  await settled();
  expect(here()).toEqual([]);
});

test('a deletion outlives the process, also where the month has no folder here', async () => {
  const name = `recordings/2019/07/RE${'f'.repeat(32)}.wav`;
  store.write(name, 'old');
  store.fault = { code: 'unavailable', detail: 'silent' };
  await mover.start();
  await mover.forget(name);
  await mover.stop();
  store.fault = undefined;
  mover = anotherMover();
  expect(mover.isForgotten(name)).toBe(true);
  await mover.start();
  await settled();
  expect(store.names()).toEqual([]);
  expect(mover.isForgotten(name)).toBe(false);
});

test('what was never complete is deleted here only: the store is not asked', async () => {
  await mover.start();
  const asked = store.requests;
  mover.hold(nameOf('1'));
  write(nameOf('1'));
  await mover.forget(nameOf('1'));
  await settled();
  expect(here()).toEqual([]);
  expect(store.requests).toBe(asked);
});

test('deleted while it moves: it is in the store for a moment, and then nowhere', async () => {
  await mover.start();
  store.hold();
  recorded(nameOf('2'));
  await until(
    () => store.waiting === 1,
    DEADLINE_MS,
    () => 'it is being sent',
  );
  await mover.forget(nameOf('2'));
  store.letGo();
  await settled();
  expect(store.names()).toEqual([]);
  expect(here()).toEqual([]);
  expect(said('cannot be moved')).toBe(0);
});

test('an MP3 that was made while its recording was deleted does not come back', async () => {
  await mover.start();
  const mp3 = nameOf('3').replace('.wav', '.mp3');
  write(mp3);
  mover.bring(nameOf('3'));
  await settled();
  expect(store.names()).toEqual([]);
  expect(here()).toEqual([]);
});

test('a file that cannot be read is said once and left; the others move', async () => {
  mkdirSync(join(folder, nameOf('4')));
  await mover.start();
  mover.bring(nameOf('4'));
  recorded(nameOf('5'));
  await settled();
  expect(said('cannot be moved to the store')).toBe(1);
  expect(store.names()).toEqual([nameOf('5')]);
});

test('stopped while it sends: what was not sent is here, and the next process sends it', async () => {
  await mover.start();
  store.hold();
  recorded(nameOf('6'));
  await until(
    () => store.waiting === 1,
    DEADLINE_MS,
    () => 'it is being sent',
  );
  await mover.stop();
  expect(existsSync(join(folder, nameOf('6')))).toBe(true);
  expect(readFileSync(join(folder, nameOf('6')), 'utf8')).toBe(nameOf('6'));
  store.letGo();
  mover = anotherMover();
  await mover.start();
  await settled();
  expect(store.names()).toEqual([nameOf('6')]);
  expect(lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});
