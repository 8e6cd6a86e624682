// Leave: a call that waits in a queue goes on after its Enqueue (twiml.md 7.4). It means something in the wait document only, where the
// session ends with it.

import { AttributeReader } from '../attributes.ts';
import type { Verb } from '../verb.ts';

export const leave: Verb<null> = {
  name: 'Leave',
  parse: (element, context) => new AttributeReader(element, context).finish(null),
  describe: () => '',
  async run() {
    return { kind: 'leave', outcome: 'left', waited: false };
  },
};
