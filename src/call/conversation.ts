// From a bridge to its end, for the one call whose session waits for it: time limit, and transfers by a REFER of either side. A bridge
// can be exchanged for another one below it (attended transfer, attended.ts): then the conversation goes on with who is there now.
//
//   caller ═ bridge ═ peer ──REFER──▶ transfer.ts (referUrl) | attended.ts (Replaces) | 603

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { HttpMethod } from '../base/records.ts';
import { aborted, orAbort } from '../base/signal.ts';
import type { Attended } from './attended.ts';
import type { Bridge, BridgeEnd } from './bridge.ts';
import type { Call } from './call.ts';
import type { LegEvent } from './leg-driver.ts';
import { type RunTransfer, Transfer } from './transfer.ts';

export interface ConversationOptions {
  readonly timeLimitSeconds: number | undefined;
  readonly answerOnBridge: boolean;
  readonly refer?: { readonly url: string; readonly method: HttpMethod } | undefined;
}

export interface ConversationServices {
  readonly clock: Clock;
  readonly runTransfer?: RunTransfer | undefined;
  readonly attended?: Attended | undefined;
}

export type ConversationEnd =
  /** One of the two ended, or the document of the caller did. `peer` is the caller's to hang up where it is a child. */
  | { readonly how: 'over'; readonly peer: Call; readonly isPeerChild: boolean; readonly isCallerReleased: boolean }
  /** The peer lives on without the caller. */
  | { readonly how: 'taken' }
  /** The caller went on with the document of a transfer, which is over too. */
  | { readonly how: 'transferred' };

/** Waits for the end of a started bridge on behalf of `caller`. `signal`: that of the caller's document. */
export function converse(
  bridge: Bridge,
  caller: Call,
  options: ConversationOptions,
  services: ConversationServices,
  signal: AbortSignal,
): Promise<ConversationEnd> {
  return new Conversation(bridge, caller, options, services, signal).run();
}

/** Where both calls of a bridge have a conversation (queues), a REFER that one of them accepted concerns both. */
const transfers = new WeakMap<Bridge, Transfer>();

class Conversation {
  readonly #caller: Call;
  readonly #options: ConversationOptions;
  readonly #services: ConversationServices;
  readonly #signal: AbortSignal;
  #bridge: Bridge;
  #transfers = 0;
  #cleanups: readonly (() => void)[] = [];

  constructor(
    bridge: Bridge,
    caller: Call,
    options: ConversationOptions,
    services: ConversationServices,
    signal: AbortSignal,
  ) {
    this.#bridge = bridge;
    this.#caller = caller;
    this.#options = options;
    this.#services = services;
    this.#signal = signal;
  }

  /** The last transfer of who is in the bridge. */
  get #transfer(): Transfer | undefined {
    return transfers.get(this.#bridge);
  }

