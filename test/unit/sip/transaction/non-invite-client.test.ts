// RFC 3261 17.1.2 and figure 6.

import { nonInviteClient } from '../../../../src/sip/transaction/non-invite-client.ts';
import { testRows } from './rows.ts';

testRows('non-INVITE client transaction (RFC 3261 17.1.2, figure 6)', nonInviteClient, [
  ['initial', 'start', 'trying', ['start E', 'start F', 'send']],

  ['trying', '1xx', 'proceeding', ['passUp']],
  ['trying', '200-699', 'completed', ['stop E', 'stop F', 'start K', 'passUp']],
  ['trying', 'timer E', 'trying', ['resend', 'double E']],
  ['trying', 'timer F', 'terminated', ['reportTimeout']],
  ['trying', 'transport error', 'terminated', ['reportTransportError']],
  ['trying', 'give up', 'terminated', []],

  ['proceeding', '1xx', 'proceeding', ['passUp']],
  ['proceeding', '200-699', 'completed', ['stop E', 'stop F', 'start K', 'passUp']],
  ['proceeding', 'timer E', 'proceeding', ['resend', 'restart E at T2']],
  ['proceeding', 'timer F', 'terminated', ['reportTimeout']],
  ['proceeding', 'transport error', 'terminated', ['reportTransportError']],
  ['proceeding', 'give up', 'terminated', []],

  ['completed', 'timer K', 'terminated', []],
  ['completed', 'give up', 'terminated', []],
]);
