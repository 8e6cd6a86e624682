// The sending side of an INVITE until it is established (RFC 3261 13.2, 9.1, 22; RFC 3263 4.3): one target after the other, digest,
// provisionals, CANCEL, the first 2xx. Afterwards invite-session.ts goes on alone.
//
//   target 1 ─ INVITE ─▶ 4 s of silence, transport error or 503 ─▶ target 2 ─ INVITE ─▶ 407 ─ INVITE+credentials ─▶ 180 … 200 ─ ACK

import { newCallId, newTag } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { acceptedInvite } from '../dialog/dialog.ts';
import { type Carrier, newExchange, readBody } from '../dialog/offer-answer.ts';
import type { HeaderField, Request, Response } from '../grammar/message.ts';
import type { ClientTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';
import { type AuthClient, createAuthClient } from './auth-client.ts';
import { sdpOf } from './body.ts';
import type { InviteClientUser, UaContext } from './context.ts';
import { DialogPeer, LEG_NAME } from './dialog-peer.ts';
import { Forks } from './forking.ts';
import { type EndOptions, Session, type SessionOrigin } from './invite-session.ts';
import { buildInvite, describeTarget, type Hop, hopsFor } from './outgoing.ts';
import type { OutgoingInviteOptions, SessionEvent } from './ua.ts';

type Rejection = Omit<Extract<SessionEvent, { type: 'rejected' }>, 'type'>;

type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly response: Response }
  | { readonly kind: 'silent' | 'timeout' }
  | { readonly kind: 'transport'; readonly detail: string };

/** An INVITE of ours, and what a dialog that it makes takes over. */
interface Sent extends Pick<Hop, 'isSymmetric' | 'verifies'> {
  readonly request: Request;
  readonly flow: Flow;
}

/** Opens a session and starts its INVITE in the next turn. */
export function openUacSession(context: UaContext, options: OutgoingInviteOptions): Session {
  const session = new Session(context, 'uac', options.callId ?? newCallId(context.random));
  const invite = new UacInvite(context, session, options);
  session.begin(invite);
  queueMicrotask(() => void invite.start(options));
  return session;
}

class UacInvite implements SessionOrigin, InviteClientUser {
  flow: Flow | undefined;
  readonly #context: UaContext;
  readonly #session: Session;
  readonly #auth: AuthClient;
  readonly #localTag: string;
  readonly #contactUser: string;
  readonly #forks: Forks;
  readonly #canceling = new AbortController();
  /** One, or as many as targets and challenges were met. */
  #requests: readonly Sent[] = [];
  #sequence: number;
  #transaction: ClientTransaction | undefined;
  #hasAnswer = false;
  #cancelHeaders: readonly HeaderField[] = [];
  /** Late offer: sends the ACK with our answer. */
  #pendingAck: ((sdp: string | undefined) => void) | undefined;
  #cancelTimer: { cancel(): void } | undefined;

