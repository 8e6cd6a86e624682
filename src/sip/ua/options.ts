// OPTIONS outside of dialogs (RFC 3261 11.2): PBXs and phones ping with it. 200 without a challenge, within the source's budget.

import { acceptField, EDGE_METHODS, type UaContext } from './context.ts';
import type { Handler } from './incoming.ts';
import { answer } from './responses.ts';
import type { AccessControl } from './ua.ts';

export const createOptions =
  (context: UaContext, access: AccessControl): Handler =>
  (transaction) => {
    if (!access.spend(transaction.flow)) return;
    answer(context, transaction, 200, {
      headers: [{ name: 'Allow', value: EDGE_METHODS }, acceptField, { name: 'Accept-Language', value: 'en' }],
    });
  };
