// One blind transfer: drives the table of transfer-states.ts. A REFER came from `transferor`; the TwiML of referUrl runs for the other
// party of the bridge, the transferee. conversation.ts makes it and tells it how the calls end; what TwiML does is a port.

import { type Clock, sleep } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { HttpMethod } from '../base/records.ts';
import { linkedController } from '../base/signal.ts';
import type { ReferTo } from '../sip/grammar/refer.ts';
import type { ReferAnswer } from '../sip/ua/ua.ts';
import type { Bridge } from './bridge.ts';
import type { Call } from './call.ts';
import {
  isTentative,
  isUnderWay,
  type TransferAction,
  type TransferInput,
  type TransferMode,
  type TransferState,
  transferStates,
} from './transfer-states.ts';

export interface TransferDocument {
  readonly url: string;
  readonly method: HttpMethod;
  /** ReferTransferTarget: what Refer-To held. */
  readonly target: string;
}

export interface TransferHooks {
  /** Ends the document. */
  readonly signal: AbortSignal;
  /** While true, the end or a failure of the document leaves the call up. */
  readonly isTentative: () => boolean;
  readonly onFetched: (ok: boolean) => void;
  /** The call was joined with somebody. */
  readonly onBridged: () => void;
}

export interface TransferRunEnd {
  /** REST gave the call another document. */
  readonly isReplaced: boolean;
  /** SIP status of the last party that was dialled and did not answer. */
  readonly sipStatus: number | undefined;
}

/** Port to the TwiML layer: runs the document of referUrl on the call. Resolves when it is over; never rejects. */
export type RunTransfer = (call: Call, document: TransferDocument, hooks: TransferHooks) => Promise<TransferRunEnd>;

export interface TransferParts {
  readonly mode: TransferMode;
  readonly transferor: Call;
  readonly transferee: Call;
  readonly bridge: Bridge;
  readonly referTo: ReferTo;
  readonly answer: ReferAnswer;
  readonly document: Omit<TransferDocument, 'target'>;
  /** Ends the document with whatever runs around it. */
  readonly signal: AbortSignal;
  readonly run: RunTransfer;
  readonly clock: Clock;
}

const STATUS_OF_NO_DOCUMENT = 503;
/** No party was dialled, or none told a status. */
const STATUS_OF_NO_ANSWER = 480;

export class Transfer {
  readonly transferor: Call;
  readonly transferee: Call;
  /** Resolves when the document is over. */
  readonly documentOver: Promise<void>;
  readonly #parts: TransferParts;
  readonly #controller: AbortController;
  #state: TransferState = 'fetching';
  #failure = STATUS_OF_NO_ANSWER;

  /** Accepts the REFER and asks referUrl. */
  constructor(parts: TransferParts) {
    this.#parts = parts;
    this.transferor = parts.transferor;
    this.transferee = parts.transferee;
    const { controller, dispose } = linkedController(parts.signal);
    this.#controller = controller;
    parts.answer.accept();
    parts.transferor.emit({ type: 'transfer', step: 'requested', otherCallSid: parts.transferee.sid });
    this.documentOver = this.#run().finally(dispose);
  }

  get state(): TransferState {
    return this.#state;
  }
  get isUnderWay(): boolean {
    return isUnderWay(this.#state);
  }

  async #run(): Promise<void> {
    const { run, document, referTo, mode } = this.#parts;
    const end = await run(
      this.transferee,
      { ...document, target: referTo.target },
      {
        signal: this.#controller.signal,
        isTentative: () => isTentative(mode, this.#state),
        onFetched: (ok) => {
          if (!ok) this.#failure = STATUS_OF_NO_DOCUMENT;
          this.input(ok ? 'fetched' : 'notFetched');
        },
        onBridged: () => this.input('bridged'),
      },
    );
    if (end.sipStatus !== undefined && end.sipStatus >= 300) this.#failure = end.sipStatus;
    this.input(this.#inputOf(end));
  }

  #inputOf(end: TransferRunEnd): TransferInput {
    if (this.transferee.isOver) return 'transfereeEnded';
    return end.isReplaced || this.#controller.signal.aborted ? 'withdrawn' : 'documentEnded';
  }

  input(input: TransferInput): void {
    const row = transferStates[this.#parts.mode][this.#state][input];
    if (!row) return;
    this.#state = row.to;
    const { transferor, transferee } = this;
    if (!transferor.isOver) transferor.emit({ type: 'transfer', step: row.to, otherCallSid: transferee.sid });
    for (const action of row.do) this.#perform(action);
  }

  #perform(action: TransferAction): void {
    const { answer, bridge } = this.#parts;
    switch (action) {
      case 'notify success':
        return void answer.finish(200);
      case 'notify failure':
        return void answer.finish(this.#failure);
      case 'notify canceled':
        return void answer.finish(487);
      case 'drop transferor':
        bridge.release(this.transferee);
        return void dropTransferor([this.transferor], answer, this.#parts.clock);
      case 'park':
        return bridge.park();
      case 'unpark':
        return bridge.unpark();
      case 'stop document':
        return this.#controller.abort();
    }
  }
}

/**
 * Ends the legs of a transferor whose last NOTIFY is under way. It hangs up by itself when that NOTIFY carries 200 (interop.md); one
 * that does not, or does not answer, gets our BYE.
 */
export async function dropTransferor(legs: readonly Call[], answer: ReferAnswer, clock: Clock): Promise<void> {
  // `finish` was called with the status before: this waits for its answer only.
  await Promise.race([answer.finish(200), sleep(clock, limits.transferorLeaveMs, legs[0]!.signal)]);
  for (const leg of legs) leg.hangUp('transferred');
}
