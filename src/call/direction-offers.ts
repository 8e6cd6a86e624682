// Directions that a leg's peer is to be told of, one re-INVITE at a time. Only the newest counts: when holds of both sides cross, or a
// phone presses hold and resume quickly, a hold that has ended before its re-INVITE could go out would cut the audio once more.
//
//   asked   sendonly ──── sendrecv ── sendonly ── sendrecv
//   sent    └ sendonly ┄┄┄ 491 ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ sendrecv ┄ 200 ┘      one answer for all four

import type { MediaDirection } from '../sdp/plan.ts';

export class DirectionOffers {
  readonly #send: (newest: () => MediaDirection) => Promise<boolean>;
  #newest: MediaDirection = 'sendrecv';
  #asked = 0;
  /** Number of the last one that the peer agreed to; all before it are out of date. */
  #agreed = 0;
  #last: Promise<boolean> = Promise.resolve(true);

  /** `send` sends one re-INVITE and resolves to whether the peer agreed; it asks `newest` each time it writes the offer, and never rejects. */
  constructor(send: (newest: () => MediaDirection) => Promise<boolean>) {
    this.#send = send;
  }

  /** Resolves when the peer has been told `direction` or something newer: false when it refused that. */
  offer(direction: MediaDirection): Promise<boolean> {
    this.#newest = direction;
    const mine = ++this.#asked;
    this.#last = this.#last.then(() => mine <= this.#agreed || this.#sendNewest());
    return this.#last;
  }

  async #sendNewest(): Promise<boolean> {
    let sent = 0;
    const isAgreed = await this.#send(() => {
      sent = this.#asked;
      return this.#newest;
    });
    if (isAgreed) this.#agreed = sent;
    return isAgreed;
  }
}
