// Plays a script on a call and says where it first differs from what was expected. Knows neither SIP nor TwiML: it sees observations.
//
// An expect-… looks at what comes next. Talk that it does not name (Say, Play, Gather and the like) is passed over; something that leads the
// call elsewhere (Dial, Record, the end …) is not: there the script is wrong, or the application.

import type { Observation, TestCall } from './feed.ts';
import {
  CONFERENCE,
  type Expectation,
  expectationLine,
  type Outcome,
  type Script,
  type ScriptLine,
  stepLine,
  type TextPattern,
} from './script.ts';

export interface Failure {
  /** Undefined: after the last line. */
  readonly line: ScriptLine | undefined;
  readonly expected: string;
  /** A sentence without full stop. */
  readonly reason: string;
  /** What came since the last thing that was met. */
  readonly seen: readonly Observation[];
}

export interface ScriptOptions {
  /** How long an expectation waits that does not say so itself. */
  readonly withinMs: number;
}

/** Plays all steps, then hangs up if the call still lives. Resolves with the first difference, or undefined when all was as expected. */
export async function runScript(script: Script, call: TestCall, options: ScriptOptions): Promise<Failure | undefined> {
  const run = new ScriptRun(call, options);
  const failure = await run.play(script.lines);
  if (!call.feed.end) call.hangUp();
  return failure;
}

/** Verbs that only talk, listen or lead to another document: an expectation of something else passes them over. */
const PASSED_OVER: ReadonlySet<string> = new Set('Say Play Pause Gather Redirect Start Stop Hangup Leave'.split(' '));
/** Verbs during which keys of the caller mean something. */
const LISTENING: ReadonlySet<string> = new Set(['Gather', 'Record', 'Dial', 'Connect', 'Echo']);
const RECORDING: ReadonlySet<string> = new Set(['Record']);
/** Verbs that give the call to somebody else. */
const GIVING: ReadonlySet<string> = new Set(['Dial', 'Enqueue', 'Connect', 'Refer']);

/** Leaves the script at the first difference. */
class Difference extends Error {
  readonly expected: string;
  constructor(reason: string, expected: string) {
    super(reason);
    this.expected = expected;
  }
}

type Look<T> = () => T | undefined;

class ScriptRun {
  readonly #call: TestCall;
  readonly #options: ScriptOptions;
  /** Observations before this one have been matched or passed over. */
  #cursor = 0;
  /** Where what is shown of a difference begins. */
  #shownFrom = 0;
  /** How much longer the next expectation waits: what the script has decided takes its time. */
  #patienceMs = 0;
  /** The last verb that an expectation has named. */
  #metVerb = -1;

  constructor(call: TestCall, options: ScriptOptions) {
    this.#call = call;
    this.#options = options;
  }

  async play(lines: readonly ScriptLine[]): Promise<Failure | undefined> {
    for (const line of lines) {
      try {
        await this.#step(line);
      } catch (fault) {
        if (!(fault instanceof Difference)) throw fault;
        const seen = this.#call.feed.all.slice(this.#shownFrom).filter(({ kind }) => kind !== 'did' && kind !== 'met');
        return { line, expected: fault.expected, reason: fault.message, seen };
      }
    }
    return undefined;
  }

