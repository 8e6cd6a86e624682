// One SIP dialog as a LegDriver: translates between InviteSession (signalling), LegMedia (media) and LegEvents.
// Knows nothing of TwiML, bridges or call status.

import type { Log } from '../base/log.ts';
import type { EndpointId, MediaEvent } from '../media/engine.ts';
import type { MediaDirection } from '../sdp/plan.ts';
import type { HeaderField } from '../sip/grammar/message.ts';
import type {
  DialogName,
  IncomingInvite,
  InviteSession,
  OutgoingInviteOptions,
  PeerFlow,
  SentRefer,
  SessionEvent,
  UserAgent,
} from '../sip/ua/ua.ts';
import { DirectionOffers } from './direction-offers.ts';
import { type DigitPressed, LegDigits } from './leg-digits.ts';
import type { AnswerOutcome, HeaderPair, LegDriver, LegEvent } from './leg-driver.ts';
import { failureOf, ofMedia } from './leg-event-sources.ts';
import { LegMedia, type LegMediaOptions, type LegMediaServices, type MediaFailure, mirror } from './leg-media.ts';
import { readReferTo } from './refer-to.ts';
import {
  byeHeaders,
  customHeaders,
  elsewhereHeaders,
  headerFields,
  legHeaders,
  type RecordedLeg,
} from './relay-headers.ts';

export interface SipLegServices extends LegMediaServices {
  readonly userAgent: UserAgent;
  readonly log: Log;
  /** The recording of a call, for its BYE. */
  readonly recordingOf?: (callSid: string) => RecordedLeg | undefined;
}

export interface SipLegIdentity {
  readonly callSid: string;
  readonly accountSid: string;
  /** RFC 3891 5: says so in Supported, for phones that look for it before they transfer. */
  readonly offersReplaces?: boolean;
}

type Phase = 'idle' | 'early' | 'answered' | 'ended';

export class SipLeg implements LegDriver {
  readonly #identity: SipLegIdentity;
  readonly #services: SipLegServices;
  readonly #media: LegMedia;
  /** Until it left. */
  #invite: OutgoingInviteOptions | undefined;
  readonly #near: EndpointId | undefined;
  /** Until everybody was told that the leg ended: the latest calls are kept for a while, and need no dialog. */
  #session: InviteSession | undefined;
  #signallingId: string | undefined;
  #listener: (event: LegEvent) => void = () => {};
  #phase: Phase = 'idle';
  #remoteDirection: MediaDirection = 'sendrecv';
  #most: MediaDirection = 'sendrecv';
  #hasEarlyMedia = false;
  /** Incoming: our SDP for 183 and 200; undefined for a late offer. */
  #answerSdp: string | undefined;
  #flow: PeerFlow | undefined;
  #onAcknowledged: ((outcome: AnswerOutcome) => void) | undefined;
  readonly #digits = new LegDigits();
  /** Made for the first re-INVITE of ours: most calls see none. */
  #offers: DirectionOffers | undefined;

  private constructor(
    identity: SipLegIdentity,
    services: SipLegServices,
    media: LegMediaOptions,
    invite: OutgoingInviteOptions | undefined,
    near: EndpointId | undefined,
  ) {
    this.#identity = identity;
    this.#services = services;
    this.#media = new LegMedia(services, media);
    this.#invite = invite;
    this.#near = near;
  }

