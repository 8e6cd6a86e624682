// What a live transcription is asked for, by Start and by REST alike (twiml.md 10.3).

import type { HttpMethod } from '../base/records.ts';

export type TranscriptionTrack = 'inbound_track' | 'outbound_track' | 'both_tracks';

export interface TranscriptionOptions {
  /** Unique among those of the call that run. */
  readonly name: string | undefined;
  readonly track: TranscriptionTrack;
  readonly languageCode: string;
  /** As written; the recogniser is the configured one. */
  readonly engine: string;
  readonly speechModel: string | undefined;
  readonly hints: readonly string[];
  readonly partialResults: boolean;
  readonly inboundTrackLabel: string | undefined;
  readonly outboundTrackLabel: string | undefined;
  readonly statusCallback: { readonly url: string; readonly method: HttpMethod } | undefined;
}

export interface TranscriptionRefusal {
  readonly code: number;
  readonly message: string;
}
