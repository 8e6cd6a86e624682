// Records of the voice application layer: what verbs and REST make beside calls. Plain data, camelCase; dates are wall milliseconds
// (UTC). `null` means unset. Sids: rest-api.md 5.

import type { HttpMethod, VoiceApplication } from './records.ts';

/** A set of URLs that calls, clients and numbers name instead of their own (rest-api.md 13). */
export interface Application extends VoiceApplication {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string;
  readonly statusCallback: string | null;
  readonly statusCallbackMethod: HttpMethod;
  readonly voiceCallerIdLookup: boolean;
  readonly publicApplicationConnectEnabled: boolean;
  /** Parameters that are only kept and shown (SMS), by their name in JSON. */
  readonly kept: Readonly<Record<string, string | boolean>>;
  readonly declared: boolean;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** `main` keys may do everything, `standard` ones all but accounts and keys, `restricted` ones what they list (rest-api.md 2). */
export interface ApiKey {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string;
  readonly kind: 'main' | 'standard' | 'restricted';
  /** In clear in memory (access tokens are signed with it); AES-256-GCM under the secret key at rest. */
  readonly secret: string;
  /** Permissions of a restricted key; null: it is none. */
  readonly policy: readonly string[] | null;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** A number that was proved to belong to the account: it may be shown as caller id. */
export interface OutgoingCallerId {
  readonly sid: string;
  readonly accountSid: string;
  readonly phoneNumber: string;
  readonly friendlyName: string;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export type RecordingStatus =
  | 'in-progress'
  | 'paused'
  | 'stopped'
  | 'processing'
  | 'completed'
  | 'absent'
  | 'failed'
  | 'deleted';

export type RecordingSource =
  | 'DialVerb'
  | 'Conference'
  | 'OutboundAPI'
  | 'Trunking'
  | 'RecordVerb'
  | 'StartCallRecordingAPI'
  | 'StartConferenceRecordingAPI';

export interface Recording {
  readonly sid: string;
  readonly accountSid: string;
  /** Always the parent leg; of a conference its first participant. */
  readonly callSid: string;
  readonly conferenceSid: string | null;
  readonly status: RecordingStatus;
  readonly source: RecordingSource;
  readonly channels: 1 | 2;
  readonly track: 'inbound' | 'outbound' | 'both';
  readonly startTime: number;
  /** Whole seconds; null until completed. */
  readonly durationSeconds: number | null;
  readonly errorCode: number | null;
  /** Of the media as it is stored; null until completed. */
  readonly sizeBytes: number | null;
  /** Name of the media in its store (`recordings/2026/01/RE….wav`); null when there is none. */
  readonly media: string | null;
  readonly isEncrypted: boolean;
  /** Its media was deleted; the record stays for a while (rest-api.md 8). Null: it was not. */
  readonly dateDeleted: number | null;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** The text of a recording (TR…). */
export interface Transcription {
  readonly sid: string;
  readonly accountSid: string;
  readonly recordingSid: string;
  readonly callSid: string | null;
  readonly status: 'in-progress' | 'completed' | 'failed';
  readonly durationSeconds: number | null;
  readonly transcriptionText: string | null;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export type ReasonConferenceEnded =
  | 'conference-ended-via-api'
  | 'participant-with-end-conference-on-exit-left'
  | 'participant-with-end-conference-on-exit-kicked'
  | 'last-participant-left'
  | 'last-participant-kicked';

export interface Conference {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string;
  readonly status: 'init' | 'in-progress' | 'completed';
  readonly reasonConferenceEnded: ReasonConferenceEnded | null;
  readonly callSidEndingConference: string | null;
  readonly region: string;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** A named queue (QU…); who waits in it is known to the live part only. */
export interface Queue {
  readonly sid: string;
  readonly accountSid: string;
  readonly friendlyName: string;
  readonly maxSize: number;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

/** One request of ours to an application and its answer (rest-api.md 9.4, Calls/{}/Events). Bodies are cut at a limit. */
export interface WebhookExchange {
  readonly sid: string;
  readonly accountSid: string;
  readonly callSid: string;
  readonly purpose: string;
  readonly method: string;
  /** Without credentials and fragment. */
  readonly url: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** HTTP status; 0 when no answer came. */
  readonly responseCode: number;
  readonly durationMs: number;
  readonly contentType: string | null;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly responseBody: string | null;
  readonly errorCode: number | null;
  readonly dateCreated: number;
}

/** A status callback that was not delivered yet: it outlives a restart. */
export interface PendingCallback {
  readonly sid: string;
  readonly accountSid: string;
  readonly callSid: string;
  /** Callbacks of one key are sent one after another, in the order of `position`. */
  readonly orderKey: string;
  readonly position: number;
  readonly url: string;
  readonly method: HttpMethod;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  /** Sent as I-Twilio-Idempotency-Token, the same in each attempt. */
  readonly idempotencyToken: string;
  readonly attempts: number;
  readonly nextAttemptAt: number;
  readonly dateCreated: number;
}
