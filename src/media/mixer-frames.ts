// Frames of audio from another worker, put on our own ticks: the two count frames of 20 ms each from a start of its own, and a thread
// may wake late. Pure: both frame numbers are parameters.
//
//   theirs       70    71    72          │ pause │ 140 …        offset = ours - theirs, set by the first frame after a pause
//   ours      ── 12 ── 13 ── 14 ── 15 ── │       │ 90 …         so that LEAD ticks lie between its coming and its turn
//
// A frame that comes after its turn moves the offset later; a long stretch of frames that all came early moves it back.

import { limits } from '../base/limits.ts';
import { FRAME_SAMPLES } from './tone.ts';

/** Ticks from the last one that was played to the turn of the first frame: one frame of slack for the threads. */
const LEAD = 2;
/** Without any frame for so long, the next one begins anew. */
const PAUSE_FRAMES = 10;
/** Frames over which spare lead is measured: five seconds. */
const WINDOW_FRAMES = 250;

export class MixerFrames {
  readonly #slots: readonly Int32Array[] = Array.from(
    { length: limits.mixerLinkFrames },
    () => new Int32Array(FRAME_SAMPLES),
  );
  /** Our frame number of what each slot holds (50 a second, for years: beyond 32 bits); -1 when it was played. */
  readonly #turns = new Float64Array(limits.mixerLinkFrames).fill(-1);
  #offset = 0;
  #lastPush = Number.NEGATIVE_INFINITY;
  #windowCount = 0;
  #windowLead = Number.POSITIVE_INFINITY;

  /** Takes their frame `theirs`; `played` is our last frame. Samples are little-endian numbers of 32 bits in `bytes` from `at`. */
  push(theirs: number, bytes: DataView, at: number, played: number): void {
    let turn = theirs + this.#offset;
    const isPaused = played - this.#lastPush > PAUSE_FRAMES;
    if (isPaused || turn <= played || turn >= played + limits.mixerLinkFrames) {
      turn = played + LEAD;
      this.#offset = turn - theirs;
      this.#restartWindow();
    }
    this.#lastPush = played;
    const slot = turn % limits.mixerLinkFrames;
    const samples = this.#slots[slot]!;
    for (let index = 0; index < FRAME_SAMPLES; index++) samples[index] = bytes.getInt32(at + index * 4, true);
    this.#turns[slot] = turn;
    this.#shrink(turn - played);
  }

  /** Adds what has its turn in our frame `frame` to `sum`; false when there is nothing. */
  addTo(sum: Int32Array, frame: number): boolean {
    const slot = frame % limits.mixerLinkFrames;
    if (this.#turns[slot] !== frame) return false;
    this.#turns[slot] = -1;
    const samples = this.#slots[slot]!;
    for (let index = 0; index < FRAME_SAMPLES; index++) sum[index] = sum[index]! + samples[index]!;
    return true;
  }

  /** Whether nothing has come for long. */
  isIdle(frame: number): boolean {
    return frame - this.#lastPush > PAUSE_FRAMES;
  }

  #shrink(lead: number): void {
    this.#windowLead = Math.min(this.#windowLead, lead);
    this.#windowCount += 1;
    if (this.#windowCount < WINDOW_FRAMES) return;
    // One frame is lost by it: 20 ms once in five seconds at most.
    if (this.#windowLead > LEAD) this.#offset -= 1;
    this.#restartWindow();
  }

  #restartWindow(): void {
    this.#windowCount = 0;
    this.#windowLead = Number.POSITIVE_INFINITY;
  }
}
