// What starts a recording session, and where it goes: plain records, shared by TwiML and REST (twiml.md 10.2).

import type { HttpMethod } from '../base/records.ts';
import type { SipUri } from '../sip/grammar/uri.ts';

export type SiprecTrack = 'inbound_track' | 'outbound_track' | 'both_tracks';

export interface SiprecOptions {
  /** Undefined: the connector called `Default`, or the only one. */
  readonly connectorName: string | undefined;
  /** Unique per call; undefined: only the sid names it. */
  readonly name: string | undefined;
  readonly track: SiprecTrack;
  readonly statusCallback: { readonly url: string; readonly method: HttpMethod } | undefined;
  /** Go into the metadata. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface SiprecFailure {
  readonly errorCode: number;
  readonly detail: string;
}

/** A recording server as hookswitch.yaml names it. */
export interface SiprecConnector {
  readonly name: string;
  /** Tried in this order until one takes the session. */
  readonly servers: readonly SipUri[];
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** SRTP, and nothing else. */
  readonly secureMedia: boolean;
  /** False: whatever certificate it shows over TLS. */
  readonly tlsVerify: boolean;
}
