// The most that something carries: steps upwards until a step is no longer good, then the middle between the two, some times. A step
// that failed is tried once more, since a single hiccup of the machine is not the knee.

export interface Step<T> {
  readonly isGood: boolean;
  /** The generator was out of breath: what is seen is its own bound. */
  readonly isSaturated: boolean;
  readonly result: T;
}

export interface KneeOptions<T> {
  readonly start: number;
  /** Factor of a step upwards. */
  readonly growth: number;
  /** Never more than that. */
  readonly most: number;
  /** Halvings after the first bad step. */
  readonly refinements: number;
  readonly run: (load: number) => Promise<Step<T>>;
}

/** What ended the search: the subject, the generator, or the bound of the search. */
export type KneeEnd = 'knee' | 'generator' | 'bound';

export interface Knee<T> {
  /** 0 = not even the first step was good. */
  readonly load: number;
  readonly result: T;
  readonly end: KneeEnd;
}

export async function findKnee<T>({ start, growth, most, refinements, run }: KneeOptions<T>): Promise<Knee<T>> {
  const tried = async (load: number): Promise<Step<T>> => {
    const step = await run(load);
    return step.isGood ? step : run(load);
  };
  let load = Math.min(start, most);
  let step = await tried(load);
  let best: Knee<T> = { load: 0, result: step.result, end: step.isSaturated ? 'generator' : 'knee' };
  while (step.isGood) {
    best = { load, result: step.result, end: 'bound' };
    if (load >= most) return best;
    load = Math.min(most, Math.max(load + 1, Math.round(load * growth)));
    step = await tried(load);
  }
  let end: KneeEnd = step.isSaturated ? 'generator' : 'knee';
  let [low, high] = [best.load, load];
  for (let turn = 0; turn < refinements && high - low > 1; turn++) {
    const middle = Math.round((low + high) / 2);
    const next = await run(middle);
    if (next.isGood) {
      low = middle;
      best = { load: middle, result: next.result, end };
    } else {
      high = middle;
      end = next.isSaturated ? 'generator' : 'knee';
    }
  }
  return { ...best, end };
}

export interface KneeSearchOptions<T> {
  /** Where the first search begins, and the factor of its steps. */
  readonly start: number;
  readonly growth: number;
  readonly most: number;
  /** One step of `start` is all: whether it works. */
  readonly isQuick: boolean;
  readonly run: (load: number) => Promise<Step<T>>;
  /** Before each turn, and after it. */
  readonly prepare?: () => Promise<unknown>;
  readonly release?: () => Promise<unknown>;
}

/** Later turns begin at this share of the knee that was found last, and take smaller steps. */
const LATER_SHARE = 0.8;
const LATER_GROWTH = 1.08;
const REFINEMENTS = 3;

/** Searches for the knee of one subject, a turn at a time, so that others can have their turns between. */
export class KneeSearch<T> {
  readonly loads: number[] = [];
  readonly samples: T[] = [];
  readonly ends: KneeEnd[] = [];
  readonly #options: KneeSearchOptions<T>;

  constructor(options: KneeSearchOptions<T>) {
    this.#options = options;
  }

  async turn(): Promise<void> {
    const { start, growth, most, isQuick, run, prepare, release } = this.#options;
    // After a turn that found nothing the next one is a first one again.
    const last = isQuick ? undefined : this.loads.at(-1) || undefined;
    const first = last === undefined ? start : Math.max(1, Math.round(last * LATER_SHARE));
    await prepare?.();
    // While others had their turns it cooled down: what it does then is no measure of what it carries.
    if (last !== undefined) await run(Math.max(1, Math.round(first / 2)));
    const knee = await findKnee<T>({
      start: first,
      growth: last === undefined ? growth : LATER_GROWTH,
      most: isQuick ? start : most,
      refinements: isQuick ? 0 : REFINEMENTS,
      run,
    });
    await release?.();
    this.loads.push(knee.load);
    this.samples.push(knee.result);
    this.ends.push(knee.end);
  }
}

/** Every search in turn, so often: a machine that is slower for a while is slower for all of them. */
export async function searchInTurn(searches: readonly KneeSearch<unknown>[], repeats: number): Promise<void> {
  for (let turn = 0; turn < repeats; turn++) {
    for (const search of searches) await search.turn();
  }
}
