// In-band digits: finds the tone pairs of push buttons (ITU-T Q.23) in speech, by the receiver rules of ITU-T Q.24. A pure stage: linear
// samples at 8,000 Hz in, presses out, time is a parameter. Off unless a domain asks for it: RFC 4733 is the better way.
//
//   samples  ──────▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓──────────      window 102 samples (12.75 ms), hop 51 (6.4 ms)
//   windows     ·  · ▪ ▪ ▪ ▪ ▪ ▪ ▪ ·  ·  ·                ▪ hit: one low and one high tone hold most of the energy
//                   └─ press: 5 hits ─┘└ 3 misses: over
//
// Five hits in a row are more than 28 ms of tone and come with every tone of 40 ms (Q.24: 40 ms is a digit, 23 ms is none); three misses
// are more than the 10 ms that an interruption may have and less than the 40 ms of a pause. The frequency is measured by the turn of
// the phase from hop to hop: 1.5 % off is a digit, 3.5 % is none.

import type { DigitEvent } from './telephone-event.ts';

const SAMPLE_RATE = 8_000;
const WINDOW = 102;
const HOP = 51;
const HOP_MS = (HOP * 1_000) / SAMPLE_RATE;
const LOW = [697, 770, 852, 941] as const;
const HIGH = [1_209, 1_336, 1_477, 1_633] as const;
const FREQUENCIES: readonly number[] = [...LOW, ...HIGH];
const KEYS = ['123A', '456B', '789C', '*0#D'] as const;

/** Hits in a row that make a press, and misses in a row that end it. */
const HITS_MIN = 5;
const MISSES_MAX = 3;
/** Share of the energy that the two tones must hold in each hit, and in those that lie within the tone. */
const SHARE_MIN = 0.6;
const SHARE_WITHIN_MIN = 0.72;
const WITHIN_MIN = 3;
/** Talk-off: a voice moves, a button does not. How much the energy and the frequencies may change from window to window within a tone. */
const ENERGY_RANGE_DB = 2;
const HOP_DEVIATION_MAX = 0.055;
/** Q.24: the high tone may be 4 dB stronger or 8 dB weaker than the low one; a margin for the window's own loss off the centre. */
const TWIST_HIGH_DB = 5.5;
const TWIST_LOW_DB = -9.5;
/** Q.24: tones down to -25 dBm0 are digits. Full scale is +3.14 dBm0. */
const LEVEL_MIN_DB = -29;
/** Between the 1.5 % that must be taken and the 3.5 % that must not. */
const DEVIATION_MAX = 0.025;
/** Without packets for so long the tone is over. */
const STALL_MS = 100;

/** cos and sin of each frequency for one window. */
const tables = FREQUENCIES.map((frequency) => {
  const step = (2 * Math.PI * frequency) / SAMPLE_RATE;
  const cosines = Float64Array.from({ length: WINDOW }, (_, index) => Math.cos(step * index));
  const sines = Float64Array.from({ length: WINDOW }, (_, index) => Math.sin(step * index));
  return { cosines, sines, turn: step * HOP };
});

const FULL_SCALE_DB = 3.14;
const levelOf = (power: number): number =>
  // |X| = A·N/2 for a sine of amplitude A.
  10 * Math.log10(Math.max(power, 1e-9) / ((32_768 * WINDOW) / 2) ** 2) + FULL_SCALE_DB;

interface Range {
  least: number;
  most: number;
}

interface Press {
  readonly low: number;
  readonly high: number;
  hits: number;
  /** Hits in a row that lie within the tone: nearly all energy is in the pair. */
  within: number;
  withinMost: number;
  /** Range of the energy within the tone. */
  range: Range;
  misses: number;
  bestLevelDb: number;
  bestTwistDb: number;
  /** Sums over the hits after the first: turn of the phase beyond the nominal one, in radians. */
  lowTurn: number;
  highTurn: number;
  turns: number;
  lowPhase: number;
  highPhase: number;
  isAfterHit: boolean;
}

