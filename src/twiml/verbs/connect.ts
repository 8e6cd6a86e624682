// Connect: hands the call to one noun (a two-way stream, ConversationRelay) and waits until that is done with it (twiml.md 11).

import type { HttpMethod } from '../../base/records.ts';
import { AttributeReader, NOT_SUPPORTED } from '../attributes.ts';
import { endOfCall, nextVerb, type Verb } from '../verb.ts';
import { childElements } from '../xml.ts';
import type { PreparedConnect } from './connectable.ts';
import { connectables } from './connectables.ts';

export interface Connect {
  readonly action: string | undefined;
  readonly method: HttpMethod;
  /** Undefined: there is nothing in it that could be connected. */
  readonly noun: PreparedConnect | undefined;
}

export const connect: Verb<Connect> = {
  name: 'Connect',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    let noun: PreparedConnect | undefined;
    const children = childElements(element);
    for (const child of children) {
      const known = connectables.get(child.name);
      if (!known) {
        read.warn(NOT_SUPPORTED, `${child.name} inside Connect is not supported and was skipped`);
      } else if (noun) {
        read.warn(12200, 'Connect holds more than one noun; the first counts');
      } else {
        const prepared = known.prepare(child, context);
        read.addWarnings(prepared.warnings);
        if (prepared.ok) noun = prepared.value;
        else read.addWarnings([prepared.error]);
      }
    }
    if (children.length === 0) read.warn(12200, 'Connect holds nothing that could be connected');
    return read.finish({ action: read.url('action'), method: read.method('method', 12200), noun });
  },
  describe: ({ noun }) => noun?.detail ?? 'nothing',
  async run({ action, method, noun }, context, signal) {
    const { control } = context;
    if (!noun) return nextVerb('nothing to connect', false);
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    const { outcome, params, hasFailed } = await noun.run(context, signal);
    if (control.callSignal.aborted || signal.aborted) {
      // twiml.md 4.2 point 5: the application still hears of it; what it answers is ignored.
      const status: [string, string][] = control.callSignal.aborted ? [['CallStatus', 'completed']] : [];
      if (action !== undefined) await context.requestIgnored(action, method, new Map([...params, ...status]));
      return endOfCall(outcome);
    }
    const waited = !hasFailed;
    if (action === undefined) return nextVerb(outcome, waited);
    return { kind: 'redirect', url: action, method, params, purpose: 'action', outcome, waited };
  },
};
