// Refer: asks the peer of a call to call somebody else, and says what came of it (sip-interface.md 5.1).

import { aborted } from '../base/signal.ts';
import type { ReferResult } from '../sip/ua/ua.ts';
import type { Call } from './call.ts';
import { type FailedStatus, statusOfFailure } from './outcome.ts';

export { isReferTarget } from '../sip/grammar/refer.ts';

export interface ReferOutcome {
  /** Status of the new call, as far as it is known. */
  readonly status: 'in-progress' | 'ringing' | FailedStatus | undefined;
  /** Answer to the REFER. */
  readonly sipResponseCode: number | undefined;
  /** Last status that a NOTIFY brought. */
  readonly notifyResponseCode: number | undefined;
  /** False: the signalling of the call has no REFER, nothing was sent. */
  readonly isPossible: boolean;
}

const IMPOSSIBLE: ReferOutcome = {
  status: 'failed',
  sipResponseCode: undefined,
  notifyResponseCode: undefined,
  isPossible: false,
};

/**
 * Sends a REFER to the peer of an answered call and waits for what comes of it: at the latest until the call ends, `signal` aborts, or
 * the subscription is over (limits.referSubscriptionMs). `target`: a SIP URI, written into Refer-To as it is.
 */
export async function refer(call: Call, target: string, signal: AbortSignal): Promise<ReferOutcome> {
  if (!call.leg.refer) return IMPOSSIBLE;
  const sent = call.leg.refer(target);
  if (!sent) return { ...IMPOSSIBLE, status: call.isOver ? 'canceled' : 'failed', isPossible: true };
  void aborted(signal).then(() => sent.withdraw());
  const result = await sent.result;
  call.emit({ type: 'transfer', step: `refer ${result.end}`, otherCallSid: call.sid });
  return {
    status: call.isOver || result.end === 'sessionEnded' || result.end === 'withdrawn' ? 'canceled' : statusOf(result),
    sipResponseCode: result.status,
    notifyResponseCode: result.notified,
    isPossible: true,
  };
}

/** The status word of the new call (twiml.md 5.10); undefined when nothing is known of it. */
export function statusOf({ end, notified }: Pick<ReferResult, 'end' | 'notified'>): ReferOutcome['status'] {
  if (end === 'refused') return 'failed';
  if (notified === undefined || notified === 100) return undefined;
  if (notified < 200) return 'ringing';
  if (notified < 300) return 'in-progress';
  return statusOfFailure({ status: notified, cause: 'response', rang: true }, undefined);
}
