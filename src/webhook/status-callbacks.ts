// Status callbacks (twiml.md 8.1, 8.2): asynchronous, in order per call, never steering the call, without fallback.
// Who is called back about what is decided in call/; callback-queue.ts sends; this file says what is sent.

import { type HttpMethod, terminalStatuses } from '../base/records.ts';
import { buildParams, mergeParams, rfc2822Date } from './params.ts';
import type { WebhookParams } from './webhook.ts';

export interface StatusCallbackRequest {
  readonly url: string;
  readonly method: HttpMethod;
  readonly params: WebhookParams;
  readonly authToken: string;
  readonly accountSid: string;
  readonly callSid: string;
  /** How many of this `callSid` may wait; default limits.statusCallbacksPerCall. */
  readonly maxWaiting?: number;
  /** Called once, when it was answered, failed for the first time or was dropped. */
  readonly onDone?: (() => void) | undefined;
}

export interface StatusCallbacks {
  /** Queues a callback behind those of the same call. Dropped, with a log line, when too many wait. */
  send(request: StatusCallbackRequest): void;
  /** Those that run or are to run now; what waits for another attempt is `waiting`. */
  pending(): number;
  /** Callbacks whose receiver could not be reached, until they are tried again. */
  waiting(): number;
  /** Takes up what an earlier run of the process left. */
  restore(): Promise<void>;
  /** Resolves when none is pending, or when `signal` is aborted. What waits for another attempt stays in the store. */
  drain(signal: AbortSignal): Promise<void>;
  /** No further attempts by this process. */
  stop(): void;
}

/** twiml.md 8.1: what the completed callback says of a recording. */
export interface CallbackRecording {
  readonly sid: string;
  readonly url: string;
  readonly durationSeconds: number;
}

export interface StatusCallbackFacts {
  /** Standard parameters of the leg (twiml.md 3.1); a CallStatus in them is replaced. */
  readonly standard: WebhookParams;
  readonly callStatus: string;
  /** From 0, per leg. */
  readonly sequenceNumber: number;
  /** When it happened, wall milliseconds. */
  readonly wallMs: number;
  /** Seconds from answer; 0 for a leg that was never answered. Used with a final status only. */
  readonly durationSeconds: number;
  /** Final SIP code of the leg. Used with a final status only. */
  readonly sipResponseCode: number | null;
  /** The last warning or error of the call. Used where it failed. */
  readonly notice?: { readonly errorCode: number; readonly message: string } | undefined;
  /** Of a Dial with record, or a REST call with Record. Used with a final status only. */
  readonly recording?: CallbackRecording | undefined;
}

/** The parameters of a call-progress callback (twiml.md 8.1, sip-interface.md 8.1). Pure. */
export function statusCallbackParams(facts: StatusCallbackFacts): WebhookParams {
  const { callStatus, durationSeconds } = facts;
  const recording = terminalStatuses.has(callStatus) ? facts.recording : undefined;
  const notice = callStatus === 'failed' ? facts.notice : undefined;
  const isFinal = terminalStatuses.has(callStatus);
  return mergeParams(
    facts.standard,
    buildParams([
      ['CallStatus', callStatus],
      ['Timestamp', rfc2822Date(facts.wallMs)],
      ['CallbackSource', 'call-progress-events'],
      ['SequenceNumber', facts.sequenceNumber],
      ['CallDuration', isFinal ? durationSeconds : undefined],
      // Minutes, every started one counted (calls are billed by the minute).
      ['Duration', callStatus === 'completed' ? Math.ceil(durationSeconds / 60) : undefined],
      ['SipResponseCode', isFinal ? facts.sipResponseCode : undefined],
      ['RecordingUrl', recording?.url],
      ['RecordingSid', recording?.sid],
      ['RecordingDuration', recording?.durationSeconds],
      ['ErrorCode', notice?.errorCode],
      ['ErrorMessage', notice?.message],
    ]),
  );
}
