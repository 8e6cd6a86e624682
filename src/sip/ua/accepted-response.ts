// Our 2xx to an INVITE or re-INVITE, repeated end to end until the ACK comes (RFC 3261 13.3.1.4), also over TCP: a proxy in between
// may have lost it on a UDP hop.
//
//   INVITE ─▶      200 ◀─ 0 ─ 0.5 ─ 1.5 ─ 3.5 ─ 7.5 ─ 11.5 … 32 s      ACK ─▶ done, or not acknowledged

import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Response } from '../grammar/message.ts';
import { T1, T2 } from '../transaction/timers.ts';
import type { ServerTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';

export interface AcceptedResponse {
  /** The ACK came: stop. False when it came before. */
  acknowledged(): boolean;
  /** Stops repeating without an ACK. */
  stop(): void;
}

/** Sends `response` at once and again until `acknowledged`; after 64*T1 `onMissing` is told. */
export function repeatUntilAck(
  clock: Clock,
  transaction: ServerTransaction<Flow>,
  response: Response,
  onMissing: () => void,
): AcceptedResponse {
  let interval = T1;
  let timer: Timer | undefined;
  let isDone = false;
  const deadline = clock.after(limits.ackWaitMs, () => {
    stop();
    onMissing();
  });
  const repeat = () => {
    transaction.respond(response);
    timer = clock.after(interval, repeat);
    interval = Math.min(interval * 2, T2);
  };
  const stop = () => {
    isDone = true;
    timer?.cancel();
    deadline.cancel();
  };
  repeat();
  return {
    acknowledged() {
      if (isDone) return false;
      stop();
      return true;
    },
    stop,
  };
}
