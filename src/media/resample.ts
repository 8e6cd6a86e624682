// Sample-rate conversion to 8,000 Hz: a windowed-sinc low-pass filter, evaluated only where an output sample falls (polyphase).
// Pure and streaming, so that long files can be converted in slices. Used by wav.ts, mp3.ts and the speech engines' output.
//
//   input    · · · · · · · · · · · · · · ·     rate 44,100
//   filter       ╭─╮╭──────╮╭─╮                24 zero crossings to either side, Kaiser window
//   output   •          •          •           rate 8,000, position n × 44,100 / 8,000

import { SAMPLE_RATE } from './tone.ts';

/** Rates that a file may have; outside of it the header is nonsense. */
export const RATE_MIN = 1_000;
export const RATE_MAX = 192_000;

const ZERO_CROSSINGS = 24;
/** Share of the smaller Nyquist frequency that passes: telephone speech ends at 3,400 Hz, the half-way point is 3,680. */
const PASS_SHARE = 0.92;
/** Kaiser window: some 70 dB of stop band. */
const KAISER_BETA = 7;
/** Positions between two input samples that have their own filter: exact for all usual rates (11,025 Hz needs 320) … */
const MAX_EXACT_PHASES = 400;
/** … and rounded down to one of these for odd ones, so that no header makes us compute a large table. */
const ROUNDED_PHASES = 256;

/** Modified Bessel function of the first kind, order 0, as the Kaiser window needs it. */
function bessel0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40 && term > sum * 1e-9; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** The filter for each phase, one after another, `2 * half` taps each; every phase has unity gain at 0 Hz. */
function filterTable(phases: number, half: number, cutoff: number): Float32Array {
  const taps = 2 * half;
  const table = new Float32Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    let gain = 0;
    for (let tap = 0; tap < taps; tap++) {
      const x = tap - (half - 1) - phase / phases;
      const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
      const window = bessel0(KAISER_BETA * Math.sqrt(Math.max(0, 1 - (x / half) ** 2)));
      table[phase * taps + tap] = sinc * window;
      gain += sinc * window;
    }
    for (let tap = 0; tap < taps; tap++) table[phase * taps + tap]! /= gain;
  }
  return table;
}

export const toSample = (value: number): number => Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768))) || 0;

/** Converts mono samples (-1 to 1) of any rate to 16-bit samples of 8,000 Hz, slice by slice. */
export class Resampler {
  readonly #fromRate: number;
  readonly #half: number;
  readonly #phases: number;
  readonly #table: Float32Array;
  /** Input not used up yet, and the index in the whole input of its first sample. */
  #held: Float32Array;
  #heldStart: number;
  #inputCount = 0;
  #outputCount = 0;

  /** `fromRate` in Hz, whole, RATE_MIN to RATE_MAX (the caller checks it). */
  constructor(fromRate: number) {
    this.#fromRate = fromRate;
    const ratio = Math.min(1, SAMPLE_RATE / fromRate);
    this.#half = Math.ceil(ZERO_CROSSINGS / ratio);
    const exactPhases = SAMPLE_RATE / greatestCommonDivisor(SAMPLE_RATE, fromRate);
    this.#phases = exactPhases <= MAX_EXACT_PHASES ? exactPhases : ROUNDED_PHASES;
    this.#table =
      fromRate === SAMPLE_RATE ? new Float32Array(0) : filterTable(this.#phases, this.#half, 0.5 * ratio * PASS_SHARE);
    this.#held = new Float32Array(this.#half - 1);
    this.#heldStart = -(this.#half - 1);
  }

  /** Takes the next slice and returns what can be computed so far. */
  push(input: Float32Array): Int16Array {
    this.#inputCount += input.length;
    if (this.#fromRate === SAMPLE_RATE) return Int16Array.from(input, toSample);
    const held = new Float32Array(this.#held.length + input.length);
    held.set(this.#held);
    held.set(input, this.#held.length);
    const output: Int16Array = new Int16Array(Math.ceil((held.length * SAMPLE_RATE) / this.#fromRate) + 1);
    let count = 0;
    let first = this.#heldStart;
    for (;;) {
      const position = this.#outputCount * this.#fromRate;
      const whole = Math.floor(position / SAMPLE_RATE);
      const phase = Math.floor(((position - whole * SAMPLE_RATE) * this.#phases) / SAMPLE_RATE);
      first = whole - (this.#half - 1);
      const start = first - this.#heldStart;
      if (start + 2 * this.#half > held.length) break;
      output[count] = toSample(this.#filter(held, start, phase));
      count += 1;
      this.#outputCount += 1;
    }
    // Where the steps are longer than the filter the next one may begin behind all we hold.
    const used = Math.min(Math.max(0, first - this.#heldStart), held.length);
    this.#held = held.slice(used);
    this.#heldStart += used;
    return output.subarray(0, count);
  }

  /** The rest, after the last slice: so many samples that the duration stays the same. */
  finish(): Int16Array {
    if (this.#fromRate === SAMPLE_RATE) return new Int16Array(0);
    const total = Math.ceil((this.#inputCount * SAMPLE_RATE) / this.#fromRate);
    const missing = Math.max(0, total - this.#outputCount);
    return this.push(new Float32Array(this.#half + 1)).subarray(0, missing);
  }

  #filter(input: Float32Array, start: number, phase: number): number {
    const taps = 2 * this.#half;
    const table = this.#table;
    const offset = phase * taps;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) sum += input[start + tap]! * table[offset + tap]!;
    return sum;
  }
}

/** Joins slices into one array. */
export function joinSamples(parts: readonly Int16Array[]): Int16Array {
  const whole = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
