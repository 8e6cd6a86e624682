// The audio of one mixer between two workers: each sends the sum of its own members once per 20 ms through the ring to the other, and
// what only one member is to hear (coaching) as a frame of its own. Nothing is sent while nobody there speaks.
//
//   ring entry of a mixer   │ frame(4) │ from seat(4), 0: the sum │ to seat(4) │ 160 samples of 32 bits │
//
// The sum has 32 bits, so that what is subtracted and limited in the end is exact, wherever the members live.

import type { RingSink } from './bridge.ts';
import { MixerFrames } from './mixer-frames.ts';
import { FRAME_SAMPLES } from './tone.ts';

const HEAD_BYTES = 12;
const ENTRY_BYTES = HEAD_BYTES + FRAME_SAMPLES * 4;
/** `from` of the sum. */
const EVERYBODY = 0;

/** What a member in another worker says to one of ours. */
interface PrivateFrames {
  readonly frames: MixerFrames;
  to: number;
}

/** Sends frames of a mixer to other workers. One buffer serves all. */
export class MixerOutlet {
  readonly #bytes = new Uint8Array(ENTRY_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);

  /** Puts the sum for everybody, or with `from` and `to` a frame of one member for another, into each ring. False when one was full. */
  send(mixer: number, rings: Iterable<RingSink>, frame: number, samples: Int32Array | Int16Array, from = 0, to = 0) {
    const view = this.#view;
    view.setUint32(0, frame);
    view.setUint32(4, from);
    view.setUint32(8, to);
    for (let index = 0; index < FRAME_SAMPLES; index++) view.setInt32(HEAD_BYTES + index * 4, samples[index]!, true);
    let isSent = true;
    for (const ring of rings) isSent = ring.push(mixer, this.#bytes, HEAD_BYTES, ENTRY_BYTES, null) && isSent;
    return isSent;
  }
}

/** What one other worker sends. */
export class MixerInlet {
  readonly #sum = new MixerFrames();
  readonly #private = new Map<number, PrivateFrames>();

  /** Takes an entry of the ring; `played` is our last frame. */
  receive(entry: Uint8Array, played: number): void {
    if (entry.length !== ENTRY_BYTES) return;
    const view = new DataView(entry.buffer, entry.byteOffset, entry.length);
    const theirs = view.getUint32(0);
    const from = view.getUint32(4);
    if (from === EVERYBODY) return this.#sum.push(theirs, view, HEAD_BYTES, played);
    let said = this.#private.get(from);
    if (!said) {
      said = { frames: new MixerFrames(), to: 0 };
      this.#private.set(from, said);
    }
    said.to = view.getUint32(8);
    said.frames.push(theirs, view, HEAD_BYTES, played);
  }

  /** Adds what the other worker's members say to everybody. */
  addTo(sum: Int32Array, frame: number): boolean {
    return this.#sum.addTo(sum, frame);
  }

  get hasPrivate(): boolean {
    return this.#private.size > 0;
  }

  /** Adds what the other worker's members say to the member of `seat` alone; false when there is nothing. */
  addPrivateTo(seat: number, sum: Int32Array, frame: number): boolean {
    let isAdded = false;
    for (const { frames, to } of this.#private.values()) {
      if (to === seat && frames.addTo(sum, frame)) isAdded = true;
    }
    return isAdded;
  }

  /** Forgets those who have stopped to speak in private. */
  tidy(frame: number): void {
    for (const [from, { frames }] of this.#private) if (frames.isIdle(frame)) this.#private.delete(from);
  }
}