  async #step({ step, text }: ScriptLine): Promise<void> {
    const call = this.#call;
    switch (step.kind) {
      case 'press':
        if (!step.now)
          this.#acknowledge(
            await this.#until(() => this.#openVerb(LISTENING), 'a verb that listens for keys', undefined),
          );
        this.#did(text);
        return call.press(step.keys);
      case 'speak': {
        await this.#behindBeep(await this.#until(() => this.#openVerb(LISTENING), 'a verb that listens', undefined));
        this.#did(text);
        const failure = await call.speak(step.text);
        if (failure !== undefined) throw new Difference(failure, stepLine(step));
        return;
      }
      case 'sound':
        this.#did(text);
        // It goes on while the script does: an echo is heard meanwhile.
        void call.sound(step.hz, step.forMs);
        return;
      case 'wait':
        return this.#wait(step.forMs);
      case 'message':
        await this.#behindBeep(await this.#until(() => this.#openVerb(RECORDING), 'a Record', undefined));
        this.#did(text);
        return call.sound(MESSAGE_HZ, step.forMs);
      case 'silent':
        return this.#staySilent();
      case 'hang-up':
        this.#did(text);
        call.hangUp();
        await this.#until(() => call.feed.end, 'the end of the call', undefined);
        return;
      case 'outcome':
        return this.#decide(step.outcome, text);
      case 'expect':
        await this.#expect(step.expectation, step.withinMs ?? this.#options.withinMs + this.#patienceMs);
        this.#patienceMs = 0;
        this.#add('met', text);
        this.#shownFrom = call.feed.all.length;
        if (step.expectation.kind === 'record' && step.expectation.forMs !== undefined) {
          await this.#behindBeep(this.#metVerb);
          await call.sound(MESSAGE_HZ, step.expectation.forMs);
        }
    }
  }

  #did(text: string): void {
    this.#add('did', text);
  }

  #add(kind: 'did' | 'met', text: string): void {
    this.#call.feed.add({ kind, text, atMs: this.#call.atMs() });
  }

  // --- what the caller does

  async #wait(ms: number): Promise<void> {
    const over = new AbortController();
    const unsubscribe = this.#call.feed.onAdded(() => this.#call.feed.end && over.abort());
    if (!this.#call.feed.end) await this.#call.sleep(ms, over.signal);
    unsubscribe();
  }

  /** What is said into the beep of a Record is not in it. */
  async #behindBeep(verb: number): Promise<void> {
    const { feed } = this.#call;
    this.#acknowledge(verb);
    if (feed.verbAt(verb) === 'Record') await this.#wait(feed.all[verb]!.atMs + BEEP_MS - this.#call.atMs());
  }

  /** A step that does something about a verb has seen it: no expectation must name it any more. */
  #acknowledge(verb: number): void {
    if (PASSED_OVER.has(this.#call.feed.verbAt(verb) ?? '')) return;
    this.#metVerb = Math.max(this.#metVerb, verb);
    this.#cursor = Math.max(this.#cursor, verb + 1);
  }

  async #staySilent(): Promise<void> {
    const { feed } = this.#call;
    const what = 'a Gather that gives up';
    const gather = await this.#until(() => feed.open.find((index) => feed.verbAt(index) === 'Gather'), what, undefined);
    await this.#until(() => !feed.open.includes(gather) || undefined, what, GATHER_MS);
    const ended = feed.all.slice(gather).find((one) => one.kind === 'verbEnded' && one.verb === 'Gather');
    const outcome = ended?.kind === 'verbEnded' ? ended.outcome : '';
    if (outcome !== 'no input') throw new Difference(`the Gather ended with "${outcome}"`, what);
  }

  async #decide(outcome: Outcome, text: string): Promise<void> {
    const { decide } = this.#call;
    const given = await this.#until(() => this.#openOrEnded(GIVING), 'a Dial or the like', undefined);
    this.#acknowledge(given);
    this.#patienceMs = takesMs(outcome);
    if (!decide) return this.#observe(outcome, given);
    // The verb has begun; a moment later it waits for its outcome.
    await this.#call.sleep(1);
    this.#did(text);
    const mistake = decide(outcome);
    if (mistake !== undefined) throw new Difference(mistake, stepLine({ kind: 'outcome', outcome }));
  }

  /** Real parties decide: what came of it must be what the script says. */
  async #observe(outcome: Outcome, verb: number): Promise<void> {
    const { feed } = this.#call;
    const expected = stepLine({ kind: 'outcome', outcome });
    const name = feed.verbAt(verb) ?? '';
    const end = () => {
      const found = feed.all.slice(verb).find((one) => one.kind === 'verbEnded' && one.verb === name);
      return found?.kind === 'verbEnded' ? found.outcome : undefined;
    };
    const isBridged = () => feed.all.slice(verb).some(({ kind }) => kind === 'bridged') || undefined;
    const result = await this.#until<string | true>(
      () => (outcome.kind === 'answer' ? isBridged() : undefined) ?? end(),
      expected,
      undefined,
    );
    const isMet =
      result === true ||
      outcome.kind === 'ends' ||
      result === outcome.kind ||
      (outcome.kind === 'answer' && /^(completed|answered|bridged)$/.test(result));
    if (!isMet) throw new Difference(`the ${name} ended with "${result}"`, expected);
    this.#add('met', expected);
  }

  #openVerb(names: ReadonlySet<string>): number | undefined {
    const { feed } = this.#call;
    const innermost = feed.open.at(-1);
    return innermost !== undefined && names.has(feed.verbAt(innermost) ?? '') ? innermost : undefined;
  }

  /** A verb that runs, or that ended after it had been expected: a real party may be quick to refuse. */
  #openOrEnded(names: ReadonlySet<string>): number | undefined {
    const { feed } = this.#call;
    const running = feed.open.findLast((index) => names.has(feed.verbAt(index) ?? ''));
    if (running !== undefined || this.#call.decide) return running;
    return names.has(feed.verbAt(this.#metVerb) ?? '') ? this.#metVerb : undefined;
  }

  // --- what the caller expects

  async #expect(expectation: Expectation, withinMs: number | undefined): Promise<void> {
    const expected = expectationLine(expectation);
    if (expectation.kind === 'tone') return this.#hears(expectation.hz, withinMs, expected);
    if (expectation.kind === 'status') {
      const end = await this.#until(() => this.#call.feed.end, expected, withinMs, true);
      if (end.status !== expectation.status) throw new Difference(`the call ended as ${end.status}`, expected);
      return;
    }
    await this.#until(() => this.#look(expectation, expected), expected, withinMs, true);
  }

  async #hears(hz: number, withinMs: number | undefined, expected: string): Promise<void> {
    let isHeard = false;
    const listening = new AbortController();
    const wake = this.#waker();
    void this.#call.hears(hz, listening.signal).then(() => {
      isHeard = !listening.signal.aborted;
      wake.wake();
    });
    try {
      await this.#until(() => isHeard || undefined, expected, withinMs, false, wake);
    } finally {
      listening.abort();
    }
  }

  #look(expectation: Expectation, expected: string): true | undefined {
    const { feed } = this.#call;
    if (expectation.kind === 'verb' || expectation.kind === 'record') {
      // A verb that still runs has been passed on the way to what it says: `expect-say "Press one"`, then `expect-gather`.
      const running = feed.open.find(
        (index) => index > this.#metVerb && index < this.#cursor && isMet(expectation, feed.all[index]!),
      );
      if (running !== undefined) return this.#meet(running, this.#cursor);
    }
    while (this.#cursor < feed.all.length) {
      const observation = feed.all[this.#cursor]!;
      if (isMet(expectation, observation)) return this.#meet(this.#cursor, this.#cursor + 1);
      if (isTurn(observation)) throw new Difference(turnText(observation), expected);
      this.#cursor += 1;
    }
    return undefined;
  }

  #meet(index: number, cursor: number): true {
    if (this.#call.feed.verbAt(index) !== undefined) this.#metVerb = index;
    this.#cursor = cursor;
    return true;
  }

  // --- waiting

  #waker(): { wake: () => void; on: (listener: () => void) => void } {
    let listener = () => {};
    return { wake: () => listener(), on: (next) => (listener = next) };
  }

  /** Waits until `look` finds something. The end of the call ends the wait, unless `look` itself judges it. */
  async #until<T>(
    look: Look<T>,
    expected: string,
    withinMs: number | undefined,
    judgesEnd = false,
    waker = this.#waker(),
  ): Promise<T> {
    const { feed } = this.#call;
    const waitMs = withinMs ?? this.#options.withinMs;
    const late = new AbortController();
    let isLate = false;
    const timer = this.#call.sleep(waitMs, late.signal).then(() => {
      isLate = !late.signal.aborted;
      waker.wake();
    });
    let unsubscribe = () => {};
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        if (feed.end && !judgesEnd) throw new Difference(turnText(feed.end), expected);
        if (feed.end) throw new Difference('the call is over', expected);
        if (isLate) throw new Difference(`not within ${waitMs / 1_000} s`, expected);
        await new Promise<void>((resolve) => {
          waker.on(resolve);
          unsubscribe = feed.onAdded(resolve);
        });
        unsubscribe();
      }
    } finally {
      unsubscribe();
      late.abort();
      void timer;
    }
  }
}

