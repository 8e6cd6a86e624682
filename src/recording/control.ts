// What the verbs ask of recordings: the part of CallControl that Record, Start and Stop use. recording/verb.ts implements it on a call.

import type { RecordingRequest } from '../base/recordings-api.ts';

export interface MessageOptions {
  /** Silence after which the message is over; 0 = never. */
  readonly timeoutMs: number;
  /** Keys that end it. */
  readonly finishOnKey: string;
  readonly maxLengthMs: number;
  readonly playBeep: boolean;
  readonly recording: RecordingRequest;
  /** Told of the text, where it is to be transcribed. */
  readonly transcription: TranscriptionRequest | undefined;
}

export interface TranscriptionRequest {
  /** Always POST (twiml.md 5.5). */
  readonly callbackUrl: string | undefined;
}

export interface Message {
  readonly reason: 'finishKey' | 'silence' | 'maxLength' | 'hangUp' | 'aborted' | 'failed';
  /** The key that ended it, or ''. */
  readonly finishedOnKey: string;
  /** Undefined when nothing could be recorded at all. */
  readonly recording: RecordingSummary | undefined;
}

/** What requests to the application say of a recording. */
export interface RecordingSummary {
  readonly sid: string;
  /** Without extension. */
  readonly url: string;
  readonly durationSeconds: number;
}

export interface NamedRecording {
  /** Unique among those of the call that run; undefined: it has none. */
  readonly name: string | undefined;
  readonly recording: RecordingRequest;
}

export interface RecordingControl {
  /** The Record verb (twiml.md 5.5): from the beep to the end of the message, whatever ends it. */
  takeMessage(options: MessageOptions, signal: AbortSignal): Promise<Message>;
  /** `<Start><Recording>`: returns at once; undefined when it runs, else why not. */
  start(options: NamedRecording): { readonly code: number; readonly message: string } | undefined;
  /** `<Stop><Recording>`: by name, or without one all that `start` began. False when there is none. */
  stop(name: string | undefined): boolean;
}

/** Speech to text, for whoever transcribes recordings. Tells `callbackUrl` itself; a recording that is absent has no text. */
export interface Transcriber {
  transcribe(
    recording: { readonly sid: string; readonly callSid: string; readonly accountSid: string },
    request: TranscriptionRequest,
  ): void;
}
