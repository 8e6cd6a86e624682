// What verbs may do with the recording sessions of their call (twiml.md 10.2): one member of CallControl.

import type { SiprecFailure, SiprecOptions } from '../siprec/options.ts';

export type { SiprecFailure, SiprecOptions, SiprecTrack } from '../siprec/options.ts';

export interface SiprecControl {
  /** Begins beside the document. Undefined: it is on its way; what comes of it later is told to the call. */
  start(options: SiprecOptions): SiprecFailure | undefined;
  /** By name or sid; without one the first that runs. False: there is none. */
  stop(name: string | undefined): boolean;
}
