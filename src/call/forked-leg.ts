// Several ways to reach one party as one leg: all bindings of a registered user rung at once, or SRTP first and plain RTP when that
// is refused. The first to answer is the leg from then on, the others are cancelled. One dead branch never delays the answer of a
// live one (interop.md).
//
//   start ─▶ branch 1 ──180──┐
//            branch 2 ──200──┴─▶ answered (2), CANCEL 1
//            all failed ───────▶ failed (best status)

import type { EndpointId } from '../media/engine.ts';
import type { MediaDirection } from '../sdp/plan.ts';
import type { DialogName, SentRefer } from '../sip/ua/ua.ts';
import type { AnswerOutcome, LegDriver, LegEvent } from './leg-driver.ts';

type Failed = Extract<LegEvent, { type: 'failed' }>;

export interface Branch {
  readonly leg: LegDriver;
  /** Tried when `leg` was refused with 415 or 488 (design.md 10: SAVP first, then AVP). */
  readonly fallback: (() => LegDriver) | undefined;
}

export class ForkedLeg implements LegDriver {
  readonly #live = new Set<LegDriver>();
  readonly #branches: readonly Branch[];
  readonly #failures: Failed[] = [];
  #listener: (event: LegEvent) => void = () => {};
  #winner: LegDriver | undefined;
  /** The branch whose early media the caller hears. */
  #heard: LegDriver | undefined;
  #isOver = false;
  #isHangingUp = false;

  constructor(branches: readonly Branch[]) {
    this.#branches = branches;
  }

  get #current(): LegDriver | undefined {
    return this.#winner ?? this.#heard ?? this.#live.values().next().value ?? this.#branches[0]?.leg;
  }

  get signallingId(): string | undefined {
    return this.#current?.signallingId;
  }

  get remoteAddress(): string | undefined {
    return this.#current?.remoteAddress;
  }

  get endpoint(): EndpointId | undefined {
    return (this.#winner ?? this.#heard)?.endpoint;
  }

  get remoteDirection(): MediaDirection {
    return this.#winner?.remoteDirection ?? 'sendrecv';
  }

  get dialogs(): readonly DialogName[] {
    const legs = this.#winner ? [this.#winner] : [...this.#live];
    return legs.flatMap((leg) => leg.dialogs ?? []);
  }

  refer(target: string): SentRefer | undefined {
    return this.#winner?.refer?.(target);
  }

  onEvent(listener: (event: LegEvent) => void): void {
    this.#listener = listener;
  }

  start(): void {
    for (const branch of this.#branches) this.#add(branch.leg, branch.fallback);
    for (const branch of this.#branches) if (this.#live.has(branch.leg)) branch.leg.start();
  }

  #add(leg: LegDriver, fallback: (() => LegDriver) | undefined): void {
    this.#live.add(leg);
    leg.onEvent((event) => this.#onBranch(leg, fallback, event));
  }

  #onBranch(leg: LegDriver, fallback: (() => LegDriver) | undefined, event: LegEvent): void {
    if (this.#isOver) return;
    if (event.type === 'failed') return this.#onFailed(leg, fallback, event);
    if (this.#winner) {
      if (this.#winner === leg) {
        if (event.type === 'ended') this.#isOver = true;
        this.#listener(event);
      } else if (event.type === 'answered') leg.hangUp();
      return;
    }
    if (event.type === 'answered') return this.#onAnswered(leg, event);
    if (event.type === 'ringing') {
      if (event.earlyMedia) this.#heard ??= leg;
      return this.#listener({ ...event, earlyMedia: event.earlyMedia && this.#heard === leg });
    }
    if (event.type === 'ended')
      this.#onFailed(leg, undefined, { type: 'failed', status: 487, cause: 'canceled', detail: 'ended', headers: [] });
    else if (this.#heard === leg) this.#listener(event);
  }

  #onAnswered(leg: LegDriver, event: Extract<LegEvent, { type: 'answered' }>): void {
    if (this.#isHangingUp) return leg.hangUp();
    this.#winner = leg;
    for (const other of this.#live) if (other !== leg) other.hangUp('elsewhere');
    this.#live.clear();
    this.#listener(event);
  }

  #onFailed(leg: LegDriver, fallback: (() => LegDriver) | undefined, event: Failed): void {
    if (!this.#live.delete(leg)) return;
    if (this.#heard === leg) this.#heard = undefined;
    if (fallback && !this.#isHangingUp && (event.status === 488 || event.status === 415)) {
      const next = fallback();
      this.#add(next, undefined);
      return next.start();
    }
    this.#failures.push(event);
    if (this.#live.size > 0) return;
    this.#isOver = true;
    this.#listener(bestFailure(this.#failures));
  }

  hangUp(why?: 'elsewhere'): void {
    this.#isHangingUp = true;
    if (this.#winner) return this.#winner.hangUp();
    if (this.#live.size === 0 && !this.#isOver) {
      // Never started.
      this.#isOver = true;
      return this.#listener({ type: 'failed', status: 487, cause: 'canceled', detail: 'not started', headers: [] });
    }
    for (const leg of [...this.#live]) leg.hangUp(why);
  }

  // An outgoing leg has nothing to ring, answer or refuse.
  ring(): void {}
  earlyMedia(): boolean {
    return false;
  }
  answer(): Promise<AnswerOutcome> {
    return Promise.resolve({ ok: this.#winner !== undefined, detail: 'outgoing leg' });
  }
  refuse(): void {
    this.hangUp();
  }

  offerDirection(direction: MediaDirection): Promise<boolean> {
    return this.#winner?.offerDirection(direction) ?? Promise.resolve(false);
  }

  limitDirection(most: MediaDirection): void {
    this.#winner?.limitDirection(most);
  }

  probe(): Promise<boolean> {
    return this.#winner?.probe() ?? Promise.resolve(false);
  }
}

/** RFC 3261 16.7 step 6: a 6xx wins, else the lowest class; within it a word from the user (486, 480) beats silence (408). */
export function bestFailure(failures: readonly Failed[]): Failed {
  const rank = (failure: Failed): number => {
    if (failure.status >= 600) return 0;
    if (failure.status === 486) return 1;
    if (failure.status === 408 || failure.cause !== 'response') return 900 + failure.status / 1000;
    return failure.status;
  };
  return failures.reduce((best, failure) => (rank(failure) < rank(best) ? failure : best));
}
