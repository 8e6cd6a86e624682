// What a verb is: parse (pure, from its element to a record) and run (does it through CallControl and says what comes next).
// One file per verb in verbs/, one line each in verbs/index.ts; the interpreter knows only this shape.

import type { HttpMethod } from '../base/records.ts';
import type { WebhookParams } from '../webhook/webhook.ts';
import type { AudioSource, CallControl } from './call-control.ts';
import type { XmlElement } from './xml.ts';

/** An entry of the vendor's error dictionary (twiml.md 14). Message without secrets and digits. */
export interface Notice {
  readonly level: 'error' | 'warning';
  readonly code: number;
  readonly message: string;
}

export interface ParseContext {
  /** URL of the current document; undefined for inline TwiML without one (twiml.md 2.7). */
  readonly documentUrl: string | undefined;
  /** True inside Gather. */
  readonly isNested: boolean;
  /** From 0 to below 1: chooses among URIs of equal priority. */
  readonly random: () => number;
}

/** `ok: false`: the verb cannot run and the document fails (fallback). Warnings never stop a call. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Notice[] }
  | { readonly ok: false; readonly error: Notice; readonly warnings: readonly Notice[] };

export interface RunContext {
  readonly control: CallControl;
  readonly documentUrl: string | undefined;
  readonly notify: (notice: Notice) => void;
  /** A request whose answer nobody waits for in the call: Dial's action after the caller hung up (twiml.md 4.2 point 5). */
  readonly requestIgnored: (url: string, method: HttpMethod, params: WebhookParams) => Promise<void>;
}

export type VerbResult = {
  /** For the trace: `finished`, `3 digits`, `busy`. Never a digit or a text that was heard. */
  readonly outcome: string;
  /** True when the verb took time by its nature: ends the guard against endless document loops (twiml.md 4.2 point 7). */
  readonly waited: boolean;
} & (
  | { readonly kind: 'next' }
  | {
      readonly kind: 'redirect';
      readonly url: string;
      readonly method: HttpMethod;
      readonly params: WebhookParams;
      readonly purpose: 'action' | 'document';
    }
  /** A call that waits in a queue goes on after its Enqueue; means nothing anywhere else. */
  | { readonly kind: 'leave' }
  /** The call is over, or the session was aborted: nothing more is to be run. */
  | { readonly kind: 'end' }
);

export interface Verb<T> {
  readonly name: string;
  parse(element: XmlElement, context: ParseContext): Parsed<T>;
  /** One line for the trace, without secrets. */
  describe(verb: T): string;
  /** What it will want heard first, so that it can be got ready while the verb before it is heard. */
  sources?(verb: T): readonly AudioSource[];
  run(verb: T, context: RunContext, signal: AbortSignal): Promise<VerbResult>;
}

/** A verb that has been parsed, its type closed over: what the registry hands to the interpreter. */
export interface PreparedVerb {
  readonly detail: string;
  readonly sources: readonly AudioSource[];
  run(context: RunContext, signal: AbortSignal): Promise<VerbResult>;
}

export interface RegisteredVerb {
  readonly name: string;
  prepare(element: XmlElement, context: ParseContext): Parsed<PreparedVerb>;
}

/** Closes over the verb's own type, so that verbs of different types fit in one registry. */
export function register<T>(verb: Verb<T>): RegisteredVerb {
  return {
    name: verb.name,
    prepare(element, context) {
      const parsed = verb.parse(element, context);
      if (!parsed.ok) return parsed;
      const { value, warnings } = parsed;
      return {
        ok: true,
        warnings,
        value: {
          detail: verb.describe(value),
          sources: verb.sources?.(value) ?? [],
          run: (run, signal) => verb.run(value, run, signal),
        },
      };
    },
  };
}

export const nextVerb = (outcome: string, waited: boolean): VerbResult => ({ kind: 'next', outcome, waited });
export const endOfCall = (outcome: string): VerbResult => ({ kind: 'end', outcome, waited: false });