export class InbandDigitReceiver {
  readonly #window = new Float64Array(WINDOW);
  /** Samples in the window that are new since it was last looked at. */
  #filled = WINDOW - HOP;
  #press: Press | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Takes the samples of one packet; returns the presses that ended within it. */
  push(samples: Int16Array, nowMs: number): DigitEvent[] {
    const digits = nowMs - this.#lastMs > STALL_MS ? this.reset() : [];
    this.#lastMs = nowMs;
    for (const sample of samples) {
      this.#window[this.#filled++] = sample;
      if (this.#filled < WINDOW) continue;
      this.#look(digits);
      this.#window.copyWithin(0, HOP);
      this.#filled = WINDOW - HOP;
    }
    return digits;
  }

  /** To be called each 20 ms while a press is open: ends one whose packets stopped. */
  poll(nowMs: number): DigitEvent[] {
    return this.isOpen && nowMs - this.#lastMs > STALL_MS ? this.reset() : [];
  }

  get isOpen(): boolean {
    return this.#press !== undefined;
  }

  /** Forgets what it heard; a press that was long enough is returned. */
  reset(): DigitEvent[] {
    const digits: DigitEvent[] = [];
    this.#end(digits);
    this.#window.fill(0);
    this.#filled = WINDOW - HOP;
    return digits;
  }

  #look(digits: DigitEvent[]): void {
    const hit = analyse(this.#window);
    const press = this.#press;
    if (press && hit && hit.low === press.low && hit.high === press.high) return follow(press, hit);
    if (press) {
      press.misses++;
      press.isAfterHit = false;
      // Another pair begins a press of its own: two buttons without a pause.
      if (press.misses < MISSES_MAX && !(hit && press.misses > 1)) return;
      this.#end(digits);
    }
    if (hit) this.#press = begin(hit);
  }

  #end(digits: DigitEvent[]): void {
    const press = this.#press;
    this.#press = undefined;
    if (!press || !isDigit(press)) return;
    // A tone of D samples gives about (D + WINDOW - 2 · 61) / HOP hits.
    const durationMs = Math.round(press.hits * HOP_MS);
    digits.push({ digit: KEYS[press.low]![press.high]!, durationMs });
  }
}

interface Hit {
  /** Index into LOW and HIGH. */
  readonly low: number;
  readonly high: number;
  readonly share: number;
  readonly energyDb: number;
  readonly lowLevelDb: number;
  readonly highLevelDb: number;
  readonly lowPhase: number;
  readonly highPhase: number;
}

const powers = new Float64Array(FREQUENCIES.length);
const phases = new Float64Array(FREQUENCIES.length);

/** Undefined where the window is no tone pair. */
function analyse(window: Float64Array): Hit | undefined {
  let energy = 0;
  for (const sample of window) energy += sample * sample;
  if (levelOf((energy * WINDOW) / 2) < LEVEL_MIN_DB - 6) return undefined;
  for (const [index, { cosines, sines }] of tables.entries()) {
    let real = 0;
    let imaginary = 0;
    for (let at = 0; at < WINDOW; at++) {
      real += window[at]! * cosines[at]!;
      imaginary -= window[at]! * sines[at]!;
    }
    powers[index] = real * real + imaginary * imaginary;
    phases[index] = Math.atan2(imaginary, real);
  }
  const low = strongest(0, LOW.length);
  const high = strongest(LOW.length, FREQUENCIES.length);
  const share = (2 * (powers[low]! + powers[high]!)) / (WINDOW * energy);
  if (share < SHARE_MIN) return undefined;
  const lowLevelDb = levelOf(powers[low]!);
  const highLevelDb = levelOf(powers[high]!);
  return {
    low,
    high: high - LOW.length,
    share,
    energyDb: 10 * Math.log10(energy),
    lowLevelDb,
    highLevelDb,
    lowPhase: phases[low]!,
    highPhase: phases[high]!,
  };
}

