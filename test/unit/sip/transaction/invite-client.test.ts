// RFC 3261 17.1.1 and figure 5 as amended by RFC 6026; RFC 3261 9.1 for CANCEL.

import { cancelClient, inviteClient } from '../../../../src/sip/transaction/invite-client.ts';
import { testRows } from './rows.ts';

testRows('INVITE client transaction (RFC 3261 17.1.1, RFC 6026 7.2)', inviteClient, [
  ['initial', 'start', 'calling', ['start A', 'start B', 'send']],

  ['calling', '1xx', 'proceeding', ['stop A', 'stop B', 'passUp']],
  ['calling', '2xx', 'accepted', ['stop A', 'stop B', 'start M', 'passUp']],
  ['calling', '300-699', 'completed', ['stop A', 'stop B', 'sendAck', 'start D', 'passUp']],
  ['calling', 'timer A', 'calling', ['resend', 'double A']],
  ['calling', 'timer B', 'terminated', ['reportTimeout']],
  ['calling', 'transport error', 'terminated', ['reportTransportError']],
  ['calling', 'give up', 'terminated', []],

  ['proceeding', '1xx', 'proceeding', ['passUp']],
  ['proceeding', '2xx', 'accepted', ['start M', 'passUp']],
  ['proceeding', '300-699', 'completed', ['sendAck', 'start D', 'passUp']],
  ['proceeding', 'transport error', 'terminated', ['reportTransportError']],
  ['proceeding', 'cancel unanswered', 'terminated', ['reportTimeout']],
  ['proceeding', 'give up', 'terminated', []],

  ['completed', '300-699', 'completed', ['resendAck']],
  ['completed', 'timer D', 'terminated', []],
  ['completed', 'transport error', 'terminated', []],
  ['completed', 'give up', 'terminated', []],

  ['accepted', '2xx', 'accepted', ['passUp']],
  ['accepted', 'timer M', 'terminated', []],
  ['accepted', 'give up', 'terminated', []],
]);

testRows('CANCEL of an INVITE client transaction (RFC 3261 9.1)', cancelClient, [
  ['idle', 'cancel in calling', 'waiting', []],
  ['idle', 'cancel in proceeding', 'sent', ['start cancel', 'sendCancel']],
  ['waiting', '1xx', 'sent', ['start cancel', 'sendCancel']],
  ['waiting', 'invite over', 'terminated', []],
  ['sent', 'timer cancel', 'terminated', ['reportUnanswered']],
  ['sent', 'invite over', 'terminated', []],
]);
