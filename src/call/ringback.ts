// What a caller hears while a Dial rings: the far side's early media, or a ringing tone of ours, or (unanswered, no early media) nothing
// but the 180 that its own phone turns into a tone.

import type { BridgeId, MediaEngine, PlayId } from '../media/engine.ts';
import type { Call } from './call.ts';
import { ringTone } from './ring-tones.ts';

export class Ringback {
  readonly #engine: MediaEngine;
  readonly #caller: Call;
  readonly #country: string | undefined;
  #play: PlayId | undefined;
  #bridge: BridgeId | undefined;

  constructor(engine: MediaEngine, caller: Call, country: string | undefined) {
    this.#engine = engine;
    this.#caller = caller;
    this.#country = country;
  }

  /** A child rings. Early media of the first child that has some is passed, unless a ringTone replaces it (sip-interface.md 1.6). */
  onRinging(child: Call, hasEarlyMedia: boolean): void {
    if (this.#bridge !== undefined || this.#caller.isOver) return;
    if (hasEarlyMedia && this.#country === undefined) return this.#passEarlyMedia(child);
    if (this.#play === undefined && this.#caller.isAnswered) this.#startTone();
  }

  #passEarlyMedia(child: Call): void {
    const isHearing = this.#caller.isAnswered || this.#caller.leg.earlyMedia();
    if (!isHearing || this.#caller.leg.endpoint === undefined || child.leg.endpoint === undefined) return;
    this.#stopTone();
    const bridge = this.#engine.bridge(this.#caller.leg.endpoint, child.leg.endpoint);
    this.#bridge = bridge;
    // It failed, others may ring on: their early media is heard next, a tone until then.
    child.signal.addEventListener('abort', () => this.#bridge === bridge && this.#endEarlyMedia(), { once: true });
    this.#caller.emit({ type: 'media', change: 'early media', detail: child.sid });
  }

  #startTone(): void {
    if (this.#caller.leg.endpoint === undefined) return;
    this.#play = this.#engine.play(this.#caller.leg.endpoint, { sources: ringTone(this.#country), loop: 0 });
  }

  #stopTone(): void {
    if (this.#play !== undefined) this.#engine.stopPlay(this.#play);
    this.#play = undefined;
  }

  /** The winner is screened: early media ends, the caller hears ringing again. */
  whileScreening(): void {
    this.#endEarlyMedia();
  }

  #endEarlyMedia(): void {
    this.#leaveBridge();
    if (this.#play === undefined && this.#caller.isAnswered && !this.#caller.isOver) this.#startTone();
  }

  #leaveBridge(): void {
    if (this.#bridge !== undefined) this.#engine.unbridge(this.#bridge);
    this.#bridge = undefined;
  }

  stop(): void {
    this.#stopTone();
    this.#leaveBridge();
  }
}
