// A scripted dialogue: what a caller does and what it expects of an application, one step per line. Data only: parse.ts reads it, play.ts
// runs it, against a gateway or in virtual time. `stepLine` writes a step as parse.ts reads it.

/** What is to be heard: part of a text whatever its case, or a regular expression. */
export type TextPattern =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly source: string; readonly flags: string };

/** What becomes of a Dial and of whatever else the call is given to. */
export type Outcome =
  /** Somebody answers and talks for so long; 10 s by default. */
  | { readonly kind: 'answer'; readonly forMs: number | undefined }
  | { readonly kind: 'busy' }
  /** Gives up after so long; by default nobody answers until the time-out of the verb. */
  | { readonly kind: 'no-answer'; readonly afterMs: number | undefined }
  | { readonly kind: 'failed' }
  /** The conference, stream or conversation is over after so long. */
  | { readonly kind: 'ends'; readonly afterMs: number | undefined };

export type Expectation =
  | { readonly kind: 'say'; readonly pattern: TextPattern }
  | { readonly kind: 'play'; readonly part: string }
  | { readonly kind: 'tone'; readonly hz: number }
  /** A verb begins; `part` of what it is about (a number, a room). */
  | { readonly kind: 'verb'; readonly verb: string; readonly part: string | undefined }
  /** Record begins; the caller talks for so long. */
  | { readonly kind: 'record'; readonly forMs: number | undefined }
  | { readonly kind: 'hangup' }
  | { readonly kind: 'status'; readonly status: string };

export type Step =
  /** `now`: whether somebody listens or not. */
  | { readonly kind: 'press'; readonly keys: string; readonly now: boolean }
  | { readonly kind: 'speak'; readonly text: string }
  | { readonly kind: 'sound'; readonly hz: number; readonly forMs: number }
  | { readonly kind: 'wait'; readonly forMs: number }
  /** Talks for so long as soon as a Record listens. */
  | { readonly kind: 'message'; readonly forMs: number }
  /** The caller stays silent until a Gather gives up. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'hang-up' }
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'expect'; readonly expectation: Expectation; readonly withinMs: number | undefined };

export interface ScriptLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly step: Step;
}

export interface Script {
  /** Who calls whom; undefined: as the command line says. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** Further parameters of each request. */
  readonly params: readonly (readonly [name: string, value: string])[];
  readonly lines: readonly ScriptLine[];
}

/** Words of the verbs that may be expected by a name of their own. */
export const verbWords: Readonly<Record<string, string>> = {
  'expect-gather': 'Gather',
  'expect-dial': 'Dial',
  'expect-enqueue': 'Enqueue',
  'expect-connect': 'Connect',
  'expect-refer': 'Refer',
  'expect-redirect': 'Redirect',
  'expect-reject': 'Reject',
};

/** A step as a line of a script. */
export function stepLine(step: Step): string {
  switch (step.kind) {
    case 'press':
      return `${step.now ? 'press-now' : 'press'} ${step.keys}`;
    case 'speak':
      return `speak ${quoted(step.text)}`;
    case 'sound':
      return `say-tone ${step.hz} for ${duration(step.forMs)}`;
    case 'wait':
      return `wait ${duration(step.forMs)}`;
    case 'message':
      return `leave-message ${duration(step.forMs)}`;
    case 'silent':
      return 'no-input';
    case 'hang-up':
      return 'hang-up';
    case 'outcome':
      return outcomeLine(step.outcome);
    case 'expect':
      return `${expectationLine(step.expectation)}${step.withinMs === undefined ? '' : ` within ${duration(step.withinMs)}`}`;
  }
}

function outcomeLine(outcome: Outcome): string {
  const timed = (word: string, ms: number | undefined) => (ms === undefined ? '' : ` ${word} ${duration(ms)}`);
  switch (outcome.kind) {
    case 'answer':
      return `answer${timed('for', outcome.forMs)}`;
    case 'no-answer':
    case 'ends':
      return `${outcome.kind}${timed('after', outcome.afterMs)}`;
    default:
      return outcome.kind;
  }
}

export function expectationLine(expectation: Expectation): string {
  switch (expectation.kind) {
    case 'say':
      return `expect-say ${patternText(expectation.pattern)}`;
    case 'play':
      return `expect-play ${quoted(expectation.part)}`;
    case 'tone':
      return `expect-tone ${expectation.hz}`;
    case 'record':
      return `expect-record${expectation.forMs === undefined ? '' : ` for ${duration(expectation.forMs)}`}`;
    case 'hangup':
      return 'expect-hangup';
    case 'status':
      return `expect-status ${expectation.status}`;
    case 'verb': {
      const { verb, part } = expectation;
      if (verb === 'Dial' && part?.startsWith(CONFERENCE)) {
        const room = part.slice(CONFERENCE.length);
        return `expect-conference${room === '' ? '' : ` ${quoted(room)}`}`;
      }
      const word = Object.keys(verbWords).find((name) => verbWords[name] === verb);
      return `${word ?? `expect-verb ${verb}`}${part === undefined ? '' : ` ${quoted(part)}`}`;
    }
  }
}

/** How the trace describes a Dial into a room. */
export const CONFERENCE = 'conference ';

const patternText = (pattern: TextPattern): string =>
  pattern.kind === 'text' ? quoted(pattern.text) : `/${pattern.source}/${pattern.flags}`;

/** A bare word where that is possible: the words of the language are none. */
export const quoted = (text: string): string =>
  /^[^\s"/\\#][^\s"\\]*$/.test(text) && !/^(for|within|after)$/.test(text)
    ? text
    : `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;

export function duration(ms: number): string {
  if (ms % 60_000 === 0 && ms > 0) return `${ms / 60_000}m`;
  return ms % 100 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}
