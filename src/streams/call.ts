// What a stream needs of its call: the port that the call layer fills in.

import type { Unsubscribe } from '../base/emitter.ts';
import type { EndpointId } from '../media/engine.ts';

export interface StreamCall {
  readonly callSid: string;
  readonly accountSid: string;
  /** Aborted when the call ends. */
  readonly signal: AbortSignal;
  /** Undefined: the call has no media (yet, or any more). */
  endpoint(): EndpointId | undefined;
  onDigit(listener: (digit: string) => void): Unsubscribe;
  /** An entry of the error dictionary. */
  notify(level: 'error' | 'warning', errorCode: number, message: string, url: string): void;
}
