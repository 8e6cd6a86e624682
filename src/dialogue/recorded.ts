// From what a gateway knows of a call to the inputs that it had from outside, as a script, and to the verbs that its application ran.
//
//   verbs that listened or gave the call away ─┐
//   requests that told what came of them ──────┴▶ press, speak, no-input, answer, busy …, wait, hang-up

import type { CallEvent } from '../base/events.ts';
import type { WebhookExchange } from '../base/voice-records.ts';
import { CONFERENCE, type Script, type ScriptLine, type Step, stepLine } from './script.ts';

/** What a call was given from outside, and what it was told: enough to run its application again. */
export interface RecordedInputs {
  readonly callSid: string;
  readonly accountSid: string;
  /** Of the call and of those it dialled, in order; empty when the trace has forgotten it. */
  readonly events: readonly CallEvent[];
  /** Oldest first. */
  readonly exchanges: readonly WebhookExchange[];
}

export interface RecordedVerb {
  readonly verb: string;
  readonly detail: string;
  readonly startMs: number;
  /** Undefined: the call ended in it. */
  readonly endMs: number | undefined;
  readonly outcome: string | undefined;
}

export interface RecordedCall {
  /** What was asked first; undefined: the application was a document in the settings. */
  readonly first: WebhookExchange | undefined;
  readonly verbs: readonly RecordedVerb[];
  readonly script: Script;
  /** Undefined while the call lives. */
  readonly endMs: number | undefined;
}

/** Pure. */
export function readRecording(recorded: RecordedInputs): RecordedCall {
  const verbs = verbsOf(recorded.events);
  const end = recorded.events.find((event) => event.type === 'ended' && event.callSid === recorded.callSid);
  const first = recorded.exchanges.find(({ purpose }) => purpose === 'document');
  const steps = new Inputs(recorded, verbs).steps;
  const lines = steps.map((step, index): ScriptLine => ({ line: index + 1, text: stepLine(step), step }));
  const { From: from, To: to } = first?.parameters ?? {};
  const params = Object.entries(first?.parameters ?? {}).filter(([name]) => !OWN_PARAMS.has(name));
  return { first, verbs, script: { from, to, params, lines }, endMs: end?.atMs };
}

/** What the new call has values of its own for. */
const OWN_PARAMS: ReadonlySet<string> = new Set(
  'CallSid AccountSid CallStatus From To Caller Called ApiVersion Direction'.split(' '),
);

function verbsOf(events: readonly CallEvent[]): readonly RecordedVerb[] {
  const verbs: { -readonly [Key in keyof RecordedVerb]: RecordedVerb[Key] }[] = [];
  const open: { readonly callSid: string; readonly index: number }[] = [];
  const startedMs = events[0]?.wall ?? 0;
  for (const event of events) {
    const atMs = event.wall - startedMs;
    if (event.type === 'verbStarted') {
      const { verb, detail, callSid } = event;
      open.push({ callSid, index: verbs.length });
      verbs.push({ verb, detail, startMs: atMs, endMs: undefined, outcome: undefined });
    }
    if (event.type !== 'verbEnded') continue;
    const at = open.findLastIndex(
      ({ callSid, index }) => callSid === event.callSid && verbs[index]!.verb === event.verb,
    );
    const [ended] = at < 0 ? [] : open.splice(at, 1);
    if (!ended) continue;
    verbs[ended.index]!.endMs = atMs;
    verbs[ended.index]!.outcome = event.outcome;
  }
  return verbs;
}

/** The reason with which a call ends that the other side hung up. */
const CALLER_LEFT = 'the peer hung up';
const LONG_MS = 4 * 3_600_000;

class Inputs {
  readonly steps: Step[] = [];
  readonly #recorded: RecordedInputs;
  /** Requests that told what came of a verb, to be taken in order. */
  readonly #told: Readonly<Record<string, string>>[];
  /** When the last input was over. */
  #lastMs = 0;

  constructor(recorded: RecordedInputs, verbs: readonly RecordedVerb[]) {
    this.#recorded = recorded;
    this.#told = recorded.exchanges.filter(({ purpose }) => purpose === 'action').map(({ parameters }) => parameters);
    for (const verb of verbs) this.#onVerb(verb);
    this.#onEnd();
  }

