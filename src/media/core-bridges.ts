// The bridges of one core, by their number and by the endpoints that they join: an endpoint that closes leaves its own without a look
// at all others.

import type { Bridge } from './bridge.ts';
import type { Endpoint } from './endpoint.ts';

export class CoreBridges {
  readonly #bridges = new Map<number, { readonly bridge: Bridge; readonly ends: readonly Endpoint[] }>();
  /** One of each, most of the time: a set would cost more than it holds. */
  readonly #numbers = new Map<Endpoint, readonly number[]>();

  get(number: number): Bridge | undefined {
    return this.#bridges.get(number)?.bridge;
  }

  /** `ends`: those of this core. */
  set(number: number, bridge: Bridge, ...ends: readonly Endpoint[]): void {
    this.#bridges.set(number, { bridge, ends });
    for (const end of ends) {
      const numbers = this.of(end);
      if (!numbers.includes(number)) this.#numbers.set(end, numbers.concat(number));
    }
  }

  end(number: number): void {
    const entry = this.#bridges.get(number);
    if (!entry) return;
    this.#bridges.delete(number);
    for (const end of entry.ends) {
      const numbers = this.of(end).filter((one) => one !== number);
      if (numbers.length === 0) this.#numbers.delete(end);
      else this.#numbers.set(end, numbers);
    }
    entry.bridge.end();
  }

  /** Those that the endpoint is in. */
  of(endpoint: Endpoint): readonly number[] {
    return this.#numbers.get(endpoint) ?? [];
  }
}
