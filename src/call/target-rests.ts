// Targets of trunks that did not take their last call: for a while they come behind the others, so that a dead one does not cost each
// call its four seconds (sip-interface.md 2.4; RFC 3261 21.5.4 for 503). They are never left out: OPTIONS decides that (trunk-health.ts).

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { type SipUri, serializeUri } from '../sip/grammar/uri.ts';
import type { LegFailureCause } from './outcome.ts';

/** Whether a failed attempt says that the target itself is not there: no answer, no way, or 503. */
export const isTargetDead = ({
  cause,
  status,
}: {
  readonly cause: LegFailureCause;
  readonly status: number;
}): boolean => cause === 'timeout' || cause === 'transport' || cause === 'dns' || status === 503;

export class TargetRests {
  readonly #clock: Clock;
  /** Target → monotonic end of its rest, in the order of the last failure. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(target: SipUri): void {
    const key = serializeUri(target);
    this.#until.delete(key);
    if (this.#until.size >= limits.trunkTargetsResting) this.#until.delete(this.#until.keys().next().value!);
    this.#until.set(key, this.#clock.now() + limits.trunkTargetRestMs);
  }

  /** It took a call, or refused one by itself. */
  answered(target: SipUri): void {
    this.#until.delete(serializeUri(target));
  }

  isResting(target: SipUri): boolean {
    const key = serializeUri(target);
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (this.#clock.now() < until) return true;
    this.#until.delete(key);
    return false;
  }
}
