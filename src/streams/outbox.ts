// The messages towards one server, between a call that gives 50 frames a second and a socket that may be slow. Bounded: audio that
// nobody takes is dropped from its old end, and a server that takes nothing at all for a while is given up.
//
//   push ─▶ [ waiting: audio (drop oldest), others (kept) ] ─▶ in flight, at most streamInFlightBytes ─▶ socket

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';

interface Waiting {
  readonly text: string;
  readonly isAudio: boolean;
}

export interface OutboxOptions {
  readonly clock: Clock;
  /** Gives a message to the socket; `done` when the system took it, or cannot any more. */
  readonly write: (text: string, done: () => void) => void;
  /** The server takes nothing: the owner ends the connection. Called once. */
  readonly onStalled: (reason: string) => void;
  readonly onDropped: (frames: number) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #waiting: Waiting[] = [];
  #audioWaiting = 0;
  #inFlightBytes = 0;
  #stall: Timer | undefined;
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Messages that the socket was not given yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  push(text: string, isAudio: boolean): void {
    if (this.#isClosed) return;
    if (this.#waiting.length === 0 && this.#inFlightBytes < limits.streamInFlightBytes) return this.#write(text);
    this.#waiting.push({ text, isAudio });
    if (isAudio) this.#audioWaiting++;
    if (this.#audioWaiting > limits.streamFramesQueued) this.#dropOldest();
    if (this.#waiting.length - this.#audioWaiting > limits.streamControlsQueued) this.#giveUp('its queue is full');
  }

  close(): void {
    this.#isClosed = true;
    this.#stall?.cancel();
    this.#waiting = [];
    this.#audioWaiting = 0;
  }

  #dropOldest(): void {
    this.#waiting.splice(
      this.#waiting.findIndex(({ isAudio }) => isAudio),
      1,
    );
    this.#audioWaiting--;
    this.#options.onDropped(1);
  }

  #write(text: string): void {
    this.#inFlightBytes += text.length;
    this.#stall ??= this.#watch();
    this.#options.write(text, () => {
      this.#inFlightBytes -= text.length;
      if (this.#isClosed) return;
      // Something was taken: the watch begins anew.
      this.#stall?.cancel();
      this.#stall = this.#inFlightBytes > 0 ? this.#watch() : undefined;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#inFlightBytes < limits.streamInFlightBytes) {
      const next = this.#waiting.shift()!;
      if (next.isAudio) this.#audioWaiting--;
      this.#write(next.text);
    }
  }

  #watch(): Timer {
    return this.#options.clock.after(limits.streamStallMs, () => this.#giveUp('it takes nothing'));
  }

  #giveUp(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#options.onStalled(reason);
  }
}