function strongest(from: number, to: number): number {
  let best = from;
  for (let index = from + 1; index < to; index++) if (powers[index]! > powers[best]!) best = index;
  return best;
}

const begin = (hit: Hit): Press => ({
  low: hit.low,
  high: hit.high,
  hits: 1,
  within: 0,
  withinMost: 0,
  range: { least: 0, most: 0 },
  misses: 0,
  bestLevelDb: Math.min(hit.lowLevelDb, hit.highLevelDb),
  bestTwistDb: hit.highLevelDb - hit.lowLevelDb,
  lowTurn: 0,
  highTurn: 0,
  turns: 0,
  lowPhase: hit.lowPhase,
  highPhase: hit.highPhase,
  isAfterHit: true,
});

function follow(press: Press, hit: Hit): void {
  press.hits++;
  press.misses = 0;
  noteWithin(press, hit);
  const levelDb = Math.min(hit.lowLevelDb, hit.highLevelDb);
  if (levelDb > press.bestLevelDb) {
    press.bestLevelDb = levelDb;
    press.bestTwistDb = hit.highLevelDb - hit.lowLevelDb;
  }
  if (press.isAfterHit) {
    press.lowTurn += turnBeyond(hit.lowPhase - press.lowPhase, tables[press.low]!.turn);
    press.highTurn += turnBeyond(hit.highPhase - press.highPhase, tables[LOW.length + press.high]!.turn);
    press.turns++;
  }
  press.lowPhase = hit.lowPhase;
  press.highPhase = hit.highPhase;
  press.isAfterHit = true;
}

/** Counts hits within the tone; one that is louder or weaker than those before it begins a new count. */
function noteWithin(press: Press, hit: Hit): void {
  const lowTurn = turnBeyond(hit.lowPhase - press.lowPhase, tables[press.low]!.turn);
  const highTurn = turnBeyond(hit.highPhase - press.highPhase, tables[LOW.length + press.high]!.turn);
  const isOnPitch =
    deviation(lowTurn, LOW[press.low]!) <= HOP_DEVIATION_MAX &&
    deviation(highTurn, HIGH[press.high]!) <= HOP_DEVIATION_MAX;
  if (hit.share < SHARE_WITHIN_MIN || !press.isAfterHit || !isOnPitch) {
    press.within = 0;
    return;
  }
  const range = extended(press.within > 0 ? press.range : undefined, hit.energyDb);
  const isSteady = range.most - range.least <= ENERGY_RANGE_DB;
  press.within = isSteady ? press.within + 1 : 1;
  press.range = isSteady ? range : extended(undefined, hit.energyDb);
  press.withinMost = Math.max(press.withinMost, press.within);
}

const extended = (range: Range | undefined, level: number): Range => ({
  least: Math.min(range?.least ?? level, level),
  most: Math.max(range?.most ?? level, level),
});

/** How much further than the nominal frequency the phase turned in one hop, within half a turn either way. */
function turnBeyond(turned: number, nominal: number): number {
  const beyond = (turned - nominal) % (2 * Math.PI);
  if (beyond > Math.PI) return beyond - 2 * Math.PI;
  return beyond < -Math.PI ? beyond + 2 * Math.PI : beyond;
}

function isDigit(press: Press): boolean {
  if (press.hits < HITS_MIN || press.withinMost < WITHIN_MIN || press.turns === 0) return false;
  if (press.bestLevelDb < LEVEL_MIN_DB) return false;
  if (press.bestTwistDb > TWIST_HIGH_DB || press.bestTwistDb < TWIST_LOW_DB) return false;
  return (
    deviation(press.lowTurn / press.turns, LOW[press.low]!) <= DEVIATION_MAX &&
    deviation(press.highTurn / press.turns, HIGH[press.high]!) <= DEVIATION_MAX
  );
}

/** Share of `frequency` that a turn of the phase beyond the nominal one, per hop, is off. */
const deviation = (turn: number, frequency: number): number =>
  Math.abs((turn * SAMPLE_RATE) / (2 * Math.PI * HOP) / frequency);
