// CallEvents: everything that happens to a call, typed, with call-relative milliseconds. call/ emits them; store, status
// callbacks, trace and metrics each listen (house style 2.2). Every outside input is here, enough to drive the interpreter again.

import type { AnsweredBy } from './machine-detection-api.ts';
import type { CallDirection, CallStatus } from './records.ts';

interface EventBase {
  readonly callSid: string;
  /** Monotonic milliseconds since the call was created. */
  readonly atMs: number;
  /** Wall milliseconds. */
  readonly wall: number;
}

export type CallEvent = EventBase &
  (
    | {
        readonly type: 'created';
        readonly accountSid: string;
        readonly direction: CallDirection;
        readonly from: string;
        readonly to: string;
        readonly parentCallSid: string | null;
        readonly domainSid: string | null;
        readonly sipCallId: string | null;
      }
    | { readonly type: 'status'; readonly status: CallStatus | 'initiated'; readonly sipResponseCode: number | null }
    | { readonly type: 'digit'; readonly digit: string; readonly durationMs: number }
    | {
        readonly type: 'webhookRequest';
        readonly method: string;
        /** Without credentials and fragment. */
        readonly url: string;
        readonly purpose: 'document' | 'fallback' | 'statusCallback' | 'action' | 'media';
      }
    | {
        readonly type: 'webhookResponse';
        readonly url: string;
        /** HTTP status, or 0 when no answer came. */
        readonly status: number;
        readonly durationMs: number;
        readonly errorCode: number | null;
      }
    | { readonly type: 'verbStarted'; readonly verb: string; readonly detail: string }
    | { readonly type: 'verbEnded'; readonly verb: string; readonly outcome: string }
    | { readonly type: 'media'; readonly change: string; readonly detail: string }
    /** Machine detection came to its verdict, so long after the answer. */
    | { readonly type: 'answeredBy'; readonly answeredBy: AnsweredBy; readonly durationMs: number }
    | { readonly type: 'bridged'; readonly otherCallSid: string }
    | { readonly type: 'unbridged'; readonly otherCallSid: string }
    /** On the call of the transferor, as long as it lives; `otherCallSid` is the party that stays. */
    | { readonly type: 'transfer'; readonly step: string; readonly otherCallSid: string }
    | {
        readonly type: 'notification';
        readonly level: 'error' | 'warning';
        readonly errorCode: number;
        readonly message: string;
        readonly requestUrl: string | null;
      }
    | {
        readonly type: 'ended';
        readonly status: CallStatus;
        readonly sipResponseCode: number | null;
        readonly durationSeconds: number;
        readonly answered: boolean;
        /** Who or what ended it: `caller hung up`, `rtp timeout`, … */
        readonly reason: string;
      }
  );

export type CallEventType = CallEvent['type'];
