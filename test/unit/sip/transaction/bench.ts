// One transaction layer on a test bench: what it sends is kept, what it tells its users is written down, time is moved by hand.

import { limits } from '../../../../src/base/limits.ts';
import { type Log, silentLog } from '../../../../src/base/log.ts';
import { err, ok, type Result } from '../../../../src/base/result.ts';
import type { Message, Request, Response } from '../../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { createTransactionLayer } from '../../../../src/sip/transaction/layer.ts';
import type {
  ClientTransactionUser,
  SendFailure,
  ServerTransaction,
  TransactionFlow,
} from '../../../../src/sip/transaction/transaction.ts';
import { seededRandom } from '../../../support/network.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

export const udp: TransactionFlow = { id: 'udp', isReliable: false };
export const tcp: TransactionFlow = { id: 'tcp', isReliable: true };
export const zeroCounts = { inviteClient: 0, inviteServer: 0, nonInviteClient: 0, nonInviteServer: 0, timers: 0 };

/** A log in which an error is a failure of the test. */
export const strictLog: Log = {
  ...silentLog,
  child: () => strictLog,
  error(fields, message) {
    throw new Error(message, { cause: fields.err });
  },
};

export interface Sent {
  readonly atMs: number;
  readonly message: Message;
  readonly bytes: Buffer | undefined;
  readonly flow: TransactionFlow;
}

export function bench(options: { serverTransactions?: number; serverTransactionsBusy?: number; log?: Log } = {}) {
  const clock = new VirtualClock();
  const random = seededRandom(1).bytes;
  const sent: Sent[] = [];
  const state = { failure: undefined as SendFailure | undefined };
  const sender = {
    async send(message: Message | Buffer, flow: TransactionFlow): Promise<Result<void, SendFailure>> {
      if (state.failure) return err(state.failure);
      const parsed = Buffer.isBuffer(message) ? parseMessage(message) : ok(message);
      if (!parsed.ok) throw new Error(`sent bytes do not parse: ${parsed.error.detail}`);
      sent.push({
        atMs: clock.now(),
        message: parsed.value,
        bytes: Buffer.isBuffer(message) ? message : undefined,
        flow,
      });
      return ok(undefined);
    },
  };
  const { serverTransactions, serverTransactionsBusy } = { ...limits, ...options };
  const layer = createTransactionLayer({
    sender,
    clock,
    log: options.log ?? strictLog,
    random,
    limits: { serverTransactions, serverTransactionsBusy },
  });
  const incoming: ServerTransaction<TransactionFlow>[] = [];
  const acks: Request[] = [];
  const strays: Response[] = [];
  layer.setUser({
    onRequest: (transaction) => incoming.push(transaction),
    onAck: (ack) => acks.push(ack),
    onStrayResponse: (response) => strays.push(response),
  });
  return {
    clock,
    random,
    layer,
    sent,
    incoming,
    acks,
    strays,
    /** From now on every send fails, or with undefined succeeds again. */
    failSends: (failure: SendFailure | undefined) => {
      state.failure = failure;
    },
    /** What was sent, as `500 INVITE` or `500 200 (INVITE)`, with its time. */
    log: () => sent.map(({ atMs, message }) => `${atMs} ${nameOf(message)}`),
  };
}

export const nameOf = (message: Message): string =>
  message.kind === 'request' ? message.method : `${message.status} (${message.cseq.method})`;

/** A user of a client transaction that writes down what it is told. */
export function recorder(): ClientTransactionUser & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    onResponse: (response) => told.push(`${response.status}`),
    onTimeout: () => told.push('timeout'),
    onTransportError: (failure) => told.push(`transport error ${failure.code}`),
  };
}
