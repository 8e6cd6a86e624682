// The cache of the resolver: answers with a lifetime, one question in flight per key, stale answers when servers fail.
//
//   0 ────────── lifetime ─────────┬──────────── stale ───────────── 24 h
//   answered from the cache        │ asked again; the old answer is given when no server
//                                  │ answers, or after 500 ms of waiting (RFC 8767 5)

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { err } from '../base/result.ts';
import type { DnsAnswer } from './records.ts';

/** What a question gives: the answer, and how long it holds when it is positive. */
export interface TimedAnswer<T> {
  readonly answer: DnsAnswer<T>;
  readonly lifetimeMs: number;
}

interface Entry {
  readonly answer: DnsAnswer<unknown>;
  readonly expiresAt: number;
  readonly staleUntil: number;
}

export class AnswerCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #inFlight = new Map<string, Promise<DnsAnswer<unknown>>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** The answer for `key`, which names both record type and T. `ask` must not throw. */
  async get<T>(key: string, ask: () => Promise<TimedAnswer<T>>): Promise<DnsAnswer<T>> {
    const entry = this.#entries.get(key);
    const now = this.#clock.now();
    if (entry && now < entry.expiresAt) {
      this.#keep(key, entry);
      return entry.answer as DnsAnswer<T>;
    }
    let pending = this.#inFlight.get(key) as Promise<DnsAnswer<T>> | undefined;
    if (!pending) {
      if (this.#inFlight.size >= limits.dnsInFlight)
        return err({ code: 'failed', detail: 'too many names are being asked for' });
      pending = this.#start(key, ask);
      this.#inFlight.set(key, pending);
      // The promise never rejects: #start turns everything into a value.
      void pending.then(() => this.#inFlight.delete(key));
    }
    if (!entry?.answer.ok || now >= entry.staleUntil) return pending;
    return withDeadline(this.#clock, pending, limits.dnsStaleWaitMs, () => entry.answer as DnsAnswer<T>);
  }

  async #start<T>(key: string, ask: () => Promise<TimedAnswer<T>>): Promise<DnsAnswer<T>> {
    // The answer is stored even when it comes after the deadline: the next caller gains from it.
    const asked = ask().then((timed) => this.#store(key, timed));
    return withDeadline(this.#clock, asked, limits.dnsQueryMs, () =>
      this.#store<T>(key, {
        answer: err({ code: 'failed', detail: 'name servers gave no answer in time' }),
        lifetimeMs: 0,
      }),
    );
  }

  /** Keeps the answer; returns what callers get, which is the old answer when no server gave a new one. */
  #store<T>(key: string, timed: TimedAnswer<T>): DnsAnswer<T> {
    const now = this.#clock.now();
    const { answer } = timed;
    if (answer.ok) {
      const expiresAt = now + Math.min(Math.max(timed.lifetimeMs, 1_000), limits.dnsLifetimeMaxMs);
      this.#keep(key, { answer, expiresAt, staleUntil: expiresAt + limits.dnsStaleMs });
      return answer;
    }
    const old = this.#entries.get(key);
    if (answer.error.code === 'failed' && old?.answer.ok && now < old.staleUntil) {
      this.#keep(key, { ...old, expiresAt: Math.max(old.expiresAt, now + limits.dnsNegativeMs) });
      return old.answer as DnsAnswer<T>;
    }
    this.#keep(key, { answer, expiresAt: now + limits.dnsNegativeMs, staleUntil: 0 });
    return answer;
  }

  /** Puts the entry at the young end of the map; the oldest goes when there are too many. */
  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= limits.dnsCacheEntries) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}

/** `promise`, or `late()` when it has not settled within `waitMs`. Leaves no timer behind. */
export function withDeadline<T>(clock: Clock, promise: Promise<T>, waitMs: number, late: () => T): Promise<T> {
  return new Promise((resolve) => {
    const timer = clock.after(waitMs, () => resolve(late()));
    void promise.then((value) => {
      timer.cancel();
      resolve(value);
    });
  });
}