  get #peer(): Call {
    return this.#bridge.other(this.#caller);
  }

  async run(): Promise<ConversationEnd> {
    const { timeLimitSeconds } = this.#options;
    const limit =
      timeLimitSeconds === undefined
        ? undefined
        : this.#services.clock.after(timeLimitSeconds * 1000, () => this.#timeIsUp());
    try {
      for (;;) {
        this.#listen();
        const end = await orAbort<BridgeEnd, undefined>(this.#bridge.ended, this.#signal, undefined);
        this.#unlisten();
        const result = await this.#after(end);
        if (result) return result;
      }
    } finally {
      limit?.cancel();
    }
  }

  #timeIsUp(): void {
    const peer = this.#peer;
    // Who has a session of its own goes on with that.
    if (this.#bridge.children.has(peer)) peer.hangUp('the time limit of the Dial is over');
    else this.#bridge.release(peer);
  }

  #listen(): void {
    this.#cleanups = [this.#caller, this.#peer].map((call) =>
      call.onLegEvent((event) => event.type === 'refer' && this.#onRefer(call, event)),
    );
  }

  #unlisten(): void {
    for (const cleanup of this.#cleanups) cleanup();
    this.#cleanups = [];
  }

  // ------------------------------------------------------------------ REFER

  #onRefer(transferor: Call, { referTo, answer }: Extract<LegEvent, { type: 'refer' }>): void {
    // Where both calls have a conversation, the other one may have dealt with it.
    if (!answer.isOpen) return;
    if (this.#transfer?.isUnderWay || this.#bridge.isParked) return answer.refuse(491);
    const { attended, runTransfer } = this.#services;
    const { refer } = this.#options;
    const { replaces } = referTo;
    // A dialog that is not ours can only be dealt with by the application.
    if (replaces && attended?.isOn(transferor) && (!refer || attended.knows(transferor, replaces)))
      return attended.refer(transferor, this.#bridge, replaces, answer);
    if (!refer || !runTransfer) {
      transferor.notify('error', 13802, 'a REFER came, and the Dial has no referUrl: it is refused');
      return answer.refuse(603);
    }
    if (++this.#transfers > limits.transfersPerCall) return answer.refuse(603);
    const transferee = this.#bridge.other(transferor);
    const transfer = new Transfer({
      mode: this.#options.answerOnBridge ? 'attempt' : 'replace',
      transferor,
      transferee,
      bridge: this.#bridge,
      referTo,
      answer,
      document: refer,
      // The document of a child is its own: it outlives the caller's.
      signal: transferee === this.#caller ? this.#signal : transferee.signal,
      run: runTransfer,
      clock: this.#services.clock,
    });
    transfers.set(this.#bridge, transfer);
  }

  // ------------------------------------------------------------------ ends

  /** Undefined: the conversation goes on. */
  async #after(end: BridgeEnd | undefined): Promise<ConversationEnd | undefined> {
    if (end?.how === 'joined') return this.#afterJoin(end);
    const transfer = this.#transfer;
    if (transfer?.isUnderWay) return this.#afterTransfer(transfer, end);
    if (!end) this.#bridge.release(this.#caller);
    if (end?.how === 'released' && end.call === this.#peer) return { how: 'taken' };
    return this.#over(end);
  }

  #over(end: BridgeEnd | undefined): ConversationEnd {
    const peer = this.#peer;
    const isCallerReleased = end?.how === 'released' && end.call === this.#caller;
    return { how: 'over', peer, isPeerChild: this.#bridge.children.has(peer), isCallerReleased };
  }

  async #afterJoin(end: Extract<BridgeEnd, { how: 'joined' }>): Promise<ConversationEnd | undefined> {
    if (end.call === this.#caller) {
      this.#bridge = end.bridge;
      return undefined;
    }
    // The caller was the transferor, or was replaced: its leg is being ended.
    await aborted(this.#caller.signal);
    return { how: 'taken' };
  }

  async #afterTransfer(transfer: Transfer, end: BridgeEnd | undefined): Promise<ConversationEnd> {
    const { transferee, transferor } = transfer;
    if (transferee.isOver) {
      transfer.input('transfereeEnded');
      return this.#over(end);
    }
    if (transferee === this.#caller) {
      if (this.#signal.aborted) return this.#withdraw(transfer, end);
      // It hung up, or REST took it away.
      if (transfer.state !== 'moved') transfer.input('transferorEnded');
      await orAbort(transfer.documentOver, this.#signal, undefined);
      if (this.#signal.aborted && !transferee.isOver) {
        // Another document takes over: that of the transfer ends before.
        transfer.input('withdrawn');
        await transfer.documentOver;
      }
      return { how: 'transferred' };
    }
    if (transfer.state === 'moved') {
      await aborted(transferor.signal);
      return { how: 'taken' };
    }
    if (transferor.isOver) {
      transfer.input('transferorEnded');
      return { how: 'taken' };
    }
    if (this.#signal.aborted) return this.#withdraw(transfer, end);
    transfer.input('withdrawn');
    return { how: 'taken' };
  }

  #withdraw(transfer: Transfer, end: BridgeEnd | undefined): ConversationEnd {
    transfer.input('withdrawn');
    this.#bridge.release(this.#caller);
    return this.#over(end);
  }
}
