// What stands inside Start and Stop: nouns that set something going beside the document and end it again (twiml.md 9, 10).
// One file per noun in nouns/, one line each in startables.ts; start.ts and stop.ts know only this shape.

import type { ParseContext, Parsed, RunContext } from '../verb.ts';
import type { XmlElement } from '../xml.ts';

export interface StartableNoun<T> {
  readonly name: string;
  /** `ok: false`: this noun is skipped with its error; the rest of the document runs. */
  parse(element: XmlElement, context: ParseContext): Parsed<T>;
  /** One line for the trace, without secrets. */
  describe(noun: T): string;
  /** Gets it going, and resolves when the next verb may run. What goes wrong is told through `context.notify`. */
  start(noun: T, context: RunContext, signal: AbortSignal): Promise<void>;
  /** Ends the one of this name; undefined: Stop gave no name. False: there is none. */
  stop(name: string | undefined, context: RunContext): Promise<boolean>;
}

export interface PreparedStart {
  readonly detail: string;
  start(context: RunContext, signal: AbortSignal): Promise<void>;
}

export interface RegisteredStartable {
  readonly name: string;
  prepare(element: XmlElement, context: ParseContext): Parsed<PreparedStart>;
  stop(name: string | undefined, context: RunContext): Promise<boolean>;
}

/** Closes over the noun's own type, so that nouns of different types fit in one table. */
export function registerStartable<T>(noun: StartableNoun<T>): RegisteredStartable {
  return {
    name: noun.name,
    prepare(element, context) {
      const parsed = noun.parse(element, context);
      if (!parsed.ok) return parsed;
      const { value, warnings } = parsed;
      const detail = `${noun.name} ${noun.describe(value)}`.trim();
      return {
        ok: true,
        warnings,
        value: { detail, start: (run, signal) => noun.start(value, run, signal) },
      };
    },
    stop: (name, context) => noun.stop(name, context),
  };
}
