// Writes of one kind, one transaction after the other: what is asked for while one is under way shares the next, and later writes of a
// record never overtake earlier ones.

import { limits } from '../../base/limits.ts';
import type { Operation, Outcome } from '../operations.ts';
import { StoreFault } from '../store.ts';
import { storeFault } from './client.ts';

interface Waiting {
  readonly operation: Operation;
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: StoreFault) => void;
}

export class Lane {
  readonly #run: (operations: readonly Operation[]) => Promise<readonly Outcome[]>;
  #waiting: Waiting[] = [];
  #working: Promise<void> | null = null;

  /** `run` carries out a group; when it rejects, all operations of the group are rejected. */
  constructor(run: (operations: readonly Operation[]) => Promise<readonly Outcome[]>) {
    this.#run = run;
  }

  /** Rejects with StoreFault. */
  ask(operation: Operation): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= limits.postgresQueuedWrites)
        return reject(new StoreFault('unavailable', 'too many writes wait for the database'));
      this.#waiting.push({ operation, resolve, reject });
      this.#working ??= this.#work();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working;
  }

  async #work(): Promise<void> {
    // The rest of this turn of the event loop joins the group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, limits.storeBatchRecords);
      try {
        settle(group, await this.#run(group.map(({ operation }) => operation)));
      } catch (fault) {
        for (const one of group) one.reject(storeFault(fault));
      }
    }
    this.#working = null;
  }
}

function settle(group: readonly Waiting[], outcomes: readonly Outcome[]): void {
  for (const [index, one] of group.entries()) {
    const outcome = outcomes[index];
    if (outcome?.ok) one.resolve(outcome.value);
    else one.reject(new StoreFault(outcome?.code ?? 'unavailable', outcome?.message ?? 'the database gave no answer'));
  }
}
