// A server transaction: the INVITE or the non-INVITE table with its messages and listeners. Made by layer.ts only.
// A response is sent as a message first and serialized once for its retransmissions, which send the same bytes.
//
//   user ──▶ Handle (the request) ──▶ Server ◀── map and timers of the layer
//
// A transaction waits half a minute for repetitions after its final response. By then the layer keeps the bytes of the answer and no
// message; the request lives on with the handle, for as long as the user has that.

import type { Scheduler } from '../../base/scheduler.ts';
import type { Message, Request, Response } from '../grammar/message.ts';
import { serializeMessage } from '../grammar/serialize.ts';
import { type InviteServerAction, type InviteServerInput, inviteServer } from './invite-server.ts';
import { Machine, type OwnAction } from './machine.ts';
import { ackKeyOfInvite } from './match.ts';
import { type NonInviteServerAction, type NonInviteServerInput, nonInviteServer } from './non-invite-server.ts';
import type { TimerName } from './timers.ts';
import type { SendFailure, ServerTransaction, TransactionFlow } from './transaction.ts';

type ServerInput = InviteServerInput | NonInviteServerInput;
type ServerAction = InviteServerAction | NonInviteServerAction;

/** An ACK may come by another flow than its INVITE. */
interface ReceivedAck<F> {
  readonly ack: Request;
  readonly flow: F;
}

type ServerEvent<F> = Request | Response | SendFailure | ReceivedAck<F>;

/** What a server transaction needs of the layer. */
export interface ServerContext<F extends TransactionFlow> {
  readonly scheduler: Scheduler;
  /** `onFailure` is called later, never from within, and not after success. */
  send(message: Message | Buffer, flow: F, onFailure: (failure: SendFailure) => void): void;
  /** Nobody is told of a failure. */
  sendQuietly(message: Message | Buffer, flow: F): void;
  /** The request is new: to the user, or for CANCEL to the layer itself. */
  passUp(transaction: ServerTransaction<F>): void;
  /** ACK of a 2xx. */
  passAck(ack: Request, flow: F): void;
  /** Enters the transaction under a second key (RFC 2543 ACKs). */
  alias(transaction: Server<F>, key: string): void;
  /** Durations of timers on flows that are not reliable, where they are not those of timers.ts; may change. */
  readonly waitsMs: Readonly<Partial<Record<TimerName, number | undefined>>>;
  /** Steps are traced: then the request is needed to the end. */
  readonly isTracing: boolean;
  /** A trace line per step. */
  trace(side: 'client' | 'server', request: Request, from: string, input: string, to: string): void;
  /** Takes the transaction out of the maps. */
  forget(transaction: Server<F>): void;
}

/** What the user is given. */
class Handle<F extends TransactionFlow> implements ServerTransaction<F> {
  readonly request: Request;
  readonly flow: F;
  readonly #server: Server<F>;

  constructor(server: Server<F>, request: Request) {
    this.#server = server;
    this.request = request;
    this.flow = server.flow;
  }

  get state(): string {
    return this.#server.state;
  }

  respond(response: Response): boolean {
    return this.#server.respond(response);
  }

  respondOnce(response: Response): void {
    this.#server.respondOnce(response);
  }

  acknowledged(): void {
    this.#server.acknowledged();
  }

  onCancel(listener: (cancel: Request) => void): void {
    this.#server.onCancel(listener);
  }

  onTransportError(listener: (failure: SendFailure) => void): void {
    this.#server.onTransportError(listener);
  }
}

export class Server<F extends TransactionFlow> {
  readonly flow: F;
  readonly isInvite: boolean;
  /** Its keys in the layer's map. */
  readonly keys: string[];
  readonly #context: ServerContext<F>;
  readonly #machine: Machine<ServerInput, ServerAction, ServerEvent<F>>;
  /** Until the final response. */
  #request: Request | undefined;
  #localTag: string | undefined;
  #lastResponse: Response | undefined;
  #lastBytes: Buffer | undefined;
  #cancel: Request | undefined;
  #cancelListener: ((cancel: Request) => void) | undefined;
  #failureListener: ((failure: SendFailure) => void) | undefined;

