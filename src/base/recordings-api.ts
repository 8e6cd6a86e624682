// What may be done with recordings: the port between those who ask (api/, conference/, twiml/) and recording/, which does it. It stands
// here because api/ imports base/ only. Rules: rest-api.md 8, 10; twiml.md 8.3.

import type { CallControlError } from './control-error.ts';
import type { HttpMethod } from './records.ts';
import type { Result } from './result.ts';
import type { Recording, RecordingSource } from './voice-records.ts';

export type RecordingEvent = 'in-progress' | 'completed' | 'absent';

export interface RecordingCallback {
  readonly url: string;
  readonly method: HttpMethod;
  readonly events: readonly RecordingEvent[];
}

/** How something is recorded. */
export interface RecordingRequest {
  /** 2 only with track `both`: a single track is always mono. */
  readonly channels: 1 | 2;
  readonly track: 'inbound' | 'outbound' | 'both';
  /** Silence at both ends is cut off. */
  readonly trim: boolean;
  readonly source: RecordingSource;
  readonly callback: RecordingCallback | null;
}

/** A recording under way. */
export interface RunningRecording {
  readonly sid: string;
  /** As of now. */
  readonly record: Recording;
  /** Idempotent. */
  stop(): void;
  /** Settles with the last state of the record, when the media is in its place. Never rejects. */
  readonly ended: Promise<Recording>;
}

/** A room that is recorded: its mixer in the media engine. */
export interface RecordedConference {
  readonly conferenceSid: string;
  readonly accountSid: string;
  /** Its first participant. */
  readonly callSid: string;
  readonly mixer: string;
}

/** What conference/ asks for. A recording ends by itself when the mixer is removed. */
export interface ConferenceRecordings {
  startOnConference(room: RecordedConference, request: RecordingRequest): Result<RunningRecording, CallControlError>;
  /** Recordings of the conference that are under way. */
  ofConference(conferenceSid: string): readonly RunningRecording[];
}

/** Whose recordings a path names. */
export type RecordingOwner =
  | { readonly accountSid: string; readonly callSid: string }
  | { readonly accountSid: string; readonly conferenceSid: string };

export interface RecordingChange {
  readonly status: 'paused' | 'in-progress' | 'stopped';
  /** What a pause leaves in the file: silence, or nothing. */
  readonly pauseBehavior: 'silence' | 'skip';
}

export interface MediaRequest {
  readonly format: 'wav' | 'mp3';
  /** Undefined: as it was recorded. 16113 for two of a mono recording. */
  readonly channels: 1 | 2 | undefined;
}

/** A file to be sent, of which any part can be read. */
export interface RecordingMedia {
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Bytes `start` to `end` (exclusive). Ends early, with an error, when the file is damaged. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface RecordingsApi {
  /** Records a live call. 21220 when it is not in progress. */
  startOnCall(
    owner: { readonly accountSid: string; readonly callSid: string },
    request: RecordingRequest,
  ): Result<Recording, CallControlError>;
  /** The record of a recording that is not finished: it is never behind. */
  live(sid: string): Recording | undefined;
  /** `sid` or `Twilio.CURRENT`. 16108 when that is ambiguous, 21220 when the state does not allow it, 20404 when there is none. */
  change(owner: RecordingOwner, sid: string, change: RecordingChange): Result<Recording, CallControlError>;
  /** The media of a finished recording. 20404 when there is none, 16113, 20429 when too much is read at once. */
  media(recording: Recording, request: MediaRequest): Promise<Result<RecordingMedia, CallControlError>>;
  /** Removes the media for good. Idempotent. */
  removeMedia(recording: Recording): Promise<void>;
  /** Whether media is given without credentials, as the vendor does (rest-api.md 10). */
  readonly isMediaOpen: boolean;
}
