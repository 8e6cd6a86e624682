// How many calls a trunk or an account carries now and began within the last second. Bounded by what exists: an entry without calls and
// without recent starts is forgotten.

import type { Clock } from '../base/clock.ts';

interface Load {
  active: number;
  /** Start times of the last second, monotonic ms. */
  started: number[];
}

export type LoadRefusal = 'capacity' | 'rate';

export class TrunkLoads {
  readonly #clock: Clock;
  readonly #loads = new Map<string, Load>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why one more call of `key` may not begin now; takes nothing. */
  refusal(
    key: string,
    limits: { readonly maxConcurrentCalls: number; readonly maxCallsPerSecond: number },
  ): LoadRefusal | undefined {
    this.#forgetIdle();
    const active = this.#loads.get(key)?.active ?? 0;
    if (active >= limits.maxConcurrentCalls) return 'capacity';
    return this.#recent(key) >= limits.maxCallsPerSecond ? 'rate' : undefined;
  }

  /** Takes one place; the returned function gives it back, once. */
  take(key: string): () => void {
    const load = this.#loads.get(key) ?? { active: 0, started: [] };
    this.#loads.set(key, load);
    load.active++;
    load.started.push(this.#clock.now());
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      load.active--;
    };
  }

  active(key: string): number {
    return this.#loads.get(key)?.active ?? 0;
  }

  #recent(key: string): number {
    const load = this.#loads.get(key);
    if (!load) return 0;
    const since = this.#clock.now() - 1_000;
    load.started = load.started.filter((at) => at > since);
    return load.started.length;
  }

  #forgetIdle(): void {
    for (const [key, load] of this.#loads) if (load.active === 0 && this.#recent(key) === 0) this.#loads.delete(key);
  }
}
