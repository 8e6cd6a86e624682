// INVITE server transaction: RFC 3261 17.2.1 as amended by RFC 6026 (accepted state, timer L; transport errors are reported and
// the machine stays where it is, since the next retransmission may get through). 100 Trying is the user's to send.

import type { Table } from './step.ts';

export type InviteServerState = 'initial' | 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated';

export type InviteServerInput =
  | 'INVITE'
  | 'ACK'
  | 'CANCEL'
  | 'respond 1xx'
  | 'respond 2xx'
  | 'respond 300-699'
  | 'timer G'
  | 'timer H'
  | 'timer I'
  | 'timer L'
  | 'transport error';

export type InviteServerAction =
  | 'sendResponse'
  | 'resendResponse'
  | 'start G'
  | 'start H'
  | 'start I'
  | 'start L'
  | 'double G'
  | 'stop G'
  | 'stop H'
  | 'passUp'
  | 'passAck'
  | 'reportCancel'
  | 'reportNoAck'
  | 'reportTransportError';

export const inviteServer: Table<InviteServerState, InviteServerInput, InviteServerAction> = {
  initial: {
    INVITE: { to: 'proceeding', do: ['passUp'] },
  },
  proceeding: {
    INVITE: { to: 'proceeding', do: ['resendResponse'] },
    CANCEL: { to: 'proceeding', do: ['reportCancel'] },
    'respond 1xx': { to: 'proceeding', do: ['sendResponse'] },
    'respond 2xx': { to: 'accepted', do: ['start L', 'sendResponse'] },
    'respond 300-699': { to: 'completed', do: ['start G', 'start H', 'sendResponse'] },
    'transport error': { to: 'proceeding', do: ['reportTransportError'] },
  },
  completed: {
    INVITE: { to: 'completed', do: ['resendResponse'] },
    ACK: { to: 'confirmed', do: ['stop G', 'stop H', 'start I'] },
    'timer G': { to: 'completed', do: ['resendResponse', 'double G'] },
    'timer H': { to: 'terminated', do: ['reportNoAck'] },
    'transport error': { to: 'completed', do: ['reportTransportError'] },
  },
  confirmed: {
    'timer I': { to: 'terminated', do: [] },
  },
  accepted: {
    // RFC 6026 7.1: INVITEs are absorbed without an answer; the user repeats its 2xx until the ACK, which goes up to it.
    ACK: { to: 'accepted', do: ['passAck'] },
    'respond 2xx': { to: 'accepted', do: ['sendResponse'] },
    'timer L': { to: 'terminated', do: [] },
    'transport error': { to: 'accepted', do: ['reportTransportError'] },
  },
  terminated: {},
};
