// The CallControl port: what a verb may do to its call. voice-session.ts implements it on a Call; tests implement it with a fake.
// Everything that waits takes the signal of the running document: an await ends when the call ends or the document is replaced
// (house style 2.6: no kill methods). A wait that was ended by the signal resolves with outcome `aborted`.

import type { RecognisedText } from '../base/recogniser.ts';
import type { DialOptions, DialOutcome } from '../call/dial-options.ts';
import type { ReferOutcome } from '../call/refer.ts';
import type { RecordingControl } from '../recording/control.ts';
import type { WebhookParams } from '../webhook/webhook.ts';
import type { ConferenceControl } from './conference-control.ts';
import type { QueueControl } from './queue-control.ts';
import type { SiprecControl } from './siprec-control.ts';
import type { StreamControl } from './stream-control.ts';
import type { TranscriptionControl } from './transcription-control.ts';

export type {
  ApplicationTarget,
  DialEvent,
  DialOptions,
  DialOutcome,
  DialTarget,
  DialTargetOptions,
} from '../call/dial-options.ts';
export type { ReferOutcome } from '../call/refer.ts';

export type Spoken = {
  readonly text: string;
  readonly ssml: boolean;
  readonly voice: string | undefined;
  readonly language: string;
};

export type AudioSource =
  | { readonly kind: 'say'; readonly spoken: Spoken; readonly loop: number }
  | { readonly kind: 'url'; readonly url: string; readonly loop: number }
  | { readonly kind: 'digits'; readonly digits: string }
  | { readonly kind: 'silence'; readonly durationMs: number };

export type PlayOutcome = 'finished' | 'failed' | 'aborted';

/** Speech as input of Gather (twiml.md 5.4). */
export interface SpeechOptions {
  readonly language: string;
  readonly hints: readonly string[];
  readonly model: string | undefined;
  /** So long a pause ends the utterance. */
  readonly pauseMs: number;
  /** The utterance ends by itself after so long. */
  readonly maxMs: number;
  /** Speech stops the prompt; else what is said during it is not heard. */
  readonly bargeIn: boolean;
  readonly onPartial?: ((text: string) => void) | undefined;
}

export interface CollectOptions {
  /** Played while collecting; the first digit stops it. */
  readonly prompt: readonly AudioSource[];
  /** Wait after the prompt, restarted by every digit. */
  readonly timeoutMs: number;
  /** One key, or '' for none. */
  readonly finishOnKey: string;
  /** Infinity = unlimited. */
  readonly numDigits: number;
  /** False: keys are not heard. */
  readonly hearsDigits: boolean;
  /** Undefined: speech is not heard. */
  readonly speech: SpeechOptions | undefined;
}

export interface Collected {
  readonly digits: string;
  /** The key that ended it, or ''. */
  readonly finishedOnKey: string;
  readonly reason: 'finishKey' | 'numDigits' | 'speech' | 'timeout' | 'aborted';
  /** With reason `speech`. */
  readonly speech?: RecognisedText;
}

export interface CallControl {
  readonly callSid: string;
  readonly accountSid: string;
  /** Aborted when the call ends. */
  readonly callSignal: AbortSignal;
  /** `ringing` while an inbound leg is unanswered. */
  isAnswered(): boolean;
  /** Whether this leg is a dialled callee in screening: Dial is refused there with 13201. */
  isScreening(): boolean;
  /** Sends 200 if the leg still rings; resolves when media may flow, or at once when it was answered. */
  answer(signal: AbortSignal): Promise<void>;
  /** Refuses a ringing leg: 486 or 404. Ends the call. */
  reject(reason: 'busy' | 'rejected'): void;
  hangUp(): void;
  play(sources: readonly AudioSource[], signal: AbortSignal): Promise<PlayOutcome>;
  /** What is probably played next: it is got ready while this verb is heard. */
  prefetch(sources: readonly AudioSource[], signal: AbortSignal): void;
  pause(durationMs: number, signal: AbortSignal): Promise<void>;
  /** The peer hears itself until the signal aborts. */
  echo(signal: AbortSignal): Promise<void>;
  /** Whether speech can be heard: a recogniser is configured. */
  readonly hearsSpeech: boolean;
  collect(options: CollectOptions, signal: AbortSignal): Promise<Collected>;
  dial(options: DialOptions, signal: AbortSignal): Promise<DialOutcome>;
  /** Asks the peer to call `target`; waits for what comes of it, at the latest until the call ends or the signal aborts. */
  refer(target: string, signal: AbortSignal): Promise<ReferOutcome>;
  readonly conferences: ConferenceControl;
  readonly queues: QueueControl;
  /** Media streams: Start, Stop and Connect. */
  readonly streams: StreamControl;
  readonly recordings: RecordingControl;
  readonly siprec: SiprecControl;
  readonly transcriptions: TranscriptionControl;
  /** Standard and SIP parameters of this leg as of now (twiml.md 3.1, 3.2), with the current CallStatus. */
  params(): WebhookParams;
}
