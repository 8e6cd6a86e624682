// Part of the composition root: the verification of caller ids, with the store that keeps them and the callback that is told.

import type { CallerIdsApi, ValidationRequest } from './base/caller-ids-api.ts';
import type { CallsApi } from './base/calls-api.ts';
import type { OutgoingCallerId } from './base/voice-records.ts';
import { createCallerIdValidation } from './call/caller-id-validation.ts';
import type { Calls } from './call/calls.ts';
import { callParams } from './call/params.ts';
import type { Config } from './config.ts';
import type { ProvisioningContext } from './provisioning.ts';
import type { StoreDirectory } from './store/directory.ts';
import { type Store, StoreFault } from './store/store.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';

export interface CallerIdParts {
  readonly settings: () => Pick<Config, 'callerIdVerification'>;
  readonly context: ProvisioningContext;
  readonly store: Pick<Store, 'outgoingCallerIds'>;
  readonly directory: Pick<StoreDirectory, 'numberOfAccount'>;
  readonly calls: Calls;
  readonly restCalls: CallsApi;
  readonly statusCallbacks: StatusCallbacks;
  readonly authTokenOf: (accountSid: string) => string;
}

export function buildCallerIds(parts: CallerIdParts): CallerIdsApi {
  const { context, store, directory, calls, restCalls } = parts;
  return createCallerIdValidation({
    restCalls,
    callOf: (callSid) => calls.get(callSid),
    shownNumber: (accountSid) => directory.numberOfAccount(accountSid)?.phoneNumber,
    isAutomatic: () => parts.settings().callerIdVerification === 'auto',
    keep: (callerId) => keep(callerId, store),
    tell: (request, callSid, callerIdSid) => tell(request, callSid, callerIdSid, parts),
    wall: () => context.clock.wall(),
    random: context.random,
  });
}

/** Two calls may prove the same number at once: the first one's record counts. */
async function keep(callerId: OutgoingCallerId, store: CallerIdParts['store']): Promise<string> {
  try {
    await store.outgoingCallerIds.insert(callerId);
    return callerId.sid;
  } catch (fault) {
    if (!(fault instanceof StoreFault) || fault.code !== 'duplicate') throw fault;
    const { accountSid, phoneNumber } = callerId;
    const page = { size: 1, page: 0, cursor: null };
    const [present] = (await store.outgoingCallerIds.list({ accountSid, phoneNumber }, page)).records;
    return present?.sid ?? callerId.sid;
  }
}

function tell(
  { accountSid, phoneNumber, callback }: ValidationRequest,
  callSid: string | undefined,
  callerIdSid: string | undefined,
  { calls, statusCallbacks, authTokenOf }: CallerIdParts,
): void {
  if (!callback) return;
  const call = callSid === undefined ? undefined : calls.find(callSid);
  const params = new Map([
    ...(call ? callParams(call) : [['AccountSid', accountSid] as const, ['To', phoneNumber] as const]),
    ['VerificationStatus', callerIdSid === undefined ? 'failed' : 'success'] as const,
    ...(callerIdSid === undefined ? [] : [['OutgoingCallerIdSid', callerIdSid] as const]),
  ]);
  const { url, method } = callback;
  const key = callSid ?? callerIdSid ?? accountSid;
  statusCallbacks.send({ url, method, params, accountSid, authToken: authTokenOf(accountSid), callSid: key });
}
