// Machine detection as calls are asked for it, over REST and in TwiML (rest-api.md 9.1, twiml.md 13): ranges, defaults, what comes of it.

import type { HttpMethod } from './records.ts';

/** `Enable` tells as soon as it knows, `DetectMessageEnd` when the greeting of a machine is over. */
export const detectionModes = ['Enable', 'DetectMessageEnd'] as const;
export type DetectionMode = (typeof detectionModes)[number];

export type AnsweredBy =
  | 'human'
  | 'fax'
  | 'unknown'
  /** With `Enable`. */
  | 'machine_start'
  /** With `DetectMessageEnd`. */
  | 'machine_end_beep'
  | 'machine_end_silence'
  | 'machine_end_other';

/** Least, most and default: seconds for the time-out, milliseconds for the others. */
export const detectionRanges = {
  timeout: { min: 3, max: 59, fallback: 30 },
  speechThreshold: { min: 1_000, max: 6_000, fallback: 2_400 },
  speechEndThreshold: { min: 500, max: 5_000, fallback: 1_200 },
  silenceTimeout: { min: 2_000, max: 10_000, fallback: 5_000 },
} as const;

export interface DetectionSettings {
  readonly mode: DetectionMode;
  /** No verdict after so long is one: `unknown`, or `machine_end_other`. */
  readonly timeoutMs: number;
  /** What speaks longer than this is a machine. */
  readonly speechThresholdMs: number;
  /** So much silence ends what is spoken. */
  readonly speechEndThresholdMs: number;
  /** So much silence from the beginning is `unknown`. */
  readonly silenceTimeoutMs: number;
}

export interface MachineDetection extends DetectionSettings {
  /** The document does not wait for the verdict. */
  readonly isAsync: boolean;
  /** Told of the verdict; null: only the document is. */
  readonly callback: { readonly url: string; readonly method: HttpMethod } | null;
}
