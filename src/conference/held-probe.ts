// A participant whose phone holds us sends nothing: its signalling is asked now and then whether it is still there (design.md 5.4).

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Call } from '../call/call.ts';

/** Watches a call, whose direction is told by `update`, until `stop`. One that does not answer any more is hung up. */
export class HeldProbe {
  readonly #call: Call;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(call: Call, clock: Clock) {
    this.#call = call;
    this.#clock = clock;
  }

  update(isHeld: boolean): void {
    this.stop();
    if (isHeld) this.#arm();
  }

  #arm(): void {
    const timer = this.#clock.after(limits.heldProbeMs, async () => {
      const isThere = await this.#call.leg.probe();
      if (this.#timer !== timer || this.#call.isOver) return;
      if (isThere) this.#arm();
      else this.#call.hangUp('a held peer does not answer any more');
    });
    this.#timer = timer;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
