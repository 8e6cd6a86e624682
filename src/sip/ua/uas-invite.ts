// The answering side of an INVITE until its ACK (RFC 3261 13.3): provisionals, the final response, CANCEL, and what is owed to a peer
// that requires 100rel. Afterwards invite-session.ts goes on alone.

import { strict as assert } from 'node:assert';
import { newTag } from '../../base/ids.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { dialogFromRequest, type Refusal, withConfirmed } from '../dialog/dialog.ts';
import { type Carrier, readBody } from '../dialog/offer-answer.ts';
import type { HeaderField, Request, Response } from '../grammar/message.ts';
import type { ServerTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';
import { type AcceptedResponse, repeatUntilAck } from './accepted-response.ts';
import { createAuthClient } from './auth-client.ts';
import { sdpOf } from './body.ts';
import { allowField, type UaContext } from './context.ts';
import { DialogPeer } from './dialog-peer.ts';
import { contactField, contactUriFor, sdpParts, tokens } from './header-fields.ts';
import { type EndOptions, Session, type SessionOrigin } from './invite-session.ts';
import { createReliableProvisionals, type ReliableProvisionals } from './reliable-provisional.ts';
import { answer, makeAnswer } from './responses.ts';
import type { ResponseOptions } from './ua.ts';

/**
 * Opens a session for an admitted INVITE outside of dialogs. An error is how to answer it: 400 without a usable Contact.
 * The 100 was sent before.
 */
export function openUasSession(context: UaContext, transaction: ServerTransaction<Flow>): Result<Session, Refusal> {
  const { request, flow } = transaction;
  const contactUser = `${context.settings.nodeId}-${context.random(8).toString('hex')}`;
  const localTag = newTag(context.random);
  const dialog = dialogFromRequest(request, localTag, contactUriFor(flow, contactUser), flow.isSecure);
  if (!dialog.ok) return err(dialog.error);
  const peer = new DialogPeer({
    context,
    dialog: dialog.value,
    flow,
    auth: createAuthClient(undefined, context.random),
    contactUser,
    isSymmetric: request.via.rport !== undefined,
  });
  const session = new Session(context, 'uas', dialog.value.callId);
  session.begin(new UasInvite(context, session, transaction, peer, contactField(flow, contactUser)));
  session.adopt(peer);
  return ok(session);
}

class UasInvite implements SessionOrigin {
  readonly #context: UaContext;
  readonly #session: Session;
  /** Until its ACK: a long call needs neither the INVITE nor its answer. */
  #transaction: ServerTransaction<Flow> | undefined;
  readonly #sequence: number;
  readonly #peer: DialogPeer;
  readonly #contact: HeaderField;
  readonly #reliable: ReliableProvisionals | undefined;
  #accepted: AcceptedResponse | undefined;
  #isAccepting = false;
  #isAcknowledged = false;
  /** An answer that came in a PRACK (our reliable provisional had the offer). */
  #prackAnswer: string | undefined;
  #sendBye: (() => void) | undefined;

  constructor(
    context: UaContext,
    session: Session,
    transaction: ServerTransaction<Flow>,
    peer: DialogPeer,
    contact: HeaderField,
  ) {
    this.#context = context;
    this.#session = session;
    this.#transaction = transaction;
    this.#sequence = transaction.request.cseq.sequence;
    this.#peer = peer;
    this.#contact = contact;
    const { request } = transaction;
    peer.noteAllow(request);
    this.#note('received', 'INVITE', sdpOf(request));
    if (tokens(request.headers, 'require').includes('100rel')) {
      this.#reliable = createReliableProvisionals({
        clock: context.clock,
        random: context.random,
        invite: request,
        respond: (response) => transaction.respond(response),
        onMissing: () => this.#giveUp(504),
      });
    }
    transaction.onCancel((cancel) => this.abandoned(cancel));
  }

  get flow(): Flow {
    return this.#peer.flow;
  }

  progress(status: number, options: ResponseOptions): void {
    if (this.#isAccepting) return;
    if (!this.#reliable) return void this.#transaction?.respond(this.#response(status, options));
    // To an INVITE without SDP this is the offer, and PRACK brings the answer (RFC 3262 5).
    this.#note('sent', 'reliable 1xx', options.sdp);
    this.#reliable.send((fields) => this.#response(status, options, fields));
  }

  accept(options: ResponseOptions): void {
    if (this.#isAccepting) return;
    this.#isAccepting = true;
    // RFC 3262 3: no 2xx before the PRACK of a reliable response that had SDP in it.
    if (this.#reliable) this.#reliable.whenIdle(() => this.#acceptNow(options));
    else this.#acceptNow(options);
  }

  #acceptNow(options: ResponseOptions): void {
    const transaction = this.#transaction;
    if (!transaction || !this.#session.step('accept')) return;
    this.#note('sent', '2xx of INVITE', options.sdp);
    this.#peer.dialog = withConfirmed(this.#peer.dialog);
    const response = this.#response(200, options, this.#session.timer.accept(transaction.request));
    this.#accepted = repeatUntilAck(this.#context.clock, transaction, response, () => {
      if (this.#session.state === 'established') this.#session.emit({ type: 'notAcknowledged' });
      this.#session.lost();
      this.#byeIsAllowed();
    });
  }

  reject(status: number, options: ResponseOptions): void {
    if (this.#session.state === 'ended') return;
    this.#transaction?.respond(this.#response(status, options));
    this.#session.failed(undefined);
  }

  abandon({ status = 480, reason, headers }: EndOptions): void {
    const options = { ...(reason === undefined ? {} : { reason }), ...(headers ? { headers } : {}) };
    this.#transaction?.respond(this.#response(Math.max(status, 300), options));
    this.#session.failed(undefined);
    queueMicrotask(() => this.#session.emit({ type: 'ended', by: 'local', request: undefined }));
  }

  /** CANCEL (RFC 3261 9.2), or BYE in the early dialog. */
  abandoned(request: Request): void {
    if (this.#session.state !== 'early') return;
    this.#transaction?.respond(this.#response(487, {}));
    this.#session.failed({ type: 'canceled', request });
  }

  /** The peer requires 100rel and sends no PRACK. */
  #giveUp(status: number): void {
    if (this.#session.state !== 'early') return;
    this.#transaction?.respond(this.#response(status, {}));
    this.#session.failed({ type: 'ended', by: 'timeout', request: undefined });
  }

  acknowledge(): void {}

  acknowledged(ack: Request): boolean {
    if (ack.cseq.sequence !== this.#sequence) return false;
    if (!this.#accepted?.acknowledged()) return true; // A repeated ACK.
    this.#accepted = undefined;
    this.#transaction?.acknowledged();
    this.#transaction = undefined;
    const sdp = sdpOf(ack) ?? this.#prackAnswer;
    this.#note('received', 'ACK', sdpOf(ack));
    this.#byeIsAllowed();
    if (this.#session.state === 'established') this.#session.emit({ type: 'acknowledged', sdp });
    return true;
  }

  #byeIsAllowed(): void {
    this.#isAcknowledged = true;
    const send = this.#sendBye;
    this.#sendBye = undefined;
    send?.();
  }

  whenByeAllowed(send: () => void): void {
    if (this.#isAcknowledged) send();
    else this.#sendBye = send;
  }

  serve(transaction: ServerTransaction<Flow>): boolean {
    const { request } = transaction;
    if (request.method !== 'PRACK' || !this.#reliable) return false;
    if (!this.#reliable.acknowledged(request)) {
      answer(this.#context, transaction, 481);
      return true;
    }
    const sdp = sdpOf(request);
    const reading = sdp === undefined ? undefined : readBody(this.#session.reinvites.exchange, 'received', 'PRACK');
    // RFC 3262 5: an offer in a PRACK is answered in its 2xx.
    if (reading?.ok && reading.value.role === 'offer') {
      this.#session.reinvites.receivePrack(this.#peer, transaction, reading.value.exchange);
      return true;
    }
    if (reading?.ok && reading.value.role === 'answer') {
      this.#session.reinvites.exchange = reading.value.exchange;
      this.#prackAnswer = sdp;
    }
    answer(this.#context, transaction, 200);
    return true;
  }

  dispose(): void {
    this.#reliable?.stop();
    this.#accepted?.stop();
    this.#sendBye = undefined;
  }

  #note(direction: 'sent' | 'received', carrier: Carrier, sdp: string | undefined): void {
    if (sdp === undefined) return;
    if (direction === 'sent') this.#session.reinvites.localSdp = sdp;
    const reading = readBody(this.#session.reinvites.exchange, direction, carrier);
    if (reading.ok) this.#session.reinvites.exchange = reading.value.exchange;
  }

  #response(status: number, options: ResponseOptions, fields: readonly HeaderField[] = []): Response {
    const transaction = this.#transaction;
    assert(transaction, 'nothing is answered after the ACK');
    const { headers, body } = sdpParts(options.sdp);
    const makesDialog = status < 300;
    return makeAnswer(this.#context, transaction.request, status, {
      toTag: this.#peer.dialog.localTag,
      reason: options.reason,
      recordRoute: makesDialog,
      headers: [...(makesDialog ? [this.#contact, allowField] : []), ...fields, ...(options.headers ?? []), ...headers],
      body,
    });
  }
}
