// A typed event source whose listeners cannot harm one another: a throw is handed to `onFault`, the rest still run.

export type Unsubscribe = () => void;

export class Emitter<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #onFault: (fault: unknown) => void;

  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault;
  }

  on(listener: (event: Event) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (fault) {
        this.#onFault(fault);
      }
    }
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }
}
