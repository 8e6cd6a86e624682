// A client transaction: the INVITE or the non-INVITE table with its messages and its user. Made by layer.ts only.
//
//   INVITE ──▶ 1xx ─┬─▶ 2xx            accepted: each 2xx goes up, the user sends the ACKs
//                   ├─▶ 300-699 ─ ACK  completed: the ACK is ours (17.1.1.3)
//                   └─ cancel() ──▶ CANCEL in a transaction of its own ──▶ 487

import type { Scheduler } from '../../base/scheduler.ts';
import { type HeaderField, HeaderList, type Message, type Request, type Response } from '../grammar/message.ts';
import { serializeMessage } from '../grammar/serialize.ts';
import {
  type CancelClientAction,
  type CancelClientInput,
  cancelClient,
  type InviteClientAction,
  type InviteClientInput,
  inviteClient,
} from './invite-client.ts';
import { Machine, type OwnAction } from './machine.ts';
import { type NonInviteClientAction, type NonInviteClientInput, nonInviteClient } from './non-invite-client.ts';
import { ackForFailure, cancelFor } from './requests.ts';
import type {
  ClientTransaction,
  ClientTransactionOptions,
  ClientTransactionUser,
  SendFailure,
  TransactionFlow,
} from './transaction.ts';

type ClientInput = InviteClientInput | NonInviteClientInput;
type ClientAction = InviteClientAction | NonInviteClientAction;
type ClientEvent = Response | SendFailure;

const NO_HEADERS = new HeaderList();
const NO_BODY = Buffer.alloc(0);

/** What a client transaction needs of the layer. */
export interface ClientContext<F extends TransactionFlow> {
  readonly scheduler: Scheduler;
  /** `onFailure` is called later, never from within, and not after success. */
  send(message: Message | Buffer, flow: F, onFailure: (failure: SendFailure) => void): void;
  /** Sends the CANCEL in a transaction of its own. */
  sendCancel(cancel: Request, flow: F): void;
  /** A trace line per step. */
  trace(side: 'client' | 'server', request: Request, from: string, input: string, to: string): void;
  /** Takes the transaction out of the maps. */
  forget(transaction: Client<F>): void;
}

export class Client<F extends TransactionFlow> implements ClientTransaction {
  /** In the layer's map. */
  readonly key: string;
  /** Without header fields and body once an INVITE was accepted. */
  request: Request;
  readonly flow: F;
  readonly isInvite: boolean;
  readonly #context: ClientContext<F>;
  readonly #user: ClientTransactionUser;
  readonly #machine: Machine<ClientInput, ClientAction, ClientEvent>;
  #cancelMachine: Machine<CancelClientInput, CancelClientAction, never> | undefined;
  #cancelHeaders: readonly HeaderField[] = [];
  /** Serialized at the first retransmission: most requests and ACKs are sent once. */
  #requestBytes: Buffer | undefined;
  #ack: Request | undefined;
  #ackBytes: Buffer | undefined;

  constructor(
    context: ClientContext<F>,
    key: string,
    request: Request,
    flow: F,
    user: ClientTransactionUser,
    options: ClientTransactionOptions,
  ) {
    this.key = key;
    this.request = request;
    this.flow = flow;
    this.isInvite = request.method === 'INVITE';
    this.#context = context;
    this.#user = user;
    const { timeoutMs } = options;
    this.#machine = new Machine<ClientInput, ClientAction, ClientEvent>({
      table: this.isInvite ? inviteClient : nonInviteClient,
      state: 'initial',
      owner: this,
      scheduler: context.scheduler,
      isReliable: flow.isReliable,
      ...(timeoutMs === undefined ? {} : { durationsMs: { B: timeoutMs, F: timeoutMs } }),
    });
  }

  get state(): string {
    return this.#machine.state;
  }

  start(): void {
    this.#machine.feed('start');
  }

  /** False where the table ignores it (a retransmission that is absorbed). */
  receive(response: Response): boolean {
    const isTaken = this.#machine.feed(this.#classify(response.status), response);
    if (isTaken && this.isInvite && response.status < 300 && response.status >= 200) this.#letGo();
    if (isTaken && response.status < 200) this.#cancelMachine?.feed('1xx');
    else if (isTaken) this.#cancelMachine?.feed('invite over');
    return isTaken;
  }

  /** RFC 6026 7.2: an accepted INVITE is not sent again, nor cancelled; its ACKs are the user's. */
  #letGo(): void {
    this.request = { ...this.request, headers: NO_HEADERS, body: NO_BODY };
    this.#requestBytes = undefined;
  }

  #classify(status: number): ClientInput {
    if (status < 200) return '1xx';
    if (!this.isInvite) return '200-699';
    return status < 300 ? '2xx' : '300-699';
  }

  fail(failure: SendFailure): void {
    this.#machine.feed('transport error', failure);
  }

  cancel(headers: readonly HeaderField[] = []): void {
    if (!this.isInvite || this.#cancelMachine) return;
    if (this.state !== 'calling' && this.state !== 'proceeding') return;
    this.#cancelHeaders = headers;
    this.#cancelMachine = new Machine<CancelClientInput, CancelClientAction, never>({
      table: cancelClient,
      state: 'idle',
      owner: { perform: (action) => this.#performCancel(action), stepped: () => {}, terminated: () => {} },
      scheduler: this.#context.scheduler,
      isReliable: this.flow.isReliable,
    });
    this.#cancelMachine.feed(this.state === 'calling' ? 'cancel in calling' : 'cancel in proceeding');
  }

  #performCancel(action: OwnAction<CancelClientAction>): void {
    if (action === 'sendCancel') this.#context.sendCancel(cancelFor(this.request, this.#cancelHeaders), this.flow);
    else this.#machine.feed('cancel unanswered');
  }

  terminate(): void {
    this.#machine.feed('give up');
  }

  /** Ends without telling the user: the layer stops. */
  stop(): void {
    this.#machine.stop();
  }

  stepped(from: string, input: string, to: string): void {
    this.#context.trace('client', this.request, from, input, to);
  }

  terminated(): void {
    this.#cancelMachine?.feed('invite over');
    this.#context.forget(this);
  }

  perform(action: OwnAction<ClientAction>, event: ClientEvent | undefined): void {
    switch (action) {
      case 'send':
        return this.#send(this.request);
      case 'resend':
        this.#requestBytes ??= serializeMessage(this.request);
        return this.#send(this.#requestBytes);
      case 'sendAck':
        this.#ack = ackForFailure(this.request, event as Response);
        return this.#send(this.#ack);
      case 'resendAck':
        this.#ackBytes ??= serializeMessage(this.#ack!);
        return this.#send(this.#ackBytes);
      case 'passUp':
        return this.#user.onResponse(event as Response);
      case 'reportTimeout':
        return this.#user.onTimeout();
      case 'reportTransportError':
        return this.#user.onTransportError(event as SendFailure);
    }
  }

  #send(message: Message | Buffer): void {
    this.#context.send(message, this.flow, (failure) => this.fail(failure));
  }
}
