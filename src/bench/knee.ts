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
