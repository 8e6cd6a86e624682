// What REST may do with the streams of a call (rest-api.md 9.5): the port between api/, which asks, and streams/, which does it.

import type { CallControlError } from './calls-api.ts';
import type { HttpMethod } from './records.ts';
import type { Result } from './result.ts';

export interface StreamRecord {
  readonly sid: string;
  readonly accountSid: string;
  readonly callSid: string;
  readonly name: string | null;
  readonly status: 'in-progress' | 'stopped';
  readonly dateUpdated: number;
}

export interface CreateStreamRequest {
  readonly callSid: string;
  /** Absolute, `wss:` or `ws:`. */
  readonly url: string;
  readonly name: string | null;
  readonly track: 'inbound_track' | 'outbound_track' | 'both_tracks';
  readonly statusCallback: string | null;
  readonly statusCallbackMethod: HttpMethod;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface StreamsApi {
  /** Starts to fork audio of a live call. The connection is made behind the answer. */
  create(request: CreateStreamRequest): Result<StreamRecord, CallControlError>;
  /** Ends a stream of a live call by its sid or name; one that has ended is given back as it is. Undefined: there is none. */
  stop(callSid: string, sidOrName: string): StreamRecord | undefined;
}