  /** The leg of an INVITE that came in. Call `prepare` before anything else. */
  static incoming(
    invite: IncomingInvite,
    identity: SipLegIdentity,
    services: SipLegServices,
    media: LegMediaOptions,
  ): SipLeg {
    const leg = new SipLeg(identity, services, media, undefined, undefined);
    leg.#session = invite.session;
    leg.#flow = invite.flow;
    leg.#phase = 'early';
    invite.session.onEvent((event) => leg.#onSession(event));
    return leg;
  }

  /** A leg that will call out when started. `invite.sdp` is made here. */
  static outgoing(
    invite: Omit<OutgoingInviteOptions, 'sdp'>,
    identity: SipLegIdentity,
    services: SipLegServices,
    media: LegMediaOptions,
    near: EndpointId | undefined,
  ): SipLeg {
    return new SipLeg(identity, services, media, { ...invite, sdp: undefined }, near);
  }

  get signallingId(): string | undefined {
    return this.#session?.callId ?? this.#signallingId;
  }

  get remoteAddress(): string | undefined {
    return (this.#session?.flow ?? this.#flow)?.remoteAddress;
  }

  get endpoint(): EndpointId | undefined {
    return this.#media.endpoint;
  }

  get dialogs(): readonly DialogName[] {
    const dialog = this.#session?.dialog;
    return dialog ? [dialog] : [];
  }

  refer(target: string): SentRefer | undefined {
    return this.#phase === 'answered' ? this.#session?.refer(target) : undefined;
  }

  get remoteDirection(): MediaDirection {
    return this.#remoteDirection;
  }

  get hasEarlyMedia(): boolean {
    return this.#hasEarlyMedia;
  }

  onEvent(listener: (event: LegEvent) => void): void {
    this.#listener = listener;
  }

  // ------------------------------------------------------------------ incoming

  /** Opens media and answers the offer inside, so that a call without common codec or port is refused before it rings. */
  async prepare(offer: string | undefined): Promise<MediaFailure | undefined> {
    const flow = this.#flow!;
    const opened = await this.#media.open(flow, (event) => this.#onMedia(event));
    if (!opened.ok) return opened.error;
    if (offer === undefined) return undefined;
    const answered = this.#media.answer(offer, this.#most);
    if (!answered.ok) return answered.error;
    this.#answerSdp = answered.value.sdp;
    this.#remoteDirection = answered.value.offered;
    return undefined;
  }

  ring(): void {
    if (this.#phase === 'early') this.#session?.progress(180, { headers: this.#legHeaders() });
  }

  earlyMedia(): boolean {
    if (this.#phase !== 'early' || this.#answerSdp === undefined) return false;
    this.#session?.progress(183, { sdp: this.#answerSdp, headers: this.#legHeaders() });
    return true;
  }

  answer(): Promise<AnswerOutcome> {
    if (this.#phase === 'answered') return Promise.resolve({ ok: true, detail: '' });
    if (this.#phase !== 'early') return Promise.resolve({ ok: false, detail: 'leg has ended' });
    const isLateOffer = this.#answerSdp === undefined;
    const sdp = this.#answerSdp ?? this.#media.offer('sendrecv');
    if (sdp === undefined) return Promise.resolve({ ok: false, detail: 'no media' });
    this.#phase = 'answered';
    this.#session?.accept({ sdp, headers: this.#legHeaders() });
    if (!isLateOffer) return Promise.resolve({ ok: true, detail: '' });
    return new Promise((resolve) => {
      this.#onAcknowledged = resolve;
    });
  }

  refuse(status: number, reason?: string, headers: readonly HeaderPair[] = []): void {
    if (this.#phase !== 'early') return;
    this.#finish();
    this.#session?.reject(status, { ...(reason === undefined ? {} : { reason }), headers: headerFields(headers) });
  }

  // ------------------------------------------------------------------ outgoing

  start(): void {
    const invite = this.#invite;
    if (!invite || this.#phase !== 'idle') return;
    this.#phase = 'early';
    this.#invite = undefined;
    this.#session = this.#services.userAgent.invite({
      ...invite,
      headers: [...invite.headers, ...this.#legHeaders()],
      sdp: (flow) => this.#firstOffer(flow),
    });
    this.#session.onEvent((event) => this.#onSession(event));
  }

  /** Asked by the user agent for each flow it tries; the endpoint of the first is kept. */
  async #firstOffer(flow: PeerFlow): Promise<string | undefined> {
    this.#flow = flow;
    if (this.#media.endpoint === undefined) {
      const opened = await this.#media.open(flow, (event) => this.#onMedia(event), this.#near);
      if (!opened.ok) {
        // 487: the leg was given up meanwhile.
        if (opened.error.status !== 487)
          this.#services.log.error(
            { callSid: this.#identity.callSid, detail: opened.error.reason },
            'no media for an outgoing leg',
          );
        return undefined;
      }
    }
    return this.#media.offer('sendrecv');
  }

  // ------------------------------------------------------------------ both

  hangUp(why?: 'elsewhere'): void {
    if (this.#phase === 'ended') return;
    if (this.#phase === 'idle') {
      this.#finish();
      this.#listener({ type: 'failed', status: 487, cause: 'canceled', detail: 'not started', headers: [] });
      return;
    }
    this.#media.close();
    const isElsewhere = why === 'elsewhere' && this.#phase === 'early';
    this.#session?.end({ headers: isElsewhere ? elsewhereHeaders : this.#byeHeaders() });
  }

  offerDirection(direction: MediaDirection): Promise<boolean> {
    this.#offers ??= new DirectionOffers((newest) => this.#reoffer(newest));
    return this.#offers.offer(direction);
  }

  limitDirection(most: MediaDirection): void {
    this.#most = most;
  }

  async probe(): Promise<boolean> {
    if (this.#phase !== 'answered' || !this.#session) return false;
    const { status } = await this.#session.request('OPTIONS');
    return status !== 408 && status !== 481 && status !== 503;
  }

  async #reoffer(newest: () => MediaDirection): Promise<boolean> {
    if (this.#phase !== 'answered' || !this.#session) return false;
    let direction: MediaDirection = 'sendrecv';
    const result = await this.#session.reinvite(() => {
      direction = newest();
      return this.#media.offer(direction);
    });
    if (!result.ok) {
      this.#media.withdraw();
      const { status, reason } = result.error;
      this.#listener({ type: 'media', change: 're-INVITE refused', detail: `${status} ${reason}` });
      return false;
    }
    const accepted = this.#media.accept(result.value);
    if (!accepted.ok) return false;
    this.#listener({ type: 'media', change: 're-INVITE accepted', detail: `${direction}, peer ${accepted.value}` });
    return true;
  }

  #onSession(event: SessionEvent): void {
    if (this.#phase === 'ended') return;
    switch (event.type) {
      case 'progress':
        return this.#onProgress(event.status, event.sdp);
      case 'accepted':
        return this.#onAccepted(event);
      case 'rejected':
        this.#finish();
        return this.#listener(failureOf(event));
      case 'canceled':
        this.#finish();
        return this.#listener({ type: 'canceled' });
      case 'acknowledged':
        return this.#onAck(event.sdp);
      case 'notAcknowledged':
        return this.#listener({ type: 'notAcknowledged' });
      case 'offer':
        return this.#onOffer(event);
      case 'reinviteAcknowledged':
        if (event.sdp !== undefined) this.#takeDirection(this.#media.accept(event.sdp));
        return;
      case 'info':
        return this.#pressed(this.#digits.fromInfo(event.contentType, event.body));
      case 'refer': {
        const read = readReferTo(event.request);
        if (!read.ok) return event.notifier.refuse(read.error.status, read.error.reason);
        return this.#listener({ type: 'refer', referTo: read.value, answer: event.notifier });
      }
      case 'ended':
        this.#finish();
        return this.#listener({ type: 'ended', by: event.by, headers: customHeaders(event.request) });
    }
  }

  #onProgress(status: number, sdp: string | undefined): void {
    if (sdp !== undefined) {
      const accepted = this.#media.accept(sdp);
      this.#hasEarlyMedia = accepted.ok;
    }
    this.#listener({ type: 'ringing', status, earlyMedia: this.#hasEarlyMedia });
  }

  #onAccepted(event: Extract<SessionEvent, { type: 'accepted' }>): void {
    // RFC 3261 13.2.1: a 2xx may come without SDP when a reliable provisional carried the answer already.
    const accepted = event.sdp === undefined ? undefined : this.#media.accept(event.sdp);
    if ((accepted && !accepted.ok) || (!accepted && !this.#hasEarlyMedia)) {
      const detail = accepted && !accepted.ok ? accepted.error.reason : 'answer without SDP';
      this.#finish();
      this.#session?.end({ headers: this.#byeHeaders() });
      return this.#listener({ type: 'failed', status: 488, cause: 'response', detail, headers: [] });
    }
    this.#phase = 'answered';
    if (accepted?.ok) this.#remoteDirection = accepted.value;
    this.#listener({ type: 'answered', status: event.response.status, headers: customHeaders(event.response) });
  }

  #onAck(sdp: string | undefined): void {
    const resolve = this.#onAcknowledged;
    this.#onAcknowledged = undefined;
    if (!resolve) return;
    const accepted = sdp === undefined ? undefined : this.#media.accept(sdp);
    if (accepted?.ok) {
      this.#remoteDirection = accepted.value;
      return resolve({ ok: true, detail: '' });
    }
    resolve({ ok: false, detail: accepted ? accepted.error.reason : 'ACK without an answer' });
    this.hangUp();
  }

  #onOffer(event: Extract<SessionEvent, { type: 'offer' }>): void {
    if (event.sdp === undefined) {
      const sdp = this.#media.offer(mirror(this.#remoteDirection) === 'inactive' ? 'inactive' : this.#most);
      return sdp === undefined ? event.refuse(488) : event.accept(sdp);
    }
    const answered = this.#media.answer(event.sdp, this.#most);
    // RFC 3261 14.2: a refused re-INVITE leaves the session as it was.
    if (!answered.ok) return event.refuse(answered.error.status, answered.error.reason);
    // Before the 200 of the INVITE (UPDATE in an early dialog, offer in a PRACK) that one has to say the same.
    if (this.#phase === 'early' && this.#answerSdp !== undefined) this.#answerSdp = answered.value.sdp;
    event.accept(answered.value.sdp);
    this.#changeDirection(answered.value.offered);
  }

  #takeDirection(result: ReturnType<LegMedia['accept']>): void {
    if (result.ok) this.#changeDirection(result.value);
  }

  #changeDirection(direction: MediaDirection): void {
    if (direction === this.#remoteDirection) return;
    this.#remoteDirection = direction;
    this.#listener({ type: 'direction', direction });
  }

  #pressed(press: DigitPressed | undefined): void {
    if (press) this.#listener(press);
  }

  #onMedia(event: MediaEvent): void {
    if (event.type === 'digit') return this.#pressed(this.#digits.fromMedia(event.digit, event.durationMs));
    const told = ofMedia(event);
    if (told) this.#listener(told);
  }

  #byeHeaders(): HeaderField[] {
    const { callSid } = this.#identity;
    return byeHeaders(callSid, this.#services.recordingOf?.(callSid));
  }

  #legHeaders(): HeaderField[] {
    return legHeaders(this.#identity.callSid, this.#identity.accountSid, this.#identity.offersReplaces);
  }

  #finish(): void {
    this.#phase = 'ended';
    this.#media.close();
    this.#onAcknowledged?.({ ok: false, detail: 'leg has ended' });
    this.#onAcknowledged = undefined;
    queueMicrotask(() => this.#forgetSession());
  }

  #forgetSession(): void {
    this.#signallingId = this.signallingId;
    this.#flow = this.#session?.flow ?? this.#flow;
    this.#session = undefined;
    this.#answerSdp = undefined;
  }
}
