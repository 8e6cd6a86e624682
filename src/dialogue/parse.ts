// Reads a script. All mistakes are told at once, each with line, column and what is allowed there. Pure.
//
//   from +4930123456            who calls (before the first step), `to 700`, `param SipHeader_X-Queue sales`
//   expect-say "balance"        a step
//   # a comment stands on a line of its own

import { limits } from '../base/limits.ts';
import { terminalStatuses } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import {
  CONFERENCE,
  type Expectation,
  type Outcome,
  type Script,
  type ScriptLine,
  type Step,
  verbWords,
} from './script.ts';
import { type Mistake, splitWords, type Word } from './words.ts';

export type { Mistake } from './words.ts';

const MOST_MISTAKES = 20;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, '': 1_000 };
const DEFAULT_TONE_MS = 2_000;

/** Reads the text of a script. The error lists at most 20 mistakes, in order. */
export function parseScript(text: string): Result<Script, readonly Mistake[]> {
  const mistakes: Mistake[] = [];
  const lines: ScriptLine[] = [];
  const settings: Record<'from' | 'to', string | undefined> = { from: undefined, to: undefined };
  const params: [string, string][] = [];
  const rows = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  if (rows.length > limits.scriptLines)
    return err([
      { line: limits.scriptLines + 1, column: 1, message: `a script has at most ${limits.scriptLines} lines` },
    ]);
  for (const [index, row] of rows.entries()) {
    const line = index + 1;
    const read = readLine(row, lines.length > 0);
    if (!read.ok) mistakes.push({ line, ...read.error });
    else if (read.value?.kind === 'step') lines.push({ line, text: row.trim(), step: read.value.step });
    else if (read.value?.kind === 'param') params.push([read.value.name, read.value.value]);
    else if (read.value) settings[read.value.kind] = read.value.value;
    if (mistakes.length >= MOST_MISTAKES) break;
  }
  if (mistakes.length === 0 && lines.length === 0)
    mistakes.push({
      line: 1,
      column: 1,
      message: `the script has no step; there is: ${Object.keys(STEPS).join(', ')}`,
    });
  return mistakes.length > 0 ? err(mistakes) : ok({ ...settings, params, lines });
}

type Line =
  | { readonly kind: 'step'; readonly step: Step }
  | { readonly kind: 'from' | 'to'; readonly value: string }
  | { readonly kind: 'param'; readonly name: string; readonly value: string };

type Failure = Omit<Mistake, 'line'>;

/** Leaves a line at its first mistake. */
class LineMistake extends Error {
  readonly column: number;
  constructor(message: string, column: number) {
    super(message);
    this.column = column;
  }
}

function readLine(row: string, hasSteps: boolean): Result<Line | undefined, Failure> {
  if (row.length > limits.scriptLineChars)
    return err({
      column: limits.scriptLineChars + 1,
      message: `a line has at most ${limits.scriptLineChars} characters`,
    });
  const words = splitWords(row);
  if (!words.ok) return words;
  const [first] = words.value;
  if (!first) return ok(undefined);
  try {
    const reader = new Reader(words.value, row.trimEnd().length + 1);
    const line = readSetting(reader, first, hasSteps) ?? { kind: 'step', step: readStep(reader, first) };
    reader.end();
    return ok(line);
  } catch (fault) {
    if (fault instanceof LineMistake) return err({ column: fault.column, message: fault.message });
    throw fault;
  }
}

/** Takes the words of one line after its first one. */
class Reader {
  readonly #words: readonly Word[];
  readonly #endColumn: number;
  #at = 1;

  constructor(words: readonly Word[], endColumn: number) {
    this.#words = words;
    this.#endColumn = endColumn;
  }

