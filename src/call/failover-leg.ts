// The targets of a trunk as one leg: one after the other until one takes the call (sip-interface.md 2.4).
//
//   target 1 ── 4 s of silence, transport error, 401, 403, 408, 5xx … ─▶ target 2 ── 302 ─▶ its first Contact, once
//        └───── 2xx, 400, 404, 405, 410, 416, 482, 484, 486, 6xx: that is the answer of the number itself

import type { EndpointId } from '../media/engine.ts';
import type { MediaDirection } from '../sdp/plan.ts';
import type { DialogName, SentRefer } from '../sip/ua/ua.ts';
import { bestFailure } from './forked-leg.ts';
import type { AnswerOutcome, LegDriver, LegEvent } from './leg-driver.ts';

type Failed = Extract<LegEvent, { type: 'failed' }>;

/** Answers about the number: another target would say the same. */
const FINAL = new Set([400, 404, 405, 410, 416, 482, 484, 486]);

export const failsOver = (status: number): boolean => !FINAL.has(status) && status < 600;

export interface FailoverOptions {
  /** Makes the leg of one target. `hasAlternatives`: it must give up on silence, because another one waits. */
  readonly attempts: readonly ((hasAlternatives: boolean) => LegDriver)[];
  /** The leg that a 3xx leads to; undefined = refused, which was reported. */
  readonly redirect: (failed: Failed, leg: LegDriver) => LegDriver | undefined;
  /** Told of each target that failed (32011); `index`: which attempt, undefined for what a redirect led to. */
  readonly onTargetFailed: (failed: Failed, index: number | undefined) => void;
  /** Told which attempt gave the answer, whatever it was. */
  readonly onTargetAnswered?: (index: number) => void;
}

export class FailoverLeg implements LegDriver {
  readonly #options: FailoverOptions;
  readonly #failures: Failed[] = [];
  #next = 0;
  #current: LegDriver | undefined;
  /** Of the current attempt; undefined for what a redirect led to. */
  #index: number | undefined;
  #wasRedirected = false;
  #isHangingUp = false;
  #isOver = false;
  #listener: (event: LegEvent) => void = () => {};

  constructor(options: FailoverOptions) {
    this.#options = options;
  }

  get signallingId(): string | undefined {
    return this.#current?.signallingId;
  }
  get remoteAddress(): string | undefined {
    return this.#current?.remoteAddress;
  }
  get endpoint(): EndpointId | undefined {
    return this.#current?.endpoint;
  }
  get dialogs(): readonly DialogName[] {
    return this.#current?.dialogs ?? [];
  }
  get remoteDirection(): MediaDirection {
    return this.#current?.remoteDirection ?? 'sendrecv';
  }

  onEvent(listener: (event: LegEvent) => void): void {
    this.#listener = listener;
  }

  start(): void {
    this.#tryNext();
  }

  #tryNext(): void {
    const make = this.#options.attempts[this.#next];
    this.#index = this.#next++;
    if (make) this.#begin(make(this.#next < this.#options.attempts.length));
  }

  #begin(leg: LegDriver): void {
    this.#current = leg;
    leg.onEvent((event) => this.#onLeg(leg, event));
    leg.start();
  }

  #onLeg(leg: LegDriver, event: LegEvent): void {
    if (this.#isOver || leg !== this.#current) return;
    if (event.type === 'failed') return this.#onFailed(leg, event);
    if (event.type === 'answered' && this.#index !== undefined) this.#options.onTargetAnswered?.(this.#index);
    if (event.type === 'ended') this.#isOver = true;
    this.#listener(event);
  }

  #onFailed(leg: LegDriver, event: Failed): void {
    if (this.#isHangingUp || !failsOver(event.status)) return this.#end(event);
    const isRedirect = event.status >= 300 && event.status < 400;
    if (isRedirect && !this.#wasRedirected) {
      const redirected = this.#options.redirect(event, leg);
      this.#wasRedirected = redirected !== undefined;
      if (redirected) {
        this.#index = undefined;
        return this.#begin(redirected);
      }
    }
    this.#options.onTargetFailed(event, this.#index);
    this.#failures.push(event);
    if (this.#next < this.#options.attempts.length) return this.#tryNext();
    this.#end(bestFailure(this.#failures));
  }

  #end(event: Failed): void {
    this.#isOver = true;
    this.#listener(event);
  }

  hangUp(why?: 'elsewhere'): void {
    if (this.#isOver) return;
    this.#isHangingUp = true;
    if (this.#current) return this.#current.hangUp(why);
    this.#end({ type: 'failed', status: 487, cause: 'canceled', detail: 'not started', headers: [] });
  }

  // An outgoing leg has nothing to ring, answer or refuse.
  ring(): void {}
  earlyMedia(): boolean {
    return false;
  }
  answer(): Promise<AnswerOutcome> {
    return Promise.resolve({ ok: false, detail: 'outgoing leg' });
  }
  refuse(): void {
    this.hangUp();
  }

  offerDirection(direction: MediaDirection): Promise<boolean> {
    return this.#current?.offerDirection(direction) ?? Promise.resolve(false);
  }
  limitDirection(most: MediaDirection): void {
    this.#current?.limitDirection(most);
  }
  refer(target: string): SentRefer | undefined {
    return this.#current?.refer?.(target);
  }
  probe(): Promise<boolean> {
    return this.#current?.probe() ?? Promise.resolve(false);
  }
}
