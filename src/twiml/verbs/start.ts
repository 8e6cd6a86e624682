// Start: sets streams, recordings and the like going beside the document, which goes on at once (twiml.md 10). It does not answer a
// call that rings: the next verb decides (twiml.md 16, point 16).

import { AttributeReader, NOT_SUPPORTED } from '../attributes.ts';
import { endOfCall, nextVerb, type Verb } from '../verb.ts';
import { childElements } from '../xml.ts';
import type { PreparedStart } from './startable.ts';
import { startables } from './startables.ts';

export interface Start {
  readonly nouns: readonly PreparedStart[];
}

export const start: Verb<Start> = {
  name: 'Start',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const nouns: PreparedStart[] = [];
    // The vendor's library knows `action` and `method` here; its documentation says nothing of a request.
    for (const child of childElements(element)) {
      const noun = startables.get(child.name);
      if (!noun) {
        read.warn(NOT_SUPPORTED, `${child.name} inside Start is not supported and was skipped`);
        continue;
      }
      const prepared = noun.prepare(child, context);
      read.addWarnings(prepared.warnings);
      if (prepared.ok) nouns.push(prepared.value);
      else read.addWarnings([prepared.error]);
    }
    if (childElements(element).length === 0) read.warn(12200, 'Start holds nothing that could be started');
    return read.finish({ nouns });
  },
  describe: ({ nouns }) => nouns.map(({ detail }) => detail).join(', '),
  async run({ nouns }, context, signal) {
    for (const noun of nouns) {
      await noun.start(context, signal);
      if (signal.aborted) return endOfCall('aborted');
    }
    return nextVerb(nouns.length === 0 ? 'nothing started' : 'started', false);
  },
};
