// What a call hears and may do while it waits in a queue or conference, or before it is connected out of one (twiml.md 7): a document of
// its own beside the one that made it wait. The shapes only; twiml/wait-document.ts runs it, queue/ and conference/ ask for it.

import type { HttpMethod } from '../base/records.ts';
import type { Call } from './call.ts';

export interface WaitDocument {
  /** Absolute. Empty: silence. Undefined: the built-in tune. */
  readonly url: string | undefined;
  readonly method: HttpMethod;
  /** Beyond the standard parameters; asked anew before each request. */
  readonly params: () => ReadonlyMap<string, string>;
  /** Verbs that may run (twiml.md 15, restricted documents). */
  readonly verbs: ReadonlySet<string>;
  /** Warning for each other verb, which is skipped. */
  readonly wrongVerbCode: number;
  /** `again`: requested anew, round and round. `silence`: nothing more until the signal. `return`: over, audio is played once. */
  readonly atEnd: 'again' | 'silence' | 'return';
}

export type WaitEnd =
  /** The end of a document with `return`. */
  | { readonly how: 'ended' }
  /** By Leave. */
  | { readonly how: 'left' }
  /** The call is over: Hangup, or the peer. */
  | { readonly how: 'hungUp' }
  /** The document could not be had or run; already reported on the call. */
  | { readonly how: 'failed'; readonly code: number }
  /** The signal was aborted. */
  | { readonly how: 'aborted' };

/** Runs a wait document on `call` to its end. Never rejects; nothing of it plays any more when it resolves. */
export type RunWaitDocument = (call: Call, document: WaitDocument, signal: AbortSignal) => Promise<WaitEnd>;
