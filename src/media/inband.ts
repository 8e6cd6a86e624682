// In-band digits of one endpoint: G.711 packets into the receiver of inband-digits.ts. Exists only where a domain asked for it.

import { limits } from '../base/limits.ts';
import type { AudioCodec } from '../sdp/plan.ts';
import { decode } from './g711.ts';
import { InbandDigitReceiver } from './inband-digits.ts';
import type { DigitEvent } from './telephone-event.ts';

export class InbandDigits {
  readonly #receiver = new InbandDigitReceiver();
  readonly #samples = new Int16Array(limits.mediaDatagramBytes);

  push(codec: AudioCodec, payload: Uint8Array, nowMs: number): DigitEvent[] {
    const count = decode(codec, payload, this.#samples);
    return this.#receiver.push(this.#samples.subarray(0, count), nowMs);
  }

  poll(nowMs: number): DigitEvent[] {
    return this.#receiver.poll(nowMs);
  }

  /** A tone is on. */
  get isOpen(): boolean {
    return this.#receiver.isOpen;
  }
}
