// What is heard on a virtual call as far as it is known: audio files that the application plays, keys that it sends, and the echo of
// what the caller sends.

import type { Clock } from '../base/clock.ts';
import { toneShare } from '../media/goertzel.ts';
import { SAMPLE_RATE } from '../media/tone.ts';

/** 100 ms: tones 20 Hz apart are told apart. */
export const TONE_WINDOW_SAMPLES = SAMPLE_RATE / 10;
/** Share of the energy that a tone has in a window in which it is heard. */
const TONE_SHARE = 0.8;
/** Windows in a row that make it a tone and not a sound of speech. */
export const TONE_WINDOWS = 3;

/** Counts windows of a tone in a row. */
export class ToneWatch {
  readonly #hz: number;
  #windows = 0;

  constructor(hz: number) {
    this.#hz = hz;
  }

  /** True as soon as the tone was heard for long enough. `window`: TONE_WINDOW_SAMPLES. */
  push(window: Int16Array): boolean {
    const isTone = window.some((sample) => Math.abs(sample) > SILENCE) && toneShare(window, this.#hz) >= TONE_SHARE;
    this.#windows = isTone ? this.#windows + 1 : 0;
    return this.#windows >= TONE_WINDOWS;
  }
}

/** Amplitude of line noise. */
const SILENCE = 64;

/** Whether a tone of `hz` is in `samples`. */
export function holdsTone(samples: Int16Array, hz: number): boolean {
  const watch = new ToneWatch(hz);
  for (let at = 0; at + TONE_WINDOW_SAMPLES <= samples.length; at += TONE_WINDOW_SAMPLES) {
    if (watch.push(samples.subarray(at, at + TONE_WINDOW_SAMPLES))) return true;
  }
  return false;
}

interface Listener {
  readonly hz: number;
  readonly resolve: () => void;
}

export class VirtualSound {
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  #playing: { readonly samples: Int16Array; readonly untilMs: number } | undefined;
  #fromCaller: { readonly hz: number; readonly untilMs: number } | undefined;
  #echoes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The application plays this from now on. */
  plays(samples: Int16Array, durationMs: number): void {
    this.#playing = { samples, untilMs: this.#clock.now() + durationMs };
    for (const listener of [...this.#listeners]) if (holdsTone(samples, listener.hz)) listener.resolve();
  }

  stops(): void {
    this.#playing = undefined;
  }

  /** Returns what ends it. */
  echo(): () => void {
    this.#echoes += 1;
    for (const listener of [...this.#listeners]) if (this.#isEchoed(listener.hz)) listener.resolve();
    return () => {
      this.#echoes -= 1;
    };
  }

  fromCaller(hz: number, forMs: number): void {
    this.#fromCaller = { hz, untilMs: this.#clock.now() + forMs };
    for (const listener of [...this.#listeners]) if (this.#isEchoed(listener.hz)) listener.resolve();
  }

  #isEchoed(hz: number): boolean {
    const tone = this.#fromCaller;
    return (
      this.#echoes > 0 && tone !== undefined && tone.untilMs > this.#clock.now() && Math.abs(tone.hz - hz) < SAME_HZ
    );
  }

  hears(hz: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const listener: Listener = { hz, resolve: () => finish() };
      const finish = () => {
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
      signal.addEventListener('abort', finish, { once: true });
      const playing = this.#playing;
      const isPlayed = playing && playing.untilMs > this.#clock.now() && holdsTone(playing.samples, hz);
      if (isPlayed || this.#isEchoed(hz) || signal.aborted) finish();
    });
  }
}

const SAME_HZ = 10;