  constructor(context: ServerContext<F>, key: string, request: Request, flow: F) {
    this.#request = request;
    this.flow = flow;
    this.keys = [key];
    this.isInvite = request.method === 'INVITE';
    this.#context = context;
    this.#machine = new Machine<ServerInput, ServerAction, ServerEvent<F>>({
      table: this.isInvite ? inviteServer : nonInviteServer,
      state: 'initial',
      owner: this,
      scheduler: context.scheduler,
      isReliable: flow.isReliable,
      ...(flow.isReliable ? {} : { durationsMs: context.waitsMs }),
    });
  }

  get state(): string {
    return this.#machine.state;
  }

  /** The To tag of the last response: the 200 of a CANCEL should carry the same one (RFC 3261 9.2). */
  get localTag(): string | undefined {
    return this.#localTag;
  }

  /** The request itself, the first time and each retransmission. */
  receive(request: Request): void {
    this.#machine.feed(this.isInvite ? 'INVITE' : 'request', request);
  }

  receiveAck(ack: Request, flow: F): void {
    this.#machine.feed('ACK', { ack, flow });
  }

  receiveCancel(cancel: Request): void {
    this.#machine.feed('CANCEL', cancel);
  }

  respond(response: Response): boolean {
    const input = this.#classify(response.status);
    return this.#machine.feed(input, response) && input !== 'respond 408';
  }

  respondOnce(response: Response): void {
    if (this.state === 'terminated') return;
    this.#context.sendQuietly(response, this.flow);
    this.#machine.stop();
  }

  /** Until timer L it only absorbs repetitions of the INVITE (RFC 6026 7.1): no message is needed for that, nor the session behind it. */
  acknowledged(): void {
    if (this.state !== 'accepted') return;
    this.#lastResponse = undefined;
    this.#lastBytes = undefined;
    this.#cancelListener = undefined;
    this.#failureListener = undefined;
  }

  #classify(status: number): ServerInput {
    if (this.isInvite) return status < 200 ? 'respond 1xx' : status < 300 ? 'respond 2xx' : 'respond 300-699';
    if (status < 200) return status === 100 ? 'respond 100' : 'respond 101-199';
    return status === 408 ? 'respond 408' : 'respond 200-699';
  }

  onCancel(listener: (cancel: Request) => void): void {
    this.#cancelListener = listener;
    if (this.#cancel) listener(this.#cancel);
  }

  onTransportError(listener: (failure: SendFailure) => void): void {
    this.#failureListener = listener;
  }

  /** Ends without telling anyone: the layer stops. */
  stop(): void {
    this.#machine.stop();
  }

  stepped(from: string, input: string, to: string): void {
    if (this.#context.isTracing && this.#request) this.#context.trace('server', this.#request, from, input, to);
  }

  terminated(): void {
    this.#context.forget(this);
  }

  perform(action: OwnAction<ServerAction>, event: ServerEvent<F> | undefined): void {
    switch (action) {
      case 'sendResponse':
        return this.#sendResponse(event as Response);
      case 'resendResponse':
        return this.#resendResponse();
      case 'passUp':
        return this.#context.passUp(new Handle<F>(this, event as Request));
      case 'passAck': {
        const { ack, flow } = event as ReceivedAck<F>;
        return this.#context.passAck(ack, flow);
      }
      case 'reportCancel':
        return this.#reportCancel(event as Request);
      case 'reportNoAck':
        return this.#failureListener?.({
          code: 'noAck',
          detail: 'the final response was never acknowledged (timer H)',
        });
      case 'reportTransportError':
        return this.#failureListener?.(event as SendFailure);
    }
  }

  #sendResponse(response: Response): void {
    // The user repeats its 2xx until the ACK: the same response again is the same bytes again.
    if (response === this.#lastResponse) return this.#resendResponse();
    this.#lastResponse = response;
    this.#lastBytes = undefined;
    this.#localTag = response.to.params.get('tag');
    const isFinal = response.status >= 200;
    const ackKey = isFinal && this.isInvite && this.#request ? ackKeyOfInvite(this.#request, response) : undefined;
    if (ackKey !== undefined && !this.keys.includes(ackKey)) this.#context.alias(this, ackKey);
    this.#send(response);
    if (isFinal) this.#letGo(response);
  }

  /** A 2xx to an INVITE is known again by the message itself; all else is repeated from its bytes. */
  #letGo(response: Response): void {
    if (!this.#context.isTracing) this.#request = undefined;
    if (this.isInvite && response.status < 300) return;
    this.#lastBytes = serializeMessage(response);
    this.#lastResponse = undefined;
  }

  #resendResponse(): void {
    if (this.#lastResponse) this.#lastBytes ??= serializeMessage(this.#lastResponse);
    if (this.#lastBytes) this.#send(this.#lastBytes);
  }

  /** Once, even if CANCELs of several CSeqs or of an overloaded layer come; kept for a listener that is set late. */
  #reportCancel(cancel: Request): void {
    if (this.#cancel) return;
    this.#cancel = cancel;
    this.#cancelListener?.(cancel);
  }

  #send(message: Message | Buffer): void {
    // RFC 6026 8.8: a response that could not be sent changes nothing but what the listener is told.
    if (!this.#failureListener) return this.#context.sendQuietly(message, this.flow);
    this.#context.send(message, this.flow, (failure) => this.#machine.feed('transport error', failure));
  }
}
