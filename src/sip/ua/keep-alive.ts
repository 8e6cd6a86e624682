// Keeps the NAT pinholes of UDP registrations open (design.md 5.3): with 600 s between REGISTERs, a router forgets the mapping long
// before, and incoming calls die. Every binding gets a CRLF each 25 s. One ticking timer serves all; bindings are spread over its
// slots, so that ten thousand phones are not woken in one burst.

import type { Clock, Timer } from '../../base/clock.ts';
import type { RandomSource } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { Binding } from '../../base/records.ts';

export interface KeepAlive {
  /** `flow` is asked at each beat: the socket may have been reopened since. */
  add(binding: Binding, flow: () => { keepAlive(): void } | undefined): void;
  remove(binding: Binding): void;
  readonly size: number;
  stop(): void;
}

const SLOTS = 25;

export function createKeepAlive(clock: Clock, random: RandomSource, periodMs = limits.bindingKeepAliveMs): KeepAlive {
  const slots = Array.from({ length: SLOTS }, () => new Map<Binding, () => { keepAlive(): void } | undefined>());
  const slotOf = new Map<Binding, number>();
  let position = 0;
  let timer: Timer | undefined;

  const tick = () => {
    timer = undefined;
    for (const flow of slots[position]!.values()) flow()?.keepAlive();
    position = (position + 1) % SLOTS;
    schedule();
  };
  const schedule = () => {
    if (!timer && slotOf.size > 0) timer = clock.after(periodMs / SLOTS, tick);
  };

  return {
    add(binding, flow) {
      const slot = random(1)[0]! % SLOTS;
      slots[slot]!.set(binding, flow);
      slotOf.set(binding, slot);
      schedule();
    },
    remove(binding) {
      const slot = slotOf.get(binding);
      if (slot === undefined) return;
      slots[slot]!.delete(binding);
      slotOf.delete(binding);
    },
    get size() {
      return slotOf.size;
    },
    stop() {
      timer?.cancel();
      timer = undefined;
      slotOf.clear();
      for (const slot of slots) slot.clear();
    },
  };
}
