// The leg of a call whose target cannot be reached, known before an INVITE leaves: it fails as soon as it is started. So the attempt has
// a CallSid, a record and status callbacks like any other failed one (sip-interface.md 8.3: unreachable is failed, 404).

import type { Clock } from '../base/clock.ts';
import type { MediaDirection } from '../sdp/plan.ts';
import type { AnswerOutcome, LegDriver, LegEvent } from './leg-driver.ts';

export class UnreachableLeg implements LegDriver {
  readonly signallingId = undefined;
  readonly remoteAddress = undefined;
  readonly endpoint = undefined;
  readonly remoteDirection: MediaDirection = 'inactive';
  readonly #clock: Clock;
  readonly #sipStatus: number;
  readonly #detail: string;
  #listener: (event: LegEvent) => void = () => {};
  #isOver = false;

  constructor(clock: Clock, sipStatus: number, detail: string) {
    this.#clock = clock;
    this.#sipStatus = sipStatus;
    this.#detail = detail;
  }

  onEvent(listener: (event: LegEvent) => void): void {
    this.#listener = listener;
  }

  /** Fails in the next turn, as an INVITE would. */
  start(): void {
    this.#clock.after(0, () => this.#fail(this.#sipStatus, 'response', this.#detail));
  }

  hangUp(): void {
    this.#fail(487, 'canceled', 'not started');
  }

  #fail(status: number, cause: 'response' | 'canceled', detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener({ type: 'failed', status, cause, detail, headers: [] });
  }

  // It never gets as far as these.
  ring(): void {}
  earlyMedia(): boolean {
    return false;
  }
  answer(): Promise<AnswerOutcome> {
    return Promise.resolve({ ok: false, detail: this.#detail });
  }
  refuse(): void {
    this.hangUp();
  }
  offerDirection(): Promise<boolean> {
    return Promise.resolve(false);
  }
  limitDirection(): void {}
  probe(): Promise<boolean> {
    return Promise.resolve(false);
  }
}
