// Non-INVITE client transaction: RFC 3261 17.1.2, figure 6.

import type { Table } from './step.ts';

export type NonInviteClientState = 'initial' | 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteClientInput =
  | 'start'
  | '1xx'
  | '200-699'
  | 'timer E'
  | 'timer F'
  | 'timer K'
  | 'transport error'
  | 'give up';

export type NonInviteClientAction =
  | 'send'
  | 'resend'
  | 'start E'
  | 'start F'
  | 'start K'
  | 'double E'
  | 'restart E at T2'
  | 'stop E'
  | 'stop F'
  | 'passUp'
  | 'reportTimeout'
  | 'reportTransportError';

export const nonInviteClient: Table<NonInviteClientState, NonInviteClientInput, NonInviteClientAction> = {
  initial: {
    start: { to: 'trying', do: ['start E', 'start F', 'send'] },
  },
  trying: {
    '1xx': { to: 'proceeding', do: ['passUp'] },
    '200-699': { to: 'completed', do: ['stop E', 'stop F', 'start K', 'passUp'] },
    'timer E': { to: 'trying', do: ['resend', 'double E'] },
    'timer F': { to: 'terminated', do: ['reportTimeout'] },
    'transport error': { to: 'terminated', do: ['reportTransportError'] },
    'give up': { to: 'terminated', do: [] },
  },
  proceeding: {
    '1xx': { to: 'proceeding', do: ['passUp'] },
    '200-699': { to: 'completed', do: ['stop E', 'stop F', 'start K', 'passUp'] },
    // 17.1.2.2: a provisional response slows the retransmissions down, it does not end them.
    'timer E': { to: 'proceeding', do: ['resend', 'restart E at T2'] },
    'timer F': { to: 'terminated', do: ['reportTimeout'] },
    'transport error': { to: 'terminated', do: ['reportTransportError'] },
    'give up': { to: 'terminated', do: [] },
  },
  completed: {
    'timer K': { to: 'terminated', do: [] },
    'give up': { to: 'terminated', do: [] },
  },
  terminated: {},
};
