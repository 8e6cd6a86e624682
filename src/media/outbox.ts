// What goes to another thread within one turn of the event loop, sent as one message at its end: waking a thread and cloning a message
// cost far more than most of what is said. What nobody waits for waits a moment longer for company. Order is kept.

import type { Clock, Timer } from '../base/clock.ts';

/** So long a patient message waits for others at most. */
const PATIENCE_MS = 5;

export class Outbox<T> {
  readonly #post: (messages: readonly T[]) => void;
  #waiting: T[] = [];
  #isDue = false;
  #timer: Timer | undefined;

  constructor(post: (messages: readonly T[]) => void) {
    this.#post = post;
  }

  add(message: T): void {
    this.#waiting.push(message);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#flush());
  }

  /** Goes with the next message that is added, after some milliseconds without one. */
  addPatient(message: T, clock: Clock): void {
    this.#waiting.push(message);
    if (!this.#isDue) this.#timer ??= clock.after(PATIENCE_MS, () => this.#flush());
  }

  /** Forgets what was not sent yet. */
  clear(): void {
    this.#waiting = [];
  }

  #flush(): void {
    this.#isDue = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    const messages = this.#waiting;
    if (messages.length === 0) return;
    this.#waiting = [];
    this.#post(messages);
  }
}
