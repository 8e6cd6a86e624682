// Audio that is fed piece by piece: order, joints without gaps, marks, clearing, bounds.

import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { linearToMuLaw, muLawToLinear } from '../../../src/media/g711.ts';
import { StreamPlayer } from '../../../src/media/stream-player.ts';

/** Every second octet of the µ-law is its own sign: values that survive both ways. */
const octetAt = (index: number): number => (index * 7) % 126;

const piece = (from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => octetAt(from + index));

class Fed {
  readonly reached: string[] = [];
  readonly player = new StreamPlayer((name) => this.reached.push(name));
  /** Octets of all frames that were not silence. */
  readonly played: number[] = [];
  readonly steps: string[] = [];
  #fed = 0;

  feed(length: number): this {
    this.player.feed(piece(this.#fed, length));
    this.#fed += length;
    return this;
  }

  play(frames: number): this {
    const frame = new Int16Array(160);
    for (let count = 0; count < frames; count++) {
      const step = this.player.next(frame);
      this.steps.push(String(step));
      if (step === 'audio') this.played.push(...Array.from(frame, linearToMuLaw));
    }
    return this;
  }
}

const original = (length: number): number[] =>
  Array.from(piece(0, length), (octet) => linearToMuLaw(muLawToLinear[octet]!));

const audible = (octets: readonly number[]): number[] => octets.filter((octet) => muLawToLinear[octet] !== 0);

describe('stream player', () => {
  test('is silent while empty and plays from the next frame what is enough', () => {
    const fed = new Fed().play(2).feed(1_600).play(10).play(2);
    assert.deepEqual(fed.steps, ['silence', 'silence', ...Array(10).fill('audio'), 'silence', 'silence']);
    assert.deepEqual(fed.played, original(1_600));
  });

  test('the first frame is played at once; less than a frame waits for more, at most three ticks', () => {
    assert.deepEqual(new Fed().feed(160).play(2).steps, ['audio', 'silence']);
    const fed = new Fed().feed(100).play(2).feed(60).play(1);
    assert.deepEqual(fed.steps, ['silence', 'silence', 'audio']);
    assert.deepEqual(new Fed().feed(100).play(4).steps, ['silence', 'silence', 'silence', 'audio']);
  });

  test('pieces that are late again and again: the next starts wait for 40, then 60 ms; one late piece alone changes nothing', () => {
    const fed = new Fed().feed(160).play(3).feed(160).play(1);
    assert.deepEqual(fed.steps.splice(0), ['audio', 'silence', 'silence', 'audio']);
    fed.play(2).feed(160).play(3).feed(160).play(2);
    assert.deepEqual(fed.steps.splice(0), ['silence', 'silence', 'silence', 'silence', 'silence', 'audio', 'audio']);
    fed.play(2).feed(320).play(2).feed(160).play(3);
    assert.deepEqual(fed.steps.splice(0), ['silence', 'silence', 'silence', 'silence', 'audio', 'audio', 'audio']);
  });

  test('after a pause that is meant it is quick again', () => {
    const fed = new Fed().feed(160).play(3).feed(320).play(2).play(50);
    fed.steps.length = 0;
    assert.deepEqual(fed.feed(160).play(1).steps, ['audio']);
  });

  test('after clear it is as quick as before', () => {
    const fed = new Fed().feed(800).play(2);
    fed.player.clear();
    fed.play(2);
    fed.steps.length = 0;
    assert.deepEqual(fed.feed(160).play(1).steps, ['audio']);
  });

  test('pieces of an uneven size join without a gap, in real time and in bursts', () => {
    const fed = new Fed();
    // 20 ms come in pieces of 100 and 60 octets, each a tick late or early.
    for (let round = 0; round < 50; round++) {
      fed.feed(100);
      fed.play(round % 2 === 0 ? 2 : 0);
      fed.feed(60);
    }
    fed.play(20);
    assert.deepEqual(fed.played.slice(0, 8_000), original(8_000));
    assert.equal(fed.steps.filter((step) => step === 'audio').length, 50);
  });

  test('the rest of less than a frame waits one tick, then is played with silence behind it', () => {
    const fed = new Fed().feed(1_000).play(9);
    assert.deepEqual(fed.steps.slice(5), ['audio', 'silence', 'audio', 'silence']);
    assert.deepEqual(fed.played.slice(0, 1_000), original(1_000));
    assert.ok(fed.played.slice(1_000).every((octet) => muLawToLinear[octet] === 0));
  });

  test('marks are reached in order, each when the last octet before it was played', () => {
    const fed = new Fed();
    fed.player.mark('at once');
    assert.deepEqual(fed.reached, ['at once']);
    fed.feed(800);
    fed.player.mark('one');
    fed.player.mark('two');
    fed.feed(100);
    fed.player.mark('three');
    fed.play(4);
    assert.deepEqual(fed.reached, ['at once']);
    fed.play(1);
    assert.deepEqual(fed.reached, ['at once', 'one', 'two']);
    fed.play(2);
    assert.deepEqual(fed.reached, ['at once', 'one', 'two', 'three']);
  });

  test('clearing reaches all marks at once, and what is fed then is played whole', () => {
    const fed = new Fed().feed(8_000).play(3);
    fed.player.mark('one');
    fed.player.mark('two');
    fed.player.clear();
    assert.deepEqual(fed.reached, ['one', 'two']);
    fed.play(1);
    assert.equal(fed.steps.at(-1), 'silence');
    const before = fed.played.length;
    fed.player.feed(piece(0, 480));
    fed.play(3);
    assert.deepEqual(fed.played.slice(before), original(480));
  });

  test('what is beyond the limit is told, not kept; room comes back by playing', () => {
    const player = new StreamPlayer(() => {});
    const most = limits.streamBufferMs * 8;
    assert.equal(player.feed(new Uint8Array(most - 10)), 0);
    assert.equal(player.feed(new Uint8Array(100)), 90);
    assert.equal(player.feed(new Uint8Array(1)), 1);
    player.next(new Int16Array(160));
    assert.equal(player.feed(new Uint8Array(200)), 40);
  });

  test('so many marks and no more', () => {
    const player = new StreamPlayer(() => {});
    player.feed(new Uint8Array(160));
    for (let count = 0; count < limits.streamMarks; count++) assert.equal(player.mark('m'), true);
    assert.equal(player.mark('m'), false);
  });

  const command = fc.oneof(
    fc.record({ do: fc.constant('feed' as const), length: fc.integer({ min: 0, max: 20_000 }) }),
    fc.record({ do: fc.constant('play' as const), length: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ do: fc.constant('mark' as const), length: fc.constant(0) }),
  );

  test('whatever is fed is played once and in order, and no mark comes before its audio', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        let fedOctets = 0;
        const marks: number[] = [];
        const fed = new Fed();
        for (const { do: what, length } of commands) {
          if (what === 'feed') fed.feed(length);
          if (what === 'feed') fedOctets += length;
          if (what === 'play') fed.play(length);
          if (what === 'mark') fed.player.mark(String(marks.push(fedOctets) - 1));
          for (const name of fed.reached) {
            const due = audible(original(marks[Number(name)]!)).length;
            assert.ok(audible(fed.played).length >= due, `mark ${name} too early`);
          }
        }
        fed.play(fedOctets / 160 + 10);
        assert.deepEqual(audible(fed.played), audible(original(fedOctets)));
        assert.deepEqual(
          fed.reached,
          marks.map((_, index) => String(index)),
        );
      }),
    );
  });
});