  fail(message: string, word?: Word): never {
    throw new LineMistake(message, word?.column ?? this.#endColumn);
  }

  peek(): Word | undefined {
    return this.#words[this.#at];
  }

  next(what: string): Word {
    const word = this.#words[this.#at++];
    return word ?? this.fail(`${what} is missing`);
  }

  /** A bare or quoted word. */
  text(what: string): string {
    const word = this.next(what);
    if (word.kind === 'expression' || word.text === '') this.fail(`${what} is a word or a text in quotes`, word);
    return word.text;
  }

  /** A word that may be left out; `for`, `within`, `after` are none. */
  optionalText(what: string): string | undefined {
    const word = this.peek();
    const isNone = !word || (word.kind === 'bare' && /^(for|within|after)$/.test(word.text));
    return isNone ? undefined : this.text(what);
  }

  /** `for 20s`: the word and a duration, where they stand. */
  timed(name: string): number | undefined {
    const word = this.peek();
    if (word?.kind !== 'bare' || word.text !== name) return undefined;
    this.#at += 1;
    return this.duration(`the time after "${name}"`);
  }

  duration(what: string): number {
    const word = this.next(what);
    const match = /^(\d{1,8}(?:\.\d{1,3})?)(ms|s|m|h|)$/.exec(word.text);
    const ms = match ? Math.round(Number(match[1]) * UNITS[match[2]!]!) : Number.NaN;
    if (word.kind === 'bare' && ms <= limits.callTimeLimitMs) return ms;
    return this.fail(`${what} is a time such as 500ms, 2s, 1.5m or 1h, at most 4h`, word);
  }

  frequency(): number {
    const word = this.next('the frequency');
    const hz = /^\d{2,4}(Hz)?$/i.test(word.text) ? Number.parseInt(word.text, 10) : Number.NaN;
    return hz >= 50 && hz <= 3_900 ? hz : this.fail('the frequency is a number of hertz from 50 to 3900', word);
  }

  end(): void {
    const word = this.peek();
    if (word) this.fail(`"${word.text}" is too much here`, word);
  }
}

function readSetting(reader: Reader, first: Word, hasSteps: boolean): Line | undefined {
  if (first.text !== 'from' && first.text !== 'to' && first.text !== 'param') return undefined;
  if (hasSteps) reader.fail(`"${first.text}" stands before the first step`, first);
  if (first.text !== 'param') return { kind: first.text, value: reader.text(`the ${first.text} number or address`) };
  const name = reader.next('the name of the parameter');
  if (!/^[A-Za-z][\w.-]{0,99}$/.test(name.text))
    reader.fail('a parameter has letters, digits, - . and _ in its name', name);
  return { kind: 'param', name: name.text, value: reader.next('the value of the parameter').text };
}

const expect = (reader: Reader, expectation: Expectation): Step => ({
  kind: 'expect',
  expectation,
  withinMs: reader.timed('within'),
});

const outcome = (value: Outcome): Step => ({ kind: 'outcome', outcome: value });

/** `no-answer after 5s` and, shorter, `no-answer 5s`. */
const afterwards = (reader: Reader): number | undefined =>
  reader.timed('after') ?? (reader.peek() ? reader.duration('the time') : undefined);

const STEPS: Readonly<Record<string, (reader: Reader) => Step>> = {
  press: (reader) => ({ kind: 'press', keys: readKeys(reader), now: false }),
  'press-now': (reader) => ({ kind: 'press', keys: readKeys(reader), now: true }),
  speak: (reader) => ({ kind: 'speak', text: reader.text('what is said') }),
  'say-tone': (reader) => ({ kind: 'sound', hz: reader.frequency(), forMs: reader.timed('for') ?? DEFAULT_TONE_MS }),
  wait: (reader) => ({ kind: 'wait', forMs: reader.duration('the time') }),
  'leave-message': (reader) => ({ kind: 'message', forMs: reader.duration('the time') }),
  'no-input': () => ({ kind: 'silent' }),
  'hang-up': () => ({ kind: 'hang-up' }),
  answer: (reader) => outcome({ kind: 'answer', forMs: reader.timed('for') }),
  busy: () => outcome({ kind: 'busy' }),
  'no-answer': (reader) => outcome({ kind: 'no-answer', afterMs: afterwards(reader) }),
  failed: () => outcome({ kind: 'failed' }),
  ends: (reader) => outcome({ kind: 'ends', afterMs: afterwards(reader) }),
  'expect-say': (reader) => expect(reader, { kind: 'say', pattern: readPattern(reader) }),
  'expect-play': (reader) => expect(reader, { kind: 'play', part: reader.text('a part of the URL') }),
  'expect-tone': (reader) => expect(reader, { kind: 'tone', hz: reader.frequency() }),
  'expect-record': (reader) => expect(reader, { kind: 'record', forMs: reader.timed('for') }),
  'expect-conference': (reader) =>
    expect(reader, { kind: 'verb', verb: 'Dial', part: CONFERENCE + (reader.optionalText('the room') ?? '') }),
  'expect-verb': (reader) => {
    const verb = reader.next('the name of a verb');
    if (!/^[A-Z][A-Za-z]{1,30}$/.test(verb.text)) reader.fail('a verb is written as in TwiML, such as Dial', verb);
    return expect(reader, { kind: 'verb', verb: verb.text, part: reader.optionalText('what the verb is about') });
  },
  ...Object.fromEntries(
    Object.entries(verbWords).map(([word, verb]) => [
      word,
      (reader: Reader) => expect(reader, { kind: 'verb', verb, part: readPart(reader, verb) }),
    ]),
  ),
  'expect-hangup': (reader) => expect(reader, { kind: 'hangup' }),
  'expect-status': (reader) => expect(reader, { kind: 'status', status: readStatus(reader) }),
};

function readStep(reader: Reader, first: Word): Step {
  const read = first.kind === 'bare' && Object.hasOwn(STEPS, first.text) ? STEPS[first.text] : undefined;
  return read
    ? read(reader)
    : reader.fail(`"${first.text}" is no step; there is: ${Object.keys(STEPS).join(', ')}`, first);
}

function readKeys(reader: Reader): string {
  const word = reader.next('the keys');
  if (/^[0-9A-D*#wW]{1,500}$/.test(word.text) && word.kind !== 'expression') return word.text;
  return reader.fail('keys are 0-9, A-D, * and #; w waits 0.5 s, W 1 s', word);
}

function readPattern(reader: Reader): Extract<Expectation, { kind: 'say' }>['pattern'] {
  const word = reader.next('the text');
  if (word.text === '') reader.fail('the text is empty', word);
  if (word.kind !== 'expression') return { kind: 'text', text: word.text };
  try {
    new RegExp(word.text, word.flags);
  } catch (fault) {
    reader.fail(`not a regular expression: ${(fault as Error).message}`, word);
  }
  if (/[gy]/.test(word.flags)) reader.fail('the flags g and y mean nothing here; allowed are d i m s u v', word);
  return { kind: 'expression', source: word.text, flags: word.flags };
}

function readPart(reader: Reader, verb: string): string | undefined {
  const word = reader.peek();
  const part = reader.optionalText('what the verb is about');
  if (verb === 'Reject' && part !== undefined && part !== 'busy' && part !== 'rejected')
    reader.fail('expect-reject takes busy or rejected', word);
  return part;
}

function readStatus(reader: Reader): string {
  const word = reader.next('the status');
  if (terminalStatuses.has(word.text)) return word.text;
  return reader.fail(`a call ends as one of: ${[...terminalStatuses].join(', ')}`, word);
}
