// The transaction port (RFC 3261 17, RFC 6026): what sip/ua sees. layer.ts is the one driver behind it for the four tables.
// This folder knows messages and time, not sockets: a flow is opaque here but for its reliability.

import type { Result } from '../../base/result.ts';
import type { Message, Request, Response } from '../grammar/message.ts';
import type { Via } from '../grammar/via.ts';

/** What a transaction must know of a flow. Transport's Flow fits. */
export interface TransactionFlow {
  readonly id: string;
  readonly isReliable: boolean;
}

export type SendFailure = { readonly code: string; readonly detail: string };

/** Port: how bytes leave. gateway.ts hands in Transport.send. */
export interface Sender<F extends TransactionFlow> {
  send(message: Message | Buffer, flow: F): Promise<Result<void, SendFailure>>;
  /** The same where nobody wants to know whether it went out, which costs much less. Default: `send`. */
  sendQuietly?(message: Message | Buffer, flow: F): void;
}

export interface ClientTransactionUser {
  /** Each response once: provisionals as they come, finals once (for INVITE also each further 2xx of a fork, RFC 6026). */
  onResponse(response: Response): void;
  /** Timer B or F. Treated as 408 (RFC 3261 8.1.3.1). */
  onTimeout(): void;
  /** The send failed or the flow died before a final response. Treated as 503. */
  onTransportError(failure: SendFailure): void;
}

export interface ClientTransactionOptions {
  /** Replaces 64*T1 (32 s) as the duration of timer B or F. */
  readonly timeoutMs?: number;
}

export interface ClientTransaction {
  readonly request: Request;
  readonly state: string;
  /** RFC 3261 9.1: sends CANCEL, waiting for the first provisional; a no-op after a final response. INVITE only. */
  cancel(headers?: readonly { name: string; value: string }[]): void;
  /** Ends the transaction without telling its user. Used when a target is given up. */
  terminate(): void;
}

export interface ServerTransaction<F extends TransactionFlow> {
  readonly request: Request;
  readonly flow: F;
  readonly state: string;
  /** Sends a response. Returns false when the machine does not allow it any more (a final was sent). */
  respond(response: Response): boolean;
  /**
   * Sends a final response and is over: nothing is repeated, the ACK is ignored, a repeated request is a new one. For strangers over
   * UDP, whose source address proves nothing (RFC 3261 8.2.7, 26.3.2.4: no amplifier).
   */
  respondOnce(response: Response): void;
  /** INVITE only: the ACK of its 2xx came to the user, which will not repeat that response. */
  acknowledged(): void;
  /** INVITE only, one listener: a CANCEL came before a final response (the user answers 487). Called once, at once if it came already. */
  onCancel(listener: (cancel: Request) => void): void;
  /**
   * One listener. A response could not be sent; the transaction stays as it is (RFC 6026 8.8). For INVITE also code `noAck`:
   * a non-2xx final was never ACKed (timer H).
   */
  onTransportError(listener: (failure: SendFailure) => void): void;
}

export interface TransactionUser<F extends TransactionFlow> {
  /** A new request that is not ACK or CANCEL of a known transaction. */
  onRequest(transaction: ServerTransaction<F>): void;
  /** ACK for a 2xx: belongs to a dialog, not to a transaction. */
  onAck(request: Request, flow: F): void;
  /** A response that matches no transaction. Counted and dropped by the user, but a late 2xx of a known INVITE is ACKed and BYEd. */
  onStrayResponse(response: Response, flow: F): void;
}

export interface TransactionCounts {
  readonly inviteClient: number;
  readonly inviteServer: number;
  readonly nonInviteClient: number;
  readonly nonInviteServer: number;
  readonly timers: number;
}

export interface TransactionLayer<F extends TransactionFlow> {
  setUser(user: TransactionUser<F>): void;
  /** From the transport. */
  receive(message: Message, flow: F): void;
  /** Sends a request in a new client transaction. The request already carries its top Via with a fresh branch. */
  request(
    request: Request,
    flow: F,
    user: ClientTransactionUser,
    options?: ClientTransactionOptions,
  ): ClientTransaction;
  /** Sends without a transaction: ACK of a 2xx, stateless answers. */
  sendStateless(message: Message | Buffer, flow: F): void;
  /** A reliable flow is gone: its client transactions end with onTransportError where no final response has come. */
  flowFailed(flow: F, failure: SendFailure): void;
  /** Whether a request with this top Via (of RFC 3261, with a branch) has an open server transaction. */
  knows(via: Via, method: string): boolean;
  counts(): TransactionCounts;
  /** Ends all transactions and timers. */
  stop(): void;
}
