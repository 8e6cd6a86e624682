// INVITE client transaction: RFC 3261 17.1.1 as amended by RFC 6026 (accepted state, timer M), and the CANCEL of it (9.1), which
// is a small machine of its own beside it: it waits for the first provisional response, then for the final one.

import type { Table } from './step.ts';

export type InviteClientState = 'initial' | 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

export type InviteClientInput =
  | 'start'
  | '1xx'
  | '2xx'
  | '300-699'
  | 'timer A'
  | 'timer B'
  | 'timer D'
  | 'timer M'
  | 'transport error'
  | 'cancel unanswered'
  | 'give up';

export type InviteClientAction =
  | 'send'
  | 'resend'
  | 'sendAck'
  | 'resendAck'
  | 'start A'
  | 'start B'
  | 'start D'
  | 'start M'
  | 'double A'
  | 'stop A'
  | 'stop B'
  | 'passUp'
  | 'reportTimeout'
  | 'reportTransportError';

export const inviteClient: Table<InviteClientState, InviteClientInput, InviteClientAction> = {
  initial: {
    start: { to: 'calling', do: ['start A', 'start B', 'send'] },
  },
  calling: {
    '1xx': { to: 'proceeding', do: ['stop A', 'stop B', 'passUp'] },
    '2xx': { to: 'accepted', do: ['stop A', 'stop B', 'start M', 'passUp'] },
    '300-699': { to: 'completed', do: ['stop A', 'stop B', 'sendAck', 'start D', 'passUp'] },
    'timer A': { to: 'calling', do: ['resend', 'double A'] },
    'timer B': { to: 'terminated', do: ['reportTimeout'] },
    'transport error': { to: 'terminated', do: ['reportTransportError'] },
    'give up': { to: 'terminated', do: [] },
  },
  proceeding: {
    '1xx': { to: 'proceeding', do: ['passUp'] },
    '2xx': { to: 'accepted', do: ['start M', 'passUp'] },
    '300-699': { to: 'completed', do: ['sendAck', 'start D', 'passUp'] },
    'transport error': { to: 'terminated', do: ['reportTransportError'] },
    // RFC 3261 9.1: no final response 64*T1 after the CANCEL, so the INVITE counts as cancelled.
    'cancel unanswered': { to: 'terminated', do: ['reportTimeout'] },
    'give up': { to: 'terminated', do: [] },
  },
  completed: {
    '300-699': { to: 'completed', do: ['resendAck'] },
    'timer D': { to: 'terminated', do: [] },
    // The user has its final response already: nothing to report.
    'transport error': { to: 'terminated', do: [] },
    'give up': { to: 'terminated', do: [] },
  },
  accepted: {
    // RFC 6026 7.2: each 2xx goes up, of further forks and retransmitted ones alike; the user sends the ACKs.
    '2xx': { to: 'accepted', do: ['passUp'] },
    'timer M': { to: 'terminated', do: [] },
    'give up': { to: 'terminated', do: [] },
  },
  terminated: {},
};

export type CancelClientState = 'idle' | 'waiting' | 'sent' | 'terminated';

export type CancelClientInput =
  | 'cancel in calling'
  | 'cancel in proceeding'
  | '1xx'
  | 'timer cancel'
  /** The INVITE got its final response or is gone. */
  | 'invite over';

export type CancelClientAction = 'sendCancel' | 'start cancel' | 'reportUnanswered';

export const cancelClient: Table<CancelClientState, CancelClientInput, CancelClientAction> = {
  idle: {
    'cancel in calling': { to: 'waiting', do: [] },
    'cancel in proceeding': { to: 'sent', do: ['start cancel', 'sendCancel'] },
  },
  waiting: {
    '1xx': { to: 'sent', do: ['start cancel', 'sendCancel'] },
    'invite over': { to: 'terminated', do: [] },
  },
  sent: {
    'timer cancel': { to: 'terminated', do: ['reportUnanswered'] },
    'invite over': { to: 'terminated', do: [] },
  },
  terminated: {},
};
