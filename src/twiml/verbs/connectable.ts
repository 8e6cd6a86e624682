// What stands inside Connect: one noun that takes the call over until it is done with it (twiml.md 11). One file per noun in nouns/,
// one line each in connectables.ts; connect.ts knows only this shape.

import type { WebhookParams } from '../../webhook/webhook.ts';
import type { ParseContext, Parsed, RunContext } from '../verb.ts';
import type { XmlElement } from '../xml.ts';

export interface ConnectEnd {
  /** For the trace. */
  readonly outcome: string;
  /** What the action request adds to the standard parameters. */
  readonly params: WebhookParams;
  /** Nobody was there to be connected with. */
  readonly hasFailed: boolean;
}

export interface ConnectableNoun<T> {
  readonly name: string;
  /** `ok: false`: Connect does nothing but tell the error. */
  parse(element: XmlElement, context: ParseContext): Parsed<T>;
  /** One line for the trace, without secrets. */
  describe(noun: T): string;
  /** The call is answered. Resolves when the noun is done, the call is over or `signal` aborts. */
  run(noun: T, context: RunContext, signal: AbortSignal): Promise<ConnectEnd>;
}

export interface PreparedConnect {
  readonly detail: string;
  run(context: RunContext, signal: AbortSignal): Promise<ConnectEnd>;
}

export interface RegisteredConnectable {
  readonly name: string;
  prepare(element: XmlElement, context: ParseContext): Parsed<PreparedConnect>;
}

export function registerConnectable<T>(noun: ConnectableNoun<T>): RegisteredConnectable {
  return {
    name: noun.name,
    prepare(element, context) {
      const parsed = noun.parse(element, context);
      if (!parsed.ok) return parsed;
      const { value, warnings } = parsed;
      const detail = `${noun.name} ${noun.describe(value)}`.trim();
      return { ok: true, warnings, value: { detail, run: (run, signal) => noun.run(value, run, signal) } };
    },
  };
}
