// Non-INVITE server transaction: RFC 3261 17.2.2, figure 8, with RFC 4320: no 408 ever, no provisional response but 100.
// A request that its user never answers is let go by a timer of our own, so that it cannot hold its place for ever.

import type { Table } from './step.ts';

export type NonInviteServerState = 'initial' | 'trying' | 'proceeding' | 'completed' | 'terminated';

export type NonInviteServerInput =
  | 'request'
  | 'respond 100'
  | 'respond 101-199'
  | 'respond 200-699'
  | 'respond 408'
  | 'timer J'
  | 'timer answer'
  | 'transport error';

export type NonInviteServerAction =
  | 'sendResponse'
  | 'resendResponse'
  | 'start J'
  | 'start answer'
  | 'stop answer'
  | 'passUp'
  | 'reportTransportError';

export const nonInviteServer: Table<NonInviteServerState, NonInviteServerInput, NonInviteServerAction> = {
  initial: {
    request: { to: 'trying', do: ['start answer', 'passUp'] },
  },
  trying: {
    'respond 100': { to: 'proceeding', do: ['sendResponse'] },
    'respond 200-699': { to: 'completed', do: ['stop answer', 'start J', 'sendResponse'] },
    // RFC 4320 4.2: the client has timed out by itself; a 408 would only come late and black-list us.
    'respond 408': { to: 'terminated', do: [] },
    'timer answer': { to: 'terminated', do: [] },
  },
  proceeding: {
    request: { to: 'proceeding', do: ['resendResponse'] },
    'respond 100': { to: 'proceeding', do: ['sendResponse'] },
    'respond 200-699': { to: 'completed', do: ['stop answer', 'start J', 'sendResponse'] },
    'respond 408': { to: 'terminated', do: [] },
    'timer answer': { to: 'terminated', do: [] },
    'transport error': { to: 'proceeding', do: ['reportTransportError'] },
  },
  completed: {
    request: { to: 'completed', do: ['resendResponse'] },
    'timer J': { to: 'terminated', do: [] },
    'transport error': { to: 'completed', do: ['reportTransportError'] },
  },
  terminated: {},
};
