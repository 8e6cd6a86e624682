// Attended transfer and Replaces (RFC 3891; design.md 10), inside one domain. Dialogs are ours, so nothing is renegotiated: the two far
// sides are joined directly and the legs between them end.
//
//   Y1 ═ X1 │ X2 ═ Y2      REFER on X1, Refer-To?Replaces=X2   ──▶   Y1 ═ Y2, BYE to X1 and X2
//        X2 ═ Y2           INVITE N, Replaces: X2               ──▶   N ═ Y2,  BYE to X2
//        X2 rings          INVITE N, Replaces: X2 (pick-up)     ──▶   N ═ the caller, CANCEL to X2

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { ownText } from '../base/own-text.ts';
import type { Domain } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Replaces } from '../sip/grammar/fields.ts';
import type { DialogName, ReferAnswer } from '../sip/ua/ua.ts';
import { Bridge, type BridgeServices } from './bridge.ts';
import type { Call } from './call.ts';
import type { Calls } from './calls.ts';
import type { ReferRefusal } from './refer-to.ts';
import { dropTransferor } from './transfer.ts';

export interface AttendedUser {
  /** A bridge was made here. */
  readonly onBridge: (bridge: Bridge) => void;
  /** Nobody's session waits for the end of this bridge. */
  readonly onOrphans: (bridge: Bridge) => void;
}

/** A leg that an INVITE may take the place of. */
export interface Replaced {
  readonly call: Call;
  /** Joins `call`, which was answered, with the far side. False when that is gone meanwhile. */
  readonly takeOver: (call: Call) => boolean;
}

export class Attended {
  readonly #calls: Calls;
  readonly #clock: Clock;
  readonly #services: BridgeServices;
  readonly #bridges = new WeakMap<Call, Bridge>();
  /** Outgoing legs that ring: what to do with who picks up in their place. */
  readonly #ringing = new Map<Call, (substitute: Call) => void>();
  /** When dialogs ended, of the latest; the older half is let go as a whole. */
  #ended = new Map<string, number>();
  #endedBefore = new Map<string, number>();
  #endedSince = 0;
  #user: AttendedUser = { onBridge: () => {}, onOrphans: () => {} };

  constructor(calls: Calls, services: BridgeServices) {
    this.#calls = calls;
    this.#clock = services.clock;
    this.#services = services;
    calls.onEvent((event) => {
      const ended = event.type === 'ended' ? calls.get(event.callSid) : undefined;
      for (const dialog of ended?.leg.dialogs ?? []) this.#remember(dialog);
    });
  }

  setUser(user: AttendedUser): void {
    this.#user = user;
  }

  /** Whether the domain of the call has it on. */
  isOn(call: Call): boolean {
    return call.options.domain?.attendedTransfer === true;
  }

  /** Whether `replaces` names a dialog in the domain of the call. */
  knows(call: Call, replaces: Replaces): boolean {
    return this.#find(replaces, call.options.domain) !== undefined;
  }

  /** Takes note of a bridge, so that its calls can be transferred. */
  note(bridge: Bridge): void {
    for (const call of bridge.calls) this.#bridges.set(call, bridge);
  }

  /** While `call` rings, another phone may pick up in its place. Returns how to end that. */
  ring(call: Call, take: (substitute: Call) => void): () => void {
    this.#ringing.set(call, take);
    return () => this.#ringing.delete(call);
  }

  get ringingCount(): number {
    return this.#ringing.size;
  }

  // ------------------------------------------------------------------ REFER

