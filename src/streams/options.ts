// What starts a stream, and how one ends: plain records, shared by TwiML and REST.

import type { HttpMethod } from '../base/records.ts';

export type StreamTrack = 'inbound_track' | 'outbound_track' | 'both_tracks';

export interface StreamOptions {
  /** Absolute, `wss:` or `ws:`. */
  readonly url: string;
  /** Unique per call; undefined: only the sid names it. */
  readonly name: string | undefined;
  readonly track: StreamTrack;
  readonly statusCallback: { readonly url: string; readonly method: HttpMethod } | undefined;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface StreamFailure {
  readonly errorCode: number;
  readonly detail: string;
}

export interface StreamEnd {
  readonly streamSid: string;
  readonly name: string | undefined;
  /** `stopped`: by us (Stop, REST, redirect, end of the call); `closed`: by the server. */
  readonly how: 'stopped' | 'closed' | 'failed';
  readonly failure: StreamFailure | undefined;
}