  constructor(context: UaContext, session: Session, options: OutgoingInviteOptions) {
    this.#context = context;
    this.#session = session;
    session.isRecording = options.isRecording === true;
    this.#auth = createAuthClient(options.credentials, context.random);
    this.#localTag = newTag(context.random);
    this.#contactUser = `${context.settings.nodeId}-${context.random(8).toString('hex')}`;
    this.#sequence = 1 + context.random(2).readUInt16BE(0);
    this.#forks = new Forks((dialog, request) => {
      const sent = this.#sent(request.cseq.sequence)!;
      return new DialogPeer({
        context,
        dialog,
        flow: sent.flow,
        auth: this.#auth,
        contactUser: this.#contactUser,
        isSymmetric: sent.isSymmetric,
        verifies: sent.verifies,
      });
    });
    context.sessions.addInviteClient(session.callId, this.#localTag, this);
  }

  #sent(sequence: number) {
    return this.#requests.find(({ request }) => request.cseq.sequence === sequence);
  }

  // ---------------------------------------------------------------- targets

  /** A fault of ours, or of the one who makes the offer, ends this call only. */
  async start(options: OutgoingInviteOptions): Promise<void> {
    try {
      await this.#run(options);
    } catch (fault) {
      this.#context.log.error({ err: fault, sipCallId: this.#session.callId }, 'outgoing INVITE failed');
      this.#transaction?.cancel();
      this.#canceling.abort();
      this.#reject({ status: 500, cause: 'transport', response: undefined, detail: 'internal fault' });
    }
  }

  async #run(options: OutgoingInviteOptions): Promise<void> {
    const hops = await hopsFor(this.#context, options.target);
    if (this.#isOver()) return;
    if (!hops.ok) return this.#reject({ status: 503, cause: 'dns', response: undefined, detail: hops.error.detail });
    let last: Rejection | undefined;
    for (const [index, hop] of hops.value.entries()) {
      const hasNext = index < hops.value.length - 1 || options.hasAlternatives === true;
      last = await this.#tryHop(options, hop, hasNext);
      if (!last || this.#isOver()) return;
      this.#context.log.info(
        { target: describeTarget(options.target), hop: hop.name, ...logged(last) },
        'INVITE target failed',
      );
    }
    if (last) this.#reject(last);
  }

  #isOver(): boolean {
    return this.#canceling.signal.aborted || this.#session.state === 'ended';
  }

  /** One target with its digest rounds; undefined = answered for good, accepted or not. */
  async #tryHop(options: OutgoingInviteOptions, hop: Hop, hasNext: boolean): Promise<Rejection | undefined> {
    const opened = await hop.open(this.#canceling.signal);
    if (this.#isOver()) return undefined;
    if (!opened.ok) return transportFailure(opened.error.detail);
    const flow = opened.value;
    this.flow = flow;
    const { sdp: offer } = options;
    const sdp = typeof offer === 'function' ? await offer(flow) : offer;
    if (this.#isOver()) return undefined;
    // Who can make an offer and has none cannot carry the call; a late offer is asked for by `sdp: undefined`.
    if (typeof offer === 'function' && sdp === undefined) {
      this.#reject(transportFailure('no offer could be made'));
      return undefined;
    }
    for (;;) {
      const outcome = await this.#attempt(options, flow, hop, sdp, hasNext);
      if (outcome.kind === 'accepted' || this.#isOver()) return undefined;
      if (outcome.kind === 'transport') return transportFailure(outcome.detail);
      if (outcome.kind !== 'rejected') return timedOut;
      const { response } = outcome;
      const isChallenge = response.status === 401 || response.status === 407;
      if (isChallenge && this.#auth.challenged(response)) continue;
      if (this.#session.timer.refused(response)) continue;
      const { status, reason: detail } = response;
      const rejection: Rejection = { status, cause: 'response', response, detail };
      // RFC 3263 4.3: 503 means that this element cannot serve now; another one may.
      if (status === 503 && hasNext) return rejection;
      this.#reject(rejection);
      return undefined;
    }
  }

  // ---------------------------------------------------------------- one INVITE

  #attempt(
    options: OutgoingInviteOptions,
    flow: Flow,
    hop: Hop,
    sdp: string | undefined,
    hasNext: boolean,
  ): Promise<Outcome> {
    const sequence = ++this.#sequence;
    const authorization = this.#auth.headersFor('INVITE', hop.requestUri);
    const { callId } = this.#session;
    const identity = { callId, localTag: this.#localTag, sequence, contactUser: this.#contactUser };
    const sessionTimer = this.#session.timer.requestHeaders();
    const parts = { flow, hop, options, sdp, authorization, sessionTimer, ...identity };
    const request = buildInvite(this.#context, parts);
    this.#requests = this.#requests.concat({ request, flow, isSymmetric: hop.isSymmetric, verifies: hop.verifies });
    this.#session.reinvites.exchange = newExchange;
    this.#note('sent', 'INVITE', sdp);
    this.#hasAnswer = false;
    return this.#transact(sequence, flow, hasNext, sdp !== undefined);
  }

  /** Closes over no message: the transaction lives for half a minute after the 2xx. */
  #transact(sequence: number, flow: Flow, hasNext: boolean, hasOffer: boolean): Promise<Outcome> {
    return new Promise((resolve) => {
      let isGivenUp = false;
      this.#context.watch(flow);
      const transaction = this.#context.transactions.request(this.#sent(sequence)!.request, flow, {
        onResponse: (response) => {
          if (!isGivenUp) this.#hasAnswer = true;
          silence?.cancel();
          const { request } = this.#sent(sequence)!;
          if (response.status < 200) return this.#provisional(request, response, isGivenUp);
          if (response.status < 300) {
            this.#success(request, response, isGivenUp, hasOffer);
            return resolve({ kind: 'accepted' });
          }
          if (!isGivenUp) this.#finishCancel(response);
          resolve({ kind: 'rejected', response });
        },
        onTimeout: () => {
          this.#finishCancel(undefined);
          resolve({ kind: 'timeout' });
        },
        onTransportError: (failure) => {
          silence?.cancel();
          this.#finishCancel(undefined);
          resolve({ kind: 'transport', detail: failure.detail });
        },
      });
      // sip-interface.md 2.4: the next address after 4 s without any answer. A late answer of this one is still cancelled or ended.
      const silence = hasNext
        ? this.#context.clock.after(limits.targetFailoverMs, () => {
            isGivenUp = true;
            transaction.cancel();
            resolve({ kind: 'silent' });
          })
        : undefined;
      this.#transaction = transaction;
    });
  }

  #provisional(request: Request, response: Response, isGivenUp: boolean): void {
    if (response.status === 100) return;
    const peer = this.#forks.early(request, response);
    if (!this.#forks.acknowledgeProvisional(request, response)) return;
    if (isGivenUp || this.#isOver() || !this.#session.step('progress')) return;
    if (peer) this.#session.adoptEarly(peer);
    this.#session.emit({ type: 'progress', status: response.status, sdp: sdpOf(response), response });
  }

  #success(request: Request, response: Response, isGivenUp: boolean, hasOffer: boolean): void {
    if (this.#forks.repeated(response)) return;
    const peer = this.#forks.confirm(request, response);
    // A late offer that waits for our answer: the same 2xx again changes nothing.
    if (this.#session.state === 'established' && this.#session.peer === peer) return;
    if (isGivenUp || this.#isOver() || !this.#session.step('accept')) {
      // RFC 3261 13.2.2.4: a fork that lost, or an answer that crossed our CANCEL.
      this.#forks.acknowledged(response, peer.acknowledge(request, undefined));
      void peer.send('BYE');
      if (!isGivenUp) this.#finishCancel(response);
      return;
    }
    this.#transaction = undefined;
    const kept = acceptedInvite(request, LEG_NAME);
    this.#requests = this.#requests.map((sent) => (sent.request === request ? { ...sent, request: kept } : sent));
    this.#session.adopt(peer);
    peer.noteAllow(response);
    this.#session.timer.received2xx(response);
    const sdp = sdpOf(response);
    this.#note('received', '2xx of INVITE', sdp);
    const acknowledge = (answer: string | undefined) => {
      this.#pendingAck = undefined;
      this.#note('sent', 'ACK', answer);
      this.#forks.acknowledged(response, peer.acknowledge(kept, answer));
    };
    if (hasOffer) acknowledge(undefined);
    else this.#pendingAck = acknowledge;
    this.#session.emit({ type: 'accepted', sdp, response });
  }

  /** A 2xx after its transaction is over: of the dialog that we keep, or of a fork that nobody waits for. */
  handleStray2xx(response: Response): void {
    const sent = this.#sent(response.cseq.sequence);
    if (sent) this.#success(sent.request, response, this.#session.state !== 'established', true);
  }

  #note(direction: 'sent' | 'received', carrier: Carrier, sdp: string | undefined): void {
    if (sdp === undefined) return;
    if (direction === 'sent') this.#session.reinvites.localSdp = sdp;
    const reading = readBody(this.#session.reinvites.exchange, direction, carrier);
    if (reading.ok) this.#session.reinvites.exchange = reading.value.exchange;
  }

  // ---------------------------------------------------------------- ends

  #reject(rejection: Rejection): void {
    this.#session.failed({ type: 'rejected', ...rejection });
  }

  /** CANCEL (RFC 3261 9.1). Where nothing answered yet nobody is waited for; a phone that rings gets some time for its 487. */
  abandon({ headers = [] }: EndOptions): void {
    if (this.#canceling.signal.aborted) return;
    this.#canceling.abort();
    this.#cancelHeaders = headers;
    this.#transaction?.cancel(this.#cancelHeaders);
    if (!this.#hasAnswer) return queueMicrotask(() => this.#finishCancel(undefined));
    this.#cancelTimer = this.#context.clock.after(limits.cancelAnswerMs, () => this.#finishCancel(undefined));
  }

  #finishCancel(response: Response | undefined): void {
    if (!this.#canceling.signal.aborted) return;
    this.#cancelTimer?.cancel();
    this.#reject({ status: 487, cause: 'canceled', response, detail: 'canceled' });
  }

  acknowledge(sdp: string): void {
    this.#pendingAck?.(sdp);
  }

  whenByeAllowed(send: () => void): void {
    // A 2xx is acknowledged in any case before its dialog is ended.
    this.#pendingAck?.(undefined);
    send();
  }

  dispose(): void {
    this.#cancelTimer?.cancel();
    this.#context.sessions.removeInviteClient(this.#session.callId, this.#localTag);
  }

  // A UAC has no part in these.
  progress(): void {}
  accept(): void {}
  reject(): void {}
  abandoned(): void {}
  acknowledged(): boolean {
    return false;
  }
  serve(): boolean {
    return false;
  }
}

const timedOut: Rejection = { status: 408, cause: 'timeout', response: undefined, detail: 'no answer' };

const transportFailure = (detail: string): Rejection => ({
  status: 503,
  cause: 'transport',
  response: undefined,
  detail,
});

const logged = ({ status, cause, detail }: Rejection) => ({ status, cause, detail });
