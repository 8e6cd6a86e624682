// The digits of one leg, which come two ways: telephone events in its media (RFC 4733) and SIP INFO in its signalling. A phone that
// sends both means one press.

import { infoDigit } from './info-digit.ts';
import type { LegEvent } from './leg-driver.ts';

export type DigitPressed = LegEvent & { readonly type: 'digit' };

export class LegDigits {
  /** Digits came in its media: then those by INFO are the same presses again. */
  #sendsEvents = false;
  #lastInfoDigit: string | undefined;

  /** An INFO of the peer (design.md 10: accepted beside RFC 4733). Undefined: no digit, or one that its media tells of as well. */
  fromInfo(contentType: string, body: Buffer): DigitPressed | undefined {
    const press = infoDigit(contentType, body);
    if (!press || this.#sendsEvents) return undefined;
    this.#lastInfoDigit = press.digit;
    return { type: 'digit', ...press, inSignalling: true };
  }

  /** A telephone event. Undefined: the first one, where INFO told of the same press before it was known that media tells too. */
  fromMedia(digit: string, durationMs: number): DigitPressed | undefined {
    const isRepeated = !this.#sendsEvents && this.#lastInfoDigit === digit;
    this.#sendsEvents = true;
    return isRepeated ? undefined : { type: 'digit', digit, durationMs };
  }
}
