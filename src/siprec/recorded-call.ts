// What a recording session needs of its call: the port that the TwiML layer fills in.

import type { Unsubscribe } from '../base/emitter.ts';
import type { EndpointId } from '../media/engine.ts';
import type { MediaDirection } from '../sdp/plan.ts';

/** As the metadata shows somebody. */
export interface Party {
  /** A URI. */
  readonly aor: string;
  readonly name: string | undefined;
}

export interface RecordedCall {
  readonly callSid: string;
  readonly accountSid: string;
  /** Aborted when the call ends. */
  readonly signal: AbortSignal;
  /** Who is at the far end of this leg (its audio is the inbound track), and who it talks with. */
  readonly parties: { readonly remote: Party; readonly local: Party };
  /** Wall milliseconds. */
  readonly startedAt: number;
  /** Undefined: the call has no media (yet, or any more). */
  endpoint(): EndpointId | undefined;
  /** As seen from the far end: `sendonly` or `inactive` is a hold. */
  direction(): MediaDirection;
  onDirection(listener: () => void): Unsubscribe;
  /** Places among the forked tracks of the call (twiml.md 9, 10.2). */
  claimTracks(count: number): boolean;
  releaseTracks(count: number): void;
  notify(level: 'error' | 'warning', errorCode: number, message: string): void;
}
