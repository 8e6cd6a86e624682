// Two calls that hear each other. Joins their endpoints in the media engine and relays holds; ends nobody.
//
//   peer A ──re-INVITE sendonly──▶ A │ bridge │ B ──re-INVITE sendonly──▶ peer B      B keeps getting RTP: music of A, or silence
//
// A call can be taken out at any time without renegotiating its far side (design.md 5.1).

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { BridgeId, EndpointId, MediaEngine } from '../media/engine.ts';
import type { MediaDirection } from '../sdp/plan.ts';
import type { Call } from './call.ts';
import type { HoldMusic } from './hold-music.ts';
import type { LegEvent } from './leg-driver.ts';

export interface BridgeServices {
  readonly engine: MediaEngine;
  readonly clock: Clock;
  /** What held sides hear; silence without. */
  readonly holdMusic?: HoldMusic;
}

/** Why a bridge ended: one of the calls ended, one was taken out alive, or `call` was joined with somebody else by another bridge. */
export type BridgeEnd =
  | { readonly call: Call; readonly how: 'ended' | 'released' }
  | { readonly call: Call; readonly how: 'joined'; readonly bridge: Bridge };

export class Bridge {
  readonly #services: BridgeServices;
  readonly calls: readonly [Call, Call];
  /** Those of the calls on which no session waits for the end of this bridge: the parent of a dialled leg hangs it up. */
  readonly children: ReadonlySet<Call>;
  #cleanups: readonly (() => void)[] = [];
  readonly ended: Promise<BridgeEnd>;
  #resolve: (end: BridgeEnd) => void = () => {};
  #media: BridgeId | undefined;
  #isOver = false;
  #isParked = false;
  #probes: Map<Call, Timer> | undefined;
  /** What each call was last offered on behalf of the other; `sendrecv` where it is missing. */
  #offered: Map<Call, MediaDirection> | undefined;

