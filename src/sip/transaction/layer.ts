// The transaction layer: classifies each message, finds or opens its transaction, and feeds it (RFC 3261 17, 18.1.2, 9.2).
//
//   transport ── receive ──▶ response ──▶ client transaction, or onStrayResponse
//                            ACK      ──▶ INVITE server transaction (non-2xx, absorbed), or onAck
//                            CANCEL   ──▶ 200 or 481 from here, onCancel of the INVITE transaction
//                            request  ──▶ retransmission, or a new server transaction and onRequest
//
// The maps here are the only owners of transactions; `forget` is the one place where they leave.

import { strict as assert } from 'node:assert';
import type { Clock } from '../../base/clock.ts';
import { newTag, type RandomSource } from '../../base/ids.ts';
import { limits as defaultLimits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import { ownText } from '../../base/own-text.ts';
import { createScheduler, type Scheduler } from '../../base/scheduler.ts';
import { createResponse } from '../grammar/build.ts';
import type { Message, Request, Response } from '../grammar/message.ts';
import type { Via } from '../grammar/via.ts';
import { Client, type ClientContext } from './client.ts';
import { branchKey, clientKey, clientKeyOfResponse, inviteKeyOfAck, inviteKeyOfCancel, serverKey } from './match.ts';
import { Server, type ServerContext } from './server.ts';
import { BUSY_J_MS } from './timers.ts';
import type {
  ClientTransaction,
  ClientTransactionOptions,
  ClientTransactionUser,
  Sender,
  SendFailure,
  ServerTransaction,
  TransactionCounts,
  TransactionFlow,
  TransactionLayer,
  TransactionUser,
} from './transaction.ts';

export interface TransactionLayerOptions<F extends TransactionFlow> {
  readonly sender: Sender<F>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: RandomSource;
  readonly limits?: Readonly<Record<'serverTransactions' | 'serverTransactionsBusy', number>>;
}

/** Seconds in the Retry-After of a 503 that is sent because there are too many transactions. */
const RETRY_AFTER_SECONDS = 5;

/** The CANCEL of a client transaction: nobody waits for what becomes of it; the INVITE's own final response tells (9.1). */
const nobody: ClientTransactionUser = { onResponse: () => {}, onTimeout: () => {}, onTransportError: () => {} };

class Layer<F extends TransactionFlow> implements TransactionLayer<F>, ClientContext<F>, ServerContext<F> {
  readonly scheduler: Scheduler;
  readonly #sender: Sender<F>;
  readonly #log: Log;
  readonly #random: RandomSource;
  readonly #limits: NonNullable<TransactionLayerOptions<F>['limits']>;
  readonly waitsMs: { J: number | undefined } = { J: undefined };
  readonly isTracing: boolean;
  readonly #clients = new Map<string, Client<F>>();
  /** By key; an RFC 2543 INVITE transaction may be in it twice. */
  readonly #servers = new Map<string, Server<F>>();
  /** Client transactions of reliable flows, for `flowFailed`. */
  readonly #clientsByFlow = new Map<string, Set<Client<F>>>();
  readonly #counts = { inviteClient: 0, inviteServer: 0, nonInviteClient: 0, nonInviteServer: 0 };
  #user: TransactionUser<F> | undefined;
  #isStopped = false;

  constructor(options: TransactionLayerOptions<F>) {
    this.#sender = options.sender;
    this.#log = options.log;
    this.#random = options.random;
    this.isTracing = options.log.enabled('trace');
    this.#limits = options.limits ?? defaultLimits;
    this.scheduler = createScheduler({
      clock: options.clock,
      onFault: (fault) => this.#log.error({ err: fault }, 'transaction timer failed'),
    });
  }

  setUser(user: TransactionUser<F>): void {
    this.#user = user;
  }

  receive(message: Message, flow: F): void {
    if (this.#isStopped || !this.#user) return;
    // The "per message" catch of house style 2.5: a fault of ours in one call does not reach another.
    try {
      if (message.kind === 'response') this.#receiveResponse(message, flow, this.#user);
      else if (message.method === 'ACK') this.#receiveAck(message, flow);
      else if (message.method === 'CANCEL') this.#receiveCancel(message, flow);
      else this.#receiveRequest(message, flow);
    } catch (fault) {
      this.#log.error({ err: fault, sipCallId: message.callId, cseq: message.cseq }, 'handling a SIP message failed');
      if (message.kind === 'request') this.#answerAfterFault(message);
    }
  }

  /** The clean-up after a fault of ours: a request that has no final answer yet gets 500. */
  #answerAfterFault(request: Request): void {
    if (request.method === 'ACK') return;
    const transaction = this.#servers.get(serverKey(request));
    if (transaction) this.#respond(transaction, request, 500);
  }

  #receiveResponse(response: Response, flow: F, user: TransactionUser<F>): void {
    const transaction = this.#clients.get(clientKeyOfResponse(response));
    if (transaction) transaction.receive(response);
    else user.onStrayResponse(response, flow);
  }

  #receiveAck(ack: Request, flow: F): void {
    const transaction = this.#servers.get(inviteKeyOfAck(ack));
    if (transaction?.isInvite) transaction.receiveAck(ack, flow);
    else this.passAck(ack, flow);
  }

  #receiveRequest(request: Request, flow: F): void {
    const key = serverKey(request);
    const known = this.#servers.get(key);
    if (known) return known.receive(request);
    if (this.#isFull()) return this.#refuse(request, flow);
    this.#open(key, request, flow).receive(request);
  }

  /** RFC 3261 9.2. The CANCEL is answered here; the user of the INVITE transaction answers that one with 487. */
  #receiveCancel(cancel: Request, flow: F): void {
    const key = serverKey(cancel);
    const known = this.#servers.get(key);
    if (known) return known.receive(cancel);
    const invite = this.#servers.get(inviteKeyOfCancel(cancel));
    const status = invite?.isInvite ? 200 : 481;
    // A CANCEL makes room: it is obeyed, without a transaction of its own, when there are too many.
    if (this.#isFull()) this.sendStateless(this.#createResponse(cancel, status, invite?.localTag), flow);
    else {
      const transaction = this.#open(key, cancel, flow);
      transaction.receive(cancel);
      this.#respond(transaction, cancel, status, invite?.localTag);
    }
    invite?.receiveCancel(cancel);
  }

  #isFull(): boolean {
    return this.#counts.inviteServer + this.#counts.nonInviteServer >= this.#limits.serverTransactions;
  }

  /** Of transactions that are answered from now on. */
  #settleWaits(): void {
    this.waitsMs.J = this.#counts.nonInviteServer > this.#limits.serverTransactionsBusy ? BUSY_J_MS : undefined;
  }

  #refuse(request: Request, flow: F): void {
    const headers = [{ name: 'Retry-After', value: String(RETRY_AFTER_SECONDS) }];
    this.sendStateless(createResponse(request, 503, { toTag: newTag(this.#random), headers }), flow);
  }

  #open(key: string, request: Request, flow: F): Server<F> {
    // A key that points into its request would keep that for half a minute.
    const own = ownText(key);
    const transaction = new Server<F>(this, own, request, flow);
    this.#servers.set(own, transaction);
    this.#counts[transaction.isInvite ? 'inviteServer' : 'nonInviteServer']++;
    this.#settleWaits();
    return transaction;
  }

  #respond(transaction: Server<F>, request: Request, status: number, localTag?: string): void {
    transaction.respond(this.#createResponse(request, status, localTag));
  }

  #createResponse(request: Request, status: number, localTag: string | undefined): Response {
    return createResponse(request, status, { toTag: localTag ?? newTag(this.#random) });
  }

  request(
    request: Request,
    flow: F,
    user: ClientTransactionUser,
    options: ClientTransactionOptions = {},
  ): ClientTransaction {
    return this.#startClient(request, flow, user, options);
  }

  #startClient(request: Request, flow: F, user: ClientTransactionUser, options: ClientTransactionOptions): Client<F> {
    assert(request.method !== 'ACK', 'an ACK has no client transaction: sendStateless');
    const key = clientKey(request);
    assert(request.via.branch && !this.#clients.has(key), 'a request needs a fresh branch');
    const transaction = new Client<F>(this, key, request, flow, user, options);
    if (this.#isStopped) {
      transaction.stop();
      return transaction;
    }
    this.#clients.set(key, transaction);
    this.#counts[transaction.isInvite ? 'inviteClient' : 'nonInviteClient']++;
    if (flow.isReliable) {
      const ofFlow = this.#clientsByFlow.get(flow.id);
      if (ofFlow) ofFlow.add(transaction);
      else this.#clientsByFlow.set(flow.id, new Set([transaction]));
    }
    transaction.start();
    return transaction;
  }

  sendStateless(message: Message | Buffer, flow: F): void {
    this.sendQuietly(message, flow);
  }

  flowFailed(flow: F, failure: SendFailure): void {
    // A copy: each one leaves the set while it is told.
    for (const transaction of [...(this.#clientsByFlow.get(flow.id) ?? [])]) transaction.fail(failure);
  }

  knows(via: Via, method: string): boolean {
    return this.#servers.has(branchKey(via, method));
  }

  counts(): TransactionCounts {
    return { ...this.#counts, timers: this.scheduler.size };
  }

  stop(): void {
    this.#isStopped = true;
    for (const transaction of [...this.#clients.values()]) transaction.stop();
    for (const transaction of [...this.#servers.values()]) transaction.stop();
    this.scheduler.stop();
  }

  // ---------------------------------------------------------------- for the transactions

  send(message: Message | Buffer, flow: F, onFailure: (failure: SendFailure) => void): void {
    void this.#send(message, flow, onFailure);
  }

  sendQuietly(message: Message | Buffer, flow: F): void {
    if (!this.#sender.sendQuietly) return this.send(message, flow, () => {});
    try {
      this.#sender.sendQuietly(message, flow);
    } catch (fault) {
      this.#log.error({ err: fault, flow: flow.id }, 'sending a SIP message failed');
    }
  }

  async #send(message: Message | Buffer, flow: F, onFailure: (failure: SendFailure) => void): Promise<void> {
    // A fault here, the sender's or that of a user who is told of the failure, ends with this one message.
    try {
      const sent = await this.#sender.send(message, flow);
      if (!sent.ok && !this.#isStopped) onFailure(sent.error);
    } catch (fault) {
      this.#log.error({ err: fault, flow: flow.id }, 'sending a SIP message failed');
    }
  }

  trace(side: 'client' | 'server', request: Request, from: string, input: string, to: string): void {
    if (!this.isTracing) return;
    const { method, callId, via } = request;
    this.#log.trace({ sipCallId: callId, branch: via.branch, side, method, from, input, to }, 'transaction step');
  }

  sendCancel(cancel: Request, flow: F): void {
    this.#startClient(cancel, flow, nobody, {});
  }

  passUp(transaction: ServerTransaction<F>): void {
    if (transaction.request.method !== 'CANCEL') this.#user?.onRequest(transaction);
  }

  passAck(ack: Request, flow: F): void {
    this.#user?.onAck(ack, flow);
  }

  alias(transaction: Server<F>, key: string): void {
    transaction.keys.push(key);
    this.#servers.set(key, transaction);
  }

  forget(transaction: Client<F> | Server<F>): void {
    if (transaction instanceof Client) this.#forgetClient(transaction);
    else {
      for (const key of transaction.keys) this.#servers.delete(key);
      this.#counts[transaction.isInvite ? 'inviteServer' : 'nonInviteServer']--;
    }
  }

  #forgetClient(transaction: Client<F>): void {
    // A transaction that was made after stop() never got into the maps.
    if (!this.#clients.delete(transaction.key)) return;
    this.#counts[transaction.isInvite ? 'inviteClient' : 'nonInviteClient']--;
    const { flow } = transaction;
    const ofFlow = this.#clientsByFlow.get(flow.id);
    ofFlow?.delete(transaction);
    if (ofFlow?.size === 0) this.#clientsByFlow.delete(flow.id);
  }
}

/** The transaction layer over a sender and a clock; hand it messages by `receive`. Timer precision 10 ms. */
export const createTransactionLayer = <F extends TransactionFlow>(
  options: TransactionLayerOptions<F>,
): TransactionLayer<F> => new Layer<F>(options);