  /** A REFER with Replaces on `transferor`. Answers it in any case. */
  refer(transferor: Call, bridge: Bridge, replaces: Replaces, answer: ReferAnswer): void {
    const found = this.#find(replaces, transferor.options.domain);
    const target = found?.call;
    const other = target && this.#bridges.get(target);
    if (target && (target === transferor || other === bridge)) return answer.refuse(400, 'Replaces Names This Call');
    if (other?.isParked) return answer.refuse(491);
    answer.accept();
    // RFC 3515 2.4.4: what the INVITE with Replaces would have been answered with (RFC 3891 3).
    if (found?.dialog.state !== 'confirmed') return void answer.finish(481);
    if (!target || !other || other.isOver || target.isOver) return void answer.finish(488);
    const stays = bridge.other(transferor);
    transferor.emit({ type: 'transfer', step: 'attended', otherCallSid: stays.sid });
    this.#join({ call: stays, bridge }, { call: other.other(target), bridge: other });
    void answer.finish(200);
    void dropTransferor([transferor, target], answer, this.#clock);
  }

  // ------------------------------------------------------------------ INVITE

  /** What an INVITE with Replaces would take the place of, or its refusal by RFC 3891 3. */
  replaced(replaces: Replaces, domain: Domain): Result<Replaced, ReferRefusal> {
    const found = this.#find(replaces, domain);
    if (!found) {
      const key = keyOf(replaces.callId, replaces.toTag, replaces.fromTag);
      const endedAt = this.#ended.get(key) ?? this.#endedBefore.get(key);
      const isGone = endedAt !== undefined && this.#clock.now() - endedAt < limits.endedDialogMs;
      // Decline: the user hung up, and the other party must not call back by itself.
      if (isGone) return err({ status: 603, reason: 'Dialog Has Ended' });
      return err({ status: 481, reason: 'Call/Transaction Does Not Exist' });
    }
    const { call, dialog } = found;
    if (dialog.state === 'early') {
      const take = this.#ringing.get(call);
      // Early dialogs can be replaced only where we sent the INVITE.
      if (!take) return err({ status: 481, reason: 'Early Dialog Of The Caller' });
      return ok({ call, takeOver: (substitute) => this.#pickUp(call, substitute) });
    }
    if (replaces.earlyOnly) return err({ status: 486, reason: 'Already Answered' });
    if (!this.#bridgeOf(call)) return err({ status: 481, reason: 'Not In A Conversation' });
    return ok({ call, takeOver: (substitute) => this.#replace(call, substitute) });
  }

  #pickUp(rings: Call, substitute: Call): boolean {
    const take = this.#ringing.get(rings);
    take?.(substitute);
    return take !== undefined;
  }

  #replace(replaced: Call, substitute: Call): boolean {
    const bridge = this.#bridgeOf(replaced);
    if (!bridge) return false;
    replaced.emit({ type: 'transfer', step: 'replaced', otherCallSid: substitute.sid });
    this.#join({ call: bridge.other(replaced), bridge }, { call: substitute, bridge: undefined });
    replaced.hangUp('replaced by another call');
    return true;
  }

  /** The bridge of a call that can be left now. */
  #bridgeOf(call: Call): Bridge | undefined {
    const bridge = this.#bridges.get(call);
    return !bridge || bridge.isOver || bridge.isParked || call.isOver ? undefined : bridge;
  }

  // ------------------------------------------------------------------ both

  /** Joins two calls that leave their bridges. Without a bridge it is a new leg, on which no session runs. */
  #join(a: Side, b: Side): void {
    const children = new Set(
      [a, b].flatMap(({ call, bridge }) => (bridge?.children.has(call) === false ? [] : [call])),
    );
    const next = new Bridge(a.call, b.call, this.#services, children);
    for (const { call, bridge } of [a, b]) bridge?.handOver(call, next);
    this.note(next);
    this.#user.onBridge(next);
    next.start();
    if (children.size === 2) this.#user.onOrphans(next);
  }

  /** Calls of other domains do not exist here: whoever asks learns nothing about them. */
  #find(
    { callId, toTag, fromTag }: Replaces,
    domain: Domain | undefined,
  ): { readonly call: Call; readonly dialog: DialogName } | undefined {
    if (!domain) return undefined;
    for (const call of this.#calls.all()) {
      if (call.isOver || call.options.domain?.sid !== domain.sid) continue;
      // RFC 3891 3: to-tag is our tag and from-tag the peer's, as in a request of the peer.
      const dialog = call.leg.dialogs?.find(
        (one) => one.callId === callId && one.localTag === toTag && one.remoteTag === fromTag,
      );
      if (dialog && dialog.state !== 'ended') return { call, dialog };
    }
    return undefined;
  }

  #remember({ callId, localTag, remoteTag }: DialogName): void {
    const now = this.#clock.now();
    if (now - this.#endedSince >= limits.endedDialogMs || this.#ended.size >= limits.endedDialogs / 2) {
      this.#endedBefore = this.#ended;
      this.#ended = new Map();
      this.#endedSince = now;
    }
    this.#ended.set(ownText(keyOf(callId, localTag, remoteTag)), now);
  }
}

interface Side {
  readonly call: Call;
  readonly bridge: Bridge | undefined;
}

const keyOf = (callId: string, toTag: string, fromTag: string): string => `${callId} ${toTag} ${fromTag}`;
