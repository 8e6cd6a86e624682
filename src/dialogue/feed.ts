// What is seen of a call under test, in order: the same observations in virtual time and from a gateway. Scripts match them, the transcript
// prints them.

import type { Outcome } from './script.ts';

export type Observation = {
  readonly atMs: number;
} /** A request to the application and its answer; status 0 = none came. */ & (
  | {
      readonly kind: 'exchange';
      readonly method: string;
      readonly url: string;
      readonly purpose: string;
      readonly status: number;
      readonly errorCode: number | null;
      /** What the request said beyond the standard parameters. */
      readonly params: readonly (readonly [name: string, value: string])[];
    }
  | { readonly kind: 'answered' }
  | { readonly kind: 'verb'; readonly verb: string; readonly detail: string }
  | { readonly kind: 'verbEnded'; readonly verb: string; readonly outcome: string }
  /** Begins to be heard; without markup. */
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'play'; readonly url: string }
  | { readonly kind: 'notice'; readonly level: string; readonly code: number; readonly message: string }
  | { readonly kind: 'bridged' }
  /** The application's side heard a key; which one is not told. */
  | { readonly kind: 'keyHeard' }
  /** What the script did, and what it had waited for. */
  | { readonly kind: 'did'; readonly text: string }
  | { readonly kind: 'met'; readonly text: string }
  | { readonly kind: 'ended'; readonly by: 'caller' | 'application'; readonly status: string; readonly reason: string }
);

type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs'> : never;
export type Seen = WithoutTime<Observation>;

export class Feed {
  readonly #seen: Observation[] = [];
  readonly #open: number[] = [];
  readonly #waiting = new Set<() => void>();

  get all(): readonly Observation[] {
    return this.#seen;
  }

  add(observation: Observation): void {
    const index = this.#seen.push(observation) - 1;
    if (observation.kind === 'verb') this.#open.push(index);
    if (observation.kind === 'verbEnded') this.#close(observation.verb);
    for (const wake of [...this.#waiting]) wake();
  }

  #close(verb: string): void {
    const at = this.#open.findLastIndex((index) => this.verbAt(index) === verb);
    if (at >= 0) this.#open.splice(at, 1);
  }

  verbAt(index: number): string | undefined {
    const observation = this.#seen[index];
    return observation?.kind === 'verb' ? observation.verb : undefined;
  }

  /** Indices of verbs that run, the innermost last: a Gather of a called party stands inside the Dial. */
  get open(): readonly number[] {
    return this.#open;
  }

  get end(): Extract<Observation, { kind: 'ended' }> | undefined {
    const last = this.#seen.findLast((observation) => observation.kind === 'ended');
    return last?.kind === 'ended' ? last : undefined;
  }

  /** Calls `wake` at each addition. Returns what ends that. */
  onAdded(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}

/** A call under test: the port between a script and the two kinds of call, virtual-call.ts and phone-call.ts. */
export interface TestCall {
  readonly feed: Feed;
  /** Milliseconds since the call began. */
  atMs(): number;
  /** Resolves after so long in the time of the call, or when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** One key after the other. Resolves when the other side had the time to notice. */
  press(keys: string): Promise<void>;
  /** Resolves when all has been said; the error is a sentence for the user. */
  speak(text: string): Promise<string | undefined>;
  sound(hz: number, forMs: number): Promise<void>;
  /** Resolves as soon as a tone of this frequency is heard; never, if none is. */
  hears(hz: number, signal: AbortSignal): Promise<void>;
  hangUp(): void;
  /** Decides what becomes of a Dial and its like; undefined where real parties decide. The result says why that cannot be. */
  readonly decide: ((outcome: Outcome) => string | undefined) | undefined;
}
