// What REST may do with the recording sessions of a call (rest-api.md 9.5): the port between api/, which asks, and siprec/, which does it.

import type { CallControlError } from './calls-api.ts';
import type { HttpMethod } from './records.ts';
import type { Result } from './result.ts';

export interface SiprecRecord {
  readonly sid: string;
  readonly accountSid: string;
  readonly callSid: string;
  readonly name: string | null;
  readonly status: 'in-progress' | 'stopped';
  readonly dateUpdated: number;
}

export interface CreateSiprecRequest {
  readonly callSid: string;
  readonly connectorName: string | null;
  readonly name: string | null;
  readonly track: 'inbound_track' | 'outbound_track' | 'both_tracks';
  readonly statusCallback: string | null;
  readonly statusCallbackMethod: HttpMethod;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface SiprecApi {
  /** Starts to record a live call at a recording server. The server is called behind the answer. */
  create(request: CreateSiprecRequest): Result<SiprecRecord, CallControlError>;
  /** Ends a session of a live call by its sid or name; one that has ended is given back as it is. Undefined: there is none. */
  stop(callSid: string, sidOrName: string): SiprecRecord | undefined;
}
