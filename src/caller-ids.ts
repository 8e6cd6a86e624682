// Part of the composition root: which caller ids an account may show to numbers (sip-interface.md 2.2). By default any, since nothing here
// asks for more; with callerIds: owned those of its IncomingPhoneNumbers and its verified OutgoingCallerIds.

import { toE164 } from './call/trunk-numbers.ts';
import type { Config } from './config.ts';
import type { StoreDirectory } from './store/directory.ts';

export function callerIdPolicy(
  settings: () => Pick<Config, 'callerIds'>,
  directory: Pick<StoreDirectory, 'phoneNumber' | 'hasCallerId'>,
): (accountSid: string, callerId: string) => boolean {
  return (accountSid, callerId) => {
    if (settings().callerIds === 'any') return true;
    const number = toE164(callerId) ?? callerId;
    return directory.phoneNumber(number)?.accountSid === accountSid || directory.hasCallerId(accountSid, number);
  };
}
