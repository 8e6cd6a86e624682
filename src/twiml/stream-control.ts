// What verbs may do with the media streams of their call (twiml.md 9, 11.1): one member of CallControl.

import type { StreamEnd, StreamFailure, StreamOptions } from '../streams/options.ts';
import type { RelayEnd, RelayOptions } from '../streams/relay/options.ts';

export type { StreamEnd, StreamFailure, StreamOptions, StreamTrack } from '../streams/options.ts';
export type { InputKinds, RelayEnd, RelayLanguage, RelayOptions } from '../streams/relay/options.ts';

export interface StreamControl {
  /** Forks audio of the call to a server and returns at once. Undefined: it goes; what comes of it later is told to the call. */
  start(options: StreamOptions): StreamFailure | undefined;
  /** Ends a forked stream by its name or sid. False: there is none. */
  stop(name: string): boolean;
  /** Gives the call to a server, two-way. Resolves when that closed the connection, the call ended or `signal` aborted. */
  connect(options: StreamOptions, signal: AbortSignal): Promise<StreamEnd>;
  /** Gives the call to an application that talks with the caller in text. Resolves when that ended it, as `connect`. */
  relay(options: RelayOptions, signal: AbortSignal): Promise<RelayEnd>;
}
