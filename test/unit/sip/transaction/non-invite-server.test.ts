// RFC 3261 17.2.2 and figure 8, with RFC 4320 (no 408, no 1xx but 100) and RFC 6026 8.8 (transport errors).

import { nonInviteServer } from '../../../../src/sip/transaction/non-invite-server.ts';
import { testRows } from './rows.ts';

testRows('non-INVITE server transaction (RFC 3261 17.2.2, RFC 4320)', nonInviteServer, [
  ['initial', 'request', 'trying', ['start answer', 'passUp']],

  ['trying', 'respond 100', 'proceeding', ['sendResponse']],
  ['trying', 'respond 200-699', 'completed', ['stop answer', 'start J', 'sendResponse']],
  ['trying', 'respond 408', 'terminated', []],
  ['trying', 'timer answer', 'terminated', []],

  ['proceeding', 'request', 'proceeding', ['resendResponse']],
  ['proceeding', 'respond 100', 'proceeding', ['sendResponse']],
  ['proceeding', 'respond 200-699', 'completed', ['stop answer', 'start J', 'sendResponse']],
  ['proceeding', 'respond 408', 'terminated', []],
  ['proceeding', 'timer answer', 'terminated', []],
  ['proceeding', 'transport error', 'proceeding', ['reportTransportError']],

  ['completed', 'request', 'completed', ['resendResponse']],
  ['completed', 'timer J', 'terminated', []],
  ['completed', 'transport error', 'completed', ['reportTransportError']],
]);
