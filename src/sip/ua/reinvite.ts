// Offers inside an established session, both ways: re-INVITE (RFC 3261 14) and UPDATE (RFC 3311). One at a time; who collides gets
// 491 and tries again after a time that depends on who owns the Call-ID (14.1), so that both do not collide again.
//
//   ours     INVITE ─▶ 200 ◀─ ACK ─▶        491 ◀─ wait 2.1-4 s (owner) or 0-2 s ─ INVITE ─▶
//   theirs   INVITE ◀─ offer ─▶ accept ─▶ 200 … ACK ◀─        while ours is open: 491     while theirs is open: 500

import { strict as assert } from 'node:assert';
import { sleep, type Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { NOTHING_TO_WAIT_FOR, OVER } from '../../base/signal.ts';
import { withRemoteTarget } from '../dialog/dialog.ts';
import { type Exchange, newExchange, readBody, withNewInvite, withRefusedOffer } from '../dialog/offer-answer.ts';
import type { Request } from '../grammar/message.ts';
import type { ServerTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';
import { type AcceptedResponse, repeatUntilAck } from './accepted-response.ts';
import { isForeignBody, sdpOf } from './body.ts';
import { acceptField, allowField, type UaContext } from './context.ts';
import type { DialogPeer, PeerReply } from './dialog-peer.ts';
import { sdpParts } from './header-fields.ts';
import { answer, makeAnswer, retryAfter } from './responses.ts';
import { refusedInterval, type SessionTimer } from './session-timer.ts';
import type { SessionEvent, SessionState } from './ua.ts';

/** What the session is asked for. */
export interface ReinviteSession {
  readonly role: 'uac' | 'uas';
  readonly state: SessionState;
  readonly peer: DialogPeer | undefined;
  readonly timer: SessionTimer;
  emit(event: SessionEvent): void;
  checkDialogLost(status: number): void;
  lost(): void;
}

type Outcome = Result<string, { readonly status: number; readonly reason: string }>;

const failure = (status: number, reason: string): Outcome => err({ status, reason });

export class Reinvites {
  /** Who may offer now; the origin moves it on for the first INVITE. */
  exchange: Exchange = newExchange;
  /** What we last offered or answered with success: a refreshing re-INVITE says it again. */
  localSdp: string | undefined;
  readonly #context: UaContext;
  readonly #session: ReinviteSession;
  /** Made for the first that waits: most calls see no re-INVITE of ours. */
  #stopped: AbortController | undefined;
  #ours: Promise<unknown> = NOTHING_TO_WAIT_FOR;
  #waiting = 0;
  #isInviteOut = false;
  /** The peer's INVITE or UPDATE that has no final response yet. */
  #theirs: ServerTransaction<Flow> | undefined;
  /** 2xx of ours to re-INVITEs that wait for their ACK, by CSeq number. */
  #accepted: Map<number, { repeated: AcceptedResponse; isLateOffer: boolean }> | undefined;
  #timers: Set<Timer> | undefined;

  constructor(context: UaContext, session: ReinviteSession) {
    this.#context = context;
    this.#session = session;
  }

  // ---------------------------------------------------------------- ours

  /** One re-INVITE with an offer, made when it can be sent; several calls are sent one after the other. */
  offer(makeOffer: () => string | undefined): Promise<Outcome> {
    if (this.#waiting >= limits.queuedReinvites) return Promise.resolve(failure(491, 'Too Many Offers'));
    this.#waiting++;
    const mine = this.#ours.then(() => this.#offerNow(makeOffer)).finally(() => this.#waiting--);
    this.#ours = mine;
    return mine;
  }

  async #offerNow(makeOffer: () => string | undefined): Promise<Outcome> {
    for (let attempt = 0; ; attempt++) {
      const { peer, state } = this.#session;
      if (!peer || state !== 'established') return failure(481, 'No Such Dialog');
      // 14.1: none while another INVITE of either side is open.
      const sent = this.#theirs ? undefined : readBody(withNewInvite(this.exchange), 'sent', 'INVITE');
      if (sent?.ok) {
        const sdp = makeOffer();
        if (sdp === undefined) return failure(488, 'No Offer');
        this.exchange = sent.value.exchange;
        const outcome = await this.#send(peer, sdp);
        if (outcome.ok || (outcome.error.status !== 491 && outcome.error.status !== 422)) return outcome;
        // 422 comes here only with a larger interval to be tried (RFC 4028 7.3), at once.
        if (outcome.error.status === 422 && attempt < limits.reinviteRetries) continue;
      }
      if (attempt >= limits.reinviteRetries) return failure(491, 'Request Pending');
      this.#stopped ??= new AbortController();
      await sleep(this.#context.clock, this.#glareMs(), this.#stopped.signal);
    }
  }

  async #send(peer: DialogPeer, sdp: string): Promise<Outcome> {
    this.#isInviteOut = true;
    let again = () => {};
    const { headers, ...body } = sdpParts(sdp);
    const fields = [...this.#session.timer.requestHeaders(), ...headers];
    const reply = await peer.send('INVITE', { headers: fields, ...body, on2xxAgain: () => again() });
    this.#isInviteOut = false;
    const { response, request } = reply;
    if (response && request && response.status < 300) {
      peer.dialog = withRemoteTarget(peer.dialog, response);
      again = peer.acknowledge(request, undefined);
      this.#session.timer.received2xx(response);
      this.localSdp = sdp;
      return this.#readAnswer(reply);
    }
    this.exchange = withRefusedOffer(this.exchange);
    this.#session.checkDialogLost(reply.status);
    const isFinal422 = reply.status === 422 && !(response && this.#session.timer.refused(response));
    return failure(isFinal422 ? 500 : reply.status, reply.reason);
  }

  /** RFC 4028 10: one session refresh, by UPDATE where the peer takes it, else by a re-INVITE that changes nothing. */
  async refresh(): Promise<boolean> {
    const { peer } = this.#session;
    if (!peer) return false;
    if (peer.allows('UPDATE')) {
      const outcome = await this.#refreshByUpdate(peer);
      if (outcome !== 'notAllowed') return outcome === 'done';
      peer.forbid('UPDATE');
    }
    const outcome = await this.offer(() => this.localSdp);
    if (outcome.ok) this.#session.emit({ type: 'reinviteAcknowledged', sdp: outcome.value });
    return outcome.ok;
  }

  async #refreshByUpdate(peer: DialogPeer): Promise<'done' | 'failed' | 'notAllowed'> {
    const { timer } = this.#session;
    for (let attempt = 0; attempt <= limits.reinviteRetries; attempt++) {
      const { status, response } = await peer.send('UPDATE', { headers: timer.requestHeaders() });
      if (response && status < 300) {
        peer.dialog = withRemoteTarget(peer.dialog, response);
        timer.received2xx(response);
        return 'done';
      }
      if (status === 405 || status === 501) return 'notAllowed';
      if (!response || !timer.refused(response)) {
        this.#session.checkDialogLost(status);
        return 'failed';
      }
    }
    return 'failed';
  }

  #readAnswer({ response }: PeerReply): Outcome {
    const sdp = response && sdpOf(response);
    if (sdp === undefined) {
      this.exchange = withRefusedOffer(this.exchange);
      return failure(488, '2xx Without Answer');
    }
    const reading = readBody(this.exchange, 'received', '2xx of INVITE');
    if (reading.ok) this.exchange = reading.value.exchange;
    return ok(sdp);
  }

  /** 14.1: units of 10 ms; 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other side. */
  #glareMs(): number {
    const random = this.#context.random(2).readUInt16BE(0);
    return this.#session.role === 'uac' ? 2_100 + (random % 191) * 10 : (random % 201) * 10;
  }

  // ---------------------------------------------------------------- theirs

  /** A re-INVITE or UPDATE of the peer. */
  receive(peer: DialogPeer, transaction: ServerTransaction<Flow>): void {
    const { request } = transaction;
    const isInvite = request.method === 'INVITE';
    const tooSmall = refusedInterval(request);
    if (tooSmall) return void answer(this.#context, transaction, 422, tooSmall);
    if (isInvite) transaction.respond(makeAnswer(this.#context, request, 100));
    if (isForeignBody(request)) return void answer(this.#context, transaction, 415, { headers: [acceptField] });
    // 14.2: our INVITE is open: 491. Theirs is open: 500 with a random Retry-After.
    if (this.#isInviteOut && isInvite) return void answer(this.#context, transaction, 491);
    if (this.#theirs) return this.#refuseOverlap(transaction);
    peer.dialog = withRemoteTarget(peer.dialog, request);
    peer.noteAllow(request);
    const sdp = sdpOf(request);
    // RFC 3311 5.1: an UPDATE without offer only refreshes target or session timer.
    if (!isInvite && sdp === undefined) return void this.#respond2xx(peer, transaction, undefined);
    const before = isInvite ? withNewInvite(this.exchange) : this.exchange;
    const reading = sdp === undefined ? undefined : readBody(before, 'received', isInvite ? 'INVITE' : 'UPDATE');
    if (reading && !reading.ok) {
      if (reading.error.status === 500) return this.#refuseOverlap(transaction);
      return void answer(this.#context, transaction, reading.error.status, { reason: reading.error.reason });
    }
    this.exchange = reading?.value.exchange ?? before;
    this.#ask(peer, transaction, sdp);
  }

  /** An offer in a PRACK (RFC 3262 5); `exchange` is what it led to. Its 2xx has the answer. */
  receivePrack(peer: DialogPeer, transaction: ServerTransaction<Flow>, exchange: Exchange): void {
    if (this.#theirs) return this.#refuseOverlap(transaction);
    this.exchange = exchange;
    this.#ask(peer, transaction, sdpOf(transaction.request));
  }

  #refuseOverlap(transaction: ServerTransaction<Flow>): void {
    answer(this.#context, transaction, 500, { headers: [retryAfter(this.#context.random(1)[0]! % 11)] });
  }

  #ask(peer: DialogPeer, transaction: ServerTransaction<Flow>, sdp: string | undefined): void {
    const method = methodOf(transaction.request);
    let isAnswered = false;
    this.#theirs = transaction;
    const once = (then: () => void) => {
      if (isAnswered) return;
      isAnswered = true;
      timer.cancel();
      this.#timers?.delete(timer);
      this.#theirs = undefined;
      then();
    };
    const refuse = (status: number, reason?: string) =>
      once(() => {
        this.exchange = withRefusedOffer(this.exchange);
        answer(this.#context, transaction, status, { reason });
      });
    const timer = this.#context.clock.after(limits.offerAnswerMs, () => refuse(500));
    this.#timers ??= new Set();
    this.#timers.add(timer);
    if (method === 'INVITE') transaction.onCancel(() => refuse(487));
    this.#session.emit({
      type: 'offer',
      method,
      sdp,
      accept: (body) => once(() => this.#accept(peer, transaction, sdp, body)),
      refuse: (status, reason) => {
        assert(status >= 300 && status < 700, 'a refusal is 300-699');
        refuse(status, reason);
      },
    });
  }

  #accept(peer: DialogPeer, transaction: ServerTransaction<Flow>, offer: string | undefined, sdp: string): void {
    const { request } = transaction;
    const isInvite = request.method === 'INVITE';
    const reading = readBody(this.exchange, 'sent', `2xx of ${methodOf(request)}`);
    if (reading.ok) this.exchange = reading.value.exchange;
    this.localSdp = sdp;
    const response = this.#respond2xx(peer, transaction, sdp);
    if (!isInvite || !response) return;
    const { sequence } = request.cseq;
    const repeated = repeatUntilAck(this.#context.clock, transaction, response, () => {
      this.#accepted?.delete(sequence);
      this.#session.lost();
    });
    this.#accepted ??= new Map();
    this.#accepted.set(sequence, { repeated, isLateOffer: offer === undefined });
  }

  /** The 2xx; sent at once for UPDATE, returned for an INVITE, whose 2xx is repeated. */
  #respond2xx(peer: DialogPeer, transaction: ServerTransaction<Flow>, sdp: string | undefined) {
    const { request } = transaction;
    const { headers, body } = sdpParts(sdp);
    const contact = { name: 'Contact', value: `<${peer.dialog.localTarget}>` };
    // RFC 3262 3: a PRACK refreshes nothing.
    const refreshed = request.method === 'PRACK' ? [] : [contact, allowField, ...this.#session.timer.accept(request)];
    const response = makeAnswer(this.#context, request, 200, { headers: [...refreshed, ...headers], body });
    if (request.method === 'INVITE') return response;
    transaction.respond(response);
    return undefined;
  }

  /** An ACK in the dialog that is not for the first INVITE. */
  acknowledged(ack: Request): void {
    const entry = this.#accepted?.get(ack.cseq.sequence);
    if (!entry) return;
    this.#accepted?.delete(ack.cseq.sequence);
    if (!entry.repeated.acknowledged() || !entry.isLateOffer) return;
    const sdp = sdpOf(ack);
    const reading = readBody(this.exchange, 'received', 'ACK');
    this.exchange = sdp !== undefined && reading.ok ? reading.value.exchange : withRefusedOffer(this.exchange);
    this.#session.emit({ type: 'reinviteAcknowledged', sdp });
  }

  /** The session is over: open offers of the peer are refused, nothing is repeated any more. */
  stop(): void {
    this.#stopped?.abort(OVER);
    for (const timer of this.#timers ?? []) timer.cancel();
    this.#timers = undefined;
    for (const { repeated } of this.#accepted?.values() ?? []) repeated.stop();
    this.#accepted = undefined;
    const theirs = this.#theirs;
    this.#theirs = undefined;
    // RFC 3261 15.1.2: requests that are pending in the dialog get 487.
    if (theirs) answer(this.#context, theirs, 487);
  }
}

const methodOf = ({ method }: Request): 'INVITE' | 'UPDATE' | 'PRACK' =>
  method === 'INVITE' || method === 'PRACK' ? method : 'UPDATE';