  #onVerb(verb: RecordedVerb): void {
    const before = this.steps.length;
    if (verb.verb === 'Gather') this.#onGather(verb);
    else if (verb.verb === 'Dial') this.#onDial(verb);
    else if (verb.verb === 'Record') this.#onRecord(verb);
    else if (verb.verb === 'Enqueue') this.#onEnqueue(verb);
    else if (verb.verb === 'Connect') this.#onConnect(verb);
    if (this.steps.length > before && verb.endMs !== undefined) this.#lastMs = verb.endMs;
  }

  #take(...names: readonly string[]): Readonly<Record<string, string>> | undefined {
    const at = this.#told.findIndex((params) => names.some((name) => params[name] !== undefined));
    return at < 0 ? undefined : this.#told.splice(0, at + 1).at(-1);
  }

  #onGather({ outcome }: RecordedVerb): void {
    if (outcome === undefined || outcome === 'aborted') return;
    if (outcome === 'no input') {
      // With actionOnEmptyResult it is told nevertheless.
      if (this.#told[0]?.Digits === '' && this.#told[0].msg !== undefined) this.#told.shift();
      this.steps.push({ kind: 'silent' });
      return;
    }
    const told = this.#take('Digits', 'SpeechResult');
    if (told?.SpeechResult !== undefined && told.SpeechResult !== '')
      this.steps.push({ kind: 'speak', text: told.SpeechResult });
    else if (told) this.steps.push({ kind: 'press', keys: `${told.Digits}${told.FinishedOnKey ?? ''}`, now: false });
  }

  #onDial(verb: RecordedVerb): void {
    const told = this.#take('DialCallStatus');
    const status = verb.outcome === 'caller hung up' ? 'caller hung up' : (told?.DialCallStatus ?? verb.outcome);
    const tookMs = this.#took(verb);
    if (verb.detail.startsWith(CONFERENCE)) {
      if (status === 'answered') this.steps.push({ kind: 'outcome', outcome: { kind: 'ends', afterMs: tookMs } });
      return;
    }
    switch (status) {
      case 'completed':
      case 'answered': {
        const seconds = Number(told?.DialCallDuration ?? Math.round(tookMs / 1_000));
        this.steps.push({ kind: 'outcome', outcome: { kind: 'answer', forMs: Math.min(seconds * 1_000, LONG_MS) } });
        return;
      }
      case 'busy':
      case 'failed':
        this.steps.push({ kind: 'outcome', outcome: { kind: status } });
        return;
      case 'no-answer':
        this.steps.push({ kind: 'outcome', outcome: { kind: 'no-answer', afterMs: tookMs } });
        return;
      default:
        // The caller left while it rang or while they talked.
        if (this.#wasBridged(verb)) this.steps.push({ kind: 'outcome', outcome: { kind: 'answer', forMs: LONG_MS } });
    }
  }

  #wasBridged({ startMs, endMs = Number.POSITIVE_INFINITY }: RecordedVerb): boolean {
    const beganMs = this.#recorded.events[0]?.wall ?? 0;
    return this.#recorded.events.some(
      ({ type, wall }) => type === 'bridged' && wall - beganMs >= startMs && wall - beganMs <= endMs,
    );
  }

  #onRecord(verb: RecordedVerb): void {
    const told = this.#take('RecordingDuration');
    const seconds = Number(told?.RecordingDuration ?? 0);
    if (seconds > 0) this.steps.push({ kind: 'message', forMs: seconds * 1_000 });
    const key = told?.Digits ?? '';
    if (/^[0-9*#]$/.test(key) && verb.outcome?.startsWith('finishKey'))
      this.steps.push({ kind: 'press', keys: key, now: false });
  }

  #onEnqueue(verb: RecordedVerb): void {
    const told = this.#take('QueueResult');
    const result = told?.QueueResult ?? verb.outcome;
    const afterMs = this.#took(verb);
    if (result === 'bridged') {
      const waitedMs = Number(told?.QueueTime ?? 0) * 1_000;
      if (waitedMs > 0) this.steps.push({ kind: 'wait', forMs: waitedMs });
      this.steps.push({ kind: 'outcome', outcome: { kind: 'answer', forMs: Math.max(0, afterMs - waitedMs) } });
    } else if (result === 'queue-full') this.steps.push({ kind: 'outcome', outcome: { kind: 'busy' } });
    else if (result === 'system-error') this.steps.push({ kind: 'outcome', outcome: { kind: 'failed' } });
    else if (result === 'redirected') this.steps.push({ kind: 'outcome', outcome: { kind: 'ends', afterMs } });
  }

  #onConnect(verb: RecordedVerb): void {
    if (verb.endMs === undefined || this.#callerLeftAt(verb.endMs)) return;
    this.steps.push({ kind: 'outcome', outcome: { kind: 'ends', afterMs: this.#took(verb) } });
  }

  #took({ startMs, endMs }: RecordedVerb): number {
    return Math.min(LONG_MS, Math.round((endMs ?? startMs) - startMs));
  }

  #callerLeftAt(ms: number): boolean {
    const end = this.#end();
    return end !== undefined && end.reason === CALLER_LEFT && this.#sinceBegin(end.wall) <= ms + 100;
  }

  #end(): Extract<CallEvent, { type: 'ended' }> | undefined {
    const { events, callSid } = this.#recorded;
    const end = events.find((event) => event.type === 'ended' && event.callSid === callSid);
    return end?.type === 'ended' ? end : undefined;
  }

  #sinceBegin(wall: number): number {
    return wall - (this.#recorded.events[0]?.wall ?? wall);
  }

  /** The caller hangs up as long after the last input as it did. */
  #onEnd(): void {
    const end = this.#end();
    if (end?.reason !== CALLER_LEFT) return;
    const afterMs = Math.round(this.#sinceBegin(end.wall) - this.#lastMs);
    if (afterMs > 0) this.steps.push({ kind: 'wait', forMs: Math.min(afterMs, LONG_MS) });
    this.steps.push({ kind: 'hang-up' });
  }
}
