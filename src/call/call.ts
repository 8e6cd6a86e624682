// A Call is ONE leg = ONE CallSid (design.md 5.1): one signalling side behind a LegDriver, one status, one AbortController.
// It stays small: what calls do together is in bridge.ts and dial.ts, what TwiML does to it in twiml/voice-session.ts.
// Closing, in this order and only here: status moves to its end → signal aborts → `ended` is emitted → registry forgets it.

import type { CallAmendment } from '../base/calls-api.ts';
import type { Clock, Timer } from '../base/clock.ts';
import type { Unsubscribe } from '../base/emitter.ts';
import { Emitter } from '../base/emitter.ts';
import type { CallEvent } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { AnsweredBy } from '../base/machine-detection-api.ts';
import type { CallDirection, CallRecord, CallStatus, Domain, HttpMethod } from '../base/records.ts';
import { NOTHING_TO_WAIT_FOR, OVER } from '../base/signal.ts';
import { isTerminal, type LiveStatus, mayMove, recordStatus } from './call-states.ts';
import type { DialEvent } from './dial-options.ts';
import type { HeaderPair, LegDriver, LegEvent } from './leg-driver.ts';
import { statusOfFailure, statusOfRefusal } from './outcome.ts';

type Distribute<T> = T extends unknown ? Omit<T, 'callSid' | 'atMs' | 'wall'> : never;
/** A CallEvent without the fields that the call fills in. */
export type CallEventBody = Distribute<CallEvent>;

export interface StatusCallback {
  readonly url: string;
  readonly method: HttpMethod;
  readonly events: readonly DialEvent[];
}

export interface CallOptions {
  readonly sid: string;
  readonly accountSid: string;
  readonly direction: CallDirection;
  readonly from: string;
  readonly to: string;
  readonly parentCallSid: string | null;
  readonly domain: Domain | undefined;
  readonly statusCallback: StatusCallback | undefined;
  /** Parameters of this leg beyond the standard ones: SipDomain, SipHeader_… (twiml.md 3.2). */
  readonly sipParams: ReadonlyMap<string, string>;
  readonly callerName: string | null;
  /** AP…: the application that the call was made with, or came to. */
  readonly applicationSid?: string | undefined;
  /** PN… of the account's number that was called, or that calls. */
  readonly phoneNumberSid?: string | undefined;
  /** It waits for its turn before it starts, about so long (rest-api.md 20). */
  readonly queueTimeMs?: number | undefined;
}

export interface CallServices {
  readonly clock: Clock;
  readonly log: Log;
  /** Receives every event of every call. */
  readonly emit: (event: CallEvent) => void;
}

export class Call {
  readonly sid: string;
  readonly options: CallOptions;
  readonly log: Log;
  readonly createdAt: number;
  readonly #services: CallServices;
  readonly #controller = new AbortController();
  readonly #legEvents: Emitter<LegEvent>;
  readonly #createdWall: number;
  #leg: LegDriver | undefined;
  #status: LiveStatus;
  #rang = false;
  #answeredAt: number | undefined;
  #answerWall: number | null = null;
  #startWall: number | null = null;
  #endWall: number | null = null;
  #durationSeconds: number | null = null;
  #sipResponseCode: number | null = null;
  #lastHeaders: readonly HeaderPair[] = [];
  #canceledBy: 'timeout' | 'request' | undefined;
  #endReason = '';
  #errorCode: number | null = null;
  #notice: { readonly errorCode: number; readonly message: string } | undefined;
  /** Settles when the voice session of this call (if one runs) has made its last request. */
  sessionEnded: Promise<unknown> = NOTHING_TO_WAIT_FOR;
  /** Replaced by `amend`. */
  statusCallback: StatusCallback | undefined;
  #answeredBy: AnsweredBy | undefined;
  #timeLimit: Timer | undefined;
  #limitSeconds = 0;

