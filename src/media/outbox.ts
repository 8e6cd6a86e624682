// What goes to another thread within one turn of the event loop, sent as one message at its end: waking a thread and cloning a message
// cost far more than most of what is said. Order is kept.

export class Outbox<T> {
  readonly #post: (messages: readonly T[]) => void;
  #waiting: T[] = [];

  constructor(post: (messages: readonly T[]) => void) {
    this.#post = post;
  }

  add(message: T): void {
    if (this.#waiting.push(message) === 1) setImmediate(() => this.#flush());
  }

  /** Forgets what was not sent yet. */
  clear(): void {
    this.#waiting = [];
  }

  #flush(): void {
    const messages = this.#waiting;
    if (messages.length === 0) return;
    this.#waiting = [];
    this.#post(messages);
  }
}
