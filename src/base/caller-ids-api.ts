// How a number is proved to belong to an account (rest-api.md 13): the port between api/, which asks, and call/, which calls the number.

import type { CallControlError } from './control-error.ts';
import type { HttpMethod } from './records.ts';
import type { Result } from './result.ts';

export interface ValidationRequest {
  readonly accountSid: string;
  /** E.164. */
  readonly phoneNumber: string;
  readonly friendlyName: string;
  /** Keys that are pressed when the call is answered, to reach whoever is behind a switchboard. */
  readonly extension: string | null;
  readonly delayMs: number;
  /** Told how it went. */
  readonly callback: { readonly url: string; readonly method: HttpMethod } | null;
}

export interface StartedValidation {
  /** Null where the number is believed without a call. */
  readonly callSid: string | null;
  /** Six digits, to be keyed in by whoever answers. */
  readonly validationCode: string;
}

export interface CallerIdsApi {
  /** Returns when the call is made, or, without one, when the number is kept. */
  validate(request: ValidationRequest): Promise<Result<StartedValidation, CallControlError>>;
}
