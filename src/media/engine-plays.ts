// What both halves of the MediaEngine port (engine.ts, engine-audio.ts) name: its objects, and what can be played.

export type EndpointId = string;
export type BridgeId = string;
export type PlayId = string;

export type PlaySource =
  /** Mono 16-bit linear samples at 8,000 Hz. */
  | { readonly kind: 'samples'; readonly samples: Int16Array }
  | { readonly kind: 'silence'; readonly durationMs: number }
  /** Sum of sine waves; frequency in Hz, level of each in dBm0 (a full-scale sine is +3.14; typical -10). */
  | {
      readonly kind: 'tone';
      readonly frequencies: readonly number[];
      readonly levelDb: number;
      readonly durationMs: number;
    }
  /** RFC 4733 events, or in-band tones where the peer has no telephone-event. `w` 0.5 s and `W` 1 s of silence. */
  | { readonly kind: 'digits'; readonly digits: string };

export interface PlayOptions {
  readonly sources: readonly PlaySource[];
  /** Rounds; 0 = until stopped. */
  readonly loop: number;
}