  constructor(a: Call, b: Call, services: BridgeServices, children: ReadonlySet<Call> = new Set([b])) {
    this.#services = services;
    this.calls = [a, b];
    this.children = children;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Joins the media and begins to listen. */
  start(): void {
    const [a, b] = this.calls;
    this.joinMedia();
    for (const [call, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (this.#isOver) return;
      if (call.isOver) return this.#finish({ call, how: 'ended' });
      call.signal.addEventListener('abort', this, { once: true });
      this.#cleanups = this.#cleanups.concat(call.onLegEvent((event) => this.#onLegEvent(call, other, event)));
      call.emit({ type: 'bridged', otherCallSid: other.sid });
      this.#enter(call, other);
      if (this.children.has(call)) call.leg.bridged?.();
    }
  }

  /** The signal of one of the calls was aborted: the bridge itself listens, as functions of its own would be kept for each of them. */
  handleEvent({ target }: Pick<Event, 'target'>): void {
    const call = this.calls.find(({ signal }) => signal === target);
    if (call) this.#finish({ call, how: 'ended' });
  }

  #onLegEvent(call: Call, other: Call, event: LegEvent): void {
    if (this.#isParked) return;
    if (event.type === 'direction') this.#relayDirection(call, other, event.direction);
    // design.md 10: digits by SIP INFO go on as RFC 4733.
    const endpoint = this.#endpointOf(other);
    if (event.type === 'digit' && event.inSignalling && endpoint !== undefined)
      this.#services.engine.insertDigits(endpoint, event.digit);
  }

  #enter(call: Call, other: Call): void {
    this.#setComfort(call, 'none');
    if (call.leg.remoteDirection !== 'sendrecv') this.#relayDirection(call, other, call.leg.remoteDirection);
  }

  get isOver(): boolean {
    return this.#isOver;
  }
  get isParked(): boolean {
    return this.#isParked;
  }

  /** The other one of the two. */
  other(call: Call): Call {
    return call === this.calls[0] ? this.calls[1] : this.calls[0];
  }

  /** The two do not hear each other any more, but stay where they are: one is being transferred, and may come back. */
  park(): void {
    if (this.#isOver || this.#isParked) return;
    this.#isParked = true;
    this.#part();
  }

  /** Back to how it was before `park`. */
  unpark(): void {
    if (this.#isOver || !this.#isParked) return;
    this.#isParked = false;
    this.joinMedia();
    const [a, b] = this.calls;
    this.#enter(a, b);
    this.#enter(b, a);
  }

  /** `call` is joined with somebody else by `bridge`, and the other one is left. */
  handOver(call: Call, bridge: Bridge): void {
    this.#finish({ call, how: 'joined', bridge });
  }

  joinMedia(): void {
    const [a, b] = this.calls;
    const [first, second] = [this.#endpointOf(a), this.#endpointOf(b)];
    if (first !== undefined && second !== undefined) this.#media = this.#services.engine.bridge(first, second);
  }

  /** Who was dialled is joined at the outside of its leg, where that has one; who dials on, at the inside. */
  #endpointOf(call: Call): EndpointId | undefined {
    return (this.children.has(call) ? call.leg.bridgeEndpoint : undefined) ?? call.leg.endpoint;
  }

  #setComfort(call: Call, mode: 'none' | 'silence'): void {
    const endpoint = this.#endpointOf(call);
    if (endpoint !== undefined) this.#services.engine.setComfort(endpoint, mode);
  }

  /** Takes a living call out: the other one learns of it through `ended`. */
  release(call: Call): void {
    this.#finish({ call, how: 'released' });
  }

  /**
   * `from` now sends and takes what `direction` says. The other side is offered the same, but a hold is always `sendonly` to it, so
   * that it keeps getting RTP and its NAT pinhole lives (design.md 6).
   */
  #relayDirection(from: Call, to: Call, direction: MediaDirection): void {
    const isHold = direction === 'sendonly' || direction === 'inactive';
    const relayed: MediaDirection = isHold ? 'sendonly' : direction;
    to.leg.limitDirection(relayed);
    this.#setHeld(to, isHold);
    from.emit({ type: 'media', change: isHold ? 'hold' : 'resume', detail: direction });
    this.#watchHeld(from, isHold);
    this.#offer(to, relayed);
  }

  #setHeld(call: Call, isHeld: boolean): void {
    const { holdMusic } = this.#services;
    if (isHeld && holdMusic && call.leg.bridgeEndpoint === undefined) return holdMusic.hold(call);
    holdMusic?.release(call);
    this.#setComfort(call, isHeld ? 'silence' : 'none');
  }

  #offer(to: Call, direction: MediaDirection): void {
    if ((this.#offered?.get(to) ?? 'sendrecv') === direction) return;
    this.#offered ??= new Map();
    this.#offered.set(to, direction);
    void to.leg.offerDirection(direction);
  }

  /** design.md 5.4: a held leg sends nothing, so ask its signalling now and then whether it is still there. */
  #watchHeld(call: Call, isHeld: boolean): void {
    this.#probes?.get(call)?.cancel();
    this.#probes?.delete(call);
    if (!isHeld || this.#isOver) return;
    const timer = this.#services.clock.after(limits.heldProbeMs, async () => {
      const isThere = await call.leg.probe();
      if (this.#isOver) return;
      if (isThere) this.#watchHeld(call, true);
      else call.hangUp('a held peer does not answer any more');
    });
    this.#probes ??= new Map();
    this.#probes.set(call, timer);
  }

  #finish(end: BridgeEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const call of this.calls) call.signal.removeEventListener('abort', this);
    for (const cleanup of this.#cleanups) cleanup();
    this.#cleanups = [];
    for (const probe of this.#probes?.values() ?? []) probe.cancel();
    for (const call of this.calls) call.emit({ type: 'unbridged', otherCallSid: this.other(call).sid });
    // A parked bridge has parted them before; who left it may be in another one by now.
    if (!this.#isParked) this.#part();
    this.#resolve(end);
  }

  #part(): void {
    if (this.#media !== undefined) this.#services.engine.unbridge(this.#media);
    this.#media = undefined;
    for (const call of this.calls) {
      if (call.isOver) continue;
      call.leg.limitDirection('sendrecv');
      // Who held it is gone: it is heard again by what comes next.
      this.#offer(call, 'sendrecv');
      this.#services.holdMusic?.release(call);
      this.#setComfort(call, 'silence');
    }
  }
}
