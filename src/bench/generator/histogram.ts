// Times in buckets of 10 µs up to a second, of 1 ms up to 40 s: percentiles without keeping or sorting values, nothing allocated
// per value.

import type { Spread } from './protocol.ts';

const FINE_PER_MS = 100;
const FINE = 1_000 * FINE_PER_MS;
const COARSE = 40_000;

export class Histogram {
  readonly #fine = new Uint32Array(FINE);
  readonly #coarse = new Uint32Array(COARSE);
  #count = 0;
  #max = 0;

  add(milliseconds: number): void {
    const value = milliseconds > 0 ? milliseconds : 0;
    this.#count++;
    if (value > this.#max) this.#max = value;
    const fine = Math.floor(value * FINE_PER_MS);
    if (fine < FINE) this.#fine[fine]!++;
    else this.#coarse[Math.min(COARSE - 1, Math.floor(value))]!++;
  }

  clear(): void {
    this.#fine.fill(0);
    this.#coarse.fill(0);
    this.#count = 0;
    this.#max = 0;
  }

  spread(): Spread {
    const at = (share: number) => this.#at(share);
    return { count: this.#count, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: this.#max };
  }

  #at(share: number): number {
    if (this.#count === 0) return 0;
    let left = Math.ceil(this.#count * share);
    for (let index = 0; index < FINE; index++) {
      left -= this.#fine[index]!;
      if (left <= 0) return (index + 0.5) / FINE_PER_MS;
    }
    for (let index = 0; index < COARSE; index++) {
      left -= this.#coarse[index]!;
      if (left <= 0) return index + 0.5;
    }
    return this.#max;
  }
}
