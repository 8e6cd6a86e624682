// RFC 3261 17.2.1 and figure 7 as amended by RFC 6026 (7.1, 8.7, 8.8).

import { inviteServer } from '../../../../src/sip/transaction/invite-server.ts';
import { testRows } from './rows.ts';

testRows('INVITE server transaction (RFC 3261 17.2.1, RFC 6026 7.1)', inviteServer, [
  ['initial', 'INVITE', 'proceeding', ['passUp']],

  ['proceeding', 'INVITE', 'proceeding', ['resendResponse']],
  ['proceeding', 'CANCEL', 'proceeding', ['reportCancel']],
  ['proceeding', 'respond 1xx', 'proceeding', ['sendResponse']],
  ['proceeding', 'respond 2xx', 'accepted', ['start L', 'sendResponse']],
  ['proceeding', 'respond 300-699', 'completed', ['start G', 'start H', 'sendResponse']],
  ['proceeding', 'transport error', 'proceeding', ['reportTransportError']],

  ['completed', 'INVITE', 'completed', ['resendResponse']],
  ['completed', 'ACK', 'confirmed', ['stop G', 'stop H', 'start I']],
  ['completed', 'timer G', 'completed', ['resendResponse', 'double G']],
  ['completed', 'timer H', 'terminated', ['reportNoAck']],
  ['completed', 'transport error', 'completed', ['reportTransportError']],

  ['confirmed', 'timer I', 'terminated', []],

  ['accepted', 'ACK', 'accepted', ['passAck']],
  ['accepted', 'respond 2xx', 'accepted', ['sendResponse']],
  ['accepted', 'timer L', 'terminated', []],
  ['accepted', 'transport error', 'accepted', ['reportTransportError']],
]);
