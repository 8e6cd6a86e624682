// What an agent and the caller it takes out of a queue tell each other until they are joined. Each side runs in the session of its own
// call, and either may end at any moment.
//
//   agent    reserve ─────────────────────────── await ready ──▶ answers its leg, bridge ─▶ connect
//   caller           ─▶ document of the noun ─▶ tellReady ────── await connected ──────────▶ bridged
//                        caller gone: tellReady(false)           agent gone: giveUp ───────▶ back in line

import type { HttpMethod } from '../base/records.ts';
import type { Bridge } from '../call/bridge.ts';

/** Run on the caller before it is connected (twiml.md 7.3). */
export interface QueueDocument {
  readonly url: string;
  readonly method: HttpMethod;
}

export class Reservation {
  readonly agentSid: string;
  readonly document: QueueDocument | undefined;
  /** Aborted when the agent is not there any more. */
  readonly signal: AbortSignal;
  /** Whether the caller can be connected now. */
  readonly ready: Promise<boolean>;
  /** Undefined: the agent gave up. */
  readonly connected: Promise<Bridge | undefined>;
  readonly tellReady: (isReady: boolean) => void;
  readonly connect: (bridge: Bridge) => void;
  readonly giveUp: () => void;

  constructor(agentSid: string, document: QueueDocument | undefined, signal: AbortSignal) {
    this.agentSid = agentSid;
    this.document = document;
    this.signal = signal;
    const ready = Promise.withResolvers<boolean>();
    const connected = Promise.withResolvers<Bridge | undefined>();
    this.ready = ready.promise;
    this.connected = connected.promise;
    this.tellReady = ready.resolve;
    this.connect = connected.resolve;
    this.giveUp = () => connected.resolve(undefined);
  }
}
