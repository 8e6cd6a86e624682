// The recording of a Dial: one on the caller's leg, so that channel 1 is what the caller says and channel 2 what it hears (twiml.md 6.2).
//
//   record-from-ringing ─▶ early media or our ringing tone is heard: start      record-from-answer ─▶ bridged: start
//   the callee left, the Dial ends ─▶ stop ─▶ what the action request says of it
//
// What records is a port of call/: recording/ implements it.

import type { RecordingRequest } from '../base/recordings-api.ts';
import type { Call } from './call.ts';
import type { DialRecordingOptions, DialRecordingSummary } from './dial-options.ts';

export interface StartedDialRecording {
  /** The completed callback of `child` names the recording (twiml.md 8.1). */
  attributeTo(child: Call): void;
  /** Stops it; resolves when its length is known, after a bounded time at the latest. Undefined: there is nothing to be heard. */
  finish(): Promise<DialRecordingSummary | undefined>;
}

/** Undefined when the call cannot be recorded (now). */
export type RecordDial = (caller: Call, request: RecordingRequest) => StartedDialRecording | undefined;

export class DialRecording {
  readonly #caller: Call;
  readonly #options: DialRecordingOptions | undefined;
  readonly #record: RecordDial | undefined;
  #started: StartedDialRecording | undefined;

  constructor(caller: Call, options: DialRecordingOptions | undefined, record: RecordDial | undefined) {
    this.#caller = caller;
    this.#options = options;
    this.#record = record;
  }

  /** A child rings, and the caller hears it, if anything. */
  onRinging(): void {
    if (this.#options?.from === 'ringing') this.#start();
  }

  /** `child` was joined with the caller. */
  onBridged(child: Call): void {
    this.#start();
    this.#started?.attributeTo(child);
  }

  /** The caller was joined with a call that is not its child: one out of a queue. */
  onJoined(): void {
    this.#start();
  }

  // Before the answer there may be no media yet: it is tried again with the next thing that happens.
  #start(): void {
    if (this.#started || !this.#options || this.#caller.leg.endpoint === undefined) return;
    this.#started = this.#record?.(this.#caller, this.#options.request);
  }

  async finish(): Promise<DialRecordingSummary | undefined> {
    return this.#started?.finish();
  }
}
