// A play whose audio comes piece by piece (a media stream, speech as it is made). Bytes go in, one frame per tick comes out; marks are
// reached in the order in which they were set. Pure. It never ends by itself: while it is empty, the peer hears silence.
//
//   fed        ┌──── a ────┐┌─ b ─┐◆1          ┌─── c ───┐◆2◆3     ◆ mark
//   played     · ·│──── a ────│─ b ─│1 · · · · · ·│─── c ───│2 3
//
// It begins with the first frame that is there: voice agents want no delay. Where pieces come in their own pace and are late again and again,
// the next start waits for more (40, then 60 ms, or 60 ms of time), so that they join without gaps; half a second of order makes it quick
// again.
// What is less than a frame waits one tick for more.

import { limits } from '../base/limits.ts';
import type { StreamCommand } from './audio-messages.ts';
import { muLawToLinear } from './g711.ts';
import type { PlayStep } from './player.ts';
import { drop, type SlotStatistics } from './statistics.ts';
import { FRAME_SAMPLES } from './tone.ts';

const START_MOST_BYTES = 480;
const START_TICKS = 3;
/** Empty for less than this: the next piece was late. Longer: nothing was to be said. */
const LATE_TICKS = 10;
/** Late twice within so many ticks: the pace is uneven. */
const UNEVEN_TICKS = 25;
/** Bytes per block: a piece of one byte must not cost an object. */
const BLOCK_BYTES = 8_192;
const BUFFER_BYTES = limits.streamBufferMs * 8;

interface Mark {
  readonly name: string;
  /** Bytes fed before it, from the start of the stream. */
  readonly position: number;
}

/** Gives a command to the stream that it is about; what has no room is counted. */
export function obeyStream(
  player: StreamPlayer,
  command: Exclude<StreamCommand, { type: 'openStream' }>,
  statistics: SlotStatistics,
): void {
  if (command.type === 'clearStream') return player.clear();
  if (command.type === 'markStream') {
    if (!player.mark(command.name)) statistics.add(drop.stream, 1);
    return;
  }
  const lost = player.feed(command.payload) + command.length - command.payload.length;
  if (lost > 0) statistics.add(drop.stream, Math.ceil(lost / FRAME_SAMPLES));
}

export class StreamPlayer {
  readonly #onMark: (name: string) => void;
  readonly #blocks: Uint8Array[] = [];
  readonly #marks: Mark[] = [];
  /** First byte that is left in the first block, and first free one in the last. */
  #start = 0;
  #end = BLOCK_BYTES;
  #fed = 0;
  #played = 0;
  #isRunning = false;
  #waited = 0;
  /** What the next start waits for. */
  #startBytes = FRAME_SAMPLES;
  /** Ticks since it ran empty; -1 before it has ever run. */
  #emptyTicks = -1;
  #ticksSinceLate = UNEVEN_TICKS;

  constructor(onMark: (name: string) => void) {
    this.#onMark = onMark;
  }

  /** Appends PCMU bytes; returns how many did not fit. */
  feed(payload: Uint8Array): number {
    const accepted = Math.min(payload.length, BUFFER_BYTES - this.#waiting);
    for (let at = 0; at < accepted; ) {
      if (this.#end === BLOCK_BYTES) this.#addBlock();
      const count = Math.min(accepted - at, BLOCK_BYTES - this.#end);
      this.#blocks.at(-1)!.set(payload.subarray(at, at + count), this.#end);
      this.#end += count;
      at += count;
    }
    this.#fed += accepted;
    return payload.length - accepted;
  }

  /** False when too many wait already. */
  mark(name: string): boolean {
    if (this.#marks.length >= limits.streamMarks) return false;
    this.#marks.push({ name, position: this.#fed });
    this.#reach();
    return true;
  }

  /** Forgets what was not played; all marks are reached. */
  clear(): void {
    this.#blocks.length = 0;
    this.#start = 0;
    this.#end = BLOCK_BYTES;
    this.#played = this.#fed;
    this.#stop();
    this.#emptyTicks = -1;
    this.#reach();
  }

  /** Fills `out` (160 samples) with the next 20 ms. */
  next(out: Int16Array): PlayStep {
    if (this.#ticksSinceLate < UNEVEN_TICKS) this.#ticksSinceLate += 1;
    if (!this.#mayPlay()) {
      out.fill(0);
      return 'silence';
    }
    const count = Math.min(out.length, this.#waiting);
    for (let index = 0; index < count; index++) out[index] = muLawToLinear[this.#take()]!;
    out.fill(0, count);
    if (this.#waiting === 0 && count < out.length) this.#stop();
    this.#reach();
    return 'audio';
  }

  get #waiting(): number {
    return this.#fed - this.#played;
  }

  #mayPlay(): boolean {
    const waiting = this.#waiting;
    if (waiting === 0) {
      this.#stop();
      if (this.#emptyTicks >= 0 && this.#emptyTicks <= LATE_TICKS) this.#emptyTicks += 1;
      return false;
    }
    if (!this.#isRunning && this.#emptyTicks > 0) this.#learn();
    const isEnough = waiting >= (this.#isRunning ? FRAME_SAMPLES : this.#startBytes);
    this.#waited += 1;
    if (!isEnough && this.#waited <= (this.#isRunning ? 1 : START_TICKS)) return false;
    this.#isRunning = true;
    this.#waited = 0;
    return true;
  }

  #stop(): void {
    if (this.#isRunning) this.#emptyTicks = 0;
    this.#isRunning = false;
    this.#waited = 0;
  }

  /** It was empty between two pieces: late, or meant? */
  #learn(): void {
    const isLate = this.#emptyTicks <= LATE_TICKS;
    const isUneven = isLate && this.#ticksSinceLate < UNEVEN_TICKS;
    this.#startBytes = isUneven ? Math.min(this.#startBytes + FRAME_SAMPLES, START_MOST_BYTES) : FRAME_SAMPLES;
    if (isLate) this.#ticksSinceLate = 0;
    this.#emptyTicks = -1;
  }

  #take(): number {
    const octet = this.#blocks[0]![this.#start]!;
    this.#start += 1;
    this.#played += 1;
    if (this.#start === BLOCK_BYTES) {
      this.#blocks.shift();
      this.#start = 0;
    }
    return octet;
  }

  #addBlock(): void {
    this.#blocks.push(new Uint8Array(BLOCK_BYTES));
    this.#end = 0;
  }

  #reach(): void {
    while (this.#marks.length > 0 && this.#marks[0]!.position <= this.#played) this.#onMark(this.#marks.shift()!.name);
  }
}