  constructor(options: CallOptions, services: CallServices) {
    this.sid = options.sid;
    this.options = options;
    this.statusCallback = options.statusCallback;
    this.#services = services;
    this.log = services.log.child({ callSid: options.sid });
    this.createdAt = services.clock.now();
    this.#createdWall = services.clock.wall();
    this.#status = options.direction === 'inbound' ? 'ringing' : 'queued';
    if (options.direction === 'inbound') this.#startWall = this.#createdWall;
    this.#legEvents = new Emitter((fault) => this.log.error({ err: fault }, 'a listener of a call failed'));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  get status(): LiveStatus {
    return this.#status;
  }
  get isOver(): boolean {
    return isTerminal(this.#status);
  }
  get isAnswered(): boolean {
    return this.#status === 'in-progress';
  }
  get leg(): LegDriver {
    if (!this.#leg) throw new Error(`call ${this.sid} has no leg yet`);
    return this.#leg;
  }
  get sipResponseCode(): number | null {
    return this.#sipResponseCode;
  }
  /** X-headers of the last SIP message about this leg: final response or BYE (sip-interface.md 2.5). */
  get lastHeaders(): readonly HeaderPair[] {
    return this.#lastHeaders;
  }
  /** The last warning or error of this call. */
  get notice(): { readonly errorCode: number; readonly message: string } | undefined {
    return this.#notice;
  }
  /** Verdict of machine detection, once there is one. */
  get answeredBy(): AnsweredBy | undefined {
    return this.#answeredBy;
  }
  get endReason(): string {
    return this.#endReason;
  }
  /** Whole seconds since the answer; 0 when there was none. */
  get durationSeconds(): number {
    if (this.#durationSeconds !== null) return this.#durationSeconds;
    return this.#answeredAt === undefined ? 0 : Math.round((this.#services.clock.now() - this.#answeredAt) / 1000);
  }

  /** Gives the call its leg and says that it exists. Exactly once. */
  attach(leg: LegDriver): void {
    this.#leg = leg;
    leg.onEvent((event) => this.#onLeg(event));
    const { accountSid, direction, from, to, parentCallSid, domain } = this.options;
    const sipCallId = leg.signallingId ?? null;
    this.emit({
      type: 'created',
      accountSid,
      direction,
      from,
      to,
      parentCallSid,
      domainSid: domain?.sid ?? null,
      sipCallId,
    });
  }

  onLegEvent(listener: (event: LegEvent) => void): Unsubscribe {
    return this.#legEvents.on(listener);
  }

  /** Completes the event, which must be an object that nobody else holds: a copy of each costs more than what most listeners do. */
  emit(event: CallEventBody): void {
    const told = event as CallEventBody & { callSid?: string; atMs?: number; wall?: number };
    told.callSid = this.sid;
    told.atMs = Math.round(this.#services.clock.now() - this.createdAt);
    told.wall = this.#services.clock.wall();
    this.#services.emit(told as CallEvent);
  }

  /** A warning or error of the dictionary, for the log, the ladder and the Notifications resource. */
  notify(level: 'error' | 'warning', errorCode: number, message: string, requestUrl: string | null = null): void {
    if (level === 'error') this.#errorCode = errorCode;
    this.#notice = { errorCode, message };
    this.emit({ type: 'notification', level, errorCode, message, requestUrl });
  }

  // ------------------------------------------------------------------ commands

  /** Outgoing: the INVITE leaves. */
  start(): void {
    if (this.#status !== 'queued') return;
    this.#startWall = this.#services.clock.wall();
    this.#move('initiated');
    this.leg.start();
  }

  /** Incoming, or one that its own document answers: 200. False when the leg could not be answered. */
  async answer(): Promise<boolean> {
    const mayAnswer = this.options.direction === 'inbound' || this.leg.isAnsweredHere === true;
    if (this.#status !== 'ringing' || !mayAnswer) return this.isAnswered;
    const pending = this.leg.answer();
    this.#markAnswered(200);
    const outcome = await pending;
    if (!outcome.ok && !this.isOver) this.hangUp(`not answered: ${outcome.detail}`);
    return outcome.ok;
  }

  /** Incoming, unanswered: a final refusal ends the call. */
  refuse(sipStatus: number, reason: string, headers: readonly HeaderPair[] = [], phrase?: string): void {
    if (this.isOver || this.isAnswered) return;
    this.leg.refuse(sipStatus, phrase, headers);
    this.#end(statusOfRefusal(sipStatus), sipStatus, reason);
  }

  /** Ends the call in whatever state. `cause` decides between no-answer and canceled for a leg that still rings. */
  hangUp(reason: string, cause: 'timeout' | 'request' | 'elsewhere' = 'request'): void {
    if (this.isOver) return;
    this.#endReason ||= reason;
    this.#canceledBy ??= cause === 'timeout' ? 'timeout' : 'request';
    this.leg.hangUp(cause === 'elsewhere' ? 'elsewhere' : undefined);
    // The leg is told to end; its last event normally moves the status. An answered call is over for us now.
    if (this.isAnswered) this.#end('completed', this.#sipResponseCode ?? 200, reason);
    else if (this.options.direction === 'inbound') this.#end('canceled', 487, reason);
  }

  /** Whether REST gave it a longer life than calls have otherwise; its own time limit ends it then. */
  get mayLiveLonger(): boolean {
    return this.#limitSeconds * 1000 > limits.callTimeLimitMs;
  }

  /** Ends the call `seconds` after its answer; at once when that time is over. Replaces an earlier limit. */
  limitTime(seconds: number): void {
    this.#timeLimit?.cancel();
    if (this.isOver) return;
    this.#limitSeconds = seconds;
    const sinceAnswerMs = this.#answeredAt === undefined ? 0 : this.#services.clock.now() - this.#answeredAt;
    const restMs = Math.max(0, seconds * 1000 - sinceAnswerMs);
    this.#timeLimit = this.#services.clock.after(restMs, () => {
      if (this.mayLiveLonger) this.notify('warning', 32015, 'the call reached its maximum duration');
      this.hangUp('time limit');
    });
  }

  /** The verdict of machine detection, so long after the answer. */
  markAnsweredBy(answeredBy: AnsweredBy, durationMs: number): void {
    this.#answeredBy = answeredBy;
    this.emit({ type: 'answeredBy', answeredBy, durationMs });
  }

  /** Takes over settings that REST changed (rest-api.md 9.3). */
  amend({ statusCallback, statusCallbackMethod, timeLimitSeconds }: CallAmendment): void {
    const before = this.statusCallback;
    const url = statusCallback === undefined ? (before?.url ?? null) : statusCallback;
    const method = statusCallbackMethod ?? before?.method ?? 'POST';
    this.statusCallback = url === null ? undefined : { url, method, events: before?.events ?? ['completed'] };
    if (timeLimitSeconds !== undefined) this.limitTime(timeLimitSeconds);
  }

  // ------------------------------------------------------------------ leg events

  #onLeg(event: LegEvent): void {
    switch (event.type) {
      case 'ringing':
        this.#rang = true;
        if (this.#status === 'initiated') this.#move('ringing', event.status);
        break;
      case 'answered':
        this.#lastHeaders = event.headers;
        this.#markAnswered(event.status);
        break;
      case 'failed': {
        this.#lastHeaders = event.headers;
        const { status, cause, isdnCause } = event;
        const failure = { status, cause, rang: this.#rang, isdnCause };
        this.#end(statusOfFailure(failure, this.#canceledBy), this.#canceledBy ? 487 : event.status, event.detail);
        break;
      }
      case 'canceled':
        this.#end('canceled', 487, 'caller hung up before the answer');
        break;
      case 'digit':
        this.emit({ type: 'digit', digit: event.digit, durationMs: event.durationMs });
        break;
      case 'media':
        this.emit({ ...event });
        break;
      case 'refer':
        this.#legEvents.emit(event);
        if (!event.answer.isOpen) return;
        this.notify('error', 32218, 'a REFER came to a call that is in no Dial: it is refused');
        return event.answer.refuse(603);
      case 'notAcknowledged':
        this.notify('error', 32022, 'no ACK came for our 200; the call is ended');
        break;
      case 'mediaTimeout':
        this.notify('warning', 32014, 'no audio came from the peer; the call is ended');
        this.#legEvents.emit(event);
        return this.hangUp('no audio received');
      case 'ended':
        this.#lastHeaders = event.headers.length > 0 ? event.headers : this.#lastHeaders;
        this.#onLegEnded(event.by);
        break;
    }
    this.#legEvents.emit(event);
  }

  #onLegEnded(by: string): void {
    if (this.isAnswered)
      return this.#end('completed', this.#sipResponseCode ?? 200, by === 'remote' ? 'the peer hung up' : by);
    const status = this.#canceledBy === 'timeout' ? 'no-answer' : 'canceled';
    this.#end(status, 487, this.#endReason || by);
  }

  #markAnswered(sipStatus: number): void {
    if (!mayMove(this.#status, 'in-progress')) return;
    this.#answeredAt = this.#services.clock.now();
    this.#answerWall = this.#services.clock.wall();
    this.#move('in-progress', sipStatus);
  }

  #move(status: LiveStatus, sipResponseCode: number | null = null): void {
    if (!mayMove(this.#status, status)) return;
    this.#status = status;
    this.#sipResponseCode = sipResponseCode ?? this.#sipResponseCode;
    if (!isTerminal(status)) this.emit({ type: 'status', status: status as CallStatus | 'initiated', sipResponseCode });
  }

  #end(status: CallStatus, sipResponseCode: number, reason: string): void {
    if (this.isOver) return;
    const answered = this.isAnswered;
    const durationSeconds = this.durationSeconds;
    this.#durationSeconds = durationSeconds;
    this.#endWall = this.#services.clock.wall();
    this.#endReason ||= reason;
    this.#status = status;
    this.#sipResponseCode = sipResponseCode;
    this.#timeLimit?.cancel();
    this.#controller.abort(OVER);
    this.emit({ type: 'ended', status, sipResponseCode, durationSeconds, answered, reason: this.#endReason });
  }

  /** The record as REST and the store show it. */
  record(): CallRecord {
    const { accountSid, parentCallSid, to, from, direction, domain, callerName } = this.options;
    return {
      sid: this.sid,
      accountSid,
      parentCallSid,
      to,
      from,
      status: recordStatus(this.#status),
      direction,
      startTime: this.#startWall,
      answerTime: this.#answerWall,
      endTime: this.#endWall,
      durationSeconds: this.#durationSeconds,
      sipResponseCode: this.#sipResponseCode,
      sipCallId: this.#leg?.signallingId ?? null,
      domainSid: domain?.sid ?? null,
      answeredBy: this.#answeredBy ?? null,
      callerName,
      forwardedFrom: this.options.sipParams.get('ForwardedFrom') ?? null,
      phoneNumberSid: this.options.phoneNumberSid ?? null,
      queueTimeMs: this.options.queueTimeMs ?? null,
      errorCode: this.#errorCode,
      dateCreated: this.#createdWall,
      dateUpdated: this.#services.clock.wall(),
    };
  }
}
