// What a Dial is asked to do and what came of it. twiml/ fills the options from the document, dial.ts acts on them.

import type { MachineDetection } from '../base/machine-detection-api.ts';
import type { RecordingRequest } from '../base/recordings-api.ts';
import type { HttpMethod } from '../base/records.ts';

export type DialEvent = 'initiated' | 'ringing' | 'answered' | 'completed';

export interface DialTargetOptions {
  /** Screening document run on the callee before bridging. */
  readonly url: string | undefined;
  readonly method: HttpMethod;
  readonly statusCallback: string | undefined;
  readonly statusCallbackMethod: HttpMethod;
  readonly statusCallbackEvents: readonly DialEvent[];
  /** Find out who or what answered. */
  readonly machineDetection?: MachineDetection | undefined;
}

export type DialTarget = DialTargetOptions &
  (
    | {
        readonly kind: 'sip';
        readonly uri: string;
        readonly username: string | undefined;
        readonly password: string | undefined;
      }
    | {
        readonly kind: 'client';
        readonly identity: string;
        readonly parameters: readonly (readonly [string, string])[];
      }
    | {
        readonly kind: 'number';
        readonly number: string;
        readonly sendDigits: string | undefined;
        /** Sid or declared name of the trunk to use. */
        readonly byoc?: string | undefined;
      }
  );

/** An application of ours as the callee (twiml.md 6.8). */
export interface ApplicationTarget extends DialTargetOptions {
  readonly kind: 'application';
  readonly applicationSid: string;
  /** Undefined: the account of the caller. */
  readonly customerId: string | undefined;
  /** `To` is that of the caller, else the sid. */
  readonly copyParentTo: boolean;
  readonly parameters: readonly (readonly [string, string])[];
}

export interface DialRecordingOptions {
  readonly from: 'ringing' | 'answer';
  readonly request: RecordingRequest;
}

/** What the action request says of the recording (twiml.md 3.3). */
export interface DialRecordingSummary {
  readonly sid: string;
  readonly url: string;
  readonly durationSeconds: number;
}

export interface DialOptions {
  readonly targets: readonly DialTarget[];
  /** In place of targets. */
  readonly application?: ApplicationTarget | undefined;
  readonly sequential: boolean;
  /** As written in TwiML; the extra seconds are added by call/. */
  readonly timeoutSeconds: number;
  readonly timeLimitSeconds: number;
  readonly callerId: string | undefined;
  readonly answerOnBridge: boolean;
  readonly hangupOnStar: boolean;
  readonly ringTone: string | undefined;
  readonly recording?: DialRecordingOptions | undefined;
  /** Asked when one of the two sends a REFER (sip-interface.md 5.2); without it a REFER is refused. */
  readonly refer?: { readonly url: string; readonly method: HttpMethod } | undefined;
  /** URL that relative screening URLs were resolved with; for logs. */
  readonly documentUrl: string;
}

export interface DialOutcome {
  readonly status: 'completed' | 'answered' | 'busy' | 'no-answer' | 'failed' | 'canceled';
  /** The child that was bridged, or the last to fail; undefined when none was made. */
  readonly callSid: string | undefined;
  /** Seconds from the child's answer; undefined when the child was redirected away. */
  readonly durationSeconds: number | undefined;
  readonly bridged: boolean;
  /** Set when the child was a SIP leg. */
  readonly sip:
    | {
        readonly callId: string;
        readonly responseCode: number;
        readonly headers: readonly (readonly [name: string, value: string])[];
      }
    | undefined;
  readonly recording?: DialRecordingSummary | undefined;
  /** True when the caller hung up while dialling or bridged. */
  readonly callerHungUp: boolean;
  /** The caller went on with the document of a transfer, and that is over: nothing of this Dial is to be done any more. */
  readonly transferred?: boolean;
  /** Of the action, beyond those that follow from the fields above. */
  readonly params?: ReadonlyMap<string, string>;
}