/** A Gather has a time-out of its own. */
const GATHER_MS = 4 * 3_600_000;
const BEEP_MS = 600;
const MESSAGE_HZ = 440;

function takesMs(outcome: Outcome): number {
  if (outcome.kind === 'answer') return outcome.forMs ?? 0;
  return (outcome.kind === 'no-answer' || outcome.kind === 'ends' ? outcome.afterMs : undefined) ?? 0;
}

/** Leads the call elsewhere: what stands in the script must name it. */
function isTurn(observation: Observation): boolean {
  if (observation.kind === 'ended') return true;
  return observation.kind === 'verb' && !PASSED_OVER.has(observation.verb);
}

function turnText(observation: Observation): string {
  if (observation.kind === 'verb')
    return `the application went on with ${observation.verb} ${observation.detail}`.trimEnd();
  if (observation.kind !== 'ended') return observation.kind;
  return observation.by === 'caller' ? 'the caller had hung up' : `the call ended: ${observation.reason}`;
}

function isMet(expectation: Expectation, observation: Observation): boolean {
  switch (expectation.kind) {
    case 'say':
      return observation.kind === 'say' && fits(expectation.pattern, observation.text);
    case 'play':
      return observation.kind === 'play' && observation.url.includes(expectation.part);
    case 'record':
      return observation.kind === 'verb' && observation.verb === 'Record';
    case 'verb':
      return (
        observation.kind === 'verb' &&
        observation.verb === expectation.verb &&
        isAbout(observation.detail, expectation.part)
      );
    case 'hangup':
      return observation.kind === 'ended' && observation.by === 'application';
    default:
      return false;
  }
}

/** A room must be the whole name: `conference 1` is not in `conference 12`. */
function isAbout(detail: string, part: string | undefined): boolean {
  if (part === undefined) return true;
  if (!part.startsWith(CONFERENCE)) return detail.includes(part);
  return part === CONFERENCE ? detail.startsWith(CONFERENCE) : detail === part;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

export function fits(pattern: TextPattern, text: string): boolean {
  if (pattern.kind === 'expression') return new RegExp(pattern.source, pattern.flags).test(oneLine(text));
  return oneLine(text).toLowerCase().includes(oneLine(pattern.text).toLowerCase());
}
