// What REST may do with the live transcriptions of a call (rest-api.md 9.5): the port between api/, which asks, and transcription/.

import type { CallControlError } from './control-error.ts';
import type { HttpMethod } from './records.ts';
import type { Result } from './result.ts';

export interface LiveTranscriptionRecord {
  readonly sid: string;
  readonly accountSid: string;
  readonly callSid: string;
  readonly name: string | null;
  readonly status: 'in-progress' | 'stopped';
  readonly dateUpdated: number;
}

export interface CreateTranscriptionRequest {
  readonly callSid: string;
  readonly name: string | null;
  readonly track: 'inbound_track' | 'outbound_track' | 'both_tracks';
  readonly languageCode: string;
  readonly engine: string;
  readonly speechModel: string | null;
  readonly hints: readonly string[];
  readonly partialResults: boolean;
  readonly inboundTrackLabel: string | null;
  readonly outboundTrackLabel: string | null;
  readonly statusCallback: string | null;
  readonly statusCallbackMethod: HttpMethod;
}

export interface TranscriptionsApi {
  /** Begins to transcribe a live call. 21220 when it is not in progress. */
  create(request: CreateTranscriptionRequest): Result<LiveTranscriptionRecord, CallControlError>;
  /** By sid or name; one that has ended is given back as it is. Undefined: there is none. */
  stop(callSid: string, sidOrName: string): LiveTranscriptionRecord | undefined;
}
