// Keeps the NAT pinholes of UDP registrations open (design.md 5.3): with 600 s between REGISTERs, a router forgets the mapping long
// before, and incoming calls die. Every binding gets a CRLF each 25 s. One ticking timer serves all; bindings are spread over its
// slots, so that ten thousand phones are not woken in one burst.

import type { Clock, Timer } from '../../base/clock.ts';
import type { RandomSource } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';

type FlowOf = () => { keepAlive(): void } | undefined;

/** One binding that is kept alive. */
export interface Beat {
  /** Asked at each beat: the socket may have been reopened since. */
  readonly flow: FlowOf;
  readonly slot: number;
  /** Place in its slot. */
  index: number;
}

export interface KeepAlive {
  add(flow: FlowOf): Beat;
  /** Once for each that was added. */
  remove(beat: Beat): void;
  readonly size: number;
  stop(): void;
}

const SLOTS = 25;

/** Phones register all the time: a place in a list costs a part of what a map asks for each. */
export function createKeepAlive(clock: Clock, random: RandomSource, periodMs = limits.bindingKeepAliveMs): KeepAlive {
  const slots = Array.from({ length: SLOTS }, (): Beat[] => []);
  let size = 0;
  let position = 0;
  let timer: Timer | undefined;

  const tick = () => {
    timer = undefined;
    for (const { flow } of slots[position]!) flow()?.keepAlive();
    position = (position + 1) % SLOTS;
    schedule();
  };
  const schedule = () => {
    if (!timer && size > 0) timer = clock.after(periodMs / SLOTS, tick);
  };

  return {
    add(flow) {
      const slot = random(1)[0]! % SLOTS;
      const beats = slots[slot]!;
      const beat: Beat = { flow, slot, index: beats.length };
      beats.push(beat);
      size++;
      schedule();
      return beat;
    },
    remove({ slot, index }) {
      const beats = slots[slot]!;
      // The last one takes its place.
      const last = beats.pop();
      if (last === undefined) return;
      if (index < beats.length) {
        beats[index] = last;
        last.index = index;
      }
      size--;
    },
    get size() {
      return size;
    },
    stop() {
      timer?.cancel();
      timer = undefined;
      size = 0;
      for (const beats of slots) beats.length = 0;
    },
  };
}
