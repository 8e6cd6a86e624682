// Talk time on trunks per account, trunk and UTC day: what the daily limit is counted from (design.md 9). Running calls are charged every
// few seconds, so that a limit ends them too and a killed process forgets next to nothing; the store keeps the sums over restarts.

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { TrunkUsage } from '../base/records.ts';

/** Port to the store. */
export interface UsageStore {
  put(usage: TrunkUsage): void;
  ofDay(day: string): Promise<readonly TrunkUsage[]>;
}

export interface Charged {
  readonly accountSid: string;
  readonly trunkSid: string;
}

interface Running extends Charged {
  chargedUntil: number;
  readonly onOver: () => void;
}

/** `2026-01-31`, UTC. */
export const dayOf = (wall: number): string => new Date(wall).toISOString().slice(0, 10);

export class TrunkUsageMeter {
  readonly #clock: Clock;
  readonly #store: UsageStore;
  readonly #log: Log;
  readonly #running = new Set<Running>();
  /** Milliseconds of the day by `account trunk`. */
  readonly #sums = new Map<string, Charged & { ms: number }>();
  readonly #isOver: (charged: Charged) => boolean;
  #day: string;
  #timer: Timer | undefined;

  /** `isOver` is asked for each running call whenever it was charged: true ends it. */
  constructor(parts: { clock: Clock; store: UsageStore; log: Log; isOver: (charged: Charged) => boolean }) {
    this.#clock = parts.clock;
    this.#store = parts.store;
    this.#log = parts.log;
    this.#isOver = parts.isOver;
    this.#day = dayOf(parts.clock.wall());
  }

  /** Reads what was talked today before this start. */
  async load(): Promise<void> {
    for (const usage of await this.#store.ofDay(this.#day)) {
      const sum = this.#sum(usage);
      sum.ms += usage.seconds * 1_000;
    }
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Seconds of today, running calls included. */
  secondsOfAccount(accountSid: string): number {
    this.#charge();
    return this.#seconds((sum) => sum.accountSid === accountSid);
  }

  secondsOfTrunk(trunkSid: string): number {
    this.#charge();
    return this.#seconds((sum) => sum.trunkSid === trunkSid);
  }

  /** A call was answered. The returned function ends the charge; `onOver` is called when a limit is reached meanwhile. */
  begin(charged: Charged, onOver: () => void): () => void {
    const { accountSid, trunkSid } = charged;
    const running: Running = { accountSid, trunkSid, chargedUntil: this.#clock.now(), onOver };
    this.#running.add(running);
    this.#schedule();
    return () => {
      if (!this.#running.has(running)) return;
      this.#chargeOne(running);
      this.#running.delete(running);
      this.#keep(this.#sum(running));
      if (this.#running.size === 0) this.stop();
    };
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer ??= this.#clock.after(limits.trunkUsageTickMs, () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    this.#charge();
    for (const sum of this.#sums.values()) this.#keep(sum);
    for (const running of [...this.#running]) {
      if (!this.#isOver(running)) continue;
      this.#log.warn({ trunkSid: running.trunkSid, accountSid: running.accountSid }, 'daily minutes are used up');
      running.onOver();
    }
    if (this.#running.size > 0) this.#schedule();
  }

  #charge(): void {
    this.#turnDay();
    for (const running of this.#running) this.#chargeOne(running);
  }

  #chargeOne(running: Running): void {
    const now = this.#clock.now();
    this.#sum(running).ms += now - running.chargedUntil;
    running.chargedUntil = now;
  }

  /** At midnight UTC the sums begin again; a call that runs over it is charged to the new day from its last charge on. */
  #turnDay(): void {
    const day = dayOf(this.#clock.wall());
    if (day === this.#day) return;
    this.#day = day;
    this.#sums.clear();
  }

  #sum({ accountSid, trunkSid }: Charged): Charged & { ms: number } {
    const key = `${accountSid} ${trunkSid}`;
    const sum = this.#sums.get(key) ?? { accountSid, trunkSid, ms: 0 };
    this.#sums.set(key, sum);
    return sum;
  }

  #seconds(isMeant: (sum: Charged) => boolean): number {
    let ms = 0;
    for (const sum of this.#sums.values()) if (isMeant(sum)) ms += sum.ms;
    return ms / 1_000;
  }

  #keep({ accountSid, trunkSid, ms }: Charged & { readonly ms: number }): void {
    const day = this.#day;
    const seconds = Math.ceil(ms / 1_000);
    this.#store.put({ sid: `${day} ${accountSid} ${trunkSid}`, day, accountSid, trunkSid, seconds });
  }
}
