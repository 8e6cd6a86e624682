// A call that REST makes to an application of ours (`To=app:AP…` of Participants, rest-api.md 11). The room has one call, the application
// another, its child; they are the two sides of one pair of endpoints (application-leg.ts), so that each can do what any call can.
//
//   room ═ mixer ═ participant (outer) ◀──RTP──▶ (inner) child ◀── the document of the application

import { err, ok, type Result } from '../base/result.ts';
import type { EndpointId, MediaEvent } from '../media/engine.ts';
import type { MediaDirection } from '../sdp/plan.ts';
import type { MakeApplicationChild } from './application-child.ts';
import { ApplicationLeg } from './application-leg.ts';
import type { Call } from './call.ts';
import type { Calls } from './calls.ts';
import type { ApplicationTarget } from './dial-options.ts';
import type { AnswerOutcome, LegDriver, LegEvent } from './leg-driver.ts';
import type { RouteContext } from './route.ts';
import type { RouteFailure } from './trunk.ts';

const FORM = /^app:(AP[0-9a-f]{32})(?:\?(.*))?$/;

/** The application that `app:AP…?name=value` names; undefined for any other text. */
export function applicationTarget(to: string): ApplicationTarget | undefined {
  const [, applicationSid, query = ''] = FORM.exec(to) ?? [];
  if (applicationSid === undefined) return undefined;
  return {
    kind: 'application',
    applicationSid,
    customerId: undefined,
    copyParentTo: false,
    parameters: [...new URLSearchParams(query)],
    url: undefined,
    method: 'POST',
    statusCallback: undefined,
    statusCallbackMethod: 'POST',
    statusCallbackEvents: [],
  };
}

/** The participant's call, ready to start; what stands against it is found out then. */
export function applicationCall(
  target: ApplicationTarget,
  context: RouteContext,
  from: string,
  calls: Calls,
  makeChild: MakeApplicationChild,
): Result<Call, RouteFailure> {
  if (calls.isFull) return err({ errorCode: 10004, detail: 'the gateway is full', sipStatus: 503 });
  const { accountSid, direction, parentCallSid, domain, statusCallback, rest } = context;
  const call = calls.create({
    accountSid,
    direction,
    from,
    to: `app:${target.applicationSid}`,
    parentCallSid,
    domain,
    statusCallback,
    sipParams: new Map(),
    callerName: null,
    ...rest,
  });
  call.attach(new ApplicationCallLeg(call, target, makeChild));
  return ok(call);
}

/** The outer side: it rings, is answered and ends with the call of the application. */
class ApplicationCallLeg implements LegDriver {
  readonly signallingId = undefined;
  readonly remoteAddress = undefined;
  readonly remoteDirection: MediaDirection = 'sendrecv';
  readonly #call: Call;
  readonly #target: ApplicationTarget;
  readonly #makeChild: MakeApplicationChild;
  #listener: (event: LegEvent) => void = () => {};
  #child: Call | undefined;
  #isAnswered = false;
  #isOver = false;

  constructor(call: Call, target: ApplicationTarget, makeChild: MakeApplicationChild) {
    this.#call = call;
    this.#target = target;
    this.#makeChild = makeChild;
  }

  get endpoint(): EndpointId | undefined {
    return this.#child?.leg.bridgeEndpoint;
  }

  onEvent(listener: (event: LegEvent) => void): void {
    this.#listener = listener;
  }

  start(): void {
    const made = this.#makeChild(this.#call, this.#target, undefined);
    if (!made.ok) {
      const { errorCode, detail, sipStatus } = made.error;
      this.#call.notify('error', errorCode, detail);
      return this.#fail(sipStatus, 'response', detail);
    }
    const child = made.value;
    this.#child = child;
    const { leg } = child;
    if (leg instanceof ApplicationLeg) leg.onOuterMedia((event) => this.#onMedia(event));
    child.onLegEvent((event) => {
      if (event.type === 'ringing') this.#listener(event);
      else if (event.type === 'answered') this.#onAnswered(event);
    });
    child.signal.addEventListener('abort', () => this.#onChildEnded(child), { once: true });
    child.start();
  }

  #onAnswered(event: Extract<LegEvent, { type: 'answered' }>): void {
    this.#isAnswered = true;
    this.#listener(event);
    // From here on what the document says is heard.
    this.#child?.leg.bridged?.();
  }

  #onMedia(event: MediaEvent): void {
    if (event.type === 'digit') this.#listener({ type: 'digit', digit: event.digit, durationMs: event.durationMs });
    else if (event.type === 'playEnded')
      this.#listener({ type: 'playEnded', play: event.play, outcome: event.outcome });
  }

  #onChildEnded(child: Call): void {
    if (this.#isOver) return;
    if (!this.#isAnswered) return this.#fail(child.sipResponseCode ?? 480, 'response', child.endReason);
    this.#isOver = true;
    this.#listener({ type: 'ended', by: 'remote', headers: [] });
  }

  #fail(status: number, cause: 'response' | 'canceled', detail: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener({ type: 'failed', status, cause, detail, headers: [] });
  }

  hangUp(): void {
    if (this.#isOver) return;
    if (!this.#isAnswered) this.#fail(487, 'canceled', 'given up');
    else {
      this.#isOver = true;
      this.#listener({ type: 'ended', by: 'local', headers: [] });
    }
    this.#child?.hangUp('the other side has ended');
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
  offerDirection(): Promise<boolean> {
    return Promise.resolve(this.#isAnswered && !this.#isOver);
  }
  limitDirection(): void {}
  probe(): Promise<boolean> {
    return Promise.resolve(this.#isAnswered && !this.#isOver);
  }
}
