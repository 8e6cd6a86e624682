// A hashed timer wheel over Clock: tens of thousands of timers cost one clock timer, and add and cancel are O(1).
// For protocol timers, which need no more than 10 ms of precision and are nearly always cancelled before they fire.
//
//   slot    0    1    2    3  …  4095            slot = due tick mod 4096; an entry of a later round stays in its slot
//         ┌────┬────┬────┬────┬────┐
//         │    │ ●──●    │ ●  │    │             entries of one slot: a doubly linked list, so that cancel unlinks at once
//         └────┴────┴────┴────┴────┘
//   bits     0    1    0    1    0               occupied slots: the clock is armed for the next one only, never for idle ticks

import type { Clock, Timer } from './clock.ts';

const SLOTS = 4_096;
const WORDS = SLOTS / 32;

export interface Scheduler {
  /** Runs `fire` once, not before `delayMs` from now and at most one resolution step late. Same contract as Clock.after. */
  after(delayMs: number, fire: () => void): Timer;
  /** Timers that are neither fired nor cancelled. */
  readonly size: number;
  /** Cancels all timers. */
  stop(): void;
}

export interface SchedulerOptions {
  readonly clock: Clock;
  /** Told when a timer function throws; the other timers still run (house style 2.5). */
  readonly onFault: (fault: unknown) => void;
  /** Width of one tick, default 10 ms. */
  readonly resolutionMs?: number;
}

class Entry implements Timer {
  readonly dueTick: number;
  readonly #wheel: Wheel;
  fire: (() => void) | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;

  constructor(wheel: Wheel, dueTick: number, fire: () => void) {
    this.#wheel = wheel;
    this.dueTick = dueTick;
    this.fire = fire;
  }

  cancel(): void {
    if (this.fire) this.#wheel.remove(this);
  }
}

class Wheel implements Scheduler {
  readonly #clock: Clock;
  readonly #onFault: (fault: unknown) => void;
  readonly #resolutionMs: number;
  readonly #originMs: number;
  readonly #heads: (Entry | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #tails: (Entry | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #occupied = new Uint32Array(WORDS);
  /** The last tick whose timers have run. */
  #tick = 0;
  #size = 0;
  #armed: Timer | undefined;
  #armedTick = Number.POSITIVE_INFINITY;
  #isRunning = false;

  constructor(options: SchedulerOptions) {
    this.#clock = options.clock;
    this.#onFault = options.onFault;
    this.#resolutionMs = options.resolutionMs ?? 10;
    this.#originMs = options.clock.now();
  }

  get size(): number {
    return this.#size;
  }

  after(delayMs: number, fire: () => void): Timer {
    const nowMs = this.#clock.now() - this.#originMs;
    const dueMs = nowMs + Math.max(0, delayMs);
    // An empty wheel does not turn; catch up before its first entry.
    if (this.#size === 0) this.#tick = Math.max(this.#tick, Math.floor(nowMs / this.#resolutionMs));
    // Rounded up: a timer may be late, never early.
    const entry = new Entry(this, Math.max(Math.ceil(dueMs / this.#resolutionMs), this.#tick + 1), fire);
    const slot = entry.dueTick % SLOTS;
    const tail = this.#tails[slot];
    entry.previous = tail;
    if (tail) tail.next = entry;
    else this.#heads[slot] = entry;
    this.#tails[slot] = entry;
    this.#occupied[slot >>> 5]! |= 1 << (slot & 31);
    this.#size++;
    if (!this.#isRunning && entry.dueTick < this.#armedTick) this.#arm(entry.dueTick);
    return entry;
  }

  /** Unlinks the entry and lets go of its function. The armed clock timer stays: it finds nothing and arms anew. */
  remove(entry: Entry): void {
    const slot = entry.dueTick % SLOTS;
    if (entry.previous) entry.previous.next = entry.next;
    else this.#heads[slot] = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    else this.#tails[slot] = entry.previous;
    if (!this.#heads[slot]) this.#occupied[slot >>> 5]! &= ~(1 << (slot & 31));
    entry.previous = undefined;
    entry.next = undefined;
    entry.fire = undefined;
    this.#size--;
    if (this.#size === 0) this.#disarm();
  }

  stop(): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let entry = this.#heads[slot]; entry; entry = this.#heads[slot]) this.remove(entry);
    }
    this.#disarm();
  }

  #arm(tick: number): void {
    this.#armed?.cancel();
    this.#armedTick = tick;
    const delayMs = tick * this.#resolutionMs - (this.#clock.now() - this.#originMs);
    this.#armed = this.#clock.after(Math.max(0, delayMs), () => this.#run());
  }

  #disarm(): void {
    this.#armed?.cancel();
    this.#armed = undefined;
    this.#armedTick = Number.POSITIVE_INFINITY;
  }

  /** Runs all that is due, in order of ticks, also when the process was away for many of them; then arms for what is next. */
  #run(): void {
    this.#disarm();
    this.#isRunning = true;
    // The epsilon forgives what `tick * resolution` lost in floating point; Node may also wake a fraction early.
    const nowTick = Math.floor((this.#clock.now() - this.#originMs) / this.#resolutionMs + 1e-6);
    for (let tick = this.#nextOccupied(); tick !== undefined && tick <= nowTick; tick = this.#nextOccupied()) {
      this.#tick = tick;
      this.#runSlot(tick);
    }
    this.#tick = Math.max(this.#tick, nowTick);
    this.#isRunning = false;
    const next = this.#nextOccupied();
    if (next !== undefined) this.#arm(next);
  }

  #runSlot(tick: number): void {
    const slot = tick % SLOTS;
    // From the head again after each call: a timer function may cancel any other. What it adds lies in a later tick.
    for (let entry = this.#heads[slot]; entry; ) {
      if (entry.dueTick > tick) {
        entry = entry.next;
        continue;
      }
      const fire = entry.fire!;
      this.remove(entry);
      try {
        fire();
      } catch (fault) {
        this.#onFault(fault);
      }
      entry = this.#heads[slot];
    }
  }

  /** The first tick after the last run one whose slot holds an entry (maybe of a later round), or undefined. */
  #nextOccupied(): number | undefined {
    if (this.#size === 0) return undefined;
    const start = this.#tick + 1;
    const firstSlot = start % SLOTS;
    for (let step = 0; step <= WORDS; step++) {
      const word = ((firstSlot >>> 5) + step) % WORDS;
      let bits = this.#occupied[word]!;
      if (step === 0) bits &= -1 << (firstSlot & 31);
      // After a full turn only the slots before the first one are left in the first word.
      if (step === WORDS) bits &= ~(-1 << (firstSlot & 31));
      if (bits === 0) continue;
      const slot = word * 32 + (31 - Math.clz32(bits & -bits));
      return start + ((slot - firstSlot + SLOTS) % SLOTS);
    }
    return undefined;
  }
}

/** A timer wheel over `clock`, 40.96 s per turn at the default resolution. */
export const createScheduler = (options: SchedulerOptions): Scheduler => new Wheel(options);
