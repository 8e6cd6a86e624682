// Frames of another worker on our own ticks: slack, late and early ones, pauses, and the delay that shrinks again.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { MixerFrames } from '../../../src/media/mixer-frames.ts';
import { MixerInlet, MixerOutlet } from '../../../src/media/mixer-link.ts';

function frameOf(value: number): DataView {
  return new DataView(new Int32Array(160).fill(value).buffer);
}

/** What has its turn in our frame: the value, or null. */
function turn(frames: MixerFrames, ours: number): number | null {
  const sum = new Int32Array(160).fill(5);
  if (!frames.addTo(sum, ours)) return null;
  assert.ok(sum.every((sample) => sample === sum[0]));
  return sum[0]! - 5;
}

describe('frames of another worker', () => {
  test('each has its turn once, in order, with one frame of slack', () => {
    const frames = new MixerFrames();
    const heard: (number | null)[] = [];
    for (let tick = 0; tick < 5; tick++) {
      frames.push(700 + tick, frameOf(tick + 1), 0, 100 + tick);
      heard.push(turn(frames, 101 + tick));
    }
    assert.deepEqual(heard, [null, 1, 2, 3, 4]);
    assert.equal(turn(frames, 106), 5);
    assert.equal(turn(frames, 106), null);
  });

  test('one that comes a tick late still has its turn; one later than that moves all later, none is lost after it', () => {
    const frames = new MixerFrames();
    frames.push(1, frameOf(1), 0, 100);
    assert.equal(turn(frames, 101), null);
    assert.equal(turn(frames, 102), 1);
    // Frame 2, due in 103, comes after it; 3 and 4 come in a burst with it.
    assert.equal(turn(frames, 103), null);
    for (const theirs of [2, 3, 4]) frames.push(theirs, frameOf(theirs), 0, 103);
    assert.deepEqual(
      [104, 105, 106, 107].map((ours) => turn(frames, ours)),
      [null, 2, 3, 4],
    );
  });

  test('after a pause the slack is what it was at first', () => {
    const frames = new MixerFrames();
    frames.push(1, frameOf(1), 0, 100);
    for (const theirs of [2, 3]) frames.push(theirs, frameOf(theirs), 0, 104);
    assert.equal(frames.isIdle(114), false);
    assert.equal(frames.isIdle(115), true);
    frames.push(900, frameOf(9), 0, 130);
    assert.deepEqual(
      [131, 132, 133].map((ours) => turn(frames, ours)),
      [null, 9, null],
    );
  });

  test('frame numbers beyond 32 bits: theirs wrap, ours do not, and it goes on', () => {
    const frames = new MixerFrames();
    const ours = 2 ** 33;
    const heard: (number | null)[] = [];
    for (let tick = 0; tick < 8; tick++) {
      frames.push((2 ** 32 - 3 + tick) % 2 ** 32, frameOf(tick + 1), 0, ours + tick);
      heard.push(turn(frames, ours + tick + 1));
    }
    assert.deepEqual(heard, [null, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('frames far ahead (a worker that left frames out) begin anew; nothing is played twice', () => {
    const frames = new MixerFrames();
    frames.push(1, frameOf(1), 0, 100);
    frames.push(1 + limits.mixerLinkFrames, frameOf(2), 0, 100);
    assert.deepEqual(
      [101, 102, 103, 110].map((ours) => turn(frames, ours)),
      [null, 2, null, null],
    );
  });

  test('a delay that was needed once goes away in the course of seconds', () => {
    const frames = new MixerFrames();
    frames.push(1, frameOf(1), 0, 100);
    // Two frames late: 20 ms later than the next turn.
    let ours = 104;
    let theirs = 2;
    frames.push(theirs, frameOf(theirs), 0, ours);
    // From now on two come in one tick before any is needed.
    theirs += 1;
    frames.push(theirs, frameOf(theirs), 0, ours);
    const delays: number[] = [];
    for (let tick = 0; tick < 600; tick++) {
      ours += 1;
      const value = turn(frames, ours);
      if (value !== null) delays.push(theirs - value);
      theirs += 1;
      frames.push(theirs, frameOf(theirs), 0, ours);
    }
    assert.deepEqual([delays[0], delays.at(-1)], [2, 1]);
  });
});

describe('entries of the ring', () => {
  const ringOf = (entries: Uint8Array[], hasRoom = true) => ({
    push: (_: number, bytes: Uint8Array, start: number, end: number) => {
      if (hasRoom) entries.push(Buffer.concat([bytes.subarray(0, 12), bytes.subarray(start, end)]));
      return hasRoom;
    },
  });

  test('a sum beyond 16 bits passes whole; words for one seat reach it only', () => {
    const entries: Uint8Array[] = [];
    const outlet = new MixerOutlet();
    outlet.send(7, [ringOf(entries)], 50, new Int32Array(160).fill(-1_000_000));
    outlet.send(7, [ringOf(entries)], 50, new Int16Array(160).fill(300), 4, 9);
    const inlet = new MixerInlet();
    for (const entry of entries) inlet.receive(entry, 10);
    const [everybody, ninth, eighth] = [new Int32Array(160), new Int32Array(160), new Int32Array(160)];
    assert.equal(inlet.addTo(everybody, 12), true);
    assert.ok(everybody.every((sample) => sample === -1_000_000));
    assert.equal(inlet.addPrivateTo(8, eighth, 12), false);
    assert.equal(inlet.addPrivateTo(9, ninth, 12), true);
    assert.ok(ninth.every((sample) => sample === 300));
    inlet.tidy(20);
    assert.equal(inlet.hasPrivate, true);
    inlet.tidy(21);
    assert.equal(inlet.hasPrivate, false);
  });

  test('a full ring is told, and the other rings have their frame', () => {
    const entries: Uint8Array[] = [];
    const rings = [ringOf([], false), ringOf(entries)];
    assert.equal(new MixerOutlet().send(7, rings, 50, new Int32Array(160)), false);
    assert.equal(entries.length, 1);
  });

  test('an entry of another length is not taken', () => {
    const inlet = new MixerInlet();
    inlet.receive(new Uint8Array(20), 10);
    assert.equal(inlet.addTo(new Int32Array(160), 12), false);
  });
});
