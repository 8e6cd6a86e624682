// Which packets of an SRTP stream were received (RFC 3711 3.3.2), so that none is taken twice.

const REPLAY_WINDOW = 64;

/** Highest packet index of a stream, and which were seen: bit n of `low` is `highest - n`, of `high` `highest - 32 - n`. */
export interface ReceiveProgress {
  readonly highest: number;
  readonly low: number;
  readonly high: number;
}

/** Indices seen: bit n of the window is `highest - n` (RFC 3711 3.3.2). Two 32-bit halves. */
export class ReplayWindow {
  highest = -1;
  #low = 0;
  #high = 0;

  get progress(): ReceiveProgress {
    return { highest: this.highest, low: this.#low, high: this.#high };
  }

  set progress({ highest, low, high }: ReceiveProgress) {
    this.highest = highest;
    this.#low = low | 0;
    this.#high = high | 0;
  }

  isFresh(index: number): boolean {
    const age = this.highest - index;
    if (age < 0) return true;
    if (age >= REPLAY_WINDOW) return false;
    return age < 32 ? (this.#low & (1 << age)) === 0 : (this.#high & (1 << (age - 32))) === 0;
  }

  commit(index: number): void {
    const advance = index - this.highest;
    if (advance > 0) {
      this.#shift(this.highest < 0 ? REPLAY_WINDOW : advance);
      this.highest = index;
      this.#low |= 1;
      return;
    }
    const age = -advance;
    if (age < 32) this.#low |= 1 << age;
    else this.#high |= 1 << (age - 32);
  }

  #shift(count: number): void {
    if (count >= REPLAY_WINDOW) {
      this.#low = 0;
      this.#high = 0;
    } else if (count >= 32) {
      this.#high = count === 32 ? this.#low : this.#low << (count - 32);
      this.#low = 0;
    } else {
      this.#high = (this.#high << count) | (this.#low >>> (32 - count));
      this.#low <<= count;
    }
  }
}
