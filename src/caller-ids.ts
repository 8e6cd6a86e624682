// Part of the composition root: which caller ids an account may show to numbers (sip-interface.md 2.2). By default any, since nothing here
// verifies numbers; with callerIds: owned those of its IncomingPhoneNumbers.

import { toE164 } from './call/trunk-numbers.ts';
import type { Config } from './config.ts';
import type { StoreDirectory } from './store/directory.ts';

export function callerIdPolicy(
  settings: () => Pick<Config, 'callerIds'>,
  directory: Pick<StoreDirectory, 'phoneNumber'>,
): (accountSid: string, callerId: string) => boolean {
  return (accountSid, callerId) =>
    settings().callerIds === 'any' || directory.phoneNumber(toE164(callerId) ?? callerId)?.accountSid === accountSid;
}
