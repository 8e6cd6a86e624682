// REFER outside of dialogs. RFC 3515 allows it, but it would let whoever may call (or anybody, without a challenge) make this gateway call
// out with no call to pay for it. 405 and not 603: the method is known, and no address here takes it outside of a dialog (RFC 3261
// 21.4.6), whoever asks and whatever the target; 603 would say that this one target was declined by somebody.

import { EDGE_METHODS, type UaContext } from './context.ts';
import type { Handler } from './incoming.ts';
import { answer } from './responses.ts';
import type { AccessControl } from './ua.ts';

const ALLOWED = EDGE_METHODS.split(', ')
  .filter((method) => method !== 'REFER')
  .join(', ');

export const refuseStrayRefer =
  (context: UaContext, access: AccessControl): Handler =>
  (transaction) => {
    access.spend(transaction.flow);
    answer(context, transaction, 405, { headers: [{ name: 'Allow', value: ALLOWED }] });
  };
