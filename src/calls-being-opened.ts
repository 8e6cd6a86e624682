// How many INVITEs were let in and do not ring yet: their routes and media are being found, by other threads too. When these are behind,
// no more calls are let in (sip/transport/intake.ts). One that hangs is not counted for ever.

import type { Clock } from './base/clock.ts';
import { limits } from './base/limits.ts';

export class CallsBeingOpened {
  readonly #clock: Clock;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#count >= limits.callsBeingOpened;
  }

  /** Counts one; it is over when what is returned is called, or after `callOpeningMs`. */
  begin(): () => void {
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      this.#count -= 1;
    };
    const timer = this.#clock.after(limits.callOpeningMs, end);
    this.#count += 1;
    return end;
  }
}
