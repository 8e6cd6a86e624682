// What a caller hears while a Dial rings: the far side's early media, or a ringing tone of ours, or (unanswered, no early media) nothing
// but the 180 that its own phone turns into a tone.

import type { BridgeId, MediaEngine, PlayId, PlaySource } from '../media/engine.ts';
import type { Call } from './call.ts';

/** Ringing cadences: frequencies in Hz, then on/off times in ms (ITU-T E.180 supplement 2). `us` also where no other is named. */
const cadences: Readonly<Record<string, { frequencies: readonly number[]; onOffMs: readonly number[] }>> = {
  us: { frequencies: [440, 480], onOffMs: [2000, 4000] },
  'us-old': { frequencies: [420, 40], onOffMs: [2000, 4000] },
  uk: { frequencies: [400, 450], onOffMs: [400, 200, 400, 2000] },
  au: { frequencies: [400, 425], onOffMs: [400, 200, 400, 2000] },
  de: { frequencies: [425], onOffMs: [1000, 4000] },
  at: { frequencies: [420], onOffMs: [1000, 5000] },
  fr: { frequencies: [440], onOffMs: [1500, 3500] },
  it: { frequencies: [425], onOffMs: [1000, 4000] },
  es: { frequencies: [425], onOffMs: [1500, 3000] },
  jp: { frequencies: [400, 15], onOffMs: [1000, 2000] },
};

const TONE_LEVEL_DB = -19;

export function ringTone(country: string | undefined): PlaySource[] {
  const cadence = cadences[country ?? 'us'] ?? cadences.us!;
  return cadence.onOffMs.map((durationMs, index) =>
    index % 2 === 0
      ? { kind: 'tone', frequencies: cadence.frequencies, levelDb: TONE_LEVEL_DB, durationMs }
      : { kind: 'silence', durationMs },
  );
}

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
