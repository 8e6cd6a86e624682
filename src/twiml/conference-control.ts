// What a verb may do with conferences: the part of CallControl that Dial with a Conference noun uses.

import type { ConferenceOptions } from '../base/conferences-api.ts';
import type { ConferenceOutcome, ConferenceStay } from '../conference/conferences.ts';

export type { ConferenceOptions } from '../base/conferences-api.ts';
export type { ConferenceOutcome, ConferenceStay } from '../conference/conferences.ts';

export interface ConferenceControl {
  /** Puts the call, which is answered, into a room and waits until it is out. When `signal` is aborted it leaves. */
  join(options: ConferenceOptions, stay: ConferenceStay, signal: AbortSignal): Promise<ConferenceOutcome>;
}
