// Stop: ends what Start has set going, by its name (twiml.md 10).

import { AttributeReader, NOT_SUPPORTED } from '../attributes.ts';
import { nextVerb, type Verb } from '../verb.ts';
import { childElements } from '../xml.ts';
import type { RegisteredStartable } from './startable.ts';
import { startables } from './startables.ts';

export interface Stop {
  readonly nouns: readonly { readonly noun: RegisteredStartable; readonly name: string | undefined }[];
}

export const stop: Verb<Stop> = {
  name: 'Stop',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const nouns: Stop['nouns'][number][] = [];
    for (const child of childElements(element)) {
      const noun = startables.get(child.name);
      if (noun) nouns.push({ noun, name: child.attributes.get('name')?.trim() || undefined });
      else read.warn(NOT_SUPPORTED, `${child.name} inside Stop is not supported and was skipped`);
    }
    if (childElements(element).length === 0) read.warn(12200, 'Stop holds nothing that could be stopped');
    return read.finish({ nouns });
  },
  describe: ({ nouns }) => nouns.map(({ noun, name = '' }) => `${noun.name} ${name}`.trim()).join(', '),
  async run({ nouns }, context) {
    for (const { noun, name } of nouns) {
      if (await noun.stop(name, context)) continue;
      const message = `there is no ${noun.name} ${name === undefined ? 'without a name' : `named ${name}`} to stop`;
      context.notify({ level: 'warning', code: 12200, message });
    }
    return nextVerb('stopped', false);
  },
};
