// What REST may do with calls: the port between api/, which asks, and call/, which does it. It stands here because api/ imports base/ only.

import type { CallControlError } from './control-error.ts';
import type { MachineDetection } from './machine-detection-api.ts';
import type { RecordingRequest } from './recordings-api.ts';
import type { CallRecord, HttpMethod } from './records.ts';
import type { Result } from './result.ts';

export interface CreateCallRequest {
  readonly accountSid: string;
  /** The application whose URLs the request names; absent or null: none. */
  readonly applicationSid?: string | null;
  /** Starts so much later, beside the wait for its turn. */
  readonly delayMs?: number;
  /** `sip:…`, `client:…` or E.164, as given. */
  readonly to: string;
  readonly from: string;
  /** Display name of the From header; absent: none. */
  readonly callerName?: string;
  readonly instructions: { readonly url: string; readonly method: HttpMethod } | { readonly twiml: string };
  readonly fallbackUrl: string | null;
  readonly fallbackMethod: HttpMethod;
  readonly statusCallback: string | null;
  readonly statusCallbackMethod: HttpMethod;
  readonly statusCallbackEvents: readonly ('initiated' | 'ringing' | 'answered' | 'completed')[];
  readonly timeoutSeconds: number;
  readonly timeLimitSeconds: number;
  readonly sendDigits: string | null;
  /** Sid of the trunk to use for a number; null = whichever fits. */
  readonly byoc?: string | null;
  /** Find out who or what answered; absent or null: not. */
  readonly machineDetection?: MachineDetection | null;
  /** Record from the answer on; absent or null: not. */
  readonly recording?: RecordingRequest | null;
  readonly sipAuth: { readonly username: string; readonly password: string } | null;
}

export type { CallControlError };

export type RedirectInstructions =
  | {
      readonly url: string;
      readonly method: HttpMethod;
      readonly fallbackUrl: string | null;
      readonly fallbackMethod: HttpMethod;
    }
  | { readonly twiml: string };

/** Settings of a live call that REST may replace (rest-api.md 9.3); an absent field stays as it is. */
export interface CallAmendment {
  readonly statusCallback?: string | null;
  readonly statusCallbackMethod?: HttpMethod;
  readonly timeLimitSeconds?: number;
}

export interface CallsApi {
  /** Returns at once with the `queued` record; dialling goes on behind. */
  create(request: CreateCallRequest): Result<CallRecord, CallControlError>;
  /** The live record, if the call is alive on this node. */
  live(callSid: string): CallRecord | undefined;
  /** rest-api.md 9.3. Resolves when the change took effect on the record. */
  complete(callSid: string): Promise<CallRecord | undefined>;
  cancel(callSid: string): Promise<CallRecord | undefined>;
  /** For the rest of the call. Where it is not offered these parameters are refused rather than silently lost. */
  amend?(callSid: string, amendment: CallAmendment): CallRecord | undefined;
  /** Stops the running verb and runs another document. 21220 when the call is not in progress. */
  redirect(callSid: string, instructions: RedirectInstructions): Promise<Result<CallRecord, CallControlError>>;
}
