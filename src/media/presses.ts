// The digits that one endpoint has to do with: those of its own peer (telephone events, or tones where the domain asked for them), and
// those of a relayed peer that become tones, because ours has no telephone-event. Tells of each press once, when it is over.

import type { AudioCodec } from '../sdp/plan.ts';
import { InbandDigits } from './inband.ts';
import { type DigitEvent, TelephoneEventReceiver } from './telephone-event.ts';

/** How long after a telephone event ticks look for its end. */
const WATCH_MS = 300;

export interface PressesHost {
  /** The endpoint's peer pressed a digit. */
  pressed(press: DigitEvent): void;
  /** A digit is to be put in as a tone. */
  insertDigits(digit: string): void;
  /** Ticks are needed until needsTicks is false. */
  wake(): void;
}

export class Presses {
  readonly #host: PressesHost;
  readonly #received = new TelephoneEventReceiver();
  readonly #relayed = new TelephoneEventReceiver();
  #inband: InbandDigits | null = null;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(host: PressesHost) {
    this.#host = host;
  }

  /** Also looks for tones in the peer's audio, until it sends its first telephone event. */
  detectInband(isOn: boolean): void {
    this.#inband = isOn ? new InbandDigits() : null;
  }

  /** Whether audio of the peer is of any interest. */
  get hearsTones(): boolean {
    return this.#inband !== null;
  }

  needsTicks(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** A packet of the peer; `codec` null: a telephone event. */
  received(payload: Uint8Array, timestamp: number, codec: AudioCodec | null, nowMs: number): void {
    if (codec !== null) {
      if (this.#inband) this.#listen(this.#inband, codec, payload, nowMs);
      return;
    }
    // A peer that sends events is taken at its word: its tones, if any, are the same presses again.
    this.#inband = null;
    this.#watch(nowMs);
    for (const press of this.#received.push(payload, timestamp, nowMs)) this.#host.pressed(press);
  }

  #listen(inband: InbandDigits, codec: AudioCodec, payload: Uint8Array, nowMs: number): void {
    for (const press of inband.push(codec, payload, nowMs)) this.#host.pressed(press);
    if (inband.isOpen) this.#watch(nowMs);
  }

  /** A telephone event of a relayed peer, for one that knows none. */
  relayed(payload: Uint8Array, timestamp: number, nowMs: number): void {
    this.#watch(nowMs);
    for (const { digit } of this.#relayed.push(payload, timestamp, nowMs)) this.#host.insertDigits(digit);
  }

  /** The peer has begun a new stream. */
  restart(): void {
    for (const press of this.#received.reset()) this.#host.pressed(press);
  }

  /** To be called with each tick. */
  tick(nowMs: number): void {
    if (nowMs >= this.#untilMs) return;
    for (const press of this.#received.poll(nowMs)) this.#host.pressed(press);
    for (const press of this.#inband?.poll(nowMs) ?? []) this.#host.pressed(press);
    for (const { digit } of this.#relayed.poll(nowMs)) this.#host.insertDigits(digit);
  }

  #watch(nowMs: number): void {
    this.#untilMs = nowMs + WATCH_MS;
    this.#host.wake();
  }
}
