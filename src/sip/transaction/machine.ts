// The driver core: holds the state and the timers of one table, feeds it inputs, does the timer actions itself and hands the
// others to its owner (client.ts, server.ts). Entering `terminated` releases the timers and tells the owner, here and only here.

import type { Timer } from '../../base/clock.ts';
import type { Scheduler } from '../../base/scheduler.ts';
import { step, type Table } from './step.ts';
import { doubledIntervalMs, T2, type TimerName, timerDurationMs, timerDurations } from './timers.ts';

type TimerVerb = 'start' | 'stop' | 'double' | 'restart';
type TimerAction = `${'start' | 'stop' | 'double'} ${TimerName}` | `restart ${TimerName} at T2`;

/** What is left to the owner of a machine. */
export type OwnAction<Action extends string> = Exclude<Action, TimerAction>;

const timerActions = new Map<string, { readonly verb: TimerVerb; readonly name: TimerName }>();
for (const name of Object.keys(timerDurations) as TimerName[]) {
  for (const verb of ['start', 'stop', 'double'] as const) timerActions.set(`${verb} ${name}`, { verb, name });
  timerActions.set(`restart ${name} at T2`, { verb: 'restart', name });
}

export interface MachineOwner<Input extends string, Action extends string, Event> {
  /** `event` is what was fed with the input: a message, a failure, or undefined for timers. */
  perform(action: OwnAction<Action>, event: Event | undefined): void;
  /** Called for each step, before its actions. */
  stepped(from: string, input: Input, to: string): void;
  /** Called once, before the actions of the row that led to `terminated`. */
  terminated(): void;
}

export interface MachineOptions<Input extends string, Action extends string, Event> {
  readonly table: Table<string, Input, Action>;
  readonly state: string;
  readonly owner: MachineOwner<Input, Action, Event>;
  readonly scheduler: Scheduler;
  readonly isReliable: boolean;
  /** Durations that differ from timers.ts in this transaction. */
  readonly durationsMs?: Readonly<Partial<Record<TimerName, number | undefined>>>;
}

const NO_TIMERS: readonly never[] = [];

export class Machine<Input extends string, Action extends string, Event> {
  readonly #options: MachineOptions<Input, Action, Event>;
  /** Three at most; a map would cost more than it holds. */
  #timers: readonly { readonly name: TimerName; readonly timer: Timer }[] = NO_TIMERS;
  /** Current interval of the one retransmission timer that a machine has. */
  #intervalMs = 0;
  #state: string;

  constructor(options: MachineOptions<Input, Action, Event>) {
    this.#options = options;
    this.#state = options.state;
  }

  get state(): string {
    return this.#state;
  }

  /** One input. False where the table ignores it. */
  feed(input: Input, event?: Event): boolean {
    const { table, owner } = this.#options;
    const next = step(table, this.#state, input);
    if (!next) return false;
    owner.stepped(this.#state, input, next.state);
    const hasEnded = next.state === 'terminated' && this.#state !== 'terminated';
    this.#state = next.state;
    if (hasEnded) this.#release();
    let expired: TimerName | undefined;
    for (const action of next.actions) {
      const timer = timerActions.get(action);
      if (!timer) owner.perform(action as OwnAction<Action>, event);
      else if (this.#runTimerAction(timer.verb, timer.name)) expired = timer.name;
    }
    // A timer of 0 ms fires as soon as its row is done, unless the user has moved the machine on from within the row.
    if (expired && this.#state === next.state) this.feed(`timer ${expired}` as Input);
    return true;
  }

  /** True when the timer lasts 0 ms: it is not started, its input is due at once. */
  #runTimerAction(verb: TimerVerb, name: TimerName): boolean {
    const { isReliable, durationsMs } = this.#options;
    if (verb === 'stop') {
      this.#take(name)?.cancel();
      return false;
    }
    if (verb === 'double') this.#intervalMs = doubledIntervalMs(name, this.#intervalMs);
    else if (verb === 'restart') this.#intervalMs = T2;
    else {
      const durationMs = durationsMs?.[name] ?? timerDurationMs(name, isReliable);
      if (durationMs === undefined) return false;
      if (durationMs === 0) return true;
      if (name === 'A' || name === 'E' || name === 'G') this.#intervalMs = durationMs;
      else {
        this.#schedule(name, durationMs);
        return false;
      }
    }
    this.#schedule(name, this.#intervalMs);
    return false;
  }

  #schedule(name: TimerName, delayMs: number): void {
    this.#take(name)?.cancel();
    const timer = this.#options.scheduler.after(delayMs, () => {
      this.#take(name);
      this.feed(`timer ${name}` as Input);
    });
    this.#timers = this.#timers.concat({ name, timer });
  }

  /** Out of the list, where it is in it. */
  #take(name: TimerName): Timer | undefined {
    const found = this.#timers.find((one) => one.name === name);
    if (found) this.#timers = this.#timers.length === 1 ? NO_TIMERS : this.#timers.filter((one) => one !== found);
    return found?.timer;
  }

  /** Ends the machine without a row: the layer stops. The owner is told, its user is not. */
  stop(): void {
    if (this.#state === 'terminated') return;
    this.#state = 'terminated';
    this.#release();
  }

  #release(): void {
    for (const { timer } of this.#timers) timer.cancel();
    this.#timers = NO_TIMERS;
    this.#options.owner.terminated();
  }
}
