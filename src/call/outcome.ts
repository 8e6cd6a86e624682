// The one table from a SIP result to a call status (sip-interface.md 8.3).

import type { CallStatus } from '../base/records.ts';

export type LegFailureCause = 'response' | 'timeout' | 'transport' | 'dns' | 'canceled';

export interface LegFailure {
  /** SIP status that ended the attempt; 408 for silence, 487 after our CANCEL. */
  readonly status: number;
  readonly cause: LegFailureCause;
  /** A provisional above 100 had been seen. */
  readonly rang: boolean;
  /** Cause of a `Reason: Q.850` header (RFC 3326) in the response, as gateways to telephone networks send it. */
  readonly isdnCause?: number | undefined;
}

/** Q.850 causes that say more than the SIP status does. */
const isdnOutcomes: ReadonlyMap<number, 'busy' | 'no-answer'> = new Map([
  [17, 'busy'], // user busy
  [21, 'busy'], // call rejected, as 603
  [18, 'no-answer'], // no user responding
  [19, 'no-answer'], // alerted, no answer
  [20, 'no-answer'], // subscriber absent
]);

export type FailedStatus = Extract<CallStatus, 'busy' | 'no-answer' | 'failed' | 'canceled'>;

/**
 * Status of an outgoing leg that was not answered.
 * `canceledBy`: why we cancelled, when we did: the ring time-out counts as no answer, everybody else's change of mind as canceled.
 */
export function statusOfFailure(failure: LegFailure, canceledBy: 'timeout' | 'request' | undefined): FailedStatus {
  if (canceledBy === 'timeout') return 'no-answer';
  if (canceledBy === 'request') return 'canceled';
  const told = failure.isdnCause === undefined ? undefined : isdnOutcomes.get(failure.isdnCause);
  if (told) return told;
  switch (failure.status) {
    case 486:
    case 600:
    case 603:
      return 'busy';
    case 480:
      return 'no-answer';
    case 408:
      return failure.rang ? 'no-answer' : 'failed';
    case 487:
      return failure.rang ? 'no-answer' : 'failed';
    default:
      return 'failed';
  }
}

/** twiml.md 6.2: of several failed legs the last one is reported, busy before no-answer before failed. */
export function preferredFailure<T extends { readonly status: string }>(failures: readonly T[]): T | undefined {
  const rank = ['busy', 'no-answer', 'failed', 'canceled'];
  let best: T | undefined;
  for (const failure of failures) {
    if (!best || rank.indexOf(failure.status) <= rank.indexOf(best.status)) best = failure;
  }
  return best;
}

/** SIP status of a refused inbound leg → call status (sip-interface.md 1.4, 8.3). */
export function statusOfRefusal(sipStatus: number): FailedStatus {
  if (sipStatus === 486 || sipStatus === 600) return 'busy';
  if (sipStatus === 404 || sipStatus === 480 || sipStatus === 603) return 'no-answer';
  if (sipStatus === 487) return 'canceled';
  return 'failed';
}
